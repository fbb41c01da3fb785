// What Gmail says of a message over IMAP and no other server does (X-GM-EXT-1): which message of the mailbox it is,
// whatever folder it is met in. https://developers.google.com/gmail/imap/imap-extensions
#pragma once

#include "model/uid.h"
#include "util/strong_int.h"

#include <cstdint>
#include <optional>
#include <string>

namespace mailmoor {

// X-GM-MSGID: all 64 bits are used; the same in each folder, for good.
class GmailId final : public StrongInt<GmailId, std::uint64_t> {
 public:
  [[nodiscard]] static constexpr std::optional<GmailId> from(std::uint64_t value) noexcept {
    return value == 0 ? std::nullopt : std::optional(GmailId(value));
  }

 private:
  constexpr explicit GmailId(std::uint64_t value) noexcept : StrongInt(value) {}
};

// A message in a folder.
struct GmailMessage {
  Uid uid;
  GmailId id;
  friend bool operator==(const GmailMessage&, const GmailMessage&) = default;
};

// Where a message is recorded to be.
struct GmailCopy {
  GmailId id;
  std::string folder; // as on the wire
  UidValidity validity;
  Uid uid;
  friend bool operator==(const GmailCopy&, const GmailCopy&) = default;
};

} // namespace mailmoor
