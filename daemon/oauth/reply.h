// The answers of the token and device authorization endpoints (RFC 6749 §5, RFC 8628 §3.2), bytes to values.
#pragma once

#include "oauth/refusal.h"
#include "util/result.h"
#include "util/secret.h"
#include "util/time_text.h"

#include <chrono>
#include <cstddef>
#include <expected>
#include <optional>
#include <string>

namespace mailmoor::oauth {

// A body above this is refused unread; callers may stop receiving here.
inline constexpr std::size_t kMaxReplyBytes = 256UL * 1024;
// Entra's tokens have 1.5 to 3 kB and no documented bound.
inline constexpr std::size_t kMaxTokenBytes = 64UL * 1024;

// One HTTP answer. Header values as received; empty when absent.
struct HttpReply {
  int status = 0;
  std::string retry_after; // seconds or an HTTP date (RFC 9110 §10.2.3)
  std::string content_type;
  std::string date;
  Secret body;
};

struct TokenGrant {
  Secret access_token;
  Secret refresh_token;                           // empty: the old one stays valid
  std::chrono::seconds expires_in{};              // > 0; one hour when the server did not say
  std::optional<std::chrono::seconds> refresh_in; // > 0, < expires_in
  std::string scope;                              // as granted; empty: as asked
};

using TokenOutcome = std::expected<TokenGrant, Refusal>;

// Never fails otherwise than by a Refusal, whatever the bytes. `now` serves a Retry-After date when the reply has no
// Date, and tells how far our clock is off.
[[nodiscard]] TokenOutcome parse_token_reply(const HttpReply& reply, UnixTime now);

// The strings are safe to show: printable, bounded; the URIs are absolute http(s).
struct DeviceAuthorization {
  Secret device_code;
  std::string user_code;
  std::string verification_uri;
  std::string verification_uri_complete; // empty when the server gives none (Entra)
  std::chrono::seconds expires_in{};     // 1 s to 24 h
  std::chrono::seconds interval{};       // 1 s to 5 min; 5 s when the server did not say
};

// A refusal comes out as to_error() of it.
[[nodiscard]] Result<DeviceAuthorization> parse_device_authorization(const HttpReply& reply, UnixTime now);

} // namespace mailmoor::oauth
