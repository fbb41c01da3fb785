// The part of a mailbox's life that goes from folder to folder: while some are being finished on the disk, the next one
// is received already.
#include "log/log.h"
#include "mailbox/mailbox.h"
#include "mailbox/poison_log.h"
#include "util/concat.h"

#include <deque>
#include <utility>

namespace mailmoor::mailbox {
namespace {

// Enough for small folders to share their syncs; each holds two pieces of a DeliveryPipe at most.
constexpr std::size_t kMaxSettling = 16;

} // namespace

struct Mailbox::Visit {
  Visit(Mailbox& mailbox, Connection& connection, Folder& folder_in, const FolderSyncSettings& settings)
      : folder(folder_in),
        sync(
            mailbox.services_, connection, folder, settings, [&mailbox] { return mailbox.must_leave(); },
            [this, &mailbox](std::uint64_t octets) {
              ++fetched;
              mailbox.count_message(octets);
            }) {}
  // Its first commands go out.
  void begin() {
    if (!std::exchange(begun, true)) sync.begin(listed);
  }

  Folder& folder;
  std::optional<FolderState> listed; // what LIST-STATUS said of it
  bool begun = false;
  std::uint64_t fetched = 0;
  FolderSync sync;
};

struct Mailbox::Round {
  std::deque<std::string> wires; // those that have not had their turn
  bool hands_on = false;         // the connection goes to the next one as soon as all is asked for
  std::unique_ptr<Visit> begun;  // that next one
};

// True: each of them had its turn, and none was left before its end. False: it was time to leave, if only for a moment.
runtime::Task<Result<bool>> Mailbox::sync_folders(Connection& connection, std::vector<std::string> wires) {
  Round round;
  folder_left_ = false;
  round.wires.assign(wires.begin(), wires.end());
  round.hands_on = true;
  auto receiving = receive_folders(connection, round);
  Status received = co_await receiving;
  if (received && !to_visit_again_.empty() && round.wires.empty()) {
    std::vector<std::string> again = std::exchange(to_visit_again_, {});
    round.wires.assign(again.begin(), again.end());
    round.hands_on = false;
    auto once_more = receive_folders(connection, round);
    received = co_await once_more;
  }
  to_visit_again_.clear();
  if (!received) co_return pass(std::move(received).error());
  co_return round.wires.empty() && !folder_left_;
}

// Until all are finished on the disk, too. `round.wires` keeps those that had no turn.
runtime::Task<Status> Mailbox::receive_folders(Connection& connection, Round& round) {
  Status received;
  std::unique_ptr<Visit> visit = next_visit(connection, round);
  if (visit != nullptr) {
    // Not with the login: a pass that finds nothing new ends with LIST, a round trip earlier.
    auto compressing = connection.compress();
    received = co_await compressing;
  }
  while (visit != nullptr && received) {
    if (must_leave()) {
      round.wires.push_front(visit->folder.name.wire());
      break;
    }
    visit->begin();
    auto receiving = receive_folder(std::move(visit));
    received = co_await receiving;
    if (!received || settling_fault_) break;
    visit = round.begun != nullptr ? std::move(round.begun) : next_visit(connection, round);
  }
  visit.reset();
  round.begun.reset();
  auto settling = wait_until_settling(0);
  co_await settling;
  if (std::optional<Error> fault = std::exchange(settling_fault_, std::nullopt); fault && received)
    received = std::unexpected(*std::move(fault));
  co_return received;
}

// What LIST-STATUS said of it in this pass.
std::optional<FolderState> Mailbox::take_listed(const Folder& folder) {
  const auto listed = listed_states_.extract(folder.name.wire());
  return listed.empty() ? std::nullopt : std::optional(listed.mapped());
}

// To the next folder that is to be opened. Null: there is none, or it is time to leave.
std::unique_ptr<Mailbox::Visit> Mailbox::next_visit(Connection& connection, Round& round) {
  while (!round.wires.empty() && !must_leave()) {
    Folder& folder = folders_.at(round.wires.front());
    round.wires.pop_front();
    expect_news_within(settings_.connection.io_timeout);
    record_what_was_lost(services_, settings_.name, folder);
    if (waits_out_renumbering(folder) || waits_for_budget(folder)) continue;
    record(services_, settings_.name, folder, sync::readmit(folder.recorded, settings_.filter, services_.now()));
    const std::optional<FolderState> listed = take_listed(folder);
    if (listed && sync::plan_folder(folder.recorded, *listed, services_.now(), settings_.wants).action ==
                      sync::FolderPlan::Action::kNothing) {
      folder.looked_at = *listed;
      continue;
    }
    FolderSyncSettings settings;
    settings.mailbox = settings_.name;
    settings.line_endings = settings_.line_endings;
    settings.keep_flags = settings_.keep_flags;
    settings.wants = settings_.wants;
    settings.filter = settings_.filter;
    settings.allowance = &allowance_;
    settings.copies = copies_for(folder);
    settings.alive = [this] { expect_news_within(settings_.connection.io_timeout); };
    // Which messages another folder has is known once that one is done.
    if (round.hands_on && !connection.session().has_gmail_items())
      settings.hand_on = [this, &connection, &round] { return begin_next(connection, round); };
    auto visit = std::make_unique<Visit>(*this, connection, folder, settings);
    visit->listed = listed;
    return visit;
  }
  return nullptr;
}

// The next folder's first commands go out behind the last ones of this folder.
bool Mailbox::begin_next(Connection& connection, Round& round) {
  if (!connection.session().can_examine_ahead()) return false;
  round.begun = next_visit(connection, round);
  if (round.begun == nullptr) return false;
  round.begun->begin();
  return true;
}

runtime::Task<Status> Mailbox::receive_folder(std::unique_ptr<Visit> visit) {
  expect_news_within(settings_.connection.io_timeout);
  auto receiving = visit->sync.receive();
  const Status received = co_await receiving;
  if (!received) {
    const Result<bool> failed = pass(received.error());
    co_return conclude(*visit, failed);
  }
  if (!visit->sync.needs_settling()) {
    const Result<bool> complete = !visit->sync.was_left();
    co_return conclude(*visit, complete);
  }
  auto waiting = wait_until_settling(kMaxSettling - 1);
  co_await waiting;
  ++settling_count_;
  settling_.spawn(settle_folder(std::move(visit)));
  co_return Status();
}

runtime::Task<void> Mailbox::settle_folder(std::unique_ptr<Visit> visit) {
  auto settling = visit->sync.settle();
  const Result<bool> complete = co_await settling;
  if (complete && visit->sync.needs_another_pass()) to_visit_again_.push_back(visit->folder.name.wire());
  Status concluded = conclude(*visit, complete);
  if (!concluded && !settling_fault_) settling_fault_ = std::move(concluded).error();
  visit.reset();
  --settling_count_;
  settled_.set();
}

runtime::Task<void> Mailbox::wait_until_settling(std::size_t at_most) {
  if (settling_count_ <= at_most) co_return;
  const Committer::Hurry hurry(services_.committer);
  while (settling_count_ > at_most) {
    settled_.reset();
    co_await settled_.wait_until(runtime::MonoTime::max());
  }
}

// What the end of a visit means for the mailbox. An error that concerns the folder only is told and goes no further.
Status Mailbox::conclude(const Visit& visit, const Result<bool>& complete) {
  tell_poison(services_, settings_.name, visit.folder);
  bears_fruit_ |= visit.fetched != 0 || visit.sync.has_changed_files();
  const std::string& name = visit.folder.name.utf8();
  if (visit.fetched != 0)
    log::write(log::Priority::kInfo, {.mailbox = settings_.name, .folder = name, .event = "fetched"},
               concat(visit.fetched, visit.fetched == 1 ? " new message" : " new messages"));
  if (complete) {
    if (*complete) services_.faults.clear_all(settings_.name, name, services_.now());
    folder_left_ = folder_left_ || !*complete;
    return {};
  }
  const Error& error = complete.error();
  if (error.kind != ErrorKind::kFolder && error.kind != ErrorKind::kMessage)
    return pass(Error(error).within(concat("folder ", name)));
  take_folder_fault(visit.folder, error);
  return {};
}

} // namespace mailmoor::mailbox
