// mailmoord: the composition root. Builds every room, connects them, and lets the loop run.
#include "config/environment.h"
#include "control/metrics_server.h"
#include "control/runtime_port.h"
#include "control/server.h"
#include "courier/courier.h"
#include "log/event_ids.h"
#include "log/log.h"
#include "mailbox/services.h"
#include "mailbox/token_answer.h"
#include "maildir/posix_file_ops.h"
#include "net/curl_multi.h"
#include "net/dialer.h"
#include "net/http_client.h"
#include "net/tls_stream.h"
#include "net/version.h"
#include "runtime/blocking_pool.h"
#include "runtime/clock.h"
#include "runtime/loop.h"
#include "runtime/signal_watcher.h"
#include "runtime/version.h"
#include "store/derived_key.h"
#include "store/key_rotation.h"
#include "store/master_key.h"
#include "store/state_lock.h"
#include "store/state_repository.h"
#include "store/token_vault.h"
#include "store/version.h"
#include "supervisor/fleet.h"
#include "supervisor/once_display.h"
#include "supervisor/prepared.h"
#include "util/concat.h"

#include <charconv>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <malloc.h>
#include <memory>
#include <optional>
#include <random>
#include <string>
#include <string_view>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>
#include <utility>
#include <vector>

#include <CLI/CLI.hpp>
#include <systemd/sd-daemon.h>

namespace mailmoor {
namespace {

constexpr int kFailed = 1;
constexpr int kBadConfiguration = 2;
constexpr std::size_t kFileThreads = 4;

struct Arguments {
  std::string config_file = "/etc/mailmoor/mailmoor.yaml";
  std::string log_level = "info";
  bool once = false;
};

[[nodiscard]] std::string environment_variable(const char* name) {
  const char* value = std::getenv(name); // NOLINT(concurrency-mt-unsafe): no other thread runs yet
  return value != nullptr ? value : "";
}

int refuse(const Error& error, int exit_code, const log::EventId* catalog = nullptr) {
  log::write(log::Priority::kErr,
             {.event = catalog != nullptr ? "" : "not_started", .error = error.code, .catalog = catalog},
             concat(error.what, error.remedy.empty() ? "" : "; ", error.remedy));
  return exit_code;
}

// Multiplies the waits of our own choice; for tests from outside.
[[nodiscard]] double time_scale() {
  const std::string text = environment_variable("MAILMOOR_TIME_SCALE");
  if (text.empty()) return 1.0;
  double scale = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), scale);
  if (error != std::errc() || end != text.data() + text.size() || !(scale > 0) || scale > 1000) {
    log::write(log::Priority::kErr, {.event = "bad_time_scale"},
               concat("MAILMOOR_TIME_SCALE=", text, " is no number between 0 and 1000; it is ignored"));
    return 1.0;
  }
  log::write(log::Priority::kWarning, {.catalog = &log::events::kTimeScaleActive},
             concat("MAILMOOR_TIME_SCALE=", text,
                    ": every wait of our own choice is multiplied by it. This is for tests only"));
  return scale;
}

[[nodiscard]] store::KeyOptions key_options(const config::Config& config, const config::Environment& environment) {
  store::KeyOptions options;
  if (config.key.kind == config::SecretSource::Kind::kCredential) options.credential_name = config.key.name_or_path;
  if (config.key.kind == config::SecretSource::Kind::kFile) options.file = config.key.name_or_path;
  options.credentials_directory = environment.credentials_directory;
  options.state_dir = config.state_dir;
  return options;
}

[[nodiscard]] std::string host_name() {
  char name[256] = {};
  return gethostname(name, sizeof name - 1) == 0 ? name : "localhost";
}

[[nodiscard]] UniqueFd handed_over_socket() {
  return UniqueFd(sd_listen_fds(/*unset_environment=*/1) > 0 ? SD_LISTEN_FDS_START : -1);
}

// An earlier run was killed while tokens came.
[[nodiscard]] bool journal_has_content_blocking(const std::string& state_dir) {
  struct stat file{};
  return ::stat(concat(state_dir, "/courier.journal").c_str(), &file) == 0 && file.st_size != 0;
}

// Only for the test that shows what the courier is good for.
[[nodiscard]] bool courier_is_off() {
  if (environment_variable("MAILMOOR_DEBUG_COURIER") != "off") return false;
  log::write(log::Priority::kWarning, {.event = "debug_hook"},
             "MAILMOOR_DEBUG_COURIER=off: a refresh token may be lost when mailmoord is killed");
  return true;
}

