#include "cli/daemon_client.h"

#include "cli/transfer.h"
#include "util/concat.h"

#include <algorithm>
#include <iterator>
#include <map>
#include <memory>

namespace mailmoor::cli {

namespace {

constexpr long kGetSeconds = 30;

struct MultiDeleter {
  void operator()(CURLM* multi) const noexcept { curl_multi_cleanup(multi); }
};

// The requests of post_all() that run at the moment.
class Window final {
 public:
  explicit Window(const std::string& socket_path) : socket_path_(socket_path) {}
  Window(const Window&) = delete;
  Window& operator=(const Window&) = delete;
  ~Window() {
    for (auto& [handle, running] : running_)
      curl_multi_remove_handle(multi_.get(), handle);
  }

  [[nodiscard]] bool is_empty() const noexcept { return running_.empty(); }
  [[nodiscard]] bool is_full() const noexcept { return running_.size() >= DaemonClient::kWindow; }

  void start(DaemonClient::Request request) {
    auto transfer = std::make_unique<Transfer>(socket_path_, request.path, std::move(request.on_line));
    transfer->use_post({});
    CURL* const handle = transfer->handle();
    curl_multi_add_handle(multi_.get(), handle);
    running_.emplace(handle, Running{std::move(transfer), std::move(request.on_end)});
  }

  // Waits for something to happen, and reports what has ended.
  void advance() {
    int still_running = 0;
    curl_multi_perform(multi_.get(), &still_running);
    if (still_running == static_cast<int>(running_.size()))
      curl_multi_poll(multi_.get(), nullptr, 0, /*timeout_ms=*/1000, nullptr);
    int in_queue = 0;
    while (const CURLMsg* const message = curl_multi_info_read(multi_.get(), &in_queue))
      if (message->msg == CURLMSG_DONE) end(message->easy_handle, message->data.result);
  }

 private:
  struct Running {
    std::unique_ptr<Transfer> transfer;
    std::function<void(const Answer&)> on_end;
  };

  void end(CURL* handle, CURLcode code) {
    curl_multi_remove_handle(multi_.get(), handle);
    const auto ended = running_.extract(handle);
    ended.mapped().on_end(ended.mapped().transfer->finish(code));
  }

  std::string socket_path_;
  std::unique_ptr<CURLM, MultiDeleter> multi_{curl_multi_init()};
  std::map<CURL*, Running> running_;
};

} // namespace

DaemonClient::DaemonClient(std::string socket_path) : socket_path_(std::move(socket_path)) {}

Answer DaemonClient::get(const std::string& path) {
  Transfer transfer(socket_path_, path, nullptr);
  transfer.set_time_limit(kGetSeconds);
  return transfer.finish(curl_easy_perform(transfer.handle()));
}

Answer DaemonClient::post(const std::string& path, const Secret& body) {
  Transfer transfer(socket_path_, path, nullptr);
  transfer.use_post(body.reveal());
  return transfer.finish(curl_easy_perform(transfer.handle()));
}

void DaemonClient::post_all(std::vector<Request> requests) {
  Window window(socket_path_);
  auto next = std::make_move_iterator(requests.begin());
  const auto end = std::make_move_iterator(requests.end());
  while (next != end || !window.is_empty()) {
    while (next != end && !window.is_full())
      window.start(*next++);
    window.advance();
  }
}

std::string DaemonClient::mailbox_path(std::string_view mailbox, std::string_view verb) {
  constexpr std::string_view kPlain = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~";
  constexpr std::string_view kHex = "0123456789ABCDEF";
  std::string path = "/v1/mailboxes/";
  for (const char c : mailbox) {
    if (kPlain.find(c) != std::string_view::npos) {
      path.push_back(c);
      continue;
    }
    const auto byte = static_cast<unsigned char>(c);
    path.append({'%', kHex[byte >> 4], kHex[byte & 15]});
  }
  return verb.empty() ? path : concat(path, '/', verb);
}

} // namespace mailmoor::cli
