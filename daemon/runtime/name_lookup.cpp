#include "runtime/name_lookup.h"

#include <algorithm>
#include <array>
#include <memory>
#include <netdb.h>
#include <utility>

#include <uv.h>

namespace mailmoor::runtime {

struct NameLookup::Request {
  uv_getaddrinfo_t uv{};
  NameLookup* owner = nullptr; // null: given up

  static void done(uv_getaddrinfo_t* uv, int status, addrinfo* found) noexcept;
};

namespace {

[[nodiscard]] std::vector<std::string> addresses_of(const addrinfo* found) {
  std::vector<std::string> out;
  for (const addrinfo* entry = found; entry != nullptr; entry = entry->ai_next) {
    std::array<char, INET6_ADDRSTRLEN> text{};
    if (uv_ip_name(entry->ai_addr, text.data(), text.size()) != 0) continue;
    if (std::ranges::find(out, text.data()) == out.end()) out.emplace_back(text.data());
  }
  return out;
}

} // namespace

void NameLookup::Request::done(uv_getaddrinfo_t* uv, int status, addrinfo* found) noexcept {
  const std::unique_ptr<Request> request(static_cast<Request*>(uv->data));
  if (NameLookup* const owner = request->owner; owner != nullptr) {
    owner->request_ = nullptr;
    owner->answer_.addresses = addresses_of(found);
    if (status < 0) owner->answer_.error = uv_strerror(status);
    owner->loop_.schedule(owner->wakeup_);
  }
  uv_freeaddrinfo(found);
}

NameLookup::~NameLookup() {
  if (request_ == nullptr) return;
  request_->owner = nullptr;
  uv_cancel(reinterpret_cast<uv_req_t*>(&request_->uv)); // if it has begun, its end frees it
}

void NameLookup::await_suspend(std::coroutine_handle<> handle) {
  wakeup_.set_coroutine(handle);
  auto request = std::make_unique<Request>();
  request->owner = this;
  request->uv.data = request.get();
  addrinfo hints{};
  hints.ai_family = AF_UNSPEC;
  hints.ai_socktype = SOCK_STREAM;
  const int started = uv_getaddrinfo(loop_.uv(), &request->uv, &Request::done, host_.c_str(), nullptr, &hints);
  if (started == 0) {
    request_ = request.release();
    return;
  }
  answer_.error = uv_strerror(started);
  loop_.schedule(wakeup_);
}

} // namespace mailmoor::runtime
