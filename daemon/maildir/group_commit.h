// Durability in groups: messages of several folders of one file system reach stable storage by one sync.
//
//   advance(A)   bytes of A durable, A renamed
//   advance(B)   bytes of B and names of A durable, B renamed; reports A
//   settle()     names of B durable; reports B
//
// So a stream of groups costs one sync each. A message is reported when its bytes and its name are on stable storage,
// not before (P1). Blocking: pool threads, one at a time.
#pragma once

#include "maildir/delivery.h"
#include "maildir/file_ops.h"

#include <memory>
#include <string>
#include <vector>

namespace mailmoor::maildir {

struct FolderBatch {
  FolderDelivery* folder; // outlives the report
  std::vector<StagedMessage> messages;
};

class GroupCommit final {
 public:
  explicit GroupCommit(FileOps& ops) noexcept : ops_(ops) {}

  // One report a batch, in the order of the batches, and those of the groups before: see above. REQUIRES: all folders,
  // those of the group before included, share one SyncPoint or have none.
  [[nodiscard]] std::vector<CommitReport> advance_blocking(std::vector<FolderBatch> group);
  [[nodiscard]] std::vector<CommitReport> settle_blocking();

 private:
  // A batch that was renamed, and is not reported yet.
  struct Renamed {
    CommitReport report;
    std::vector<std::string> directories; // with names that may not be durable
  };
  [[nodiscard]] std::vector<CommitReport> take_reports(const Status& names_are_durable);
  [[nodiscard]] Status make_durable_blocking(const FolderBatch& batch, bool by_file_system);

  FileOps& ops_;
  std::shared_ptr<SyncPoint> sync_point_; // as of FolderDelivery
  std::vector<Renamed> renamed_;
};

} // namespace mailmoor::maildir
