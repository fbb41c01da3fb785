// The part of the courier's life that starts and ends processes.
#include "courier/courier.h"
#include "log/event_ids.h"
#include "log/log.h"
#include "util/concat.h"

#include <algorithm>
#include <csignal>
#include <sys/wait.h>
#include <utility>

namespace mailmoor::courier {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr runtime::Duration kFirstPause = milliseconds(100);
constexpr runtime::Duration kLongestPause = seconds(30);
constexpr runtime::Duration kStableAfter = seconds(60);
// How long one attempt to start waits for the courier of an earlier daemon.
constexpr runtime::Duration kLockPatience = kFinishLimit + seconds(5);
constexpr runtime::Duration kLockAgainAfter = milliseconds(100);
constexpr runtime::Duration kPingInterval = seconds(5);
// Counted in pings, so that a machine that slept finds no silent courier.
constexpr unsigned kPingsUntilKilled = 12; // a minute
constexpr unsigned kPingsUntilUnwell = 24; // two

[[nodiscard]] UnixTime now_of(const runtime::Loop& loop) {
  return std::chrono::floor<seconds>(loop.wall_now());
}

} // namespace

bool Courier::is_alive() const noexcept {
  return !up_ || silent_pings_ < kPingsUntilUnwell;
}

runtime::Task<void> Courier::run() {
  runtime::Duration pause = kFirstPause;
  while (true) {
    const runtime::MonoTime began = loop_.now();
    auto starting = start_one();
    const Status started = co_await starting;
    if (started) {
      auto serving = serve();
      co_await serving;
    } else {
      trouble_ = started.error();
      trouble_->kind = ErrorKind::kHost; // whoever asks tries again; the log says who has to act
      log::Fields fields{.error = started.error().code, .catalog = &log::events::kCourierUnavailable};
      faults_.raise(log::Priority::kErr, fields,
                    concat("no refresh token is used until the courier is there: ", started.error().what,
                           started.error().remedy.empty() ? "" : "; ", started.error().remedy),
                    now_of(loop_));
    }
    if (loop_.now() - began > kStableAfter) pause = kFirstPause;
    co_await runtime::sleep_for(loop_, pause);
    pause = std::min(pause * 2, kLongestPause);
  }
}

runtime::Task<Status> Courier::start_one() {
  auto taking = take_journal();
  Result<std::shared_ptr<store::ReplyJournal>> journal = co_await taking;
  if (!journal) co_return pass(std::move(journal).error());
  auto adopting = adopt_all(*journal);
  const Status adopted = co_await adopting;
  if (!adopted) co_return pass(adopted.error());
  resolve_lost();
  auto job = [&settings = settings_, fd = (*journal)->descriptor()] { return settings.spawn_blocking(fd); };
  Result<Spawned> spawned = co_await store_thread_.run(std::move(job));
  if (!spawned) co_return pass(std::move(spawned).error());
  pid_ = spawned->pid;
  const auto on_message = [this](Message message) { hear(std::move(message)); };
  link_ = std::make_unique<Link>(loop_, std::move(spawned->socket), on_message);
  link_->start();
  Hello hello;
  hello.journal_key = settings_.journal_key.clone();
  link_->send(std::move(hello));
  silent_pings_ = 0;
  up_ = true;
  if (const auto trouble = std::exchange(trouble_, std::nullopt)) faults_.clear("", "", trouble->code, now_of(loop_));
  announce();
  co_return Status();
}

// The one who has the lock is the only one who uses refresh tokens. It is not taken from a courier that still runs: a
// second use of a refresh token would be its end.
runtime::Task<Result<std::shared_ptr<store::ReplyJournal>>> Courier::take_journal() {
  auto opening = [path = settings_.journal_path] { return store::ReplyJournal::open_blocking(path); };
  Result<store::ReplyJournal> opened = co_await store_thread_.run(std::move(opening));
  if (!opened) co_return pass(std::move(opened).error());
  const auto journal = std::make_shared<store::ReplyJournal>(*std::move(opened));
  const runtime::MonoTime deadline = runtime::later(loop_.now(), kLockPatience);
  bool told = false;
  while (true) {
    auto locking = [journal] { return journal->try_lock_blocking(); };
    const Result<bool> locked = co_await store_thread_.run(std::move(locking));
    if (!locked) co_return pass(locked.error());
    if (*locked) co_return journal;
    if (!std::exchange(told, true))
      log::write(log::Priority::kNotice, {.event = "courier_waits"},
                 concat("waiting until the courier of an earlier mailmoord has finished its token requests (",
                        journal->path(), " is locked)"));
    if (loop_.now() >= deadline)
      co_return fail(ErrorKind::kHost, "courier_unavailable", concat("another process holds ", journal->path()),
                     concat("see who has it open: fuser ", journal->path()));
    co_await runtime::sleep_for(loop_, kLockAgainAfter);
  }
}

