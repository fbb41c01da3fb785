// The part of a mailbox's life that has a connection: log in, sync; what it waits with is in mailbox_push.cpp.
#include "log/log.h"
#include "mailbox/mailbox.h"
#include "mailbox/password.h"
#include "oauth/refresh_policy.h"
#include "util/concat.h"
#include "util/scope_exit.h"

#include <algorithm>
#include <utility>

namespace mailmoor::mailbox {
namespace {

// How long a mailbox keeps a connection that others wait for, while it has work to do: long enough for a login to be
// little of it, and at the defaults short enough that 500 busy connections change hands no faster than 120 logins a
// minute allow.
constexpr runtime::Duration kTurn = std::chrono::minutes(5);
// Polls of many mailboxes are spread by up to a tenth.
constexpr double kPollSpread = 0.1;

using Places = std::vector<runtime::Semaphore::Permit>;

// A token first: who waits for one keeps neither a connection nor a turn from those who have one, and a thousand tokens
// that come back together do not become a thousand logins at once; one newer than `generation`. Then a place in each of
// `berths`, then one in `all`. `waits_for`: is told the limit whose turn it is.
// Errors: those of TokenKeeper::trouble() and access_token().
[[nodiscard]] runtime::Task<Result<Places>> line_up(TokenKeeper* keeper, std::uint64_t generation,
                                                    const std::vector<Berth>& berths, runtime::Semaphore& all,
                                                    std::string_view& waits_for) {
  waits_for = "connections";
  if (keeper != nullptr) {
    if (std::optional<Error> trouble = keeper->trouble()) co_return std::unexpected(*std::move(trouble));
    auto renewing = keeper->access_token_after(generation);
    const Result<AccessToken> token = co_await renewing;
    if (!token) co_return pass(token.error());
  }
  Places places;
  for (const Berth& berth : berths) {
    waits_for = berth.limit;
    runtime::Semaphore::Permit place = co_await berth.places->acquire();
    places.push_back(std::move(place));
  }
  waits_for = "connections";
  runtime::Semaphore::Permit place = co_await all.acquire();
  places.push_back(std::move(place));
  co_return places;
}

} // namespace

runtime::Task<Result<Mailbox::Leave>> Mailbox::run_session() {
  move_to(MailboxState::kConnecting);
  waits_for_token_ = false;
  passed_ = false;
  logged_in_at_.reset();
  fetched_before_ = fetched_;
  hears_of_all_ = listens_ = false;
  turn_over_ = false;
  turn_ends_ = runtime::MonoTime::max();
  served_before_ = next_ticket_;
  // Nothing is sent inside a pause that the server imposed, whoever asks (P9).
  if (imposed_pause()) co_return std::unexpected(Error(ErrorKind::kMailbox, record_.error_code, record_.retry_reason));
  progress_due_ = runtime::MonoTime::max(); // others may be before us for long
  auto lining_up =
      line_up(keeper_, token_is_over_ ? token_generation_ : 0, settings_.berths, services_.connections, waits_for_);
  const Result<Places> places = co_await lining_up;
  waits_for_token_ = !places;
  if (!places) co_return pass(places.error());
  waits_for_ = "logins_per_minute";
  auto admitting = admit_();
  co_await admitting;
  if (must_leave()) co_return Leave::kAsked;
  expect_news_within(settings_.connection.connect_timeout + std::chrono::minutes(2));
  // Before dialling: a server gives those who have connected little time to log in.
  auto asking = credentials();
  Result<Login> login = co_await asking;
  if (!login) co_return pass(std::move(login).error());
  if (must_leave()) co_return Leave::kAsked;
  Connection connection(services_, settings_.connection);
  connection_ = &connection;
  listen_to(connection);
  ScopeExit forget([this] { connection_ = nullptr; });
  auto opening = connection.open();
  const Status opened = co_await opening;
  if (!opened) co_return pass(opened.error());
  auto logging_in = log_in(connection, *std::move(login));
  const Status logged_in = co_await logging_in;
  if (!logged_in) co_return pass(logged_in.error());
  log::write(log::Priority::kDebug, {.mailbox = settings_.name, .event = "connected"},
             concat("logged in to ", connection.peer()));
  resting_ = false;
  logged_in_at_ = services_.loop.now();
  turn_ends_ = services_.loop.now() + kTurn;
  if (last_error_) sync_wanted_ = true; // whatever was under way when the fault came
  auto using_it = use_session(connection);
  Result<Leave> ended = co_await using_it;
  co_return ended;
}

runtime::Task<Result<Mailbox::Leave>> Mailbox::use_session(Connection& connection) {
  while (!must_leave()) {
    if (sync_wanted_ || news_are_due() || services_.loop.now() >= poll_due_) {
      auto syncing = sync_all(connection);
      const Status synced = co_await syncing;
      if (!synced) co_return pass(synced.error());
      if (settings_.once && !must_leave()) break;
      continue;
    }
    const bool is_wanted = is_wanted_elsewhere();
    if (!verifications_.empty()) {
      auto verifying = verify(connection);
      const Status verified = co_await verifying;
      if (!verified) co_return pass(verified.error());
      if (!is_wanted || verifications_.empty()) continue;
      sync_wanted_ = true; // back in the queue for a connection: others first, then the rest of it
    }
    if (is_wanted) {
      resting_ = true;
      break;
    }
    auto waiting = wait_for_work(connection);
    const Status waited = co_await waiting;
    if (!waited && waited.error().code == "slept") { // nothing is wrong, and there is nobody to say good-bye to
      log::write(log::Priority::kInfo, {.mailbox = settings_.name, .event = "slept"}, waited.error().what);
      sync_wanted_ = true;
      co_return Leave::kAsked;
    }
    if (!waited) co_return pass(waited.error());
  }
  if (!imposed_pause()) { // not even a good-bye is said in it
    const bool is_last = settings_.once && passed_ && !is_wanted_elsewhere();
    auto leaving = connection.log_out(is_last ? Connection::GoodBye::kSaid : Connection::GoodBye::kAnswered);
    co_await leaving;
  }
  if (leave_at_ && services_.now() >= *leave_at_) co_return Leave::kTokenEnds;
  co_return must_leave() ? Leave::kAsked : Leave::kComplete;
}

runtime::Task<Result<Login>> Mailbox::credentials() {
  Login login;
  login.user = settings_.user;
  login.is_token = keeper_ != nullptr;
  if (keeper_ != nullptr) {
    auto asking = token_is_over_ ? keeper_->access_token_after(token_generation_) : keeper_->access_token();
    Result<AccessToken> token = co_await asking;
    waits_for_token_ = !token;
    if (!token) co_return pass(std::move(token).error());
    use_token(*token);
    login.secret = std::move(token->secret);
    co_return login;
  }
  auto reading = read_password(services_, settings_.name, settings_.read_password_blocking);
  Result<Secret> password = co_await reading;
  if (!password) co_return pass(std::move(password).error());
  login.secret = *std::move(password);
  co_return login;
}

void Mailbox::use_token(const AccessToken& token) {
  token_generation_ = token.generation;
  token_is_over_ = false;
  leave_at_ = oauth::reconnect_before(token.times);
  // Only where no newer token is to be had: then this one is used to its end, instead of one login after the other.
  if (*leave_at_ <= services_.now()) leave_at_ = token.times.expires_at;
}

Error Mailbox::password_rejected(const Error& refused) const {
  return {ErrorKind::kOperator, "password_rejected", refused.what,
          settings_.read_password_blocking
              ? concat("correct the password of ", settings_.name, " where its configuration has it from")
              : concat("run: mailmoorctl password ", settings_.name)};
}

runtime::Task<Status> Mailbox::log_in(Connection& connection, Login login) {
  auto logging_in = connection.log_in(login);
  const Status logged_in = co_await logging_in;
  const bool token_refused = !logged_in && keeper_ != nullptr && logged_in.error().code == "auth_rejected";
  if (!logged_in && keeper_ == nullptr && logged_in.error().code == "auth_rejected")
    co_return std::unexpected(password_rejected(logged_in.error()));
  if (!token_refused) co_return logged_in;
  // Perhaps only this token: it may have been revoked, or ended by the server's clock. One new one, one more try.
  auto renewing = keeper_->access_token_after(token_generation_);
  Result<AccessToken> token = co_await renewing;
  waits_for_token_ = !token;
  if (!token) co_return pass(std::move(token).error());
  Login again;
  again.user = settings_.user;
  use_token(*token);
  again.secret = std::move(token->secret);
  auto second = connection.log_in(again);
  const Status result = co_await second;
  co_return result;
}

runtime::Task<Status> Mailbox::sync_all(Connection& connection) {
  move_to(MailboxState::kSyncing);
  const bool by_news = !sync_wanted_ && services_.loop.now() < poll_due_;
  bears_fruit_ = false;
  sync_wanted_ |= std::exchange(news_of_folders_, false);
  const bool everything = sync_wanted_ || services_.loop.now() >= poll_due_;
  if (everything) {
    sync_wanted_ = false;
    served_before_ = next_ticket_;
    folder_faults_ = false;
    auto shutting = hear_of_open_folder(connection);
    const Status shut = co_await shutting;
    if (!shut) co_return shut;
    auto listing = list_folders(connection);
    const Status listed = co_await listing;
    if (!listed) co_return listed;
  }
  std::set<std::string> told = std::exchange(news_, {});
  std::vector<std::string> wires;
  for (const auto& [wire, folder] : folders_)
    if (folder.chosen && (everything || told.contains(wire))) wires.push_back(wire);
  put_in_order(wires);
  auto syncing = sync_folders(connection, std::move(wires));
  const Result<bool> synced = co_await syncing;
  if (!synced) co_return pass(synced.error());
  if (!*synced) {
    sync_wanted_ |= everything;
    if (!everything) news_.merge(told);
    co_return Status();
  }
  if (everything && !must_leave()) {
    auto looking = look_for_hidden_labels(connection);
    const Status looked = co_await looking;
    if (!looked) co_return looked;
    auto tidying = tidy();
    co_await tidying;
  }
  if (by_news) looked_news_up();
  if (everything) end_pass(!must_leave());
  if (!everything && must_leave()) news_.merge(told);
  co_return Status();
}

runtime::MonoTime Mailbox::next_retry() const {
  const UnixTime now = services_.now();
  std::optional<UnixTime> earliest;
  for (const auto& [wire, folder] : folders_)
    for (const sync::RetryRecord& retry : folder.recorded.retries)
      if (folder.chosen && retry.next_try > now) earliest = std::min(earliest.value_or(retry.next_try), retry.next_try);
  return earliest ? services_.loop.now() + (*earliest - services_.loop.wall_now()) : runtime::MonoTime::max();
}

void Mailbox::end_pass(bool complete) {
  if (!complete) {
    sync_wanted_ = true;
    return;
  }
  const double spread = 1.0 + kPollSpread * (services_.random01() - 0.5);
  const auto poll = std::chrono::duration_cast<runtime::Duration>(settings_.poll);
  poll_due_ =
      services_.loop.now() +
      services_.scaled(runtime::Duration(static_cast<std::int64_t>(static_cast<double>(poll.count()) * spread)));
  poll_due_ = std::min(poll_due_, next_retry());
  const std::optional<UnixTime> more_at = budget_pause();
  if (more_at) poll_due_ = std::min(poll_due_, services_.loop.now() + (*more_at - services_.now()));
  recovered();
  passed_ = true;
  if (!folder_faults_ && !more_at) record_.last_sync = services_.now();
  save();
  record_downloads();
  if (log::enabled(log::Priority::kInfo)) {
    const MailboxView now = view();
    log::write(log::Priority::kInfo, {.mailbox = settings_.name, .event = "synced"},
               concat(folder_faults_ ? "synced, but not every folder: "
                      : more_at      ? "synced as far as daily_bytes goes: "
                                     : "all folders are up to date: ",
                      now.messages, " messages delivered"));
  }
  Status outcome;
  if (folder_faults_)
    outcome = fail(ErrorKind::kFolder, "folders_failed", "some folders could not be synced; the log names them");
  if (outcome && more_at)
    outcome = fail(ErrorKind::kMailbox, "daily_bytes_spent", budget_reason(), "give `daily_bytes` more, or wait");
  // The next pass is for those who have asked while this one went on: what they want may have come to a folder that was
  // looked at by then.
  tell_those_served(outcome);
}

} // namespace mailmoor::mailbox
