#include "cli/transfer.h"

#include "cli/exit_code.h"
#include "util/concat.h"

#include <cerrno>
#include <utility>

namespace mailmoor::cli {

Transfer::Transfer(const std::string& socket_path, const std::string& path,
                   std::function<void(std::string_view)> on_line)
    : socket_path_(socket_path), on_line_(std::move(on_line)), curl_(curl_easy_init()) {
  CURL* const curl = curl_.get();
  curl_easy_setopt(curl, CURLOPT_UNIX_SOCKET_PATH, socket_path.c_str());
  curl_easy_setopt(curl, CURLOPT_URL, concat("http://mailmoor", path).c_str());
  curl_easy_setopt(curl, CURLOPT_PATH_AS_IS, 1L); // a mailbox may be called ".."
  curl_easy_setopt(curl, CURLOPT_PROXY, "");      // whatever http_proxy says
  curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT, 5L);
  curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, &Transfer::on_bytes);
  curl_easy_setopt(curl, CURLOPT_WRITEDATA, this);
}

void Transfer::use_post(std::string_view body) {
  curl_easy_setopt(curl_.get(), CURLOPT_POST, 1L);
  curl_easy_setopt(curl_.get(), CURLOPT_POSTFIELDSIZE, static_cast<long>(body.size()));
  curl_easy_setopt(curl_.get(), CURLOPT_POSTFIELDS, body.empty() ? "" : body.data()); // not copied
}

void Transfer::set_time_limit(long seconds) {
  curl_easy_setopt(curl_.get(), CURLOPT_TIMEOUT, seconds);
}

long Transfer::status() const {
  long status = 0;
  curl_easy_getinfo(curl_.get(), CURLINFO_RESPONSE_CODE, &status);
  return status;
}

std::size_t Transfer::on_bytes(char* bytes, std::size_t size, std::size_t count, void* self) noexcept {
  auto& transfer = *static_cast<Transfer*>(self);
  const std::size_t total = size * count;
  if (transfer.received_.size() + total > DaemonClient::kMaxAnswer) return 0;
  transfer.received_.append(bytes, total);
  if (transfer.on_line_ && transfer.status() < 300) transfer.take_lines();
  return total;
}

void Transfer::take_lines() {
  std::size_t end = 0;
  while ((end = received_.find('\n')) != std::string::npos) {
    on_line_(std::string_view(received_).substr(0, end));
    received_.erase(0, end + 1);
  }
}

Answer Transfer::finish(CURLcode code) {
  if (code != CURLE_OK) return std::unexpected(unreachable(code));
  if (status() < 300) return std::move(received_);
  auto problem = control::problem_from_json(received_);
  if (problem) return std::unexpected(std::move(*problem));
  return std::unexpected(control::problem_from(problem.error()));
}

control::Problem Transfer::unreachable(CURLcode code) const {
  long error_number = 0;
  curl_easy_getinfo(curl_.get(), CURLINFO_OS_ERRNO, &error_number);
  if (code == CURLE_COULDNT_CONNECT && (error_number == EACCES || error_number == EPERM))
    return control::make_problem(403, "socket_forbidden", concat("you may not use ", socket_path_),
                                 "run this as root, or join the group mailmoor and log in again");
  if (code == CURLE_OPERATION_TIMEDOUT)
    return control::make_problem(504, kNoDaemonCode, concat("the daemon on ", socket_path_, " does not answer in time"),
                                 "see systemctl status mailmoor and journalctl -u mailmoor");
  const std::string reason =
      error_number != 0 ? errno_text(static_cast<int>(error_number)) : std::string(curl_easy_strerror(code));
  return control::make_problem(503, kNoDaemonCode, concat("no daemon answers on ", socket_path_, ": ", reason),
                               "start it with systemctl start mailmoor, or give --socket");
}

} // namespace mailmoor::cli
