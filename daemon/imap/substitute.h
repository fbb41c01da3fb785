// The mail that Exchange hands out instead of a message that it cannot convert: a server's excuse, not the message.
// Pure.
#pragma once

#include <cstddef>
#include <string_view>

namespace mailmoor::imap {

// So much of a message tells; those that were seen have less than 1 KB in all.
inline constexpr std::size_t kSubstituteHead = 4096;

// Whether a server with this greeting makes such substitutes. Elsewhere one is a message: somebody copied it there.
[[nodiscard]] bool makes_substitutes(std::string_view greeting);

// `head`: the first kSubstituteHead octets of the message, or all of it. Only the shape that was seen (Exchange 2010
// and Online; OfflineIMAP/offlineimap#62, 2016, calcom/cal.diy#2429, 2022):
//   From: Microsoft Exchange Server 2010
//   Subject: Retrieval using the IMAP4 protocol failed for the following message: 20004
//
//   The server couldn't retrieve the following message:
// without Message-ID and Received, which a copy that was sent by mail has.
[[nodiscard]] bool is_substitute(std::string_view head);

} // namespace mailmoor::imap
