#include "mailbox/oauth_client.h"

#include "mailbox/token_answer.h"
#include "oauth/http_date.h"
#include "oauth/metadata.h"
#include "oauth/service_account.h"
#include "util/concat.h"

#include <algorithm>
#include <cstdint>
#include <string_view>
#include <utility>

namespace mailmoor::mailbox {
namespace {

// Many tokens that wait for one issuer must not ask it one after the other.
constexpr runtime::Duration kFailureHolds = std::chrono::seconds(5);

// A random UUID (RFC 9562 §5.4): the form that Entra's documentation shows for "jti".
[[nodiscard]] std::string make_uuid(std::mt19937_64& random) {
  const std::uint64_t high = (random() & ~std::uint64_t{0xF000}) | 0x4000U;
  const std::uint64_t low = (random() & ~(std::uint64_t{3} << 62)) | (std::uint64_t{2} << 62);
  constexpr std::string_view kHex = "0123456789abcdef";
  std::string uuid;
  for (unsigned digit = 0; digit < 32; ++digit) {
    if (digit == 8 || digit == 12 || digit == 16 || digit == 20) uuid += '-';
    uuid += kHex[((digit < 16 ? high : low) >> (60 - 4 * (digit % 16))) & 15U];
  }
  return uuid;
}

} // namespace

OauthClient::OauthClient(const Services& services, OauthClientSettings settings)
    : services_(services), settings_(std::move(settings)), discovery_(services.loop, 1),
      gate_(services, settings_.registration.app_name, settings_.refreshes_per_minute) {}

net::HttpRequest OauthClient::request_to(std::string url) const {
  net::HttpRequest request;
  request.url = std::move(url);
  request.trust = settings_.trust;
  request.proxy = settings_.proxy;
  request.max_answer = oauth::kMaxReplyBytes;
  return request;
}

runtime::Task<Result<const oauth::ClientRegistration*>> OauthClient::ready() {
  if (settings_.discovers) {
    auto discovering = discover_once();
    const Status discovered = co_await discovering;
    if (!discovered) co_return pass(discovered.error());
  }
  const Status checked = oauth::check_registration(settings_.registration);
  if (!checked) co_return pass(checked.error());
  co_return &settings_.registration;
}

runtime::Task<Status> OauthClient::discover_once() {
  const runtime::Semaphore::Permit turn = co_await discovery_.acquire();
  if (!settings_.discovers) co_return Status(); // another one did it while we waited
  const runtime::Duration left = discover_again_ - services_.loop.now();
  if (not_discovered_ && left > runtime::Duration::zero()) {
    Error error = *not_discovered_;
    if (error.imposed_wait) error.imposed_wait = std::chrono::ceil<std::chrono::milliseconds>(left);
    co_return pass(std::move(error));
  }
  auto discovering = discover();
  const Status discovered = co_await discovering;
  if (discovered) {
    settings_.discovers = false;
    not_discovered_.reset();
    co_return Status();
  }
  not_discovered_ = discovered.error();
  const runtime::Duration imposed = not_discovered_->imposed_wait.value_or(std::chrono::milliseconds(0));
  discover_again_ = services_.loop.now() + std::max(services_.scaled(kFailureHolds), imposed);
  co_return pass(discovered.error());
}

runtime::Task<Status> OauthClient::discover() {
  const std::string issuer = settings_.registration.endpoints.issuer;
  Status last = fail(ErrorKind::kApp, "metadata_invalid", concat("app ", app_name(), ": no metadata at ", issuer),
                     "check `issuer`, or give the endpoints by name");
  for (std::string& url : oauth::metadata_urls(issuer)) {
    net::HttpRequest request = request_to(std::move(url));
    Result<net::HttpAnswer> answer = co_await services_.http.send(std::move(request));
    if (!answer) co_return pass(std::move(answer).error());
    if (answer->status == 429 || answer->status >= 500) {
      Error error(ErrorKind::kHost, "token_endpoint_unavailable",
                  concat("the metadata of ", issuer, " was answered with HTTP status ", answer->status));
      error.imposed_wait =
          oauth::parse_retry_after(answer->headers["retry-after"], answer->headers["date"], services_.now());
      co_return pass(std::move(error));
    }
    if (answer->status != 200) continue;
    Result<oauth::Endpoints> endpoints = oauth::parse_metadata(answer->body.reveal(), issuer);
    if (!endpoints) {
      last = pass(std::move(endpoints).error());
      continue;
    }
    // What the configuration names wins over what the server says of itself.
    oauth::Endpoints& known = settings_.registration.endpoints;
    if (known.token.empty()) known.token = std::move(endpoints->token);
    if (known.authorization.empty()) known.authorization = std::move(endpoints->authorization);
    if (known.device_authorization.empty()) known.device_authorization = std::move(endpoints->device_authorization);
    co_return Status();
  }
  co_return last;
}

bool OauthClient::renew(oauth::ClientRegistration read_anew) {
  oauth::ClientRegistration& mine = settings_.registration;
  const auto thumbprint = [](const auto& client) { return client.certificate ? client.certificate->sha256 : ""; };
  const auto key_id = [](const auto& client) { return client.service_account ? client.service_account->key_id : ""; };
  const bool differ = mine.client_secret != read_anew.client_secret || thumbprint(mine) != thumbprint(read_anew) ||
                      key_id(mine) != key_id(read_anew);
  mine.client_secret = std::move(read_anew.client_secret);
  mine.certificate = std::move(read_anew.certificate);
  mine.service_account = std::move(read_anew.service_account);
  return differ;
}

Result<oauth::ClientProof> OauthClient::proof() const {
  return oauth::prove_client(settings_.registration, services_.now(), make_uuid(services_.random));
}

net::HttpRequest OauthClient::post_of(oauth::TokenRequest request) const {
  net::HttpRequest post = request_to(std::move(request.url));
  post.post = true;
  post.body = std::move(request.body);
  for (oauth::Header& header : request.headers)
    post.headers.emplace_back(std::move(header.name), std::move(header.value));
  return post;
}

runtime::Task<Result<OauthClient::Refreshed>> OauthClient::send_refresh(std::string token_id, Secret refresh_token,
                                                                        oauth::TokenRequest request) {
  if (services_.courier == nullptr || refresh_token.empty()) {
    auto sending = send(std::move(request));
    Result<oauth::HttpReply> reply = co_await sending;
    if (!reply) co_return pass(std::move(reply).error());
    co_return Refreshed(*std::move(reply), courier::Courier::Receipt());
  }
  net::HttpRequest post = post_of(std::move(request));
  auto carrying =
      services_.courier->carry(std::move(token_id), std::move(refresh_token), std::move(post), services_.now());
  Result<courier::Courier::Carried> carried = co_await carrying;
  if (!carried) co_return pass(std::move(carried).error());
  co_return Refreshed(to_reply(std::move(carried->answer)), std::move(carried->receipt));
}

runtime::Task<Result<oauth::HttpReply>> OauthClient::send(oauth::TokenRequest request) {
  net::HttpRequest post = post_of(std::move(request));
  Result<net::HttpAnswer> answer = co_await services_.http.send(std::move(post));
  if (!answer) co_return pass(std::move(answer).error());
  co_return to_reply(*std::move(answer));
}

runtime::Task<Result<oauth::HttpReply>> OauthClient::probe_token_endpoint() {
  auto preparing = ready();
  const Result<const oauth::ClientRegistration*> registration = co_await preparing;
  if (!registration) co_return pass(registration.error());
  net::HttpRequest get = request_to((*registration)->endpoints.token);
  Result<net::HttpAnswer> answer = co_await services_.http.send(std::move(get));
  if (!answer) co_return pass(std::move(answer).error());
  co_return to_reply(*std::move(answer));
}

} // namespace mailmoor::mailbox
