// The answers of an authorization server, hostile or broken. Input: one byte that picks the HTTP status and headers,
// then the body; it is read as a token answer, a device authorization answer, metadata, the key of a service account,
// a certificate with its key, an access token and the payload of one. Must hold for any bytes: no crash, no throw; what
// is shown is one line of bounded, valid UTF-8 without controls; a grant can be used; no waiting beyond a day.
#include "oauth/app_grant.h"
#include "oauth/client_certificate.h"
#include "oauth/device_flow.h"
#include "oauth/http_date.h"
#include "oauth/metadata.h"
#include "oauth/refresh_policy.h"
#include "oauth/reply.h"
#include "oauth/service_account.h"
#include "oauth/token_diagnosis.h"
#include "util/base64.h"
#include "util/concat.h"
#include "util/utf8.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>
#include <utility>
#include <variant>

namespace mailmoor::oauth {
namespace {

constexpr UnixTime kNow{std::chrono::seconds(1'800'000'000)};

void must(bool holds) {
  if (!holds) std::abort();
}

void must_be_shown(std::string_view text, std::size_t max_bytes) {
  must(text.size() <= max_bytes && is_valid_utf8(text));
  must(std::ranges::none_of(text, [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7F; }));
}

void must_be_token(const Secret& token) {
  must(token.size() <= kMaxTokenBytes);
  must(std::ranges::all_of(token.reveal(), [](char c) { return c >= ' ' && c <= '~'; }));
}

HttpReply reply_of(unsigned char choice, std::string_view body) {
  constexpr int kStatuses[] = {200, 400, 401, 403, 408, 429, 500, 503};
  HttpReply reply;
  reply.status = kStatuses[choice % 8];
  reply.body = Secret(body);
  const std::string_view line = body.substr(0, std::min<std::size_t>(body.find('\n'), 64));
  if ((choice & 8) != 0) reply.retry_after = line;
  if ((choice & 16) != 0) reply.date = line;
  if ((choice & 32) != 0) reply.content_type = line;
  return reply;
}

void check(const Refusal& refusal) {
  must_be_shown(refusal.error, 64);
  must_be_shown(refusal.what, 700);
  must_be_shown(refusal.trace, 300);
  must(refusal.aadsts.size() <= 8);
  must(!refusal.retry_after || (refusal.retry_after->count() >= 0 && *refusal.retry_after <= std::chrono::hours(24)));
  must_be_token(refusal.rotated_refresh_token);
  must(!to_error(refusal).code.empty());
}

void check(const TokenGrant& grant) {
  must(!grant.access_token.empty());
  must_be_token(grant.access_token);
  must_be_token(grant.refresh_token);
  must_be_shown(grant.scope, 4096);
  const TokenTimes times = token_times(grant, kNow);
  must(times.expires_at > kNow);
  const UnixTime refresh = next_refresh(times, 0.999);
  must(refresh >= kNow && refresh < times.expires_at);
  must(refresh <= reconnect_before(times));
}

void check(DeviceAuthorization authorization, const HttpReply& reply) {
  must_be_token(authorization.device_code);
  must_be_shown(authorization.user_code, 64);
  must_be_shown(authorization.verification_uri, 2048);
  must_be_shown(authorization.verification_uri_complete, 2048);
  must(authorization.expires_in.count() > 0 && authorization.interval.count() > 0);
  DeviceFlow flow(std::move(authorization), kNow);
  const auto action = flow.on_reply(reply, kNow);
  if (const auto* const wait = std::get_if<DeviceFlow::Wait>(&action)) must(wait->delay.count() > 0);
}

void check(const Endpoints& endpoints) {
  must(is_endpoint_url(endpoints.token));
  must(endpoints.device_authorization.empty() || is_endpoint_url(endpoints.device_authorization));
  must(endpoints.authorization.empty() || is_endpoint_url(endpoints.authorization));
}

void check_token(std::string_view token) {
  const auto facts = read_token(token);
  if (facts) {
    for (const auto* texts : {&facts->audiences, &facts->scopes, &facts->roles})
      for (const std::string& text : *texts)
        must_be_shown(text, 256);
    for (const std::string& text : {facts->tenant, facts->user, facts->app_id, facts->object_id})
      must_be_shown(text, 256);
  }
  for (const MailService service : {MailService::kExchange, MailService::kGmail, MailService::kOther}) {
    TokenExpectations expected;
    expected.service = service;
    expected.mailbox = expected.user = expected.login_user = "a@b";
    const auto findings = diagnose_token(facts, token.substr(0, 300), kNow, expected, kNow);
    must(!findings.empty() && findings.front().about == "token");
    for (const TokenFinding& finding : findings) {
      must(!finding.what.empty() && is_valid_utf8(finding.remedy));
      must(finding.remedy.empty() == (finding.verdict == TokenFinding::Verdict::kGood));
    }
    must(is_valid_utf8(refused_login_remedy(facts, findings, expected)));
  }
}

void run(unsigned char choice, std::string_view body) {
  const HttpReply reply = reply_of(choice, body);
  const TokenOutcome outcome = parse_token_reply(reply, kNow);
  if (outcome)
    check(*outcome);
  else
    check(outcome.error());
  for (const AppGrant grant : {AppGrant::kClientCredentials, AppGrant::kServiceAccount}) {
    TokenOutcome again = parse_token_reply(reply, kNow);
    if (again) continue;
    const Refusal refusal = without_person(std::move(again.error()), grant);
    check(refusal);
    must(refusal.kind != RefusalClass::kUserSignsIn && !refusal.remedy.contains("login"));
  }
  if (auto authorization = parse_device_authorization(reply, kNow))
    check(std::move(*authorization), reply);
  else
    must_be_shown(authorization.error().what, 700);
  if (const auto endpoints = parse_metadata(body, "https://server.example.com"))
    check(*endpoints);
  else
    must_be_shown(endpoints.error().what, 700);
  if (const auto account = ServiceAccount::parse(body))
    must(account->token_uri.empty() || is_endpoint_url(account->token_uri));
  else
    must_be_shown(account.error().what, 700);
  if (const auto certificate = ClientCertificate::parse(body, body))
    must(certificate->sha256.size() == 32 && certificate->sha1.size() == 20);
  else
    must_be_shown(certificate.error().what, 700);
  check_token(body);
  check_token(concat("e30.", base64url_encode(body), ".c2ln"));
  for (const std::string& url : metadata_urls(body))
    must(is_endpoint_url(url) || url.size() > 2048);
}

} // namespace
} // namespace mailmoor::oauth

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  if (size == 0) return 0;
  mailmoor::oauth::run(bytes[0], std::string_view(reinterpret_cast<const char*>(bytes), size).substr(1));
  return 0;
}
