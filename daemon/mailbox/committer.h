// Makes what all mailboxes have received durable: batches share a sync, those of one file system with each other. Disks
// are slow to begin a sync and quick to do more in it, so a few messages wait some milliseconds for company: fewer
// while somebody can do nothing else than wait for them.
//
// One lane a file system, one group under way in each; a folder without a reliable syncfs has a lane of its own, so
// that a slow disk holds up nobody else (P7). Batches of a folder are reported in the order in which they were given.
// Built once by main; outlives all mailboxes. Loop thread only.
#pragma once

#include "maildir/group_commit.h"
#include "runtime/blocking_pool.h"
#include "runtime/run_task.h"
#include "runtime/task.h"
#include "runtime/wait.h"

#include <cstddef>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <vector>

namespace mailmoor::mailbox {

class Committer final {
 public:
  Committer(runtime::Loop& loop, runtime::BlockingPool& files_pool, maildir::FileOps& files)
      : loop_(loop), files_pool_(files_pool), files_(files) {}
  Committer(const Committer&) = delete;
  Committer& operator=(const Committer&) = delete;
  ~Committer(); // what waits is unlinked in the pool

  // shared_ptr: who writes to the folder, and the batches of it that wait here.
  using SharedFolder = std::shared_ptr<maildir::FolderDelivery>;
  // `done` is called once, or never if this object goes first.
  void commit(SharedFolder folder, std::vector<maildir::StagedMessage> messages,
              std::function<void(maildir::CommitReport)> done);

  // Held by who waits for reports and has nothing else to do.
  class Hurry final {
   public:
    explicit Hurry(Committer& committer) noexcept : committer_(committer) { committer_.hurry(1); }
    Hurry(const Hurry&) = delete;
    Hurry& operator=(const Hurry&) = delete;
    ~Hurry() { committer_.hurry(-1); }

   private:
    Committer& committer_;
  };

 private:
  struct Entry {
    SharedFolder folder;
    std::vector<maildir::StagedMessage> messages;
    std::function<void(maildir::CommitReport)> done;
    runtime::MonoTime since;
  };
  struct Lane {
    Lane(runtime::Loop& loop, maildir::FileOps& files) : changed(loop), group(files) {}
    std::deque<Entry> waiting;
    std::size_t messages = 0;                    // in `waiting`
    runtime::Event changed;                      // what gather() waits for
    std::deque<Entry> reported_next;             // in `group`, without their messages
    std::vector<maildir::FolderBatch> under_way; // of the pool's job, as is the group
    maildir::GroupCommit group;
    runtime::TaskRunner<void> worker;
  };
  [[nodiscard]] runtime::Task<void> work(Lane& lane);
  [[nodiscard]] runtime::Task<void> gather(Lane& lane);
  [[nodiscard]] static std::deque<Entry> take_group(Lane& lane);
  void hurry(int change) noexcept;

  runtime::Loop& loop_;
  runtime::BlockingPool& files_pool_;
  maildir::FileOps& files_;
  int hurries_ = 0;
  std::map<const void*, std::unique_ptr<Lane>> lanes_; // by FolderDelivery::group()
};

} // namespace mailmoor::mailbox
