// Which files that are here already are which of a server's messages, after it has numbered them anew: its UIDVALIDITY
// changed, or the mailbox moved to another server. Pure functions.
//
//   Matching matching = match(on_server, on_disk);        // by Message-ID, INTERNALDATE and size
//   for (Question& question : matching.questions)          // where these do not tell: by content
//     append(matching.pairs, settle(question, on_server, on_disk, digests of its messages, digests of its files));
//
// A match is certain or it is none: what is not matched is fetched, and nothing is deleted here.
//
//  1. Message-ID, INTERNALDATE and size are equal, and on each side no other message has all three: a pair.
//  2. Message-ID and INTERNALDATE are equal and no other message has both, and the sizes are close: a pair. Exchange
//     estimates RFC822.SIZE, and the size of a file as the server counts it is not known exactly when it has bare CRs
//     or LFs.
//  3. Otherwise messages that share a Message-ID, or that have none and share the size, or nearly, and the date, are
//     compared by content.
#pragma once

#include "model/uid.h"
#include "util/time_text.h"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace mailmoor::sync {

struct MessageOnServer {
  Uid uid;
  std::optional<UnixTime> date;      // INTERNALDATE; empty: the server has none
  std::optional<std::uint64_t> size; // RFC822.SIZE, octets with CRLF
  std::uint64_t message_id = 0;      // MessageIdScanner::fingerprint(); 0: none
};

struct MessageOnDisk {
  UnixTime date;                // in the file's name: INTERNALDATE when it came
  std::uint64_t size = 0;       // octets with CRLF
  std::uint64_t message_id = 0; // as above
};

// Both are positions in the lists given to match().
struct Pair {
  std::size_t on_server = 0;
  std::size_t on_disk = 0;

  friend bool operator==(const Pair&, const Pair&) = default;
};

// Only the contents tell which of these is which, if any is.
struct Question {
  std::vector<std::size_t> on_server, on_disk; // neither is empty

  friend bool operator==(const Question&, const Question&) = default;
};

// No message and no file is in more than one pair or question.
struct Matching {
  std::vector<Pair> pairs;
  std::vector<Question> questions;
};

[[nodiscard]] Matching match(std::span<const MessageOnServer> on_server, std::span<const MessageOnDisk> on_disk);

// Two sizes of one message, one of them estimated: they differ by a tenth or 1,024 octets at most.
[[nodiscard]] constexpr bool are_close(std::uint64_t a, std::uint64_t b) noexcept {
  const std::uint64_t larger = a > b ? a : b;
  const std::uint64_t apart = larger - (a > b ? b : a);
  return apart <= 1024 || apart <= larger / 10;
}

// Digests in the order of the question's lists; empty: the message did not come, or the file is gone. Equal messages
// are paired one to one, those of equal dates first.
[[nodiscard]] std::vector<Pair> settle(const Question& question, std::span<const MessageOnServer> on_server,
                                       std::span<const MessageOnDisk> on_disk,
                                       std::span<const std::string> server_digests,
                                       std::span<const std::string> disk_digests);

} // namespace mailmoor::sync
