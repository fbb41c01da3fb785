// Runs a history: the real mailbox, over TLS, with a server in memory, a disk that forgets, and the real state.db,
// whose commits are changes of that disk as its files are: a process that ends does so between any two of both.
//
//   HistoryRig rig;                                     // the loop, the threads, the sockets: once
//   EXPECT_EQ("", History(rig).run(script_of(text)));   // else what was wrong, and at which line
#pragma once

#include "history/ledger.h"
#include "history/script.h"
#include "mailbox/mailbox.h"
#include "maildir/folder_changes.h"
#include "support/model_server.h"
#include "support/world.h"

#include <charconv>
#include <deque>
#include <fstream>
#include <gtest/gtest.h>
#include <optional>
#include <sqlite3.h>
#include <string>
#include <unistd.h>
#include <utility>

namespace mailmoor::testing {

// What all histories of a test share.
class HistoryRig final {
 public:
  HistoryRig() {
    sqlite3_auto_extension(reinterpret_cast<void (*)()>(observe));
    std::ofstream(world.directory / "ca.pem") << server.authority_pem();
    trust = net::Trust::load_blocking(world.directory / "ca.pem").value();
    uv_timer_init(world.loop.uv(), &beat_);
    beat_.data = this;
    uv_timer_start(&beat_, [](uv_timer_t* timer) { ++static_cast<HistoryRig*>(timer->data)->beats_; }, 1, 1);
  }
  HistoryRig(const HistoryRig&) = delete;
  HistoryRig& operator=(const HistoryRig&) = delete;
  ~HistoryRig() {
    sqlite3_reset_auto_extension();
    uv_close(reinterpret_cast<uv_handle_t*>(&beat_), nullptr);
    uv_run(world.loop.uv(), UV_RUN_NOWAIT);
  }

  // Runs the loop until `is_done`. Where nothing happens any more the clock moves on to the next timer, if that is a
  // wait within a pass. False: it stood still.
  [[nodiscard]] bool drive(const std::function<bool()>& is_done) {
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::minutes(2);
    std::uint64_t last_beat = beats_;
    std::size_t sent = 0, quiet = 0;
    bool done = false;
    world.loop.run_until([&] {
      done = is_done();
      if (done) return true;
      if (std::exchange(last_beat, beats_) == beats_) return false;
      const bool is_quiet = std::exchange(sent, server.bytes_sent()) == server.bytes_sent() && thread.backlog() == 0;
      quiet = is_quiet ? quiet + 1 : 0;
      const runtime::MonoTime next = world.loop.next_timer();
      const bool is_next = next != runtime::MonoTime::max() && next > world.loop.now();
      const runtime::Duration limit =
          quiet > 4 ? runtime::Duration(std::chrono::seconds(65)) : runtime::Duration(std::chrono::milliseconds(5));
      if (is_next && next - world.loop.now() <= limit) world.clock.advance(next - world.loop.now());
      return std::chrono::steady_clock::now() > deadline;
    });
    return done;
  }
  // Until nothing happens any more without the clock.
  void come_to_rest() {
    std::uint64_t beat = beats_;
    std::size_t sent = server.bytes_sent();
    world.loop.run_until([&] {
      const bool is_quiet = std::exchange(sent, server.bytes_sent()) == server.bytes_sent() && thread.backlog() == 0;
      if (!is_quiet) beat = beats_;
      return beats_ > beat + 3;
    });
  }
  void drain() {
    bool drained = false;
    thread.run_detached([this, &drained] { world.loop.post([&drained] { drained = true; }); });
    world.loop.run_until([&drained] { return drained; });
  }

  World world;
  ModelServer server{world.loop};
  net::SharedTrust trust;
  runtime::BlockingPool thread{world.loop, 1, "disk"}; // files and database: what happens is in one order
  Directory directory{::access("/dev/shm", W_OK) == 0 ? "/dev/shm" : std::filesystem::temp_directory_path()};
  std::map<std::string, std::size_t> tally;                // what happened, how often: that trouble really came
  inline static maildir::ForgetfulFileOps* disk = nullptr; // whose changes the commits of state.db are

 private:
  static int observe(sqlite3* database, const char**, const void*) {
    const char* const path = sqlite3_db_filename(database, "main");
    if (disk == nullptr || path == nullptr || !std::string_view(path).ends_with("/state.db")) return SQLITE_OK;
    sqlite3_commit_hook(
        database, [](void* of) { return static_cast<maildir::ForgetfulFileOps*>(of)->allows_change() ? 0 : 1; }, disk);
    return SQLITE_OK;
  }

