// A set of running tasks without results: spawn() and forget. Destroying the set cancels all of them.
#pragma once

#include "runtime/loop.h"
#include "runtime/run_task.h"

#include <cstddef>
#include <functional>
#include <list>
#include <utility>

namespace mailmoor::runtime {

// Loop thread only. Finished tasks are released in a later turn of the loop.
class TaskSet final {
 public:
  explicit TaskSet(Loop& loop) : loop_(loop), reap_([this] { reap(); }) {}
  TaskSet(const TaskSet&) = delete;
  TaskSet& operator=(const TaskSet&) = delete;
  ~TaskSet() = default;

  // Starts `task` now, up to its first suspension.
  void spawn(Task<void> task) {
    auto& entry = tasks_.emplace_back();
    entry.runner.start(std::move(task), [this, &entry] {
      entry.finished = true;
      loop_.schedule(reap_);
    });
  }
  // Not to be called by a task of this set: a coroutine cannot destroy itself.
  void cancel_all() noexcept { tasks_.clear(); }
  // Called in the turn in which the last task was released; may spawn, or destroy the set.
  void on_empty(std::function<void()> function) { on_empty_ = std::move(function); }
  [[nodiscard]] bool empty() const noexcept { return tasks_.empty(); }

 private:
  struct Entry {
    TaskRunner<void> runner;
    bool finished = false;
  };

  void reap() {
    tasks_.remove_if([](const Entry& entry) { return entry.finished; });
    if (!tasks_.empty()) return;
    const auto function = on_empty_; // the callee may destroy this object
    if (function) function();
  }

  Loop& loop_;
  std::list<Entry> tasks_;
  Wakeup reap_;
  std::function<void()> on_empty_;
};

} // namespace mailmoor::runtime
