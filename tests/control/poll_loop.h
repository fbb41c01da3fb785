// A LoopPort on poll(2) for tests: the calling thread is the loop.
#pragma once

#include "control/loop_port.h"

#include <poll.h>

#include <algorithm>
#include <chrono>
#include <functional>
#include <list>
#include <vector>

namespace mailmoor::control {

class PollLoop final : public LoopPort {
 public:
  using Clock = std::chrono::steady_clock;

  std::unique_ptr<Handle> watch_readable(int fd, std::function<void()> ready) override {
    return std::make_unique<Registration>(*this, Entry{fd, {}, std::move(ready)});
  }

  std::unique_ptr<Handle> call_after(std::chrono::milliseconds delay, std::function<void()> due) override {
    return std::make_unique<Registration>(*this, Entry{-1, Clock::now() + delay, std::move(due)});
  }

  // Runs until `is_done` holds; false when that takes longer than 10 seconds.
  bool run_until(const std::function<bool()>& is_done) {
    const auto deadline = Clock::now() + std::chrono::seconds(10);
    while (!is_done()) {
      if (Clock::now() > deadline) return false;
      turn();
    }
    return true;
  }

  [[nodiscard]] std::size_t size() const { return entries_.size(); }
  [[nodiscard]] std::size_t turns() const { return turns_; }

 private:
  struct Entry {
    int fd = -1; // -1: a timer
    Clock::time_point due;
    std::function<void()> call;
  };

  class Registration final : public Handle {
   public:
    Registration(PollLoop& loop, Entry entry)
        : loop_(loop), place_(loop.entries_.insert(loop.entries_.end(), std::move(entry))) {}
    ~Registration() override { loop_.entries_.erase(place_); }
    Registration(const Registration&) = delete;
    Registration& operator=(const Registration&) = delete;

   private:
    PollLoop& loop_;
    std::list<Entry>::iterator place_;
  };

  void turn() {
    ++turns_;
    std::vector<pollfd> fds;
    std::vector<const Entry*> watched;
    for (const Entry& entry : entries_) {
      if (entry.fd < 0) continue;
      fds.push_back({entry.fd, POLLIN, 0});
      watched.push_back(&entry);
    }
    ::poll(fds.data(), fds.size(), 5);
    for (std::size_t i = 0; i < fds.size(); ++i)
      if (fds[i].revents != 0) call_if_there(watched[i]);
    std::vector<const Entry*> timers;
    for (const Entry& entry : entries_)
      if (entry.fd < 0 && entry.due <= Clock::now()) timers.push_back(&entry);
    for (const Entry* const timer : timers)
      call_if_there(timer);
  }

  // A call before may have taken the entry away. Timers fire once.
  void call_if_there(const Entry* wanted) {
    const auto place = std::ranges::find_if(entries_, [wanted](const Entry& entry) { return &entry == wanted; });
    if (place == entries_.end()) return;
    const std::function<void()> call = place->call; // a copy: it may destroy its own handle
    if (place->fd < 0) place->due = Clock::time_point::max();
    call();
  }

  std::list<Entry> entries_;
  std::size_t turns_ = 0;
};

} // namespace mailmoor::control
