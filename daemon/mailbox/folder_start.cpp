// How FolderSync begins where there is no record of a folder, or one of another UIDVALIDITY.
#include "log/event_ids.h"
#include "log/log.h"
#include "mailbox/folder_sync.h"
#include "util/concat.h"

#include <algorithm>
#include <utility>

namespace mailmoor::mailbox {
namespace {

// A connection that goes each time would keep the folder from ever being synced.
constexpr unsigned kLostAtMost = 3;

// Whether a new UIDVALIDITY makes anything invalid. A folder that holds nothing has nothing to lose, and courier-imap
// numbers an empty one anew at each look: that is no loop, which would keep its first message waiting.
[[nodiscard]] bool holds_anything(const sync::RecordedFolder& recorded, std::size_t files) {
  return files != 0 || !recorded.known.empty() || !recorded.retries.empty() || !recorded.left_out.empty();
}

} // namespace

// Files first, then the record: a pass that ends in between is done again, and finds what was renamed.
runtime::Task<Status> FolderSync::start_over(maildir::FolderScan found) {
  const UidValidity validity = *state_now().uid_validity;
  FolderRematch::Outcome outcome;
  if (found.of_other_validity != 0 && folder_.rematches_lost < kLostAtMost) {
    ++folder_.rematches_lost;
    auto dropping = drop_early_look();
    const Status dropped = co_await dropping;
    if (!dropped) co_return dropped;
    FolderRematch rematch(services_, connection_, folder_.place, should_leave_, settings_.alive);
    auto matching = rematch.run(validity, found.present);
    Result<FolderRematch::Outcome> matched = co_await matching;
    if (!matched) co_return pass(std::move(matched).error());
    outcome = *std::move(matched);
    folder_.rematches_lost = 0;
    left_ = !outcome.is_over;
    if (left_) co_return Status();
  }
  auto loading = base_of(outcome.renumbered);
  Result<FlagMap> base = co_await loading;
  if (!base) co_return pass(std::move(base).error());
  const bool changed =
      folder_.recorded.validity.has_value() && holds_anything(folder_.recorded, found.of_other_validity);
  if (changed) folder_.renumberings = sync::once_more(folder_.renumberings, services_.now());
  if (changed || found.of_other_validity != 0) tell_renumbered(outcome, found.of_other_validity);

  UidSet present = std::move(found.present);
  for (const FolderRematch::Renumbered& message : outcome.renumbered)
    present.insert(message.uid);
  delivery_->assume_present(validity, present);
  sync::FolderFacts facts = pass_->start_over(present, services_.now());
  facts.flags_set = *std::move(base);
  note(facts);
  if (changed) record_renumberings(services_, settings_.mailbox, folder_);
  co_return Status();
}

// What server and file last agreed on, under the new numbers: local changes stay local changes. Lost when the process
// ends between renaming and recording; then a flag that either side has is set.
runtime::Task<Result<FlagMap>> FolderSync::base_of(const std::vector<FolderRematch::Renumbered>& renumbered) {
  FlagMap base;
  if (renumbered.empty() || !folder_.recorded.validity || !settings_.wants.flags) co_return base;
  auto loading = [&state = services_.state, mailbox = settings_.mailbox, name = folder_.name] {
    return state.load_flags_blocking(mailbox, name);
  };
  const Result<FlagMap> before = co_await services_.store_thread.run(std::move(loading));
  if (!before) co_return pass(before.error());
  std::vector<FolderRematch::Renumbered> ascending = renumbered;
  std::ranges::sort(ascending, {}, &FolderRematch::Renumbered::uid);
  for (const FolderRematch::Renumbered& message : ascending)
    if (message.old_validity == *folder_.recorded.validity)
      if (const auto flags = before->find(message.old_uid)) base.set(message.uid, *flags);
  co_return base;
}

void FolderSync::tell_renumbered(const FolderRematch::Outcome& outcome, std::size_t unmatched) {
  const auto& before = folder_.recorded.validity;
  std::string text =
      before ? concat("UIDVALIDITY changed from ", before->value(), " to ", state_now().uid_validity->value(), ": ")
             : "files of another UIDVALIDITY are here: ";
  text += concat(outcome.renumbered.size(), " of ", unmatched, unmatched == 1 ? " file here was" : " files here were",
                 " recognised and got new names, what else the server has is fetched, nothing is removed");
  if (outcome.refused)
    text += concat("; the server would not tell what is needed to recognise them: ", *outcome.refused);
  log::write(before ? log::Priority::kWarning : log::Priority::kNotice,
             {.mailbox = settings_.mailbox,
              .folder = folder_.name.utf8(),
              .event = before ? std::string_view() : "recognised",
              .catalog = before ? &log::events::kUidvalidityChanged : nullptr},
             text);
}

} // namespace mailmoor::mailbox
