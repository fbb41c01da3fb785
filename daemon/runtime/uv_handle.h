// Owns a libuv handle. A handle must outlive uv_close() until its callback has run, so it lives on the heap and the
// close callback frees it. For .cpp files of this room only.
#pragma once

#include <memory>
#include <system_error>

#include <uv.h>

namespace mailmoor::runtime {

// For calls that fail only when the process has no descriptors or memory left, or by a bug of ours.
// Throws std::system_error, which nobody catches: the daemon says so and ends.
inline void must(int result, const char* call) {
  if (result < 0) throw std::system_error(-result, std::system_category(), call);
}

template<class Handle>
struct UvCloser {
  void operator()(Handle* handle) const noexcept {
    uv_close(reinterpret_cast<uv_handle_t*>(handle),
             [](uv_handle_t* closed) noexcept { delete reinterpret_cast<Handle*>(closed); });
  }
};

template<class Handle>
using UvHandle = std::unique_ptr<Handle, UvCloser<Handle>>;

// What uv_..._init() leaves behind when it fails must not be closed, so the closer comes after it.
template<class Handle, class Init>
[[nodiscard]] UvHandle<Handle> open_handle(const char* call, Init init) {
  auto handle = std::make_unique<Handle>();
  must(init(handle.get()), call);
  return UvHandle<Handle>(handle.release());
}

} // namespace mailmoor::runtime
