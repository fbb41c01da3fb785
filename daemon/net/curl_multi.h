// libcurl's multi interface on our loop: a socket callback, a timer callback, and completions read in a deferred step
// (a handle may not be removed inside its own callback). Loop thread only.
#pragma once

#include "runtime/fd_watcher.h"
#include "runtime/loop.h"

#include <array>
#include <coroutine>
#include <cstddef>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include <curl/curl.h>

namespace mailmoor::net {

// curl_global_init() once for the process.
void initialise_curl();

struct CurlEasyCloser {
  void operator()(CURL* easy) const noexcept { curl_easy_cleanup(easy); }
};
using CurlEasy = std::unique_ptr<CURL, CurlEasyCloser>;

class CurlMulti final {
 public:
  explicit CurlMulti(runtime::Loop& loop);
  CurlMulti(const CurlMulti&) = delete;
  CurlMulti& operator=(const CurlMulti&) = delete;
  ~CurlMulti(); // REQUIRES: no transfer is under way

  // const CURLcode code = co_await multi.perform(easy); the handle stays added until the awaitable is gone, so that
  // its socket can be asked for afterwards through `easy`.
  class [[nodiscard]] Transfer final {
   public:
    Transfer(CurlMulti& multi, CURL* easy) noexcept : multi_(multi), easy_(easy) {}
    Transfer(const Transfer&) = delete;
    Transfer& operator=(const Transfer&) = delete;
    ~Transfer();
    [[nodiscard]] bool await_ready() const noexcept { return false; }
    void await_suspend(std::coroutine_handle<> handle);
    [[nodiscard]] CURLcode await_resume() const noexcept { return code_; }

    [[nodiscard]] CURL* easy() const noexcept { return easy_; }
    // What libcurl says about `code`, the result of this transfer.
    [[nodiscard]] std::string error_text(CURLcode code) const;

   private:
    friend class CurlMulti;
    CurlMulti& multi_;
    CURL* easy_;
    bool added_ = false;
    CURLcode code_ = CURLE_OK;
    std::array<char, CURL_ERROR_SIZE> error_text_{};
    runtime::Wakeup wakeup_;
  };

  [[nodiscard]] Transfer perform(CURL* easy) noexcept { return {*this, easy}; }

 private:
  static int on_socket(CURL* easy, curl_socket_t socket, int what, void* self, void* socket_data) noexcept;
  static int on_timer(CURLM* multi, long milliseconds, void* self) noexcept;
  void watch(curl_socket_t socket, int what);
  void act(curl_socket_t socket, int events);
  void nudge(CURL* easy);
  void read_completions();

  runtime::Loop& loop_;
  CURLM* multi_;
  std::map<curl_socket_t, std::unique_ptr<runtime::FdWatcher>> watchers_;
  std::vector<CURL*> lost_socket_; // in the call that is being made
  std::size_t transfers_ = 0;      // under way
  runtime::Timer timer_;
  runtime::Wakeup completions_;
};

} // namespace mailmoor::net
