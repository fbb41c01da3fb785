#include "oauth/reply.h"

#include "oauth/aadsts.h"
#include "oauth/http_date.h"
#include "oauth/json_reply.h"
#include "oauth/refusal_table.h"
#include "oauth/shown_text.h"
#include "oauth/url.h"
#include "util/ascii.h"
#include "util/concat.h"

#include <algorithm>
#include <string_view>
#include <utility>
#include <vector>

namespace mailmoor::oauth {

namespace {

using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::seconds;

constexpr seconds kDefaultLife = hours(1);
constexpr seconds kLongestLife = hours(24 * 365); // a bound for arithmetic, not a belief
constexpr seconds kDefaultCodeLife = minutes(15); // Entra's
constexpr seconds kLongestCodeLife = hours(24);
constexpr seconds kDefaultInterval = seconds(5); // RFC 8628 §3.2
constexpr seconds kLongestInterval = minutes(5);
constexpr std::size_t kMaxScopeBytes = 4096;
constexpr std::size_t kMaxWordBytes = 64;
constexpr std::size_t kMaxDescriptionBytes = 400;

bool is_success(int status) {
  return status >= 200 && status < 300;
}

// Seconds of the member in 1 … `longest`; empty when absent, no number, or not positive.
std::optional<seconds> positive_seconds(const JsonReply& json, std::string_view member, seconds longest) {
  const auto number = json.number(member);
  if (!number || *number <= 0) return std::nullopt;
  return std::min(seconds(*number), longest);
}

// error_codes; consumer accounts often lack it, so also those of the description.
std::vector<int> aadsts_codes(const JsonReply& json, std::string_view description) {
  std::vector<int> codes;
  for (const std::int64_t code : json.numbers("error_codes"))
    append_aadsts(codes, code);
  append_aadsts(codes, description);
  return codes;
}

std::string trace_of(const JsonReply& json) {
  std::string trace;
  for (const std::string_view member : {"trace_id", "correlation_id", "timestamp"}) {
    const std::string value = shown_description(json.text(member), kMaxWordBytes);
    if (!value.empty()) trace += concat(trace.empty() ? "" : " ", member, '=', value);
  }
  return trace;
}

// Entra ends its descriptions with "\r\nTrace ID: …", which is trace_of()'s matter.
std::string description_of(std::string_view text) {
  return shown_description(text.substr(0, text.find("Trace ID:")), kMaxDescriptionBytes);
}

std::string clock_difference(const HttpReply& reply, UnixTime now) {
  const auto server = parse_http_date(reply.date);
  if (!server) return {};
  const auto ahead = (now - *server).count();
  return concat("; this host's clock is ", ahead < 0 ? -ahead : ahead, " s ", ahead < 0 ? "behind" : "ahead of",
                " the server's");
}

// For a body that is no OAuth answer: what came instead. Never the body itself, which may be anything.
std::string foreign_body(const HttpReply& reply) {
  const std::string type = shown_text(std::string_view(reply.content_type).substr(0, reply.content_type.find(';')), 64);
  return concat("HTTP ", reply.status, " without an OAuth answer (", reply.body.size(), " bytes of ",
                type.empty() ? "no type" : type, ")");
}

Refusal refused(const HttpReply& reply, JsonReply& json, UnixTime now) {
  const std::string_view word = json.text(json.has("error.status") ? "error.status" : "error");
  const std::string_view description = json.text(json.has("error.message") ? "error.message" : "error_description");
  const std::string_view subtype = json.text(json.has("suberror") ? "suberror" : "error_subtype");

  Refusal refusal;
  refusal.error = shown_description(word, kMaxWordBytes);
  refusal.aadsts = aadsts_codes(json, description);
  refusal.trace = trace_of(json);
  const std::string detail = concat(subtype, ' ', description);
  const Verdict verdict = judge({.status = reply.status, .error = word, .aadsts = refusal.aadsts, .detail = detail});
  refusal.kind = verdict.kind;
  refusal.whole_app = verdict.whole_app;
  refusal.remedy = verdict.remedy;
  refusal.retry_after = parse_retry_after(reply.retry_after, reply.date, now);
  if (verdict.least_wait > refusal.retry_after.value_or(seconds(0))) refusal.retry_after = verdict.least_wait;

  if (word.empty()) {
    refusal.what = foreign_body(reply);
  } else {
    const std::string shown = description_of(description);
    const std::string shown_subtype = shown_description(subtype, kMaxWordBytes);
    refusal.what = concat("HTTP ", reply.status, ' ', refusal.error, shown_subtype.empty() ? "" : "/", shown_subtype,
                          shown.empty() ? "" : ": ", shown);
  }
  if (verdict.kind == RefusalClass::kFixClock) refusal.what += clock_difference(reply, now);
  if (is_success(reply.status)) refusal.rotated_refresh_token = json.take_secret("refresh_token");
  return refusal;
}

// A success that cannot be used. What it carried of a refresh token is not lost (P5).
Refusal unusable(JsonReply& json, RefusalClass kind, std::string what, std::string remedy) {
  Refusal refusal;
  refusal.kind = kind;
  refusal.whole_app = kind == RefusalClass::kAppConfiguration;
  refusal.what = std::move(what);
  refusal.remedy = std::move(remedy);
  refusal.rotated_refresh_token = json.take_secret("refresh_token");
  return refusal;
}

bool is_answer(const HttpReply& reply, const JsonReply& json) {
  return is_success(reply.status) && json.is_object() && !json.has("error") && !json.has("error.status");
}

std::unexpected<Error> bad_device_answer(std::string_view what) {
  return fail(ErrorKind::kHost, "device_authorization_invalid",
              concat("the answer of the device authorization endpoint has ", what),
              "if it lasts, check device_authorization_endpoint");
}

} // namespace

TokenOutcome parse_token_reply(const HttpReply& reply, UnixTime now) {
  JsonReply json = JsonReply::parse(reply.body.reveal());
  if (!is_answer(reply, json)) return std::unexpected(refused(reply, json, now));

  TokenGrant grant;
  grant.access_token = json.take_secret("access_token");
  if (grant.access_token.empty())
    return std::unexpected(unusable(json, RefusalClass::kRetry, "the server's answer has no usable access_token",
                                    "if it lasts, check token_endpoint"));
  // RFC 6749 §7.1: a client must not use a token of a type that it does not know.
  if (!equals_ignoring_case(json.text("token_type"), "bearer"))
    return std::unexpected(
        unusable(json, RefusalClass::kAppConfiguration,
                 concat("the server gave a token of type \"", shown_text(json.text("token_type"), kMaxWordBytes), "\""),
                 "let the server issue Bearer tokens to this client"));
  grant.refresh_token = json.take_secret("refresh_token");
  grant.expires_in = positive_seconds(json, "expires_in", kLongestLife).value_or(kDefaultLife);
  grant.refresh_in = positive_seconds(json, "refresh_in", kLongestLife);
  if (grant.refresh_in && *grant.refresh_in >= grant.expires_in) grant.refresh_in.reset();
  grant.scope = shown_text(json.text("scope"), kMaxScopeBytes);
  return grant;
}

Result<DeviceAuthorization> parse_device_authorization(const HttpReply& reply, UnixTime now) {
  JsonReply json = JsonReply::parse(reply.body.reveal());
  if (!is_answer(reply, json)) return pass(to_error(refused(reply, json, now)));

  DeviceAuthorization authorization;
  authorization.device_code = json.take_secret("device_code");
  if (authorization.device_code.empty()) return bad_device_answer("no usable device_code");
  // A code that cannot be shown as it is could not be typed either.
  authorization.user_code = shown_text(json.text("user_code"), kMaxWordBytes);
  if (authorization.user_code.empty() || authorization.user_code != json.text("user_code"))
    return bad_device_answer("no usable user_code");
  // Google and old drafts say verification_url.
  authorization.verification_uri = json.text(json.has("verification_uri") ? "verification_uri" : "verification_url");
  if (!parse_web_url(authorization.verification_uri)) return bad_device_answer("no usable verification_uri");
  if (const std::string_view complete = json.text("verification_uri_complete"); parse_web_url(complete))
    authorization.verification_uri_complete = complete;
  authorization.expires_in = positive_seconds(json, "expires_in", kLongestCodeLife).value_or(kDefaultCodeLife);
  authorization.interval = positive_seconds(json, "interval", kLongestInterval).value_or(kDefaultInterval);
  return authorization;
}

} // namespace mailmoor::oauth
