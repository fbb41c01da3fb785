// A world with many sign-ins of one app, each with its real TokenKeeper.
#pragma once

#include "mailbox/token_world.h"

#include <deque>
#include <list>
#include <map>
#include <memory>
#include <string>
#include <vector>

namespace mailmoor::mailbox {

class AppWorld : public TokenWorld {
 protected:
  [[nodiscard]] static std::string id_of(std::size_t number) { return concat("app/user", number); }
  // Tokens of that many users as refreshes at `obtained_at` left them: "A<n>", "R<n>-0".
  void store_tokens(std::size_t count, UnixTime obtained_at, std::chrono::seconds life = std::chrono::hours(1)) {
    for (std::size_t n = 0; n < count; ++n) {
      store::StoredToken token;
      token.access_token = Secret(concat("A", n));
      token.refresh_token = Secret(concat("R", n, "-0"));
      token.obtained_at = obtained_at;
      token.expires_at = obtained_at + life;
      ASSERT_TRUE(world.vault.save_token_blocking(id_of(n), token));
    }
  }
  // As after a restart of the daemon.
  void start_all(std::size_t count, int per_minute = kRefreshesPerMinute) {
    keepers.clear();
    OauthClientSettings made = settings();
    made.refreshes_per_minute = per_minute;
    client = std::make_unique<OauthClient>(world.services, std::move(made));
    for (std::size_t n = 0; n < count; ++n) {
      keepers.push_back(std::make_unique<TokenKeeper>(world.services, *client, id_of(n), concat("user", n)));
      keepers.back()->start();
    }
    world.run_ready();
  }
  ~AppWorld() override { keepers.clear(); }
  // Every answer that is under way has been dealt with.
  [[nodiscard]] bool settled() {
    return world.until(
        [this] { return std::ranges::none_of(keepers, [](const auto& each) { return each->is_refreshing(); }); });
  }
  // Time goes by in steps; what falls due is answered before the next one.
  void live_through(runtime::Duration time, runtime::Duration step) {
    for (runtime::Duration gone{}; gone < time; gone += step) {
      world.clock.advance(step);
      world.loop.run_ready();
      ASSERT_TRUE(settled());
    }
  }
  [[nodiscard]] std::string stored(std::size_t number) {
    const auto token = world.vault.load_token_blocking(id_of(number));
    return token && *token ? std::string((*token)->refresh_token.reveal()) : "none";
  }
  [[nodiscard]] std::string ask(std::size_t number) { return shown(world.finish(keepers[number]->access_token())); }
  // Of the fault log, someone must act.
  [[nodiscard]] std::size_t alarms() const {
    return static_cast<std::size_t>(
        std::ranges::count(world.logged, log::Priority::kErr, &testing::LoggedFault::priority));
  }

  std::vector<std::unique_ptr<TokenKeeper>> keepers;
};

} // namespace mailmoor::mailbox
