#include "mailbox/device_login.h"

#include "oauth/device_flow.h"
#include "oauth/refusal.h"
#include "util/concat.h"

#include <algorithm>
#include <utility>
#include <variant>

namespace mailmoor::mailbox {
namespace {

[[nodiscard]] std::unexpected<Error> abandoned() {
  return fail(ErrorKind::kOperator, "login_abandoned", "the one who asked for the sign-in went away");
}

// Tenants block this flow and no other, and the refusal does not say so (Entra's authentication flows policy).
[[nodiscard]] Error refused(const oauth::Refusal& refusal) {
  constexpr int kBlockedByPolicy = 53003;
  Error error = oauth::to_error(refusal);
  if (std::ranges::find(refusal.aadsts, kBlockedByPolicy) != refusal.aadsts.end())
    error.remedy = concat("the tenant may block the device code alone: try --flow browser; else ", error.remedy);
  return error;
}

} // namespace

runtime::Task<Result<SignIn>> sign_in_by_device_code(const Services& services, OauthClient& client,
                                                     std::function<void(const DevicePrompt&)> on_prompt,
                                                     std::function<bool()> is_wanted) {
  co_await runtime::yield_to_loop(services.loop);
  if (!is_wanted()) co_return abandoned();
  auto preparing = client.ready();
  const Result<const oauth::ClientRegistration*> registration = co_await preparing;
  if (!registration) co_return pass(registration.error());
  if ((*registration)->endpoints.device_authorization.empty())
    co_return fail(ErrorKind::kOperator, "no_device_flow",
                   concat("the server of app ", client.app_name(), " offers no sign-in by device code"),
                   "sign in with --flow browser or --flow paste");
  const Result<oauth::ClientProof> first_proof = client.proof();
  if (!first_proof) co_return pass(first_proof.error());
  auto asking = client.send(oauth::device_authorization_request(**registration, *first_proof));
  const Result<oauth::HttpReply> answer = co_await asking;
  if (!answer) co_return pass(answer.error());
  Result<oauth::DeviceAuthorization> authorization = oauth::parse_device_authorization(*answer, services.now());
  if (!authorization) co_return pass(std::move(authorization).error());

  oauth::DeviceFlow flow(*std::move(authorization), services.now());
  DevicePrompt prompt;
  prompt.verification_uri = flow.authorization().verification_uri;
  prompt.verification_uri_complete = flow.authorization().verification_uri_complete;
  prompt.user_code = flow.authorization().user_code;
  prompt.expires_at = flow.expires_at();
  on_prompt(prompt);

  std::chrono::seconds delay = flow.authorization().interval;
  while (true) {
    co_await runtime::sleep_for(services.loop, delay);
    if (!is_wanted()) co_return abandoned();
    const UnixTime asked_at = services.now();
    const Result<oauth::ClientProof> proof = client.proof();
    if (!proof) co_return pass(proof.error());
    auto polling = client.send(oauth::device_token_request(**registration, *proof, flow.authorization().device_code));
    const Result<oauth::HttpReply> reply = co_await polling;
    oauth::DeviceFlow::Action action =
        reply ? flow.on_reply(*reply, services.now()) : flow.on_network_error(services.now());
    if (auto* granted = std::get_if<oauth::DeviceFlow::Granted>(&action)) {
      SignIn sign_in;
      sign_in.grant = std::move(granted->grant);
      sign_in.asked_at = asked_at;
      co_return sign_in;
    }
    if (auto* failed = std::get_if<oauth::DeviceFlow::Failed>(&action))
      co_return std::unexpected(refused(failed->refusal));
    delay = std::get<oauth::DeviceFlow::Wait>(action).delay;
  }
}

} // namespace mailmoor::mailbox
