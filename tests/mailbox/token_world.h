// A world with an authorization server, and what its answers look like.
#pragma once

#include "mailbox/oauth_client.h"
#include "mailbox/token_keeper.h"
#include "support/http_server.h"
#include "support/world.h"

#include <gmock/gmock.h>
#include <memory>

namespace mailmoor::mailbox {

using testing::HttpServer;

inline constexpr std::string_view kTokenId = "app/alice@example.com";

[[nodiscard]] inline std::string grant_json(std::string_view access, std::string_view refresh, int expires_in = 3600) {
  return concat(R"({"token_type":"Bearer","access_token":")", access, R"(","expires_in":)", expires_in,
                refresh.empty() ? "" : R"(,"refresh_token":")", refresh, refresh.empty() ? "}" : "\"}");
}
[[nodiscard]] inline oauth::TokenGrant grant(std::string_view access, std::string_view refresh) {
  oauth::TokenGrant given;
  given.access_token = Secret(access);
  given.refresh_token = Secret(refresh);
  given.expires_in = std::chrono::hours(1);
  return given;
}

class TokenWorld : public ::testing::Test {
 protected:
  // A token in the vault as a refresh at `obtained_at` would have left it.
  void store_token(std::string_view access, std::string_view refresh, UnixTime obtained_at,
                   std::chrono::seconds life = std::chrono::hours(1)) {
    store::StoredToken token;
    token.access_token = Secret(access);
    token.refresh_token = Secret(refresh);
    token.obtained_at = obtained_at;
    token.expires_at = obtained_at + life;
    ASSERT_TRUE(world.vault.save_token_blocking(kTokenId, token));
  }
  [[nodiscard]] std::string stored_refresh_token() {
    const auto token = world.vault.load_token_blocking(kTokenId);
    return token && *token ? std::string((*token)->refresh_token.reveal()) : "none";
  }
  [[nodiscard]] OauthClientSettings settings() {
    OauthClientSettings made;
    made.registration.app_name = "app";
    made.registration.client_id = "client";
    made.registration.endpoints.token = server.url("/token");
    made.registration.endpoints.device_authorization = server.url("/device");
    return made;
  }
  // A new keeper, as after a restart of the daemon.
  void start() {
    keeper.reset();
    client = std::make_unique<OauthClient>(world.services, settings());
    keeper = std::make_unique<TokenKeeper>(world.services, *client, std::string(kTokenId), "alice");
    keeper->start();
    world.run_ready();
  }
  [[nodiscard]] std::string access_token() { return shown(world.finish(keeper->access_token())); }
  [[nodiscard]] static std::string shown(const Result<AccessToken>& token) {
    return token ? std::string(token->secret.reveal()) : token.error().code;
  }
  // Runs until the request that is under way has been dealt with.
  [[nodiscard]] bool refreshed() {
    return world.until([this] { return !keeper->is_refreshing(); });
  }

  testing::World world;
  HttpServer server{world.loop};
  std::unique_ptr<OauthClient> client;
  std::unique_ptr<TokenKeeper> keeper;
};

// Ask for a token and keep what came.
class Asker final {
 public:
  explicit Asker(runtime::Task<Result<AccessToken>> task) {
    runner_.start(std::move(task), [this](Result<AccessToken> token) { result.emplace(std::move(token)); });
  }
  std::optional<Result<AccessToken>> result;

 private:
  runtime::TaskRunner<Result<AccessToken>> runner_;
};

} // namespace mailmoor::mailbox
