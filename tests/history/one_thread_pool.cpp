// In this program the pools have no threads: the loop runs each job in a later turn of its own. Files, database, both
// ends of every line and the mailbox then happen in one order, the same in every run, and nobody waits for a thread to
// wake up. Linked in place of daemon/runtime/blocking_pool.cpp.
#include "runtime/blocking_pool.h"

#include "util/may_block.h"

namespace mailmoor::runtime {

BlockingPool::BlockingPool(Loop& loop, std::size_t, std::string) : loop_(loop) {}

BlockingPool::~BlockingPool() {
  while (!queue_.empty())
    work();
}

void BlockingPool::run_detached(std::function<void()> job) {
  auto shared = std::make_shared<Job>();
  shared->function = std::move(job);
  submit(shared);
}

std::size_t BlockingPool::backlog() const {
  return queue_.size();
}

// One turn for each job; one that was abandoned meanwhile leaves nothing to do.
void BlockingPool::submit(const SharedJob& job) {
  queue_.push_back(job);
  loop_.post([this] { work(); });
}

void BlockingPool::abandon(const SharedJob& job) {
  job->waiter = nullptr;
  std::erase(queue_, job);
}

void BlockingPool::work() {
  if (queue_.empty()) return;
  const SharedJob job = std::move(queue_.front());
  queue_.pop_front();
  const bool may_block = std::exchange(detail::thread_may_block, true);
  job->function();
  detail::thread_may_block = may_block;
  job->state = Job::State::kDone;
  if (job->waiter != nullptr) loop_.schedule(*job->waiter);
}

} // namespace mailmoor::runtime
