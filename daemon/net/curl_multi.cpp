#include "net/curl_multi.h"

#include "net/curl_memory.h"

#include <algorithm>
#include <cassert>
#include <chrono>
#include <new>
#include <utility>

namespace mailmoor::net {

void initialise_curl() {
  initialise_curl_in_secret_memory();
}

CurlMulti::CurlMulti(runtime::Loop& loop)
    : loop_(loop), multi_(curl_multi_init()), timer_(loop, [this] { act(CURL_SOCKET_TIMEOUT, 0); }),
      completions_([this] { read_completions(); }) {
  if (multi_ == nullptr) throw std::bad_alloc();
  curl_multi_setopt(multi_, CURLMOPT_SOCKETFUNCTION, &CurlMulti::on_socket);
  curl_multi_setopt(multi_, CURLMOPT_SOCKETDATA, this);
  curl_multi_setopt(multi_, CURLMOPT_TIMERFUNCTION, &CurlMulti::on_timer);
  curl_multi_setopt(multi_, CURLMOPT_TIMERDATA, this);
}

CurlMulti::~CurlMulti() {
  assert(transfers_ == 0 && "a transfer outlives its CurlMulti");
  curl_multi_cleanup(multi_);
}

CurlMulti::Transfer::~Transfer() {
  if (added_) {
    curl_multi_remove_handle(multi_.multi_, easy_);
    --multi_.transfers_;
  }
  curl_easy_setopt(easy_, CURLOPT_ERRORBUFFER, nullptr);
}

void CurlMulti::Transfer::await_suspend(std::coroutine_handle<> handle) {
  wakeup_.set_coroutine(handle);
  curl_easy_setopt(easy_, CURLOPT_PRIVATE, this);
  curl_easy_setopt(easy_, CURLOPT_ERRORBUFFER, error_text_.data());
  curl_easy_setopt(easy_, CURLOPT_NOSIGNAL, 1L);
  // Else cancelling waits, here on the loop thread, until getaddrinfo() returns: that may take half a minute.
  curl_easy_setopt(easy_, CURLOPT_QUICK_EXIT, 1L);
  added_ = curl_multi_add_handle(multi_.multi_, easy_) == CURLM_OK;
  if (added_) {
    ++multi_.transfers_;
    return;
  }
  code_ = CURLE_FAILED_INIT;
  multi_.loop_.schedule(wakeup_);
}

std::string CurlMulti::Transfer::error_text(CURLcode code) const {
  return error_text_[0] != '\0' ? error_text_.data() : curl_easy_strerror(code);
}

int CurlMulti::on_socket(CURL* easy, curl_socket_t socket, int what, void* self, void*) noexcept {
  auto& multi = *static_cast<CurlMulti*>(self);
  multi.watch(socket, what);
  if (what == CURL_POLL_REMOVE) multi.lost_socket_.push_back(easy);
  return 0;
}

int CurlMulti::on_timer(CURLM*, long milliseconds, void* self) noexcept {
  auto& multi = *static_cast<CurlMulti*>(self);
  // 0 means "at once", but libcurl asks for it again and again while it resolves a name: 1 ms is no busy loop.
  if (milliseconds < 0)
    multi.timer_.stop();
  else
    multi.timer_.start_after(std::chrono::milliseconds(std::max(milliseconds, 1L)));
  return 0;
}

void CurlMulti::watch(curl_socket_t socket, int what) {
  if (what == CURL_POLL_REMOVE) {
    watchers_.erase(socket);
    return;
  }
  auto& watcher = watchers_[socket];
  if (!watcher) watcher = std::make_unique<runtime::FdWatcher>(loop_, socket);
  watcher->watch((what & CURL_POLL_IN) != 0, (what & CURL_POLL_OUT) != 0, [this, socket](bool readable, bool writable) {
    act(socket, (readable ? CURL_CSELECT_IN : 0) | (writable ? CURL_CSELECT_OUT : 0));
  });
}

void CurlMulti::act(curl_socket_t socket, int events) {
  int running = 0;
  lost_socket_.clear();
  curl_multi_socket_action(multi_, socket, events, &running);
  for (CURL* easy : std::exchange(lost_socket_, {}))
    nudge(easy);
  loop_.schedule(completions_);
}

// When an address has refused, libcurl 7.88 turns to the next, but opens no socket for it before a timer of its own
// comes: half the connect timeout later. Pausing and going on again makes it look at the transfer at once.
void CurlMulti::nudge(CURL* easy) {
  curl_off_t connected_after = 0;
  curl_easy_getinfo(easy, CURLINFO_CONNECT_TIME_T, &connected_after);
  if (connected_after != 0) return;
  curl_easy_pause(easy, CURLPAUSE_RECV);
  curl_easy_pause(easy, CURLPAUSE_CONT);
}

void CurlMulti::read_completions() {
  int left = 0;
  while (const CURLMsg* message = curl_multi_info_read(multi_, &left)) {
    if (message->msg != CURLMSG_DONE) continue;
    Transfer* transfer = nullptr;
    curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &transfer);
    transfer->code_ = message->data.result;
    loop_.schedule(transfer->wakeup_);
  }
}

} // namespace mailmoor::net
