#include "oauth/token_facts.h"

#include "oauth/reply.h"
#include "oauth/shown_text.h"
#include "util/base64.h"
#include "util/scope_exit.h"
#include "util/secret.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <limits>
#include <nlohmann/json.hpp>

namespace mailmoor::oauth {
namespace {

using Json = nlohmann::json;

constexpr std::size_t kMaxClaim = 256; // bytes of one value that is shown
constexpr std::size_t kMaxValues = 64; // of a list: a token of an app with more roles has the first ones shown
constexpr int kMaxDepth = 16;          // a JWT of any known issuer has 3
constexpr std::int64_t kLastSecond = 253'402'300'799; // 9999-12-31T23:59:59Z: what RFC 3339 can spell

// The payload of `token`; empty when it is no JWS in compact form (RFC 7515 §7.1).
[[nodiscard]] std::optional<std::string_view> payload_of(std::string_view token) {
  const std::size_t first = token.find('.');
  if (first == std::string_view::npos || token.size() > kMaxTokenBytes) return std::nullopt;
  const std::size_t second = token.find('.', first + 1);
  if (second == std::string_view::npos || token.find('.', second + 1) != std::string_view::npos) return std::nullopt;
  return token.substr(first + 1, second - first - 1);
}

[[nodiscard]] std::string text_of(const Json& claims, const char* name) {
  const auto found = claims.find(name);
  if (found == claims.end() || !found->is_string()) return {};
  return shown_text(found->get_ref<const std::string&>(), kMaxClaim);
}

template<std::size_t N>
[[nodiscard]] std::string first_text_of(const Json& claims, const std::array<const char*, N>& names) {
  for (const char* name : names)
    if (std::string text = text_of(claims, name); !text.empty()) return text;
  return {};
}

[[nodiscard]] std::vector<std::string> words_of(std::string_view text) {
  std::vector<std::string> words;
  while (!text.empty() && words.size() < kMaxValues) {
    const std::size_t end = std::min(text.find(' '), text.size());
    if (end != 0) words.push_back(shown_text(text.substr(0, end), kMaxClaim));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return words;
}

// A string, or an array of strings (RFC 7519 §4.1.3). `separated`: the string is a list of words (RFC 8693 §4.2).
[[nodiscard]] std::vector<std::string> list_of(const Json& claims, const char* name, bool separated) {
  const auto found = claims.find(name);
  if (found == claims.end()) return {};
  if (found->is_string()) {
    const std::string& text = found->get_ref<const std::string&>();
    if (separated) return words_of(text);
    return {shown_text(text, kMaxClaim)};
  }
  std::vector<std::string> values;
  if (!found->is_array()) return values;
  for (const Json& value : *found)
    if (value.is_string() && values.size() < kMaxValues)
      values.push_back(shown_text(value.get_ref<const std::string&>(), kMaxClaim));
  return values;
}

// NumericDate: seconds, possibly with a fraction (RFC 7519 §2).
[[nodiscard]] std::optional<UnixTime> time_of(const Json& claims, const char* name) {
  const auto found = claims.find(name);
  if (found == claims.end() || !found->is_number()) return std::nullopt;
  const double value = found->get<double>();
  if (!(value >= 0) || value > static_cast<double>(kLastSecond)) return std::nullopt;
  return UnixTime(std::chrono::seconds(static_cast<std::int64_t>(value)));
}

[[nodiscard]] bool is_shallow(std::string_view json) {
  int depth = 0;
  bool in_string = false;
  for (std::size_t at = 0; at < json.size(); ++at) {
    const char c = json[at];
    if (in_string && c == '\\')
      ++at;
    else if (c == '"')
      in_string = !in_string;
    else if (!in_string && (c == '{' || c == '['))
      depth += 1;
    else if (!in_string && (c == '}' || c == ']'))
      depth -= 1;
    if (depth > kMaxDepth) return false;
  }
  return true;
}

} // namespace

std::optional<TokenFacts> read_token(std::string_view token) {
  const auto payload = payload_of(token);
  if (!payload) return std::nullopt;
  std::optional<std::string> json = base64_decode(*payload);
  if (!json) return std::nullopt;
  const ScopeExit wipe([&json] { wipe_memory(json->data(), json->size()); });
  if (!is_shallow(*json)) return std::nullopt;
  const Json claims = Json::parse(*json, nullptr, /*allow_exceptions=*/false);
  if (!claims.is_object()) return std::nullopt;
  TokenFacts facts;
  facts.audiences = list_of(claims, "aud", /*separated=*/false);
  facts.scopes = list_of(claims, "scp", /*separated=*/true);
  if (facts.scopes.empty()) facts.scopes = list_of(claims, "scope", /*separated=*/true);
  facts.roles = list_of(claims, "roles", /*separated=*/false);
  facts.tenant = text_of(claims, "tid");
  facts.user = first_text_of(claims, std::array{"upn", "preferred_username", "unique_name", "email"});
  facts.app_id = first_text_of(claims, std::array{"appid", "azp", "client_id"});
  facts.object_id = text_of(claims, "oid");
  facts.is_app_only = text_of(claims, "idtyp") == "app" || (facts.scopes.empty() && !facts.roles.empty());
  facts.expires_at = time_of(claims, "exp");
  facts.not_before = time_of(claims, "nbf");
  return facts;
}

} // namespace mailmoor::oauth
