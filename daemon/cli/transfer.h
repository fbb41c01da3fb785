// One HTTP request of libcurl over a Unix socket. Used by DaemonClient only.
#pragma once

#include "cli/daemon_client.h"

#include <curl/curl.h>

#include <memory>
#include <string>
#include <string_view>

namespace mailmoor::cli {

class Transfer final {
 public:
  // `body` must outlive the transfer.
  Transfer(const std::string& socket_path, const std::string& path, std::function<void(std::string_view)> on_line);
  Transfer(const Transfer&) = delete;
  Transfer& operator=(const Transfer&) = delete;

  void use_post(std::string_view body);
  void set_time_limit(long seconds);

  [[nodiscard]] CURL* handle() const noexcept { return curl_.get(); }
  // After the transfer has ended with `code`.
  [[nodiscard]] Answer finish(CURLcode code);

 private:
  struct Deleter {
    void operator()(CURL* curl) const noexcept { curl_easy_cleanup(curl); }
  };

  static std::size_t on_bytes(char* bytes, std::size_t size, std::size_t count, void* self) noexcept;
  void take_lines();
  [[nodiscard]] long status() const;
  [[nodiscard]] control::Problem unreachable(CURLcode code) const;

  std::string socket_path_;
  std::function<void(std::string_view)> on_line_;
  std::unique_ptr<CURL, Deleter> curl_;
  std::string received_; // the body, or the line that is not complete yet
};

} // namespace mailmoor::cli
