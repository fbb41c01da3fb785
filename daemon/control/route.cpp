#include "control/route.h"

#include "util/concat.h"

#include <array>
#include <optional>

namespace mailmoor::control {

namespace {

struct Entry {
  std::string_view name;
  Endpoint endpoint;
};

constexpr std::array kRootEndpoints = {
    Entry{"/health", Endpoint::kHealth},          Entry{"/metrics", Endpoint::kMetrics},
    Entry{"/v1/status", Endpoint::kStatus},       Entry{"/v1/version", Endpoint::kVersion},
    Entry{"/v1/reload", Endpoint::kReload},       Entry{"/v1/login", Endpoint::kLoginAnswer},
    Entry{"/v1/key/rotate", Endpoint::kRotateKey}};
constexpr std::string_view kMailboxPrefix = "/v1/mailboxes/";
constexpr std::array kMailboxEndpoints = {
    Entry{"", Endpoint::kMailbox},        Entry{"folders", Endpoint::kFolders},   Entry{"sync", Endpoint::kSync},
    Entry{"pause", Endpoint::kPause},     Entry{"resume", Endpoint::kResume},     Entry{"login", Endpoint::kLogin},
    Entry{"logout", Endpoint::kLogout},   Entry{"password", Endpoint::kPassword}, Entry{"doctor", Endpoint::kDoctor},
    Entry{"confirm", Endpoint::kConfirm}, Entry{"verify", Endpoint::kVerify}};

std::optional<unsigned> hex_digit(char c) noexcept {
  if (c >= '0' && c <= '9') return static_cast<unsigned>(c - '0');
  if (c >= 'a' && c <= 'f') return static_cast<unsigned>(c - 'a' + 10);
  if (c >= 'A' && c <= 'F') return static_cast<unsigned>(c - 'A' + 10);
  return std::nullopt;
}

// RFC 3986 §2.1
std::optional<std::string> percent_decode(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      out.push_back(text[i]);
      continue;
    }
    if (i + 2 >= text.size()) return std::nullopt;
    const auto high = hex_digit(text[i + 1]);
    const auto low = hex_digit(text[i + 2]);
    if (!high || !low) return std::nullopt;
    out.push_back(static_cast<char>(*high << 4 | *low));
    i += 2;
  }
  return out;
}

// [A-Za-z0-9._@+-]+, as in the configuration.
bool is_mailbox_name(std::string_view name) noexcept {
  constexpr std::string_view kAllowed = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._@+-";
  return !name.empty() && name.find_first_not_of(kAllowed) == std::string_view::npos;
}

template<std::size_t N>
std::optional<Endpoint> find(const std::array<Entry, N>& entries, std::string_view name) {
  for (const Entry& entry : entries)
    if (entry.name == name) return entry.endpoint;
  return std::nullopt;
}

std::unexpected<Problem> not_found() {
  return std::unexpected(make_problem(404, "not_found", "there is nothing at this path",
                                      "check that mailmoorctl and mailmoord are of the same version"));
}

std::expected<Route, Problem> find_endpoint(std::string_view path) {
  if (const auto endpoint = find(kRootEndpoints, path)) return Route{*endpoint};
  if (!path.starts_with(kMailboxPrefix)) return not_found();
  path.remove_prefix(kMailboxPrefix.size());
  const std::size_t slash = path.find('/');
  const bool has_verb = slash != std::string_view::npos;
  const std::string_view verb = has_verb ? path.substr(slash + 1) : std::string_view();
  const auto endpoint = find(kMailboxEndpoints, verb);
  if (!endpoint || (has_verb && verb.empty())) return not_found();
  auto name = percent_decode(path.substr(0, slash));
  if (!name || !is_mailbox_name(*name))
    return std::unexpected(make_problem(400, "bad_mailbox_name", "this cannot be the name of a mailbox",
                                        "names are made of letters, digits and . _ @ + -"));
  return Route{*endpoint, std::move(*name)};
}

} // namespace

bool is_posted(Endpoint endpoint) noexcept {
  switch (endpoint) {
  case Endpoint::kHealth:
  case Endpoint::kMetrics:
  case Endpoint::kStatus:
  case Endpoint::kVersion:
  case Endpoint::kMailbox:
  case Endpoint::kFolders: return false;
  case Endpoint::kReload:
  case Endpoint::kLoginAnswer:
  case Endpoint::kRotateKey:
  case Endpoint::kSync:
  case Endpoint::kPause:
  case Endpoint::kResume:
  case Endpoint::kConfirm:
  case Endpoint::kLogin:
  case Endpoint::kLogout:
  case Endpoint::kPassword:
  case Endpoint::kDoctor:
  case Endpoint::kVerify: return true;
  }
  return true;
}

std::expected<Route, Problem> parse_route(std::string_view method, std::string_view path) {
  if (path.size() > kMaxPath)
    return std::unexpected(make_problem(414, "path_too_long", concat("the path is longer than ", kMaxPath, " bytes")));
  auto route = find_endpoint(path);
  if (!route) return route;
  const bool posted = is_posted(route->endpoint);
  if (posted ? method != "POST" : method != "GET" && method != "HEAD")
    return std::unexpected(make_problem(405, "method_not_allowed", concat("use ", posted ? "POST" : "GET", " here")));
  return route;
}

} // namespace mailmoor::control
