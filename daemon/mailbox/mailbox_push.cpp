// The part of a mailbox's life that waits for news: IDLE, with NOTIFY for the folders that are not open, and NOOP where
// there is neither. Push only ends the wait: what it tells is looked up by the same pass that the poll timer starts.
#include "log/log.h"
#include "mailbox/mailbox.h"
#include "mailbox/server_words.h"
#include "sync/renumbering.h"
#include "util/concat.h"

#include <algorithm>
#include <utility>
#include <variant>

namespace mailmoor::mailbox {
namespace {

using std::chrono::seconds;

// Exchange stops telling news after a while without closing the connection; servers may log out idle clients after 30
// minutes (RFC 2177, RFC 9051 §5.4). Asking again every 9 minutes is safe with all of them.
constexpr runtime::Duration kIdleAgain = std::chrono::minutes(9);
// The machine was suspended for so long in a wait, and the wait ended so late: whoever was at the other end has given
// us up.
constexpr runtime::Duration kSlept = seconds(30);
// Passes in a row that news began and that found nothing. A race makes one or two of them; a server that says the same
// at each IDLE would make one after the other for ever: then each waits twice as long as the one before.
constexpr int kFruitlessAtOnce = 3;
constexpr int kMostDoublings = 6; // 64 s

// Whether what is told of the open folder is worth a pass.
[[nodiscard]] bool is_news(const imap::Event& event, sync::Wants wants) {
  // Exchange says EXISTS at the begin of an IDLE, too (php-imap#258): the same number is no news.
  if (const auto* exists = std::get_if<imap::Exists>(&event))
    return exists->count > exists->before || (wants.deletions && exists->count != exists->before);
  if (wants.flags && std::holds_alternative<imap::Fetched>(event)) return true;
  return wants.deletions &&
         (std::holds_alternative<imap::Expunged>(event) || std::holds_alternative<imap::Vanished>(event));
}

// Whether a folder is worth a pass that was `before` and is `now`.
[[nodiscard]] bool has_changed(const FolderState& before, const FolderState& now, sync::Wants wants) {
  if (now.uid_validity && before.uid_validity && now.uid_validity != before.uid_validity) return true;
  if (now.uid_next != before.uid_next || now.messages > before.messages) return true;
  if (wants.deletions && now.messages != before.messages) return true;
  return wants.flags && before.highest_mod_seq && now.highest_mod_seq && now.highest_mod_seq != before.highest_mod_seq;
}

// After a wait until `until`: whether the connection is still worth a word. An answer to one would be waited for in
// vain. `asleep` as the clock said it before the wait.
[[nodiscard]] Status still_there(runtime::MonoTime until, runtime::Duration asleep, const runtime::Clock& clock,
                                 const std::string& peer) {
  const runtime::MonoTime now = clock.now();
  if (now < until || now - until < kSlept || clock.asleep() - asleep < kSlept) return {};
  return fail(ErrorKind::kHost, "slept", concat("the machine was asleep: the connection to ", peer, " is made anew"));
}

} // namespace

// Where there is no news.
runtime::MonoTime Mailbox::wait_ends() const {
  const runtime::MonoTime now = services_.loop.now();
  runtime::MonoTime ends = std::min(poll_due_, now + kIdleAgain);
  if (leave_at_) ends = std::min(ends, now + (*leave_at_ - services_.loop.wall_now()));
  return ends;
}

runtime::Task<Status> Mailbox::wait_for_work(Connection& connection) {
  move_to_rest();
  if (settings_.push && connection.session().capabilities().has("IDLE")) {
    auto listening = listen(connection);
    const Status listened = co_await listening;
    co_return listened;
  }
  const runtime::MonoTime until = wait_ends();
  wake_.reset();
  expect_news_within(until - services_.loop.now());
  const runtime::Duration asleep = services_.loop.clock().asleep();
  co_await wake_.wait_until(until);
  Status there = still_there(until, asleep, services_.loop.clock(), connection.peer());
  if (!there) co_return there;
  if (sync_wanted_ || must_leave()) co_return Status();
  auto asking = connection.complete(connection.session().noop());
  const Result<imap::Completed> completed = co_await asking;
  if (!completed) co_return pass(completed.error());
  co_return Status();
}

// Opens INBOX anew: what arrived since the pass would not be told in IDLE, as it is no news to the server.
runtime::Task<Status> Mailbox::open_inbox(Connection& connection) {
  const auto inbox = folders_.find("INBOX");
  if (inbox == folders_.end() || !inbox->second.chosen) co_return Status();
  auto examining = connection.complete(connection.session().examine(inbox->second.name));
  const Result<imap::Completed> completed = co_await examining;
  if (!completed) co_return pass(completed.error());
  const auto& selected = connection.session().selected();
  if (completed->status != imap::CompletionStatus::kOk || !selected) {
    // A refused INBOX was told of by the pass, and is no reason to log in again.
    Error refused = folder_refused(*completed, "EXAMINE INBOX");
    if (refused.kind == ErrorKind::kFolder) co_return Status();
    co_return std::unexpected(std::move(refused));
  }
  if (is_worth_a_pass(inbox->second, selected->state)) news_.insert("INBOX");
  co_return Status();
}

// Not where the pass would leave it out: it would be found changed again and again.
bool Mailbox::is_worth_a_pass(const Folder& folder, const FolderState& now) {
  if (sync::not_before(folder.renumberings, services_.now())) return false;
  if (folder.behind != 0 && !allowance_.grants(FetchKind::kNewMail)) return false;
  return has_changed(folder.looked_at, now, settings_.wants);
}

runtime::Task<Status> Mailbox::listen(Connection& connection) {
  auto opening = open_inbox(connection);
  const Status opened = co_await opening;
  if (!opened || news_are_due()) co_return opened;
  if (!hears_of_all_ && connection.session().can_notify()) {
    auto asking = hear_of_all_folders(connection);
    const Status asked = co_await asking;
    if (!asked) co_return asked;
  }
  if (news_are_due() || sync_wanted_ || must_leave()) co_return Status();
  listens_ = true;
  auto idling = idle(connection);
  const Status idled = co_await idling;
  listens_ = false;
  co_return idled;
}

// From here on the server tells of all folders, not of the open one only, until hear_of_open_folder(): also while what
// it tells is looked up. What happened in them since the pass over everything stands in the STATUS of each that comes
// first. A server that will not is asked no more in this session: there is the poll.
runtime::Task<Status> Mailbox::hear_of_all_folders(Connection& connection) {
  expect_news_within(settings_.connection.io_timeout);
  auto asking = connection.complete(connection.session().notify_of_all(settings_.wants.flags),
                                    [this, &connection](imap::Event& event) { hear_first(connection, event); });
  const Result<imap::Completed> completed = co_await asking;
  if (!completed) co_return pass(completed.error());
  hears_of_all_ = completed->status == imap::CompletionStatus::kOk;
  if (hears_of_all_) co_return Status();
  const Status refused = notify_refused(*completed);
  co_return refused;
}

// Before anything whose answers look like what is told unasked: LIST and STATUS. Also after an overflow, which has
// silenced the open folder as well (RFC 5465 §5.8).
runtime::Task<Status> Mailbox::hear_of_open_folder(Connection& connection) {
  if (!std::exchange(hears_of_all_, false)) co_return Status();
  expect_news_within(settings_.connection.io_timeout);
  auto asking = connection.complete(connection.session().notify_of_selected(settings_.wants.flags),
                                    [this, &connection](imap::Event& event) { hear(connection, event); });
  const Result<imap::Completed> completed = co_await asking;
  if (!completed) co_return pass(completed.error());
  if (completed->status == imap::CompletionStatus::kOk) co_return Status();
  const Status refused = notify_refused(*completed);
  co_return refused;
}

// No fault, unless the words mean more than this command.
Status Mailbox::notify_refused(const imap::Completed& completed) {
  Error refused = command_refused(completed, "NOTIFY");
  if (refused.code != "command_refused") return std::unexpected(std::move(refused));
  tell_of_no_notify(refused.what);
  return {};
}

// Said once, whatever the number of sessions.
void Mailbox::tell_of_no_notify(std::string_view why) {
  if (std::exchange(told_of_no_notify_, true)) return;
  log::write(log::Priority::kInfo, {.mailbox = settings_.name, .event = "no_notify"},
             concat(why, ": in this session news of folders besides INBOX come with the poll"));
}

// Of the answer to NOTIFY itself. LIST names the folders that nobody may open, each time; a STATUS without UIDNEXT does
// not say whether anything happened.
void Mailbox::hear_first(Connection& connection, const imap::Event& event) {
  if (std::holds_alternative<imap::ListEntry>(event)) return;
  const auto* status = std::get_if<imap::StatusEntry>(&event);
  if (status == nullptr || status->state.uid_next) hear(connection, event);
}

void Mailbox::hear(Connection& connection, const imap::Event& event) {
  if (const auto* status = std::get_if<imap::StatusEntry>(&event)) return hear_status(*status);
  // A folder was made, renamed or deleted.
  if (std::holds_alternative<imap::ListEntry>(event)) news_of_folders_ = true;
  const auto* text = std::get_if<imap::ServerText>(&event);
  if (text != nullptr && text->code && text->code->atom == "NOTIFICATIONOVERFLOW") {
    sync_wanted_ = true; // some of it is lost, and no more will come
    tell_of_no_notify("the server cannot keep up with what it has to tell (NOTIFICATIONOVERFLOW)");
  }
  if (!is_news(event, settings_.wants)) return;
  const auto& open = connection.session().selected();
  news_.insert(open ? open->name.wire() : "INBOX");
}

// Between two waits. What is told then of the folder that is open came after it was looked at; its flags are left to
// the next look.
void Mailbox::overhear(Connection& connection, const imap::Event& event) {
  if (!hears_of_all_ || listens_ || std::holds_alternative<imap::Fetched>(event)) return;
  const bool is_of_all = std::holds_alternative<imap::StatusEntry>(event) ||
                         std::holds_alternative<imap::ListEntry>(event) ||
                         std::holds_alternative<imap::ServerText>(event);
  if (is_of_all || connection.session().selected()) hear(connection, event);
}

// A folder with news is due. A server that says the same again and again tells nothing new.
void Mailbox::hear_status(const imap::StatusEntry& status) {
  const auto found = folders_.find(status.name.wire());
  if (found == folders_.end() || !found->second.chosen) return;
  if (status.state.uid_next) { // Dovecot leaves it out where only flags have changed
    if (!is_worth_a_pass(found->second, status.state)) return;
    const auto [told, is_first] = told_.try_emplace(found->first, status.state);
    if (!is_first && std::exchange(told->second, status.state) == status.state) return;
  }
  news_.insert(found->first);
}

bool Mailbox::news_are_due() const {
  return has_news() && services_.loop.now() >= news_due_;
}

// By a pass that is over.
void Mailbox::looked_news_up() {
  news_due_ = {};
  if (bears_fruit_) fruitless_ = 0;
  if (bears_fruit_ || ++fruitless_ <= kFruitlessAtOnce) return;
  const int doublings = std::min(fruitless_ - kFruitlessAtOnce - 1, kMostDoublings);
  news_due_ = services_.loop.now() + services_.scaled(seconds(1 << doublings));
  if (fruitless_ == kFruitlessAtOnce + 1)
    log::write(
        log::Priority::kInfo, {.mailbox = settings_.name, .event = "no_news"},
        "the server tells of news again and again and nothing is new: what it tells is looked up less often, about"
        " once a minute at last, until there is something new");
}

// Empty: somebody ended the wait before anything came, see poke().
runtime::Task<std::optional<Status>> Mailbox::fill_or_wake(Connection& connection, runtime::Duration patience) {
  expect_news_within(patience);
  std::optional<Status> filled;
  runtime::TaskRunner<Status> filling;
  filling.start(connection.fill(patience), [this, &filled](Status status) {
    filled = std::move(status);
    wake_.set();
  });
  co_await wake_.wait_until(runtime::MonoTime::max());
  co_return filled;
}

runtime::Task<Status> Mailbox::idle(Connection& connection) {
  const runtime::MonoTime until = wait_ends();
  const runtime::Duration asleep = services_.loop.clock().asleep();
  const imap::CommandId id = connection.session().idle();
  connection.use_small_buffer(true);
  bool poked = false, asked_to_end = false;
  Status result;
  while (true) {
    imap::Event event = connection.next();
    if (const auto* completed = std::get_if<imap::Completed>(&event); completed != nullptr && completed->id == id) {
      if (completed->status != imap::CompletionStatus::kOk)
        result = std::unexpected(command_refused(*completed, "IDLE"));
      break;
    }
    if (auto* failed = std::get_if<imap::Failed>(&event)) {
      result = pass(std::move(failed->error).within(connection.peer()));
      break;
    }
    if (const auto* bye = std::get_if<imap::Bye>(&event)) {
      result = std::unexpected(session_ended(*bye));
      break;
    }
    hear(connection, event);
    if (!std::holds_alternative<imap::NeedInput>(event)) continue;
    if (connection.pause()) { // not even DONE is said in it
      result = std::unexpected(*connection.pause());
      break;
    }
    wake_.reset();
    const bool over = poked || news_are_due() || sync_wanted_ || must_leave() || services_.loop.now() >= until;
    if (over && !std::exchange(asked_to_end, true)) {
      result = still_there(until, asleep, services_.loop.clock(), connection.peer());
      if (!result) break;
      connection.session().done();
    }
    const runtime::MonoTime wait_until = has_news() ? std::min(until, news_due_) : until;
    const runtime::Duration patience =
        over ? settings_.connection.io_timeout : wait_until - services_.loop.now() + std::chrono::milliseconds(1);
    auto filling = fill_or_wake(connection, patience);
    std::optional<Status> filled = co_await filling;
    poked |= !filled;
    if (filled && !*filled && (over || filled->error().code != "io_timeout")) {
      result = *std::move(filled);
      break;
    }
  }
  connection.use_small_buffer(false);
  co_return result;
}

} // namespace mailmoor::mailbox
