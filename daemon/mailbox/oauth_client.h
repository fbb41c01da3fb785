// One app registration at work: finds the endpoints when they are to be discovered, and sends its requests.
// Shared by all tokens of the app; outlives them. Loop thread only.
#pragma once

#include "mailbox/app_gate.h"
#include "mailbox/services.h"
#include "net/trust.h"
#include "oauth/client.h"
#include "oauth/client_proof.h"
#include "oauth/reply.h"
#include "oauth/request.h"
#include "runtime/task.h"
#include "runtime/wait.h"

#include <optional>
#include <string>
#include <utility>

namespace mailmoor::mailbox {

struct OauthClientSettings {
  oauth::ClientRegistration registration;
  bool discovers = false; // the endpoints come from registration.endpoints.issuer (RFC 8414)
  net::SharedTrust trust;
  std::string proxy;
  int refreshes_per_minute = kRefreshesPerMinute;
};

class OauthClient final {
 public:
  OauthClient(const Services& services, OauthClientSettings settings);
  OauthClient(const OauthClient&) = delete;
  OauthClient& operator=(const OauthClient&) = delete;

  // The registration with its endpoints known; discovers them at the first use, once for all who wait. So is a failure
  // told to all who wait or come shortly after, or inside a pause that the server imposed (Error::imposed_wait is what
  // is left of it). The pointer is good for the life of this object.
  [[nodiscard]] runtime::Task<Result<const oauth::ClientRegistration*>> ready();
  // What one request to the server shows of us: made anew for each. Errors: kBug.
  [[nodiscard]] Result<oauth::ClientProof> proof() const;
  // An answer to a refresh, and what says that it has been dealt with: see courier/courier.h.
  struct Refreshed {
    Refreshed(oauth::HttpReply reply_in, courier::Courier::Receipt receipt_in)
        : reply(std::move(reply_in)), receipt(std::move(receipt_in)) {}
    oauth::HttpReply reply;
    courier::Courier::Receipt receipt;
  };
  // Sends a request that uses up `refresh_token`, by the courier; one that uses none goes straight. kHost
  // "token_replaced": the vault has a newer one.
  [[nodiscard]] runtime::Task<Result<Refreshed>> send_refresh(std::string token_id, Secret refresh_token,
                                                              oauth::TokenRequest request);
  // Any HTTP answer is a success. Errors: kHost.
  [[nodiscard]] runtime::Task<Result<oauth::HttpReply>> send(oauth::TokenRequest request);
  // Where the tokens of the app line up for their refreshes.
  [[nodiscard]] AppGate& gate() noexcept { return gate_; }
  [[nodiscard]] const AppGate& gate() const noexcept { return gate_; }
  // The registration's secret, certificate and key were read anew: used from the next request on. Whether they differ.
  bool renew(oauth::ClientRegistration read_anew);
  // Asks the token endpoint for nothing (GET, no body): any HTTP answer shows that it can be reached. Errors: as
  // ready() and send(), and kApp "app_misconfigured" when there is no such endpoint.
  [[nodiscard]] runtime::Task<Result<oauth::HttpReply>> probe_token_endpoint();
  [[nodiscard]] const std::string& app_name() const noexcept { return settings_.registration.app_name; }

 private:
  [[nodiscard]] runtime::Task<Status> discover_once();
  [[nodiscard]] runtime::Task<Status> discover();
  [[nodiscard]] net::HttpRequest request_to(std::string url) const;
  [[nodiscard]] net::HttpRequest post_of(oauth::TokenRequest request) const;

  const Services& services_;
  OauthClientSettings settings_;
  std::optional<Error> not_discovered_; // the last failure, which holds until discover_again_
  runtime::MonoTime discover_again_{};
  runtime::Semaphore discovery_; // one at a time
  AppGate gate_;
};

} // namespace mailmoor::mailbox
