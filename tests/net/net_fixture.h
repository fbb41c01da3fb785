// A loop on the machine's clock with libcurl on it, and await(): runs a task to its end.
#pragma once

#include "net/curl_multi.h"
#include "net/dialer.h"
#include "net/peers.h"
#include "net/temporary_directory.h"
#include "net/tls_stream.h"
#include "net/trust.h"
#include "runtime/clock.h"
#include "runtime/loop.h"
#include "runtime/run_task.h"
#include "runtime/task_set.h"
#include "runtime/wait.h"

#include <cstddef>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include <gtest/gtest.h>

namespace mailmoor::net {

[[nodiscard]] inline std::span<const std::byte> bytes_of(std::string_view text) {
  return std::as_bytes(std::span(text));
}

// Everything up to the end of the stream.
[[nodiscard]] inline runtime::Task<Result<std::string>> read_all(Stream& stream) {
  std::string all;
  std::string buffer(65536, '\0');
  while (true) {
    auto reading = stream.read_some(std::as_writable_bytes(std::span(buffer)));
    const Result<std::size_t> count = co_await reading;
    if (!count) co_return pass(count.error());
    if (*count == 0) co_return all;
    all.append(buffer, 0, *count);
  }
}

class NetTest : public testing::Test {
 protected:
  static void SetUpTestSuite() { initialise_curl(); }

  template<class T>
  T await(runtime::Task<T> task) {
    std::optional<T> value;
    runtime::TaskRunner<T> runner;
    runner.start(std::move(task), [&value](T result) { value.emplace(std::move(result)); });
    loop_.run_until([&value] { return value.has_value(); });
    return *std::move(value);
  }
  [[nodiscard]] Result<std::unique_ptr<TcpStream>> dial(std::uint16_t port, std::string host = "127.0.0.1",
                                                        std::string proxy = {}) {
    DialTarget target;
    target.host = std::move(host);
    target.port = port;
    target.proxy = std::move(proxy);
    return await(dialer_.dial(std::move(target)));
  }
  [[nodiscard]] std::unique_ptr<TcpStream> connect(std::uint16_t port) {
    auto tcp = dial(port);
    if (tcp) return *std::move(tcp);
    ADD_FAILURE() << tcp.error().what;
    return nullptr;
  }
  // The system's authorities and `authority`.
  [[nodiscard]] SharedTrust trust_in(const Identity& authority) {
    auto trust = Trust::load_blocking(directory_.write("extra_ca.pem", pem_of(authority)));
    EXPECT_TRUE(trust);
    return *std::move(trust);
  }

  TemporaryDirectory directory_;
  runtime::SystemClock clock_;
  runtime::Loop loop_{clock_};
  CurlMulti multi_{loop_};
  Dialer dialer_{loop_, multi_};
};

} // namespace mailmoor::net
