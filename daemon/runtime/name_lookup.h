// Looks a host name up by the C library's resolver, on libuv's own threads. Loop thread only.
//   const NameLookup::Answer answer = co_await NameLookup(loop, host);
// The resolver has its own time limit (resolv.conf(5)); who gives up earlier destroys the awaitable.
#pragma once

#include "runtime/loop.h"

#include <coroutine>
#include <string>
#include <vector>

namespace mailmoor::runtime {

class [[nodiscard]] NameLookup final {
 public:
  struct Answer {
    std::vector<std::string> addresses; // in the resolver's order, each once, without ports
    std::string error;                  // why there are none, e.g. "unknown node or service"
  };

  NameLookup(Loop& loop, std::string host) : loop_(loop), host_(std::move(host)) {}
  NameLookup(const NameLookup&) = delete;
  NameLookup& operator=(const NameLookup&) = delete;
  ~NameLookup();

  [[nodiscard]] bool await_ready() const noexcept { return false; }
  void await_suspend(std::coroutine_handle<> handle);
  [[nodiscard]] Answer await_resume() { return std::move(answer_); }

 private:
  struct Request; // on the heap: it outlives a lookup that was given up

  Loop& loop_;
  std::string host_;
  Request* request_ = nullptr; // under way
  Answer answer_;
  Wakeup wakeup_;
};

} // namespace mailmoor::runtime
