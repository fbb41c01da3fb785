// Follows folders that the server has renamed: which of those that it lists for the first time are which of those that
// it lists no more, told by their messages (sync/renames.h). Asks only when there are both.
// Lives for one listing. Loop thread; the pool does what blocks.
#pragma once

#include "mailbox/connection.h"
#include "mailbox/folder_record.h"
#include "mailbox/services.h"
#include "runtime/task.h"
#include "sync/renames.h"

#include <functional>
#include <map>
#include <string>
#include <vector>

namespace mailmoor::mailbox {

class FolderFollow final {
 public:
  // `states`: what LIST-STATUS told, by wire name. Each folder of `gone` has its old place, each of `fresh` its new
  // one.
  FolderFollow(const Services& services, Connection& connection, const std::map<std::string, FolderState>& states,
               std::vector<const Folder*> gone, std::vector<const Folder*> fresh, std::function<void()> alive);
  FolderFollow(const FolderFollow&) = delete;
  FolderFollow& operator=(const FolderFollow&) = delete;

  // Changes nothing. Errors: the connection's, or the disk's.
  [[nodiscard]] runtime::Task<Result<sync::Renames>> run();

 private:
  using Sample = std::vector<sync::SampledFile>;

  [[nodiscard]] runtime::Task<Result<FolderState>> state_of(const Folder& folder);
  [[nodiscard]] runtime::Task<Status> look_at(const Folder& folder);
  [[nodiscard]] runtime::Task<Status> take_sample(const Folder& gone, const Folder& fresh);
  [[nodiscard]] runtime::Task<Result<std::vector<sync::MessageOnServer>>> summaries(const Folder& folder,
                                                                                    const UidSet& uids);

  const Services& services_;
  Connection& connection_;
  const std::map<std::string, FolderState>& states_;
  std::vector<const Folder*> gone_, fresh_;
  std::function<void()> alive_;
  std::map<const Folder*, Sample> samples_; // of those in gone_ that were looked at
  sync::NamePairs fitting_;
};

} // namespace mailmoor::mailbox
