// What `verify` is asked and what it answers: a copy against its server, folder by folder. The words that the mailbox,
// the control API and mailmoorctl share. Plain values; texts are UTF-8.
#pragma once

#include "model/uid_set.h"
#include "util/result.h"

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

namespace mailmoor {

struct VerifyRequest {
  bool deep = false;          // compare contents, too
  bool repair = false;        // fetch what is missing, replace what is damaged
  bool fetch_removed = false; // with `repair`: also what is known and has no file any more
};

// What is being done now, for who waits.
struct VerifyProgress {
  enum class Phase { kListing, kReading, kComparing, kRepairing };
  std::string folder;
  Phase phase = Phase::kListing;
  std::uint64_t done = 0; // messages
  std::uint64_t total = 0;
};

struct SizeDifference {
  std::uint32_t uid = 0;
  std::uint64_t here = 0;     // octets of the file
  std::uint64_t expected = 0; // octets that there should be
  friend bool operator==(const SizeDifference&, const SizeDifference&) = default;
};

// Maildir letters, in ASCII order.
struct FlagDifference {
  std::uint32_t uid = 0;
  std::string server;
  std::string here;
  friend bool operator==(const FlagDifference&, const FlagDifference&) = default;
};

struct FolderFindings {
  std::string folder;
  std::string failed;                // why the folder could not be compared; the rest is then nothing
  std::uint64_t server_messages = 0; // that it says it has
  std::uint64_t here = 0;            // messages of it that have a file

  // Gaps: the copy is not what it is to be.
  std::uint64_t unlisted = 0;              // announced by the server, not listed
  UidSet missing;                          // never delivered
  UidSet removed_here;                     // delivered once; no file any more
  UidSet poison;                           // the server did not give them so far
  UidSet unreadable;                       // the file is there and cannot be read
  std::vector<SizeDifference> wrong_size;  // `expected`: what the file was delivered with, or what the server says
  UidSet wrong_content;                    // another SHA-256 than the server's
  UidSet not_given;                        // could not be compared: the server did not give it
  std::vector<FlagDifference> wrong_flags; // the server's change is not in the name of the file

  // What an operator may want to know, and no gap.
  UidSet left_out;                          // by the mailbox's filters
  std::vector<FlagDifference> changed_here; // by a reader: kept, as it shall be
  std::vector<SizeDifference> size_differs; // the file is as it was delivered; the server names another size
  UidSet not_on_server;                     // have a file; deleted on the server since, or held
  std::vector<std::string> strangers;       // files that are no message of this folder, by name; not all when many
  std::uint64_t stranger_count = 0;
  std::uint64_t contents_compared = 0;
  UidSet repaired;

  [[nodiscard]] bool is_complete() const {
    return failed.empty() && unlisted == 0 && missing.empty() && removed_here.empty() && poison.empty() &&
           unreadable.empty() && wrong_size.empty() && wrong_content.empty() && not_given.empty() &&
           wrong_flags.empty();
  }
};

// The end of it.
struct VerifySummary {
  std::uint64_t folders = 0;
  std::uint64_t incomplete = 0; // of these
  std::uint64_t server_messages = 0;
  std::uint64_t here = 0;
  std::vector<std::string> not_chosen; // folders of the server that are not mirrored, by the configuration

  void add(const FolderFindings& findings) {
    ++folders;
    if (!findings.is_complete()) ++incomplete;
    server_messages += findings.server_messages;
    here += findings.here;
  }
};

// Called on the loop thread, never from inside the call that gave it.
struct VerificationListener {
  std::function<void(const VerifyProgress&)> on_progress;
  std::function<void(const FolderFindings&)> on_folder; // once for each chosen folder
  std::function<void(Result<VerifySummary>)> on_end;    // once; an error: it was broken off
};

} // namespace mailmoor
