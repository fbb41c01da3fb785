#include "runtime/blocking_pool.h"

#include <algorithm>
#include <pthread.h>
#include <signal.h>

namespace mailmoor::runtime {

BlockingPool::BlockingPool(Loop& loop, std::size_t threads, std::string name) : loop_(loop) {
  // Signals belong to the loop thread: the pool's threads inherit a full mask.
  sigset_t all{};
  sigset_t before{};
  sigfillset(&all);
  pthread_sigmask(SIG_BLOCK, &all, &before);
  for (std::size_t i = 0; i < threads; ++i) {
    threads_.emplace_back([this] { work(); });
    pthread_setname_np(threads_.back().native_handle(), name.substr(0, 15).c_str());
  }
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
}

BlockingPool::~BlockingPool() {
  {
    const std::scoped_lock lock(mutex_);
    closing_ = true;
  }
  available_.notify_all();
  for (std::thread& thread : threads_)
    thread.join();
}

void BlockingPool::run_detached(std::function<void()> job) {
  auto shared = std::make_shared<Job>();
  shared->function = std::move(job);
  shared->is_detached = true;
  submit(shared);
}

std::size_t BlockingPool::backlog() const {
  const std::scoped_lock lock(mutex_);
  return queue_.size() + running_;
}

void BlockingPool::submit(const SharedJob& job) {
  {
    const std::scoped_lock lock(mutex_);
    queue_.push_back(job);
  }
  available_.notify_one();
}

void BlockingPool::abandon(const SharedJob& job) {
  job->waiter = nullptr;
  std::unique_lock lock(mutex_);
  if (job->state == Job::State::kQueued) {
    std::erase(queue_, job);
    job->state = Job::State::kDone;
    return;
  }
  finished_.wait(lock, [&job] { return job->state == Job::State::kDone; });
}

void BlockingPool::work() {
  std::unique_lock lock(mutex_);
  while (true) {
    available_.wait(lock, [this] { return closing_ || !queue_.empty(); });
    if (queue_.empty()) return;
    SharedJob job = std::move(queue_.front());
    queue_.pop_front();
    job->state = Job::State::kRunning;
    ++running_;
    lock.unlock();
    job->function();
    lock.lock();
    job->state = Job::State::kDone;
    --running_;
    lock.unlock();
    finished_.notify_all();
    if (job->is_detached) {
      job.reset();
    } else {
      // The loop looks at the waiter: it may have been abandoned by then.
      loop_.post([&loop = loop_, done = std::move(job)] {
        if (done->waiter != nullptr) loop.schedule(*done->waiter);
      });
    }
    lock.lock();
  }
}

} // namespace mailmoor::runtime
