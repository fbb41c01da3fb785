#include "cli/request_set.h"

#include "cli/transfer.h"

#include <curl/curl.h>

#include <algorithm>
#include <utility>

namespace mailmoor::cli {

class RequestSet::Library final {
 public:
  Library() : multi_(curl_multi_init()) {}
  Library(const Library&) = delete;
  Library& operator=(const Library&) = delete;
  ~Library() { curl_multi_cleanup(multi_); }

  [[nodiscard]] CURLM* multi() const noexcept { return multi_; }

 private:
  CURLM* multi_;
};

struct RequestSet::Running {
  Running(DaemonClient::Request request_in, const std::string& socket_path, CURLM* multi_in)
      : request(std::move(request_in)), multi(multi_in), transfer(socket_path, request.path, line_taker()) {
    transfer.use_post(request.body.reveal());
    curl_multi_add_handle(multi, transfer.handle());
  }
  Running(const Running&) = delete;
  Running& operator=(const Running&) = delete;
  ~Running() { curl_multi_remove_handle(multi, transfer.handle()); }

  [[nodiscard]] std::function<void(std::string_view)> line_taker() {
    if (!request.on_line) return nullptr;
    return [this](std::string_view line) {
      if (!is_dropped) request.on_line(line);
    };
  }

  DaemonClient::Request request;
  CURLM* multi;
  Transfer transfer;
  bool is_dropped = false; // goes with the next step: libcurl does not let it go from inside a callback
};

RequestSet::RequestSet(std::string socket_path, std::size_t window)
    : socket_path_(std::move(socket_path)), window_(window), library_(std::make_unique<Library>()) {}

RequestSet::~RequestSet() = default;

RequestSet::Id RequestSet::add(DaemonClient::Request request) {
  waiting_.emplace(++last_id_, std::move(request));
  return last_id_;
}

void RequestSet::drop(Id id) {
  waiting_.erase(id);
  if (const auto running = running_.find(id); running != running_.end()) running->second->is_dropped = true;
}

void RequestSet::remove_dropped() {
  std::erase_if(running_, [](const auto& entry) { return entry.second->is_dropped; });
}

void RequestSet::start_waiting() {
  while (!waiting_.empty() && running_.size() < window_) {
    auto next = waiting_.extract(waiting_.begin());
    running_.emplace(next.key(), std::make_unique<Running>(std::move(next.mapped()), socket_path_, library_->multi()));
  }
}

void RequestSet::wait(std::chrono::milliseconds at_most) {
  std::vector<curl_waitfd> descriptors;
  for (const auto& [fd, ready] : watches_)
    descriptors.push_back({.fd = fd, .events = CURL_WAIT_POLLIN, .revents = 0});
  curl_multi_poll(library_->multi(), descriptors.data(), static_cast<unsigned>(descriptors.size()),
                  static_cast<int>(at_most.count()), nullptr);
  for (const curl_waitfd& descriptor : descriptors) {
    const auto watch = watches_.find(descriptor.fd);
    if (descriptor.revents == 0 || watch == watches_.end()) continue;
    const auto ready = watch->second; // the callee may forget itself
    ready();
  }
}

void RequestSet::advance(std::chrono::milliseconds at_most) {
  remove_dropped();
  start_waiting();
  int still_running = 0;
  curl_multi_perform(library_->multi(), &still_running);
  if (still_running == static_cast<int>(running_.size())) {
    wait(at_most);
    curl_multi_perform(library_->multi(), &still_running);
  }
  int in_queue = 0;
  while (const CURLMsg* const message = curl_multi_info_read(library_->multi(), &in_queue)) {
    if (message->msg != CURLMSG_DONE) continue;
    const CURLcode code = message->data.result;
    const auto found = std::ranges::find_if(
        running_, [message](const auto& entry) { return entry.second->transfer.handle() == message->easy_handle; });
    if (found == running_.end()) continue;
    const auto ended = running_.extract(found);
    Running& request = *ended.mapped();
    if (!request.is_dropped) request.request.on_end(request.transfer.finish(code));
  }
}

} // namespace mailmoor::cli
