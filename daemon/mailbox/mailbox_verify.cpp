// The part of a mailbox's life that proves the copy complete (`verify`), and mends it.
#include "log/log.h"
#include "mailbox/mailbox.h"
#include "maildir/folder_changes.h"
#include "sync/fetch_again.h"
#include "util/concat.h"

#include <algorithm>
#include <utility>

namespace mailmoor::mailbox {
namespace {

// Between two lines of progress of one phase.
constexpr runtime::Duration kProgressEvery = std::chrono::milliseconds(500);

void tell(Verification& order, const VerifyProgress& progress, runtime::MonoTime now) {
  const bool is_same = progress.folder == order.told.folder && progress.phase == order.told.phase;
  if (!order.listener.on_progress || (is_same && now < order.told_at + kProgressEvery)) return;
  order.told = progress;
  order.told_at = now;
  order.listener.on_progress(progress);
}

// What a pass brings in order, or has to.
[[nodiscard]] UidSet unsettled(const FolderFindings& findings) {
  UidSet uids = findings.missing;
  for (const FlagDifference& difference : findings.wrong_flags)
    uids.insert(*Uid::from(difference.uid));
  return uids;
}

// The files are sound and there, whatever their flags are.
[[nodiscard]] UidSet still_broken(const FolderFindings& findings) {
  UidSet uids = sync::damaged(findings);
  for (const UidSet* more : {&findings.missing, &findings.removed_here, &findings.poison})
    uids.insert(*more);
  return uids;
}

[[nodiscard]] bool concerns_folder(const Error& error) {
  return error.kind == ErrorKind::kFolder || error.kind == ErrorKind::kMessage;
}

} // namespace

Result<std::uint64_t> Mailbox::verify_now(VerifyRequest request, VerificationListener listener) {
  const auto refuse = [](std::string code, std::string what, std::string remedy) {
    return fail(ErrorKind::kOperator, std::move(code), std::move(what), std::move(remedy));
  };
  if (record_.paused)
    return refuse("paused", concat(settings_.name, " is paused"), concat("run: mailmoorctl resume ", settings_.name));
  if (state_ == MailboxState::kNeedsLogin && last_error_)
    return refuse("needs_login", last_error_->what, last_error_->remedy);
  if (const auto pause = imposed_pause())
    return refuse("throttled",
                  concat("the server imposed a pause until ", to_rfc3339(*pause), "; nothing is sent before"),
                  "try again after it");
  if (stopping_) return refuse("stopping", concat(settings_.name, " is being stopped"), "");
  const std::uint64_t ticket = next_ticket_++;
  verifications_.emplace(ticket, std::make_unique<Verification>(request, std::move(listener)));
  sync_wanted_ = true; // what is new is fetched first, and is no gap
  poke();
  return ticket;
}

void Mailbox::cancel_verify(std::uint64_t ticket) noexcept {
  const auto order = verifications_.find(ticket);
  if (order == verifications_.end()) return;
  order->second->listener = {};
  order->second->is_over = true; // taken away between two steps: one may be under way
}

void Mailbox::end_verifications(const Error& why) {
  Error told = why;
  if (state_ == MailboxState::kNeedsLogin) told.code = "needs_login";
  for (auto& [ticket, order] : verifications_)
    order->end(std::unexpected(told));
}

bool Mailbox::leaves(const Verification& order) const {
  return order.is_over || must_leave() || sync_wanted_ || news_are_due() || services_.loop.now() >= poll_due_;
}

void Mailbox::begin(Verification& order) {
  order.has_begun = true;
  for (const auto& [wire, folder] : folders_) {
    if (folder.chosen && folder.name.is_inbox())
      order.wires.push_front(wire);
    else if (folder.chosen)
      order.wires.push_back(wire);
    else if (!folder.vanished)
      order.summary.not_chosen.push_back(folder.name.utf8());
  }
  log::write(log::Priority::kInfo, {.mailbox = settings_.name, .event = "verify"},
             concat("comparing ", order.wires.size(), " folders with the server",
                    order.request.deep ? ", contents too" : "", order.request.repair ? "; gaps are mended" : ""));
}

// One step of the first order: as far as it goes until something else is to be done.
runtime::Task<Status> Mailbox::verify(Connection& connection) {
  std::erase_if(verifications_, [](const auto& entry) { return entry.second->is_over; });
  if (verifications_.empty()) co_return Status();
  Verification& order = *verifications_.begin()->second;
  move_to(MailboxState::kSyncing);
  if (!order.has_begun) begin(order);
  auto shutting = hear_of_open_folder(connection);
  const Status shut = co_await shutting;
  if (!shut) co_return shut;
  auto compressing = connection.compress();
  const Status compressed = co_await compressing;
  if (!compressed) co_return compressed;
  while (!order.wires.empty() && !leaves(order)) {
    const auto found = folders_.find(order.wires.front());
    FolderFindings findings;
    Result<bool> done = fail(ErrorKind::kFolder, "folder_gone", "it went away while the mailbox was verified");
    if (found != folders_.end()) {
      auto verifying = verify_folder(connection, order, found->second);
      done = co_await verifying;
    }
    if (done && !*done) co_return Status(); // later
    if (!done && !concerns_folder(done.error())) co_return pass(done.error());
    if (done) {
      findings = order.folder->findings(found->second);
      findings.repaired = order.repaired.minus(still_broken(findings));
    } else {
      findings.folder = found != folders_.end() ? found->second.name.utf8() : order.wires.front();
      findings.failed = done.error().what;
    }
    order.wires.pop_front();
    order.folder.reset();
    order.repaired = {};
    order.summary.add(findings);
    if (order.listener.on_folder) order.listener.on_folder(findings);
    if (is_wanted_elsewhere()) break;
  }
  if (order.wires.empty() && !order.is_over) {
    log::write(log::Priority::kInfo, {.mailbox = settings_.name, .event = "verified"},
               concat(order.summary.incomplete, " of ", order.summary.folders, " folders have gaps; ",
                      order.summary.here, " of ", order.summary.server_messages, " messages are here"));
    order.end(order.summary);
  }
  co_return Status();
}

runtime::Task<Result<bool>> Mailbox::verify_folder(Connection& connection, Verification& order, Folder& folder) {
  if (order.folder == nullptr) {
    FolderVerificationSettings settings;
    settings.mailbox = settings_.name;
    settings.line_endings = settings_.line_endings;
    settings.compares_flags = settings_.wants.flags;
    settings.deep = order.request.deep;
    order.folder = std::make_unique<FolderVerification>(
        services_, std::move(settings), [this, &order] { return leaves(order); },
        [this, &order](const VerifyProgress& progress) {
          expect_news_within(settings_.connection.io_timeout);
          tell(order, progress, services_.loop.now());
        });
  }
  auto running = order.folder->run(connection, folder);
  const Result<bool> compared = co_await running;
  if (!compared || !*compared) co_return compared;
  // What came or changed since the pass is no gap: the same pass brings it here.
  const UidSet fresh = unsettled(order.folder->findings(folder));
  if (!fresh.empty()) {
    std::vector<std::string> alone(1, folder.name.wire());
    auto syncing = sync_folders(connection, std::move(alone));
    const Result<bool> synced = co_await syncing;
    if (!synced) co_return pass(synced.error());
    if (!*synced || must_leave()) co_return false;
    auto looking = order.folder->look_again(folder, fresh, /*fetched_anew=*/false);
    const Status looked = co_await looking;
    if (!looked) co_return pass(looked.error());
  }
  if (!order.request.repair || order.is_over || !order.folder->is_of(folder)) co_return true;
  auto repairing = repair(connection, order, folder);
  const Result<bool> repaired = co_await repairing;
  co_return repaired;
}

// Recorded first, then moved, then fetched: a run that is killed in between fetches with its next pass.
runtime::Task<Result<bool>> Mailbox::repair(Connection& connection, Verification& order, Folder& folder) {
  const FolderFindings findings = order.folder->findings(folder);
  const UidSet broken = sync::damaged(findings);
  UidSet wanted = broken;
  wanted.insert(findings.missing);
  wanted.insert(findings.poison);
  if (order.request.fetch_removed) wanted.insert(findings.removed_here);
  wanted = wanted.minus(order.repaired); // once is enough
  if (wanted.empty()) co_return true;
  VerifyProgress progress;
  progress.folder = folder.name.utf8();
  progress.phase = VerifyProgress::Phase::kRepairing;
  progress.total = wanted.size();
  tell(order, progress, services_.loop.now());
  order.repaired.insert(wanted);
  // What is damaged may be so in every folder that shares the file (mailbox/folder_copies.h): it is not linked again.
  auto forgetting = [&state = services_.state, &name = settings_.name, &folder, &broken] {
    return state.forget_copies_blocking(name, folder.name, broken);
  };
  const Status forgotten = co_await services_.store_thread.run(std::move(forgetting));
  if (!forgotten) co_return pass(forgotten.error());
  record(services_, settings_.name, folder, sync::fetch_again(folder.recorded, wanted, services_.now()));
  auto recorded = [] { return true; }; // behind the record, in a thread that does one thing after the other
  static_cast<void>(co_await services_.store_thread.run(std::move(recorded)));
  auto moving = move_away(folder, broken.intersect(wanted));
  const Status moved = co_await moving;
  if (!moved) co_return pass(moved.error());
  std::vector<std::string> alone(1, folder.name.wire());
  auto syncing = sync_folders(connection, std::move(alone));
  const Result<bool> synced = co_await syncing;
  if (!synced || !*synced) co_return synced; // the rest comes with a later pass
  auto looking = order.folder->look_again(folder, wanted, /*fetched_anew=*/true);
  const Status looked = co_await looking;
  if (!looked) co_return pass(looked.error());
  co_return !must_leave(); // else the rest comes with the next session's passes
}

// Damaged files, into the trash of today: never unlinked, as there may be more in them than on the server.
runtime::Task<Status> Mailbox::move_away(const Folder& folder, UidSet uids) {
  if (uids.empty()) co_return Status();
  auto job = [&files = services_.files, place = folder.place, validity = *folder.recorded.validity, &uids,
              today = services_.now()] { return maildir::trash_blocking(files, place, validity, uids, today); };
  const maildir::ChangeReport moved = co_await services_.files_pool.run(std::move(job));
  if (moved.error) co_return std::unexpected(*moved.error);
  log::write(log::Priority::kNotice,
             {.mailbox = settings_.name, .folder = folder.name.utf8(), .event = "damaged_moved"},
             concat(moved.files, moved.files == 1 ? " damaged file was" : " damaged files were", " moved to ",
                    maildir::kTrashName, "; the messages are fetched again"));
  co_return Status();
}

} // namespace mailmoor::mailbox
