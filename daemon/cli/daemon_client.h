// Asks the daemon over its socket. Blocks the calling thread; mailmoorctl has only one.
#pragma once

#include "control/problem.h"
#include "util/secret.h"

#include <cstddef>
#include <expected>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace mailmoor::cli {

// The body of a 2xx answer, or what went wrong: the daemon's own problem document, or one made here when it could not
// be reached (code kNoDaemonCode, or "socket_forbidden").
using Answer = std::expected<std::string, control::Problem>;

class DaemonClient final {
 public:
  // At most so many of post_all()'s requests run at once.
  static constexpr std::size_t kWindow = 20;
  // Longer answers are refused: some thousand mailboxes with their folders.
  static constexpr std::size_t kMaxAnswer = 256UL * 1024 * 1024;

  explicit DaemonClient(std::string socket_path);
  DaemonClient(const DaemonClient&) = delete;
  DaemonClient& operator=(const DaemonClient&) = delete;

  // Given up after 30 seconds.
  [[nodiscard]] Answer get(const std::string& path);
  // Without a time limit: some answers come when the work is done.
  [[nodiscard]] Answer post(const std::string& path, const Secret& body = {});

  struct Request {
    std::string path;
    std::function<void(std::string_view line)> on_line; // each line of a 2xx answer as it comes; may be null
    std::function<void(const Answer& answer)> on_end;   // once; the body is empty when there is an on_line
    Secret body{};
  };
  // Posts them all, kWindow at once, in this order, and returns when each has ended.
  void post_all(std::vector<Request> requests);

  [[nodiscard]] const std::string& socket_path() const noexcept { return socket_path_; }
  [[nodiscard]] static std::string mailbox_path(std::string_view mailbox, std::string_view verb = {});

 private:
  std::string socket_path_;
};

} // namespace mailmoor::cli
