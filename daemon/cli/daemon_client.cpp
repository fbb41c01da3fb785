#include "cli/daemon_client.h"

#include "cli/request_set.h"
#include "cli/transfer.h"
#include "util/concat.h"

#include <chrono>
#include <utility>

namespace mailmoor::cli {

namespace {

constexpr long kGetSeconds = 30;

} // namespace

DaemonClient::DaemonClient(std::string socket_path) : socket_path_(std::move(socket_path)) {}

Answer DaemonClient::get(const std::string& path) {
  Transfer transfer(socket_path_, path, nullptr);
  transfer.set_time_limit(kGetSeconds);
  return transfer.finish(curl_easy_perform(transfer.handle()));
}

Answer DaemonClient::post(const std::string& path, const Secret& body) {
  Transfer transfer(socket_path_, path, nullptr);
  transfer.use_post(body.reveal());
  return transfer.finish(curl_easy_perform(transfer.handle()));
}

void DaemonClient::post_all(std::vector<Request> requests) {
  RequestSet set(socket_path_, kWindow);
  for (Request& request : requests)
    set.add(std::move(request));
  while (!set.is_empty())
    set.advance(std::chrono::seconds(1));
}

std::string DaemonClient::mailbox_path(std::string_view mailbox, std::string_view verb) {
  constexpr std::string_view kPlain = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~";
  constexpr std::string_view kHex = "0123456789ABCDEF";
  std::string path = "/v1/mailboxes/";
  for (const char c : mailbox) {
    if (kPlain.find(c) != std::string_view::npos) {
      path.push_back(c);
      continue;
    }
    const auto byte = static_cast<unsigned char>(c);
    path.append({'%', kHex[byte >> 4], kHex[byte & 15]});
  }
  return verb.empty() ? path : concat(path, '/', verb);
}

} // namespace mailmoor::cli
