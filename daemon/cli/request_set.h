// Requests to the daemon that run at the same time, beside descriptors that are watched. Blocks the calling thread;
// mailmoorctl has only one.
#pragma once

#include "cli/daemon_client.h"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

namespace mailmoor::cli {

class RequestSet final {
 public:
  using Id = std::uint64_t;

  // At most `window` of them run at once; the others wait in the order in which they came.
  RequestSet(std::string socket_path, std::size_t window);
  RequestSet(const RequestSet&) = delete;
  RequestSet& operator=(const RequestSet&) = delete;
  // Those that still run are broken off: the daemon sees their client go away.
  ~RequestSet();

  // A POST. Its callbacks come from advance(), and may call everything here but advance().
  Id add(DaemonClient::Request request);
  // Breaks one off, or takes it out of the queue. Its callbacks are not called any more.
  void drop(Id id);
  // Calls `ready` from advance() while `fd` is readable or at its end. One watch for each descriptor.
  void watch(int fd, std::function<void()> ready) { watches_[fd] = std::move(ready); }
  // Also from inside its own callback.
  void forget(int fd) { watches_.erase(fd); }

  [[nodiscard]] bool is_empty() const noexcept { return waiting_.empty() && running_.empty(); }
  // Waits for something to happen, and reports it. Returns without anything after `at_most`.
  void advance(std::chrono::milliseconds at_most);

 private:
  class Library; // libcurl's side
  struct Running;

  void start_waiting();
  void remove_dropped();
  void wait(std::chrono::milliseconds at_most);

  std::string socket_path_;
  std::size_t window_;
  Id last_id_ = 0;
  std::map<Id, DaemonClient::Request> waiting_; // in the order in which they came
  std::unique_ptr<Library> library_;
  std::map<Id, std::unique_ptr<Running>> running_;
  std::map<int, std::function<void()>> watches_;
};

} // namespace mailmoor::cli
