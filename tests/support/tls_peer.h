// The server's end of a TLS connection, on the test's own loop.
#pragma once

#include "net/certificates.h"
#include "net/tcp_stream.h"
#include "runtime/task.h"
#include "runtime/task_set.h"

#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>

namespace mailmoor::testing {

class TlsPeer final {
 public:
  TlsPeer(runtime::Loop& loop, std::unique_ptr<net::TcpStream> tcp, SSL_CTX* context)
      : tcp_(std::move(tcp)), ssl_(SSL_new(context)), in_(BIO_new(BIO_s_mem())), out_(BIO_new(BIO_s_mem())),
        writes_(loop) {
    SSL_set_bio(ssl_.get(), in_, out_); // takes both
  }

  // False: the connection ended.
  [[nodiscard]] runtime::Task<bool> accept() {
    while (SSL_accept(ssl_.get()) != 1) {
      auto moving = exchange();
      const bool moved = co_await moving;
      if (!moved) co_return false;
    }
    auto flushing = flush();
    const bool flushed = co_await flushing;
    co_return flushed;
  }
  // Up to and without CRLF; empty at the end of the connection.
  [[nodiscard]] runtime::Task<std::string> read_line() {
    while (true) {
      if (const std::size_t end = received_.find("\r\n"); end != std::string::npos) {
        std::string line = received_.substr(0, end);
        received_.erase(0, end + 2);
        co_return line;
      }
      char buffer[4096];
      const int count = SSL_read(ssl_.get(), buffer, sizeof buffer);
      if (count > 0) {
        received_.append(buffer, static_cast<std::size_t>(count));
        continue;
      }
      auto moving = exchange();
      const bool moved = co_await moving;
      if (!moved) co_return std::string();
    }
  }
  // Received and not read yet.
  [[nodiscard]] const std::string& waiting() const noexcept { return received_; }
  [[nodiscard]] runtime::Task<bool> write(std::string text) {
    if (!text.empty()) SSL_write(ssl_.get(), text.data(), static_cast<int>(text.size()));
    auto flushing = flush();
    const bool flushed = co_await flushing;
    co_return flushed;
  }
  // Without waiting; for what the server says unasked.
  void tell(std::string text) { writes_.spawn(told(std::move(text))); }

 private:
  [[nodiscard]] runtime::Task<void> told(std::string text) {
    auto writing = write(std::move(text));
    static_cast<void>(co_await writing);
  }
  [[nodiscard]] runtime::Task<bool> flush() {
    std::string pending(static_cast<std::size_t>(BIO_ctrl_pending(out_)), '\0');
    if (pending.empty()) co_return true;
    BIO_read(out_, pending.data(), static_cast<int>(pending.size()));
    auto writing = tcp_->write_all(std::as_bytes(std::span(pending)));
    const Status written = co_await writing;
    co_return written.has_value();
  }
  [[nodiscard]] runtime::Task<bool> exchange() {
    auto flushing = flush();
    const bool flushed = co_await flushing;
    if (!flushed) co_return false;
    std::byte buffer[4096];
    auto reading = tcp_->read_some(buffer);
    const Result<std::size_t> count = co_await reading;
    if (!count || *count == 0) co_return false;
    BIO_write(in_, buffer, static_cast<int>(*count));
    co_return true;
  }

  std::unique_ptr<net::TcpStream> tcp_;
  std::unique_ptr<SSL, net::OpensslCloser<SSL_free>> ssl_;
  BIO* in_;
  BIO* out_;
  std::string received_;
  runtime::TaskSet writes_;
};

} // namespace mailmoor::testing
