// The clock, the token endpoint and the token.
#include "mailbox/examination.h"
#include "oauth/http_date.h"
#include "util/concat.h"

#include <algorithm>
#include <utility>

namespace mailmoor::mailbox {
namespace {

using Outcome = CheckResult::Outcome;
using std::chrono::seconds;

constexpr runtime::Duration kProbePatience = seconds(30);
// Longer than the keeper makes the users of a token wait for a refresh.
constexpr runtime::Duration kTokenPatience = seconds(100);
// Entra forgives five minutes (AADSTS700024); a minute off is worth a word before it gets there.
constexpr seconds kSkewNoted{60};
constexpr seconds kSkewForgiven{300};

[[nodiscard]] Outcome outcome_of(oauth::TokenFinding::Verdict verdict) {
  switch (verdict) {
  case oauth::TokenFinding::Verdict::kGood: return Outcome::kGood;
  case oauth::TokenFinding::Verdict::kDoubtful: return Outcome::kDoubtful;
  case oauth::TokenFinding::Verdict::kWrong: return Outcome::kFailed;
  }
  return Outcome::kFailed;
}

} // namespace

runtime::Task<void> Examination::ask_token_endpoint() {
  if (client_ == nullptr || keeper_->imposed_pause()) co_return;
  endpoint_asked_at_ = services_.now();
  auto probing = client_->probe_token_endpoint();
  Error too_late(ErrorKind::kHost, "io_timeout", "the token endpoint does not answer");
  endpoint_ = co_await runtime::with_timeout<oauth::HttpReply>(services_.loop, kProbePatience, std::move(too_late),
                                                               std::move(probing));
  if (!*endpoint_) co_return;
  const oauth::HttpReply& reply = **endpoint_;
  const auto wait = oauth::parse_retry_after(reply.retry_after, reply.date, services_.now());
  if (!wait || wait->count() == 0) co_return;
  Error pause(ErrorKind::kHost, "token_endpoint_unavailable",
              concat("the token endpoint of app ", client_->app_name(), " asks to wait ", wait->count(), " s"));
  pause.imposed_wait = *wait;
  keeper_->heed_pause(pause);
}

void Examination::tell_clock() {
  if (client_ == nullptr) return skip("clock", "signs in with a password: there is no token endpoint to compare with");
  const auto date = endpoint_ && *endpoint_ ? oauth::parse_http_date((*endpoint_)->date) : std::nullopt;
  if (!date) return skip("clock", "the token endpoint gave no time to compare with");
  // The answer was written between the question and now.
  const seconds ahead = endpoint_asked_at_ - *date;
  const seconds behind = *date - services_.now();
  const seconds off = std::max({ahead, behind, seconds(0)});
  const std::string text =
      off.count() == 0 ? std::string("as the token endpoint's")
                       : concat(off.count(), " s ", ahead > behind ? "ahead of" : "behind", " the token endpoint's");
  if (off <= kSkewNoted) return good("clock", text);
  tell("clock", off > kSkewForgiven ? Outcome::kFailed : Outcome::kDoubtful, text,
       "set this machine's clock right (timedatectl set-ntp true)");
}

void Examination::tell_token_endpoint() {
  if (client_ == nullptr) return skip("token_endpoint", "signs in with a password");
  if (!endpoint_) {
    const auto pause = keeper_->imposed_pause();
    return skip("token_endpoint",
                concat("it imposed a pause", pause ? " until " + to_rfc3339(*pause) : "", "; nothing is sent before"));
  }
  if (!*endpoint_) {
    Error error = endpoint_->error();
    if (error.imposed_wait) return skip("token_endpoint", error.what);
    if (error.remedy.empty())
      error.remedy = "see that this machine reaches it: name servers, firewall, `proxy` of the app";
    return fail_with("token_endpoint", error);
  }
  const int status = (*endpoint_)->status;
  // Whatever it says to a question without content, it is there.
  if (status < 500 && status != 429) return good("token_endpoint", concat("answers (HTTP ", status, " to a bare GET)"));
  tell("token_endpoint", Outcome::kDoubtful, concat("answers with HTTP ", status),
       "if it lasts: see the provider's service health");
}

runtime::Task<void> Examination::get_token() {
  if (keeper_ == nullptr) co_return;
  auto asking = keeper_->access_token();
  Error too_late(ErrorKind::kHost, "token_endpoint_unavailable", "no new token came in time");
  token_ = co_await runtime::with_timeout<AccessToken>(services_.loop, kTokenPatience, std::move(too_late),
                                                       std::move(asking));
}

void Examination::tell_token() {
  if (!token_) return skip("token", "signs in with a password");
  if (!*token_) {
    const auto pause = keeper_->imposed_pause();
    if (pause && token_->error().kind == ErrorKind::kHost)
      skip("token",
           concat("there is none that is good, and the token endpoint imposed a pause until ", to_rfc3339(*pause)));
    else
      fail_with("token", token_->error());
    return;
  }
  const AccessToken& token = **token_;
  facts_ = oauth::read_token(token.secret.reveal());
  findings_ =
      oauth::diagnose_token(facts_, keeper_->granted_scope(), token.times.expires_at, settings_.token, services_.now());
  for (const oauth::TokenFinding& finding : findings_)
    tell(finding.about, outcome_of(finding.verdict), finding.what, finding.remedy);
}

} // namespace mailmoor::mailbox
