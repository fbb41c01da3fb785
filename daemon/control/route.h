// Method and path of a request → what is asked. Pure.
#pragma once

#include "control/problem.h"

#include <cstdint>
#include <expected>
#include <string>
#include <string_view>

namespace mailmoor::control {

enum class Endpoint : std::uint8_t {
  kHealth,
  kMetrics,
  kStatus,
  kVersion,
  kReload,
  kLoginAnswer,
  kRotateKey,
  kMailbox,
  kFolders,
  kSync,
  kPause,
  kResume,
  kConfirm,
  kLogin,
  kLogout,
  kPassword,
  kDoctor,
  kVerify,
};

struct Route {
  Endpoint endpoint = Endpoint::kHealth;
  std::string mailbox{}; // for the endpoints below /v1/mailboxes/
};

inline constexpr std::size_t kMaxPath = 1024; // bytes, percent-encoded

// Whether the endpoint is asked with POST; GET (or HEAD) otherwise.
[[nodiscard]] bool is_posted(Endpoint endpoint) noexcept;

// `path` as on the request line, without the query. Each segment is percent-decoded by itself, so that an encoded
// slash does not make two of one. Failures are 404 not_found, 405 method_not_allowed, 400 bad_mailbox_name and 414
// path_too_long.
[[nodiscard]] std::expected<Route, Problem> parse_route(std::string_view method, std::string_view path);

} // namespace mailmoor::control