// Without it mail is mirrored all the same: it is said, and no more.
[[nodiscard]] std::unique_ptr<control::MetricsServer>
serve_metrics(control::LoopPort& port, const supervisor::Operations& fleet, const config::MetricsListener& listener) {
  auto opened = control::MetricsServer::open(port, fleet, listener.address, listener.port);
  if (!opened) {
    log::write(log::Priority::kErr, {.event = "metrics_failed", .error = opened.error().code},
               concat(opened.error().what, "; ", opened.error().remedy));
    return nullptr;
  }
  if (!listener.is_loopback)
    log::write(log::Priority::kWarning, {.event = "metrics_exposed"},
               concat("metrics are served on ", listener.address, " port ", listener.port,
                      ", without a password: whoever reaches it learns the names and states of all mailboxes"));
  return *std::move(opened);
}

// Only for the test of the watchdog: stands still for good on SIGUSR2.
void install_debug_hook() {
  if (environment_variable("MAILMOOR_DEBUG_BLOCK_LOOP") != "on") return;
  log::write(log::Priority::kWarning, {.event = "debug_hook"},
             "MAILMOOR_DEBUG_BLOCK_LOOP=on: SIGUSR2 blocks the loop for good");
  std::signal(SIGUSR2, [](int) {
    while (true)
      pause();
  });
}

int run(const Arguments& arguments) {
  const config::Environment environment = config::Environment::of_this_process();
  auto prepared = supervisor::prepare_blocking(arguments.config_file, environment);
  if (!prepared) {
    for (const std::string& line : prepared.error())
      log::write(log::Priority::kErr, {.catalog = &log::events::kConfigurationRejected}, line);
    return kBadConfiguration;
  }
  const config::Config& config = prepared->config;
  auto state_lock = store::lock_state_directory_blocking(config.state_dir);
  if (!state_lock) return refuse(state_lock.error(), kFailed);
  const store::KeyOptions key_at = key_options(config, environment);
  auto key = store::load_master_key_blocking(key_at);
  if (!key) return refuse(key.error(), kBadConfiguration, &log::events::kWrongMasterKey);
  if (key->source() == store::KeySource::kGenerated)
    log::write(log::Priority::kNotice, {.catalog = &log::events::kKeyGenerated},
               concat("the master key is ", key->describe()));
  auto opened_vault = store::open_vault_blocking(key_at, *std::move(key));
  if (!opened_vault)
    return refuse(opened_vault.error(), kBadConfiguration,
                  opened_vault.error().code == "database_too_new" ? &log::events::kDatabaseNewer
                                                                  : &log::events::kWrongMasterKey);
  for (const std::string& note : opened_vault->notes)
    log::write(log::Priority::kNotice, {.catalog = &log::events::kKeyRotated}, note);
  store::TokenVault& vault = opened_vault->vault;
  const std::string key_source = vault.key().describe();
  auto journal_key = store::derive_key(vault.key(), courier::kJournalPurpose);
  if (!journal_key) return refuse(journal_key.error(), kFailed);
  const runtime::SystemClock clock;
  const UnixTime now = std::chrono::floor<std::chrono::seconds>(clock.wall_now());
  auto state = store::StateRepository::open_blocking(concat(config.state_dir, "/state.db"), now);
  if (!state) return refuse(state.error(), kFailed);
  if (!state->set_aside.empty())
    log::write(log::Priority::kWarning, {.event = "state_set_aside"},
               concat("state.db was damaged and is now ", state->set_aside,
                      "; it is rebuilt from the Maildirs and the servers"));

  net::initialise_curl();
  runtime::Loop loop(clock);
  mailbox::Counters counters;
  loop.on_lag(runtime::Duration::zero(), [&counters](runtime::Duration lag) {
    counters.loop_lag.observe(std::chrono::duration<double>(lag).count());
    if (lag <= std::chrono::milliseconds(50)) return;
    log::write(
        log::Priority::kWarning, {.event = "loop_lag"},
        concat("the loop was busy for ", std::chrono::duration_cast<std::chrono::milliseconds>(lag).count(), " ms"));
  });
  runtime::BlockingPool files_pool(loop, kFileThreads, "files");
  runtime::BlockingPool store_thread(loop, 1, "store");
  net::CurlMulti curl(loop);
  net::Dialer dialer(loop, curl);
  net::HttpClient http(curl);
  net::TlsContext tls;
  maildir::PosixFileOps files;
  mailbox::Committer committer(loop, files_pool, files);
  mailbox::PieceBudget pieces;
  log::FaultLog faults;
  runtime::Semaphore connections(loop, static_cast<std::size_t>(config.limits.connections));
  courier::CourierSettings courier_settings;
  courier_settings.journal_path = concat(config.state_dir, "/courier.journal");
  courier_settings.journal_key = *std::move(journal_key);
  courier_settings.token_after = mailbox::token_after;
  courier_settings.spawn_blocking = [level = arguments.log_level](int journal) {
    return courier::spawn_blocking(journal, level);
  };
  courier::Courier courier(loop, store_thread, vault, faults, std::move(courier_settings));
  std::random_device entropy;
  std::mt19937_64 random((static_cast<std::uint64_t>(entropy()) << 32) | entropy());
  const mailbox::Services services{.loop = loop,
                                   .files_pool = files_pool,
                                   .store_thread = store_thread,
                                   .dialer = dialer,
                                   .tls = tls,
                                   .http = http,
                                   .vault = vault,
                                   .state = state->repository,
                                   .files = files,
                                   .committer = committer,
                                   .pieces = pieces,
                                   .faults = faults,
                                   .counters = counters,
                                   .connections = connections,
                                   .random = random,
                                   .host_name = host_name(),
                                   .run_id = concat("P", getpid(), "T", now.time_since_epoch().count()),
                                   .version = MAILMOOR_VERSION,
                                   .time_scale = time_scale(),
                                   .courier = courier_is_off() ? nullptr : &courier};
  if (services.courier != nullptr && journal_has_content_blocking(config.state_dir)) courier.start();
  supervisor::FleetOptions options;
  options.config_file = arguments.config_file;
  options.environment = environment;
  options.key_source = key_source;
  options.key = key_at;
  options.once = arguments.once;
  supervisor::Fleet fleet(services, std::move(options));

  control::RuntimePort port(loop);
  std::unique_ptr<control::Server> server;
  if (!arguments.once) {
    control::ServerOptions control_options;
    control_options.socket_path = concat(config.runtime_dir, "/control.sock");
    control_options.handed_over = handed_over_socket();
    control_options.parts = {{"libuv", runtime::libuv_version()},
                             {"libcurl", net::libcurl_version()},
                             {"OpenSSL", net::openssl_version()},
                             {"SQLite", store::sqlite_version()}};
    auto opened = control::Server::open_blocking(port, fleet, std::move(control_options));
    if (!opened) return refuse(opened.error(), kFailed);
    server = *std::move(opened);
  }
  const std::unique_ptr<control::MetricsServer> metrics =
      config.metrics && !arguments.once ? serve_metrics(port, fleet, *config.metrics) : nullptr;
  int exit_code = 0;
  const auto stop = [&fleet, &loop] { fleet.stop([&loop] { loop.stop(); }); };
  const runtime::SignalWatcher on_term(loop, SIGTERM, stop);
  const runtime::SignalWatcher on_int(loop, SIGINT, stop);
  const runtime::SignalWatcher on_hup(loop, SIGHUP, [&fleet] { fleet.reload([](const supervisor::ReloadReport&) {}); });
  install_debug_hook();
  std::optional<supervisor::OnceDisplay> display;
  if (arguments.once && isatty(STDERR_FILENO) == 1) display.emplace(loop, fleet);
  fleet.on_all_finished([&exit_code, &stop](int code) {
    exit_code = code;
    stop();
  });
  log::write(log::Priority::kNotice, {.catalog = &log::events::kStarted},
             concat("mailmoord ", MAILMOOR_VERSION, " with ", config.mailboxes.size(),
                    " mailboxes; master key: ", key_source));
  fleet.start(*std::move(prepared));
  loop.run();
  display.reset();
  log::write(log::Priority::kNotice, {.catalog = &log::events::kStopped}, "stopped");
  return exit_code;
}

