// What every mailbox shares, built for a test: a clock that stands still, the real loop, the real databases in a
// directory of their own, and an authorization server on loopback where one is wanted.
//
//   World world;
//   world.clock.advance(55min);               // nothing happens yet
//   world.run_ready();                        // what became due happens, as far as it goes without descriptors
//   ASSERT_TRUE(world.until([&] { return server.requests.size() == 1; }));
#pragma once

#include "mailbox/services.h"
#include "maildir/posix_file_ops.h"
#include "net/curl_multi.h"
#include "runtime/clock.h"
#include "runtime/loop.h"
#include "runtime/run_task.h"
#include "store/master_key.h"
#include "util/concat.h"

#include <chrono>
#include <filesystem>
#include <functional>
#include <future>
#include <gtest/gtest.h>
#include <memory>
#include <optional>
#include <stdlib.h>
#include <string>
#include <uv.h>
#include <vector>

namespace mailmoor::testing {

class Directory final {
 public:
  explicit Directory(const std::filesystem::path& in = std::filesystem::temp_directory_path()) {
    path_ = in / "mailmoor_test_XXXXXX";
    if (::mkdtemp(path_.data()) == nullptr) path_.clear();
  }
  Directory(const Directory&) = delete;
  Directory& operator=(const Directory&) = delete;
  ~Directory() { std::filesystem::remove_all(path_); }
  [[nodiscard]] std::string operator/(std::string_view name) const { return concat(path_, "/", name); }
  [[nodiscard]] const std::string& path() const { return path_; }

 private:
  std::string path_;
};

struct LoggedFault {
  log::Priority priority;
  std::string mailbox, folder, code, message;
};

class World {
 public:
  // `files`: where messages go; the machine's disk when null. It must outlive the world.
  explicit World(maildir::FileOps* files = nullptr)
      : services{.loop = loop,
                 .files_pool = files_pool,
                 .store_thread = store_thread,
                 .dialer = dialer,
                 .tls = tls,
                 .http = http,
                 .vault = vault,
                 .state = state,
                 .files = files != nullptr ? *files : disk_,
                 .committer = committer,
                 .pieces = pieces,
                 .faults = faults,
                 .counters = counters,
                 .connections = connections,
                 .random = random,
                 .host_name = "test.example",
                 .run_id = "run1",
                 .version = "0"} {
    uv_timer_init(loop.uv(), &heartbeat_);
    heartbeat_.data = this;
  }
  World(const World&) = delete;
  World& operator=(const World&) = delete;
  virtual ~World() {
    uv_close(reinterpret_cast<uv_handle_t*>(&heartbeat_), nullptr);
    uv_run(loop.uv(), UV_RUN_NOWAIT); // its closing, before its memory goes
  }

  // Runs the loop until `is_done` says yes, waiting for descriptors and threads. The clock moves only where a timer is
  // due within 5 ms: libcurl's own steps, and the Committer's. False: nothing of it came within 20 s of real time.
  [[nodiscard]] bool until(const std::function<bool()>& is_done) {
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(20);
    uv_timer_start(&heartbeat_, [](uv_timer_t*) {}, 1, 1);
    loop.run_until([&] {
      const runtime::MonoTime next = loop.next_timer();
      const bool soon = next != runtime::MonoTime::max() && next - loop.now() <= std::chrono::milliseconds(5);
      if (soon && next > loop.now()) clock.advance(next - loop.now());
      return is_done() || std::chrono::steady_clock::now() > deadline;
    });
    uv_timer_stop(&heartbeat_);
    return is_done();
  }
  // Everything that is ready or due, and what follows from it through both pools; not the network.
  // Each pool has one thread, so what went in before comes back before.
  void run_ready() {
    for (int hops = 0; hops < 4; ++hops) {
      loop.run_ready();
      for (runtime::BlockingPool* pool : {&files_pool, &store_thread})
        EXPECT_TRUE(finish(through(*pool)));
    }
    loop.run_ready();
  }
  void pass(runtime::Duration time) {
    clock.advance(time);
    run_ready();
  }
  // Runs `task` to its end.
  template<class T>
  [[nodiscard]] T finish(runtime::Task<T> task) {
    std::optional<T> result;
    runtime::TaskRunner<T> runner;
    runner.start(std::move(task), [&result](T value) { result.emplace(std::move(value)); });
    EXPECT_TRUE(until([&result] { return result.has_value(); }));
    return *std::move(result);
  }
  [[nodiscard]] UnixTime now() const { return services.now(); }

  Directory directory;
  runtime::ManualClock clock;
  runtime::Loop loop{clock};
  std::vector<LoggedFault> logged; // what the fault log wrote
  log::FaultLog faults{[this](log::Priority priority, const log::Fields& fields, std::string_view message) {
    logged.push_back({priority, std::string(fields.mailbox), std::string(fields.folder), std::string(fields.error),
                      std::string(message)});
  }};

 private:
  [[nodiscard]] static store::MasterKey key() {
    return store::MasterKey::parse(Secret(std::string(31, '\x01') + '\xFF'), store::KeySource::kFile, "test").value();
  }
  [[nodiscard]] static runtime::Task<bool> through(runtime::BlockingPool& pool) {
    auto job = [] { return true; };
    const bool done = co_await pool.run(std::move(job));
    co_return done;
  }
  maildir::PosixFileOps disk_;
  uv_timer_t heartbeat_{};

 public:
  store::TokenVault vault = store::TokenVault::open_blocking(directory / "tokens.db", key()).value();
  store::StateRepository state =
      store::StateRepository::open_blocking(directory / "state.db", UnixTime()).value().repository;
  runtime::BlockingPool files_pool{loop, 1, "files"};
  runtime::BlockingPool store_thread{loop, 1, "store"};
  net::CurlMulti curl{loop};
  net::Dialer dialer{loop, curl};
  net::HttpClient http{curl};
  net::TlsContext tls;
  mailbox::Counters counters;
  mailbox::PieceBudget pieces;
  runtime::Semaphore connections{loop, 100};
  std::mt19937_64 random{1};
  mailbox::Services services;
  mailbox::Committer committer{loop, files_pool, services.files};
  std::optional<mailbox::Committer::Hurry> hurry{std::in_place, committer}; // until() waits for no company
};

// Holds a pool's thread until it is let go: a slow disk.
class Plug final {
 public:
  explicit Plug(runtime::BlockingPool& pool) {
    pool.run_detached([opened = opened_.get_future().share()] { opened.wait(); });
  }
  Plug(const Plug&) = delete;
  Plug& operator=(const Plug&) = delete;
  ~Plug() { pull(); }
  void pull() {
    if (!std::exchange(pulled_, true)) opened_.set_value();
  }

 private:
  std::promise<void> opened_;
  bool pulled_ = false;
};

} // namespace mailmoor::testing
