#include "mailbox/folder_record.h"

#include "log/log.h"
#include "util/concat.h"

#include <utility>

namespace mailmoor::mailbox {
namespace {

[[nodiscard]] store::RetryRecord to_stored(const sync::RetryRecord& retry) {
  return store::RetryRecord{retry.uid, static_cast<int>(retry.strikes), retry.next_try, retry.reason};
}

[[nodiscard]] std::uint8_t bits_of(sync::Wants covers) noexcept {
  return static_cast<std::uint8_t>((covers.flags ? store::kCoversFlags : 0) |
                                   (covers.deletions ? store::kCoversDeletions : 0));
}

[[nodiscard]] Status write_blocking(store::StateRepository& state, const std::string& mailbox, const FolderName& name,
                                    const std::string& directory, UidValidity validity, const sync::FolderFacts& facts,
                                    UnixTime now) {
  if (facts.start_over) {
    store::FolderRecord record{name, validity, FolderState{}, facts.known_added, std::nullopt, directory};
    if (Status saved = state.save_folder_blocking(mailbox, record); !saved) return saved;
  } else if (!facts.known_added.empty()) {
    if (Status saved = state.add_delivered_blocking(mailbox, name, validity, facts.known_added); !saved) return saved;
  }
  if (!facts.known_removed.empty())
    if (Status saved = state.remove_delivered_blocking(mailbox, name, facts.known_removed); !saved) return saved;
  if (!facts.flags_set.empty())
    if (Status saved = state.set_flags_blocking(mailbox, name, facts.flags_set); !saved) return saved;
  for (const sync::RetryRecord& retry : facts.retries_set)
    if (Status saved = state.save_retry_blocking(mailbox, name, to_stored(retry)); !saved) return saved;
  Status erased;
  facts.retries_removed.for_each([&](Uid uid) {
    if (erased) erased = state.erase_retry_blocking(mailbox, name, uid);
  });
  if (!erased) return erased;
  if (facts.held || facts.confirmed)
    if (Status saved = state.save_held_blocking(mailbox, name, facts.held, facts.confirmed); !saved) return saved;
  if (facts.left_out)
    if (Status saved = state.save_left_out_blocking(mailbox, name, *facts.left_out, facts.reopened); !saved)
      return saved;
  // Last: only this makes the folder look unchanged at the next pass.
  if (!facts.state) return {};
  return state.save_outcome_blocking(mailbox, name, {*facts.state, bits_of(facts.covers), facts.listed_in_full, now});
}

[[nodiscard]] Status write_whole_blocking(store::StateRepository& state, const std::string& mailbox,
                                          const FolderName& name, const std::string& directory,
                                          const sync::RecordedFolder& recorded, UnixTime last_sync) {
  store::FolderRecord record{name, recorded.validity, FolderState{}, recorded.known, std::nullopt, directory};
  if (recorded.state) {
    record.last_state = *recorded.state;
    record.last_sync = last_sync;
  }
  record.listed_in_full = recorded.listed_in_full;
  record.covers = bits_of(recorded.covers);
  record.held = recorded.held;
  record.confirmed = recorded.confirmed;
  record.left_out = recorded.left_out;
  if (Status saved = state.save_folder_blocking(mailbox, record); !saved) return saved;
  sync::FolderFacts rest;
  rest.known_added = recorded.known; // once more, for the retries that this takes off the list
  rest.retries_set = recorded.retries;
  return write_blocking(state, mailbox, name, directory, *recorded.validity, rest, last_sync);
}

void tell_not_recorded(const std::string& mailbox, const FolderName& name, const Error& error) {
  log::write(
      log::Priority::kErr,
      {.mailbox = mailbox, .folder = name.utf8(), .event = "state_not_recorded", .error = error.code},
      concat("what was delivered could not be recorded; the Maildir still tells it, and the next pass records it "
             "anew: ",
             error.what));
}

} // namespace

std::string directory_of(const maildir::FolderPlace& place) {
  return place.folder_directory.empty() ? place.mailbox_directory
                                        : concat(place.mailbox_directory, "/", place.folder_directory);
}

Folder folder_from(const store::StoredFolder& stored) {
  Folder folder(stored.record.name);
  folder.recorded.validity = stored.record.uid_validity;
  folder.recorded.known = stored.record.known;
  for (const store::RetryRecord& retry : stored.retries)
    folder.recorded.retries.push_back(
        sync::RetryRecord{retry.uid, static_cast<std::uint32_t>(retry.strikes), retry.next_try, retry.reason});
  folder.told_validity = folder.recorded.validity;
  for (const store::RetryRecord& retry : stored.retries)
    folder.told_poison.emplace(retry.uid, retry.reason);
  // Without a pass carried to its end there is no state to compare with.
  if (stored.record.last_sync) folder.recorded.state = stored.record.last_state;
  folder.recorded.covers.flags = (stored.record.covers & store::kCoversFlags) != 0;
  folder.recorded.covers.deletions = (stored.record.covers & store::kCoversDeletions) != 0;
  folder.recorded.listed_in_full = stored.record.listed_in_full;
  folder.recorded.held = stored.record.held;
  folder.recorded.confirmed = stored.record.confirmed;
  folder.recorded.left_out = stored.record.left_out;
  folder.last_sync = stored.record.last_sync;
  folder.recorded_directory = stored.record.directory;
  if (stored.record.renumbered_at) folder.renumberings = {stored.record.renumberings, *stored.record.renumbered_at};
  return folder;
}

void record_renumberings(const Services& services, const std::string& mailbox, const Folder& folder) {
  services.store_thread.run_detached(
      [&state = services.state, mailbox, name = folder.name, changes = folder.renumberings] {
        const Status written = state.save_renumberings_blocking(mailbox, name, changes.count, changes.last);
        if (!written) tell_not_recorded(mailbox, name, written.error());
      });
}

void record(const Services& services, const std::string& mailbox, Folder& folder, const sync::FolderFacts& facts) {
  if (facts.empty()) return;
  facts.apply_to(folder.recorded);
  if (!folder.recorded.validity) return;
  const std::string directory = directory_of(folder.place);
  if (facts.start_over) folder.recorded_directory = directory;
  services.store_thread.run_detached([&state = services.state, mailbox, name = folder.name, directory,
                                      validity = *folder.recorded.validity, facts, now = services.now(),
                                      lost = folder.facts_lost] {
    const Status written = write_blocking(state, mailbox, name, directory, validity, facts, now);
    if (written) return;
    *lost = true;
    tell_not_recorded(mailbox, name, written.error());
  });
}

void record_what_was_lost(const Services& services, const std::string& mailbox, const Folder& folder) {
  if (!folder.recorded.validity || !folder.facts_lost->exchange(false)) return;
  services.store_thread.run_detached([&state = services.state, mailbox, name = folder.name,
                                      directory = folder.recorded_directory, recorded = folder.recorded,
                                      last_sync = folder.last_sync.value_or(services.now()), lost = folder.facts_lost] {
    const Status written = write_whole_blocking(state, mailbox, name, directory, recorded, last_sync);
    if (written) return;
    *lost = true;
    tell_not_recorded(mailbox, name, written.error());
  });
}

} // namespace mailmoor::mailbox
