// A whole fleet on a simulated network and a clock that is moved by hand: the real supervisor, mailboxes, tokens,
// databases and Maildirs; see simulated_net.h for what is not real.
#pragma once

#include "fleet/simulated_net.h"
#include "fleet/simulated_tenant.h"
#include "supervisor/fleet.h"
#include "support/world.h"

#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <gtest/gtest.h>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unistd.h>

namespace mailmoor::testing {

// MAILMOOR_TEST_LONG=1: 1,000 mailboxes and more than an hour; otherwise 100 at most, and a quarter of the time.
[[nodiscard]] inline bool is_long() {
  const char* const value = std::getenv("MAILMOOR_TEST_LONG"); // NOLINT(concurrency-mt-unsafe)
  return value != nullptr && std::string_view(value) == "1";
}

struct RigOptions {
  int mailboxes = is_long() ? 1000 : 100;
  int connections = mailboxes;
  std::optional<int> connections_per_app = {};
  int logins_per_minute = 120;
  std::chrono::seconds poll{300};
  config::Grant grant = config::Grant::kClientCredentials; // one token for all; kDelegated: one for each
};

class FleetRig final {
 public:
  explicit FleetRig(RigOptions options_in) : options(options_in) {
    config_.limits.connections = options.connections;
    config_.limits.connections_per_app = options.connections_per_app;
    config_.limits.logins_per_minute = options.logins_per_minute;
    config::App app;
    app.name = "tenant";
    app.provider = config::Provider::kMicrosoft;
    app.tenant = "contoso.example";
    app.client_id = "id";
    app.grant = options.grant;
    app.token_endpoint = "https://login.example/token";
    app.device_authorization_endpoint = "https://login.example/device";
    app.scopes = {"scope"};
    config_.apps.push_back(app);
    for (int i = 0; i < options.mailboxes; ++i)
      add_mailbox(concat("u", 10'000 + i));
  }
  FleetRig(const FleetRig&) = delete;
  FleetRig& operator=(const FleetRig&) = delete;
  ~FleetRig() {
    fleet.reset();
    world.loop.run_ready();
  }

  void start() {
    supervisor::Prepared prepared;
    prepared.config = config_;
    prepared.trust.emplace("", nullptr); // nobody is asked for a certificate here
    if (options.grant == config::Grant::kClientCredentials) prepared.client_secrets.emplace("tenant", Secret("secret"));
    fleet = std::make_unique<supervisor::Fleet>(services, supervisor::FleetOptions());
    fleet->start(std::move(prepared));
  }
  // As after a crash, once what was given to the threads is done.
  void restart() {
    fleet.reset();
    world.loop.run_ready();
    tenant.begin_run();
    start();
  }
  // From one timer to the next, and whatever they set off; in whole milliseconds, so that both clocks stay together.
  void run_for(runtime::Duration span) {
    const runtime::MonoTime end = world.loop.now() + span;
    while (true) {
      world.loop.run_ready();
      const runtime::MonoTime next = std::min(world.loop.next_timer(), end);
      const auto step = std::chrono::ceil<std::chrono::milliseconds>(next - world.loop.now());
      if (step > step.zero()) world.clock.advance(step);
      if (world.loop.now() >= end) break;
    }
    world.loop.run_ready();
  }
  [[nodiscard]] std::size_t delivered(const std::string& mailbox) const {
    std::size_t count = 0;
    for (const char* const part : {"new", "cur"}) {
      std::error_code missing;
      for (const auto& entry : std::filesystem::directory_iterator(maildirs / concat(mailbox, "/", part), missing))
        count += entry.is_regular_file() ? 1U : 0U;
    }
    return count;
  }

  RigOptions options;
  Directory maildirs{::access("/dev/shm", W_OK) == 0 ? "/dev/shm" : std::filesystem::temp_directory_path()};
  World world;
  SimulatedNet net{world.loop};
  SimulatedTenant tenant{net, world.clock};
  runtime::Semaphore connections{world.loop, static_cast<std::size_t>(options.connections)};
  mailbox::Services services{.loop = world.loop,
                             .files_pool = world.files_pool,
                             .store_thread = world.store_thread,
                             .dialer = world.dialer,
                             .tls = world.tls,
                             .http = world.http,
                             .vault = world.vault,
                             .state = world.state,
                             .files = world.services.files,
                             .committer = world.committer,
                             .pieces = world.services.pieces,
                             .faults = world.faults,
                             .counters = world.counters,
                             .connections = connections,
                             .random = world.random,
                             .host_name = "test.example",
                             .run_id = "run1",
                             .version = "0"};
  std::unique_ptr<supervisor::Fleet> fleet;

 private:
  void add_mailbox(const std::string& name) {
    config::Mailbox& mailbox = config_.mailboxes.emplace_back();
    mailbox.name = name;
    mailbox.app = "tenant";
    mailbox.user = mailbox.login_user = concat(name, "@example.com");
    mailbox.host = "outlook.office365.com";
    mailbox.poll = options.poll;
    mailbox.maildir = maildirs / name;
    tenant.boxes[mailbox.user];
    if (options.grant != config::Grant::kDelegated) return;
    store::StoredToken token;
    token.refresh_token = Secret(concat("refresh-", name));
    token.obtained_at = token.expires_at = world.now() - std::chrono::hours(1);
    EXPECT_TRUE(world.vault.save_token_blocking(concat("tenant/", mailbox.user), token));
  }

  config::Config config_;
};

} // namespace mailmoor::testing
