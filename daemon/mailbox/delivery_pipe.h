// From the wire to the disk: collects what a FETCH gives and hands it to the pool in pieces, one at a time, while the
// next is being collected; whole batches go on to the Committer, while the next is being written. What is held in
// memory is bounded: the owner waits in make_room() when the disk is slower. How many batches wait for their commit is
// the owner's to bound.
// Owned by one folder's sync. Loop thread; the pool does what blocks.
#pragma once

#include "mailbox/services.h"
#include "maildir/delivery.h"
#include "model/uid_set.h"
#include "runtime/run_task.h"
#include "runtime/task.h"
#include "runtime/wait.h"

#include <cstddef>
#include <deque>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace mailmoor::mailbox {

class DeliveryPipe final {
 public:
  DeliveryPipe(const Services& services, maildir::FolderDelivery folder);
  DeliveryPipe(const DeliveryPipe&) = delete;
  DeliveryPipe& operator=(const DeliveryPipe&) = delete;
  ~DeliveryPipe(); // from here on nothing is delivered any more; what is in tmp/ is unlinked in the pool

  // One message: begin(), append()…, then finish() or drop(). None of these waits.
  void begin();
  void append(std::span<const std::byte> bytes);
  void finish(maildir::MessageIdentity identity);
  void drop();
  // All messages finished since the last end_batch() become durable and are reported as one, in the order of batches.
  void end_batch();

  // For who puts messages there on another way. REQUIRES: nothing was begun, or drain() has returned.
  [[nodiscard]] const Committer::SharedFolder& folder() const noexcept { return folder_; }

  // Waits until there is room for more; call it after each piece of input.
  [[nodiscard]] runtime::Task<void> make_room();
  // Waits until every batch is reported.
  [[nodiscard]] runtime::Task<void> drain();
  // Waits until one more batch is reported than before, or all are.
  [[nodiscard]] runtime::Task<void> wait_for_report();
  // The oldest batch that is done and not taken yet.
  [[nodiscard]] std::optional<maildir::CommitReport> take_report();

 private:
  struct Step {
    enum class Kind { kBegin, kBytes, kFinish, kDrop, kEndBatch } kind;
    std::size_t size = 0; // kBytes: how many of Piece::bytes
    std::optional<maildir::MessageIdentity> identity;
  };
  struct Piece {
    std::string bytes;
    std::vector<Step> steps;
  };
  // What the pool works on; never touched by the loop thread while a job runs.
  struct Workbench;
  // Messages that are written and go to the Committer together.
  struct Part;
  // What the Committer answers to.
  struct Outcome;

  void hand_over();
  [[nodiscard]] runtime::Task<void> work();
  void commit(Part part);
  [[nodiscard]] runtime::Task<bool> advance();

  void let_go_of_memory();

  const Services& services_;
  PieceBudget::Share share_;
  Piece filling_;
  Piece in_work_;
  Committer::SharedFolder folder_;
  std::shared_ptr<Outcome> outcome_; // the Committer holds it weakly: it may answer when the pipe is gone
  // shared_ptr: the pipe and the job that takes it down in the pool.
  std::shared_ptr<Workbench> bench_;
  runtime::Event at_rest_; // no job is running
  runtime::TaskRunner<void> worker_;
};

} // namespace mailmoor::mailbox