// Afterwards the journal is empty. What cannot be read is kept beside it.
runtime::Task<Status> Courier::adopt_all(std::shared_ptr<store::ReplyJournal> journal) {
  // A key of its own: release() may change ours meanwhile.
  auto job = [journal, &settings = settings_, &vault = vault_,
              key = settings_.journal_key.clone()]() -> Result<Adoption> {
    const auto bytes = journal->read_blocking();
    if (!bytes) return pass(bytes.error());
    auto adoption = adopt_blocking(*bytes, key, vault, settings.token_after);
    if (!adoption) return adoption;
    if (store::decode_journal(*bytes).damaged_inside != 0) ++adoption->unreadable;
    if (adoption->unreadable != 0)
      if (auto kept = journal->set_aside_blocking(*bytes); !kept) return pass(std::move(kept).error());
    if (auto cleared = journal->clear_blocking(); !cleared) return pass(std::move(cleared).error());
    return adoption;
  };
  const Result<Adoption> adoption = co_await store_thread_.run(std::move(job));
  if (!adoption) co_return pass(adoption.error());
  adopted_.insert(adoption->digests.begin(), adoption->digests.end());
  if (!adoption->digests.empty())
    log::write(log::Priority::kNotice, {.event = "tokens_adopted"},
               concat("took over ", adoption->digests.size(),
                      " new tokens that had come when mailmoord or its courier ended"));
  if (adoption->unreadable != 0)
    log::write(log::Priority::kErr, {.catalog = &log::events::kTokenAnswerUnreadable},
               concat("answers of token endpoints in ", journal->path(), " cannot be read; they are kept in ",
                      journal->path(), ".set-aside"));
  co_return Status();
}

runtime::Task<void> Courier::serve() {
  while (true) {
    const bool over = co_await link_->ended().wait_for(kPingInterval);
    if (over) break;
    link_->send(Ping());
    if (++silent_pings_ < kPingsUntilKilled || pid_ <= 0) continue;
    if (silent_pings_ == kPingsUntilKilled)
      log::write(log::Priority::kErr, {.event = "courier_silent"},
                 concat("the courier (process ", pid_, ") has not answered for a minute; it is killed"));
    ::kill(pid_, SIGKILL);
  }
  up_ = false;
  announce();
  log::write(log::Priority::kWarning, {.event = "courier_lost"},
             concat("the courier (process ", pid_, ") has ended: ", link_->end_reason(), "; ", pending_.size(),
                    " token requests were under way; another one is started"));
  auto reaping = reap();
  co_await reaping;
  link_.reset();
}

// It is gone, or sent what makes no sense: then it has to go.
runtime::Task<void> Courier::reap() {
  const pid_t pid = std::exchange(pid_, 0);
  if (pid <= 0) co_return;
  ::kill(pid, SIGKILL);
  for (int tries = 0; tries < 250; ++tries) {
    if (::waitpid(pid, nullptr, WNOHANG) != 0) co_return;
    co_await runtime::sleep_for(loop_, milliseconds(20));
  }
}

// Whoever waited for the courier that ended. What it had kept is in the vault by now.
void Courier::resolve_lost() {
  for (auto& [id, pending] : std::exchange(pending_, {})) {
    if (pending->result) continue; // is being stored, and belongs to a token that the adoption has looked at
    const bool is_adopted = adopted_.contains(pending->digest);
    pending->result = fail(ErrorKind::kHost, is_adopted ? "token_replaced" : "courier_lost",
                           is_adopted ? concat("the refresh token of ", pending->token_id, " has been replaced")
                                      : "the courier ended before the answer to a token request was there");
    pending->done.set();
  }
  announce();
}

} // namespace mailmoor::courier
