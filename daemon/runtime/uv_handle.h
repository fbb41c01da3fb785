// Owns a libuv handle. A handle must outlive uv_close() until its callback has run, so it lives on the heap and the
// close callback frees it. For .cpp files of this room only.
#pragma once

#include <memory>

#include <uv.h>

namespace mailmoor::runtime {

template<class Handle>
struct UvCloser {
  void operator()(Handle* handle) const noexcept {
    uv_close(reinterpret_cast<uv_handle_t*>(handle),
             [](uv_handle_t* closed) { delete reinterpret_cast<Handle*>(closed); });
  }
};

template<class Handle>
using UvHandle = std::unique_ptr<Handle, UvCloser<Handle>>;

} // namespace mailmoor::runtime
