// Compares what the server has of a folder with what is here: the judgement of `verify`. Pure functions.
//
// Sizes: a file is damaged when it has not the size that its own name carries since it was delivered. Against the
// server's RFC822.SIZE only a file can be doubtful: some servers compute that number wrongly (Exchange), and with
// `line_endings: lf` each LF may stand for CRLF or for a bare LF of the original.
// Flags: a file that differs from the server is right when a reader changed it since the two were brought to agree; it
// is wrong when the server's change is not in it.
#pragma once

#include "model/content_hash.h"
#include "model/flag_map.h"
#include "model/uid_set.h"
#include "model/verification.h"
#include "sync/planner.h"

#include <cstdint>
#include <optional>
#include <vector>

namespace mailmoor::sync {

struct ServerMessage {
  Uid uid;
  FlagLetters flags;
  std::optional<std::uint32_t> size; // RFC822.SIZE, octets; empty: not told
};

struct LocalMessage {
  Uid uid;
  FlagLetters flags;
  std::uint64_t size = 0;
  std::uint64_t newlines = 0;
  std::optional<std::uint64_t> claimed; // by the file's name
  std::optional<ContentHash> hash;
  bool is_readable = true;
};

// Collected in any order, repeated ones included; sort() before use.
class ServerListing final {
 public:
  // The last word on a UID counts.
  void add(const ServerMessage& message) { rows_.push_back(message); }
  void sort();
  [[nodiscard]] const std::vector<ServerMessage>& rows() const noexcept { return rows_; } // ascending after sort()
  [[nodiscard]] UidSet uids() const;
  [[nodiscard]] std::size_t size() const noexcept { return rows_.size(); }
  void remove(const UidSet& uids);

 private:
  std::vector<ServerMessage> rows_;
};

class LocalListing final {
 public:
  // Replaces what was known of these UIDs: `seen` is all that is there of `uids` now.
  void replace(const UidSet& uids, std::vector<LocalMessage> seen);
  void add(const LocalMessage& message) { rows_.push_back(message); }
  void sort();
  [[nodiscard]] const std::vector<LocalMessage>& rows() const noexcept { return rows_; } // ascending after sort()
  [[nodiscard]] const LocalMessage* find(Uid uid) const;                                 // after sort()
  [[nodiscard]] UidSet uids() const;

 private:
  std::vector<LocalMessage> rows_;
};

// Besides the two listings.
struct ComparisonFacts {
  UidSet known;    // delivered once, by the record
  UidSet poison;   // asked for and not given, by the record
  UidSet left_out; // by the mailbox's filters
  FlagMap base;    // the flags that were last brought to agree
  bool compares_flags = true;
  bool is_crlf = false; // the files have the octets that the server sent
  UidSet wrong_content; // by their hashes
  UidSet not_given;
};

// Everything but the texts and what only the owner knows (server_messages, strangers…). REQUIRES: both sorted.
[[nodiscard]] FolderFindings compare(const ServerListing& server, const LocalListing& here,
                                     const ComparisonFacts& facts);

// Files whose octets are not those of the message: to be moved away and fetched again.
[[nodiscard]] UidSet damaged(const FolderFindings& findings);

} // namespace mailmoor::sync
