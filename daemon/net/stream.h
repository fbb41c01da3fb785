// A byte stream to a server: plain TCP or TLS. One reader and one writer may be at work at the same time.
// Owned by the connection; outlives the tasks that read and write it. Loop thread only.
// A read may be cancelled without loss. A cancelled write may have sent a part: the stream is good for nothing but to
// be destroyed then.
#pragma once

#include "net/tls_facts.h"
#include "runtime/task.h"
#include "util/result.h"

#include <cstddef>
#include <optional>
#include <span>
#include <string>

namespace mailmoor::net {

// How many reads may find bytes at once before the loop gets its turn: a server that sends faster than we read must not
// keep the other mailboxes waiting. 16 TLS records of 16 KiB are some 250 µs of work.
inline constexpr int kReadsInARow = 16;

class Stream {
 public:
  virtual ~Stream() = default;
  Stream(const Stream&) = delete;
  Stream& operator=(const Stream&) = delete;

  // At least one byte, or 0 at the end of the stream. `into` is not empty and stays valid until the task has ended.
  // Errors: kHost. The time limit is the caller's.
  [[nodiscard]] virtual runtime::Task<Result<std::size_t>> read_some(std::span<std::byte> into) = 0;
  // All of `bytes`, which stay valid until the task has ended.
  [[nodiscard]] virtual runtime::Task<Status> write_all(std::span<const std::byte> bytes) = 0;

  // How it is secured; empty when it is not.
  [[nodiscard]] virtual std::optional<TlsFacts> tls_facts() const { return std::nullopt; }

 protected:
  Stream() = default;
};

} // namespace mailmoor::net
