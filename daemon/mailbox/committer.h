// Makes what all mailboxes have received durable: the batches that wait at one moment share a sync, those of one file
// system with each other. Disks are slow to begin a sync and quick to do more in it.
//
// One lane a file system, one group under way in each; a folder without a reliable syncfs has a lane of its own, so
// that a slow disk holds up nobody else (P7). Batches of a folder are reported in the order in which they were given.
// Built once by main; outlives all mailboxes. Loop thread only.
#pragma once

#include "maildir/group_commit.h"
#include "runtime/blocking_pool.h"
#include "runtime/run_task.h"
#include "runtime/task.h"

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <vector>

namespace mailmoor::mailbox {

class Committer final {
 public:
  Committer(runtime::BlockingPool& files_pool, maildir::FileOps& files) : files_pool_(files_pool), files_(files) {}
  Committer(const Committer&) = delete;
  Committer& operator=(const Committer&) = delete;
  ~Committer(); // what waits is unlinked in the pool

  // shared_ptr: who writes to the folder, and the batches of it that wait here.
  using SharedFolder = std::shared_ptr<maildir::FolderDelivery>;
  // `done` is called once, or never if this object goes first.
  void commit(SharedFolder folder, std::vector<maildir::StagedMessage> messages,
              std::function<void(maildir::CommitReport)> done);

 private:
  struct Entry {
    SharedFolder folder;
    std::vector<maildir::StagedMessage> messages;
    std::function<void(maildir::CommitReport)> done;
  };
  struct Lane {
    explicit Lane(maildir::FileOps& files) : group(files) {}
    std::deque<Entry> waiting;
    std::deque<Entry> reported_next;             // in `group`, without their messages
    std::vector<maildir::FolderBatch> under_way; // of the pool's job, as is the group
    maildir::GroupCommit group;
    runtime::TaskRunner<void> worker;
  };
  [[nodiscard]] runtime::Task<void> work(Lane& lane);

  runtime::BlockingPool& files_pool_;
  maildir::FileOps& files_;
  std::map<const void*, std::unique_ptr<Lane>> lanes_; // by FolderDelivery::group()
};

} // namespace mailmoor::mailbox
