// After a server has numbered a folder anew: finds out which of its messages the files here are, and gives them their
// new names, so that only what is new is fetched. Nothing is recorded and nothing is deleted: a pass that ends on the
// way is done again, and finds what was renamed by its new name.
// Lives for one pass of FolderSync, on its connection, with the folder open. Loop thread; the pool does what blocks.
#pragma once

#include "mailbox/connection.h"
#include "mailbox/folder_record.h"
#include "mailbox/services.h"
#include "maildir/relink.h"
#include "model/uid_set.h"
#include "runtime/task.h"
#include "sync/rematch.h"

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace mailmoor::mailbox {

class FolderRematch final {
 public:
  struct Renumbered {
    UidValidity old_validity;
    Uid old_uid;
    Uid uid;
  };
  struct Outcome {
    std::vector<Renumbered> renumbered; // renamed and durable
    bool is_over = true;                // false: left because should_leave() said so
    std::optional<std::string> refused; // the server would not tell what is needed: why
  };

  // `should_leave` as for FolderSync; `alive` is called after each step.
  FolderRematch(const Services& services, Connection& connection, maildir::FolderPlace place,
                std::function<bool()> should_leave, std::function<void()> alive);
  FolderRematch(const FolderRematch&) = delete;
  FolderRematch& operator=(const FolderRematch&) = delete;

  // `present`: UIDs of `validity` that have a file. Errors: the connection's, or the disk's.
  [[nodiscard]] runtime::Task<Result<Outcome>> run(UidValidity validity, UidSet present);

 private:
  enum class Step { kDone, kLeave, kRefused };

  [[nodiscard]] runtime::Task<Result<Step>> read_files();
  [[nodiscard]] runtime::Task<Result<Step>> ask_identities(const UidSet& present);
  [[nodiscard]] runtime::Task<Result<Step>> answer_questions();
  [[nodiscard]] runtime::Task<Result<Step>> digest_messages(const UidSet& uids);
  [[nodiscard]] runtime::Task<Result<Step>> digest_files(std::vector<std::size_t> files);
  [[nodiscard]] runtime::Task<Status> relink(UidValidity validity, Outcome& outcome);
  [[nodiscard]] runtime::Task<Result<Step>> complete(imap::CommandId id, Connection::Listener listener);

  const Services& services_;
  Connection& connection_;
  maildir::FolderPlace place_;
  std::function<bool()> should_leave_;
  std::function<void()> alive_;
  std::string refusal_;

  std::vector<maildir::Stranger> strangers_;
  std::vector<std::size_t> stranger_of_; // position in on_disk_ → in strangers_
  std::vector<sync::MessageOnDisk> on_disk_;
  std::vector<sync::MessageOnServer> on_server_;
  sync::Matching matching_;
  std::map<std::uint32_t, std::string> server_digests_; // by UID
  std::map<std::size_t, std::string> disk_digests_;     // by position in on_disk_
};

} // namespace mailmoor::mailbox