// glibc's malloc has an arena for each thread and takes even large blocks from them, for threads that all work alike.
// Here one thread does nearly everything, and what a pool thread lets go of in its arena is of no use to the others.
void make_memory_compact() {
  ::mallopt(M_ARENA_MAX, 1);
  ::mallopt(M_MMAP_THRESHOLD, 64 * 1024);
}

// Tokens and passwords are in our memory: no core dump, no debugger of another process of this user (P6).
void begin(log::Priority level) {
  prctl(PR_SET_DUMPABLE, 0);
  log::Options options;
  options.level = level;
  log::open(options);
}

int run_courier(std::string_view level) {
  begin(log::priority_from_name(level).value_or(log::Priority::kInfo));
  return courier::run_process();
}

} // namespace
} // namespace mailmoor

int main(int argc, char** argv) {
  mailmoor::make_memory_compact();
  if (argc == 3 && argv[1] == mailmoor::courier::kArgument) return mailmoor::run_courier(argv[2]);
  mailmoor::Arguments arguments;
  CLI::App app("Mirrors cloud mailboxes to Maildirs. See mailmoord(8).");
  app.add_option("--config", arguments.config_file, "configuration file")->capture_default_str();
  app.add_flag("--once", arguments.once, "sync every mailbox once, then exit");
  app.add_option("--log-level", arguments.log_level, "err, warning, notice, info or debug")->capture_default_str();
  app.set_version_flag("--version", std::string("mailmoord ") + MAILMOOR_VERSION);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : mailmoor::kBadConfiguration;
  }
  const auto level = mailmoor::log::priority_from_name(arguments.log_level);
  if (!level) {
    std::fprintf(stderr, "mailmoord: --log-level %s: must be err, warning, notice, info or debug\n",
                 arguments.log_level.c_str());
    return mailmoor::kBadConfiguration;
  }
  mailmoor::begin(*level);
  return mailmoor::run(arguments);
}
