#include "mailbox/redirect_login.h"

#include "oauth/refusal.h"
#include "oauth/reply.h"
#include "util/concat.h"
#include "util/scope_exit.h"

#include <cassert>
#include <utility>

namespace mailmoor::mailbox {
namespace {

// Longer than a person takes who has to ask a colleague first; the sign-in page itself gives up sooner and can be
// opened again.
constexpr std::chrono::seconds kLinkLife = std::chrono::hours(1);

[[nodiscard]] std::unexpected<Error> not_answered(bool was_abandoned) {
  if (was_abandoned)
    return fail(ErrorKind::kOperator, "login_abandoned", "the one who asked for the sign-in went away");
  return fail(ErrorKind::kOperator, "login_link_expired", "nobody came back from the sign-in page within an hour",
              "start again: mailmoorctl login");
}

} // namespace

void RedirectEntry::hand_in(oauth::RedirectReply reply) {
  assert(takes(reply) && !reply_);
  reply_.emplace(std::move(reply));
  changed_.set();
}

void RedirectEntry::abandon() noexcept {
  abandoned_ = true;
  changed_.set();
}

runtime::Task<Result<SignIn>> sign_in_by_redirect(const Services& services, OauthClient& client,
                                                  oauth::AuthorizationWishes wishes, Secret random,
                                                  std::function<void(const RedirectPrompt&)> on_prompt,
                                                  RedirectEntry& entry) {
  co_await runtime::yield_to_loop(services.loop);
  auto preparing = client.ready();
  const Result<const oauth::ClientRegistration*> registration = co_await preparing;
  if (!registration) co_return pass(registration.error());
  if (entry.abandoned_) co_return not_answered(/*was_abandoned=*/true);
  if ((*registration)->endpoints.authorization.empty())
    co_return fail(ErrorKind::kOperator, "no_browser_flow",
                   concat("app ", client.app_name(), " has no authorization endpoint, so there is no page to open"),
                   "sign in with --flow device, or set authorization_endpoint");
  // An issuer that the metadata or the configuration names is the one that must have answered.
  if (wishes.issuer.empty()) wishes.issuer = (*registration)->endpoints.issuer;
  oauth::AuthorizationFlow flow(**registration, std::move(wishes), random);
  entry.flow_ = &flow;
  const ScopeExit close([&entry] { entry.flow_ = nullptr; });
  RedirectPrompt prompt;
  prompt.authorization_url = flow.url();
  prompt.expires_at = services.now() + kLinkLife;
  on_prompt(prompt);

  co_await entry.changed_.wait_for(kLinkLife);
  if (!entry.reply_) co_return not_answered(entry.abandoned_);
  const Result<oauth::ClientProof> proof = client.proof();
  if (!proof) co_return pass(proof.error());
  Result<oauth::TokenRequest> request = flow.redeem(**registration, *proof, *entry.reply_);
  if (!request) co_return pass(std::move(request).error());
  const UnixTime asked_at = services.now();
  auto sending = client.send(*std::move(request));
  const Result<oauth::HttpReply> answer = co_await sending;
  if (!answer) co_return pass(answer.error());
  oauth::TokenOutcome outcome = oauth::parse_token_reply(*answer, services.now());
  if (!outcome) co_return std::unexpected(oauth::to_error(outcome.error()));
  SignIn sign_in;
  sign_in.grant = *std::move(outcome);
  sign_in.asked_at = asked_at;
  co_return sign_in;
}

} // namespace mailmoor::mailbox