  uv_timer_t beat_{};
  std::uint64_t beats_ = 0;
};

class History final {
 public:
  explicit History(HistoryRig& rig) : rig_(rig), server_(rig.server) {
    // As in every other history, whatever came before it.
    server_.reset();
    rig_.world.clock.jump_wall(runtime::ManualClock().wall_now() - rig_.world.clock.wall_now());
    rig_.world.random.seed(1);
    rig_.world.faults.forget("alice");
    rig_.world.logged.clear();
    replace_database({});
    settings_.name = "alice";
    settings_.user = "alice@example.com";
    settings_.connection.host = "127.0.0.1";
    settings_.connection.port = server_.port();
    settings_.connection.trust = rig_.trust;
    // Longer than what HistoryRig::drive() may take for a wait within a pass.
    settings_.connection.io_timeout = settings_.connection.connect_timeout = std::chrono::minutes(10);
    settings_.read_password_blocking = [] { return Result<Secret>(Secret("pw")); };
    settings_.maildir = "/mail/alice";
    settings_.poll = std::chrono::hours(24 * 300);
  }
  History(const History&) = delete;
  History& operator=(const History&) = delete;
  ~History() {
    if (mailbox_) end_process({}, 0);
  }

  // Empty: all that was promised was kept, and after a last pass the Maildir is as it should be.
  [[nodiscard]] std::string run(const Script& script) {
    for (std::size_t at = 0; at < script.size(); ++at)
      if (std::string wrong = step(words_of(script[at])); !wrong.empty())
        return concat("line ", at + 1, ", ", script[at], ": ", wrong);
    if (std::string wrong = come_to_the_end(); !wrong.empty()) return concat("at the end: ", wrong);
    return {};
  }
  // The steps of the script only, without the last passes.
  [[nodiscard]] std::string run_steps(const Script& script) {
    for (const std::string& line : script)
      if (std::string wrong = step(words_of(line)); !wrong.empty()) return concat(line, ": ", wrong);
    return {};
  }

  [[nodiscard]] std::string come_to_the_end();
  // What the Maildir holds. Not what a process that ended has left in a tmp/: that goes when the folder is opened next.
  [[nodiscard]] std::map<std::string, std::string> tree() const {
    std::map<std::string, std::string> files = disk_.tree(settings_.maildir);
    std::erase_if(files, [](const auto& file) { return file.first.contains("/tmp/mailmoor-"); });
    return files;
  }
  // Changes of disk and database since the beginning.
  [[nodiscard]] std::size_t steps() const { return disk_.steps(); }
  [[nodiscard]] std::size_t links() const { return disk_.links(); }
  [[nodiscard]] maildir::ForgetfulFileOps& disk() { return disk_; }

 private:
  struct Database {
    std::string main, wal;
    Ledger::Memory memory;
  };

  [[nodiscard]] std::string step(const Words& words);
  void server_step(const Words& words);
  void reader_step(const Words& words);
  [[nodiscard]] std::string pass(const Words& trouble);
  [[nodiscard]] Status ask_for_a_pass();
  void cause(const Words& trouble);
  [[nodiscard]] std::string settle_pass(PassEnd end);
  [[nodiscard]] std::string pass_until_nothing_is_due();
  [[nodiscard]] std::string changes_nothing(const char* when);
  [[nodiscard]] std::set<Key> held() const;
  void confirm();
  void start_process();
  void end_process(std::optional<unsigned> power_cut, unsigned);
  void replace_database(const Database& with);
  [[nodiscard]] Database read_database() const;
  [[nodiscard]] std::string state_path() const { return rig_.directory / "state.db"; }
  [[nodiscard]] LocalTree local() const { return LocalTree::read(disk_, settings_.maildir); }
  [[nodiscard]] static std::size_t number(const Words& words, std::size_t at) {
    std::size_t value = 1;
    if (at < words.size()) std::from_chars(words[at].data(), words[at].data() + words[at].size(), value);
    return std::max<std::size_t>(value, 1);
  }
  [[nodiscard]] static std::string word(const Words& words, std::size_t at) {
    return at < words.size() ? words[at] : "";
  }

  HistoryRig& rig_;
  ModelServer& server_;
  maildir::ForgetfulFileOps disk_;
  mailbox::MailboxSettings settings_;
  Policy policy_;
  std::optional<Ledger> ledger_;
  std::optional<store::StateRepository> state_;
  std::optional<mailbox::Committer> committer_;
  mailbox::PieceBudget pieces_;
  std::optional<mailbox::Services> services_;
  std::optional<Status> outcome_; // of the pass that was asked for last: the mailbox tells it whenever it ends
  std::optional<mailbox::Mailbox> mailbox_; // a process runs
  std::deque<Database> earlier_;            // after each pass that came to its end
  std::size_t next_message_ = 1, runs_ = 0;
  bool line_cut_ = false; // behind the mailbox's back
  bool forgot_ = false;   // the records are new: the first pass cannot tell what is gone
};

} // namespace mailmoor::testing
