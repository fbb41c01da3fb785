// The part of a mailbox's life in which folders get other names.
#include "log/log.h"
#include "mailbox/folder_follow.h"
#include "mailbox/mailbox.h"
#include "maildir/folder_move.h"
#include "util/concat.h"

#include <algorithm>
#include <utility>

namespace mailmoor::mailbox {
namespace {

// Where it was delivered to; empty when that is not in this Maildir.
[[nodiscard]] std::optional<maildir::FolderPlace> old_place(const Folder& folder, const MailboxSettings& settings) {
  const std::string root = settings.maildir + "/";
  if (!folder.recorded_directory.starts_with(root)) return std::nullopt;
  return maildir::FolderPlace{settings.maildir, folder.recorded_directory.substr(root.size()), settings.layout,
                              folder.name.wire()};
}

void tell(const std::string& mailbox, const FolderName& now, std::string_view what) {
  log::write(log::Priority::kNotice, {.mailbox = mailbox, .folder = now.utf8(), .event = "folder_renamed"}, what);
}

} // namespace

runtime::Task<Status> Mailbox::follow_renames(Connection& connection) {
  std::vector<const Folder*> gone, fresh;
  for (auto& [wire, folder] : folders_) {
    if (folder.vanished && folder.recorded.validity && !folder.recorded.known.empty()) {
      const auto place = old_place(folder, settings_);
      if (!place) continue;
      folder.place = *place;
      gone.push_back(&folder);
    } else if (folder.chosen && !folder.recorded.validity && !folder.name.is_inbox()) {
      fresh.push_back(&folder);
    }
  }
  if (gone.empty() || fresh.empty()) co_return Status();
  FolderFollow follow(services_, connection, listed_states_, std::move(gone), std::move(fresh),
                      [this] { expect_news_within(settings_.connection.io_timeout); });
  auto comparing = follow.run();
  const Result<sync::Renames> renames = co_await comparing;
  if (!renames) co_return pass(renames.error());
  for (const auto& [before, now] : renames->ambiguous)
    tell(settings_.name, folders_.at(now).name,
         concat("it may be ", folders_.at(before).name.utf8(),
                " under a new name, but another folder may be, too: it is fetched anew, what is here stays"));
  for (const auto& [before, now] : renames->certain) {
    auto following = follow_rename(folders_.at(before), folders_.at(now));
    const Status followed = co_await following;
    if (!followed) co_return pass(followed.error());
  }
  co_return Status();
}

// In Layout::kFs a directory has those of other folders in it: do they belong where it goes? A folder that is below a
// renamed one is renamed with it (RFC 9051 §6.3.6).
bool Mailbox::takes_others_along(const Folder& before, const Folder& now) const {
  const std::string below = directory_of(before.place) + "/";
  for (const auto& [wire, other] : folders_) {
    if (other.chosen && directory_of(other.place).starts_with(below)) return true;
    if (!other.vanished || other.recorded.known.empty() || !other.recorded_directory.starts_with(below)) continue;
    if (!wire.starts_with(before.name.wire())) return true;
    const auto renamed = folders_.find(now.name.wire() + wire.substr(before.name.wire().size()));
    if (renamed == folders_.end() || renamed->second.vanished) return true;
  }
  return false;
}

// The directory first, durably; then the record. A run that ends in between finds the directory under the new name.
runtime::Task<Status> Mailbox::follow_rename(Folder& before, Folder& now) {
  const std::string old_directory = directory_of(before.place);
  Result<maildir::FolderMove> moved = maildir::FolderMove::kInTheWay;
  if (!takes_others_along(before, now)) {
    auto job = [&files = services_.files, from = before.place, to = now.place] {
      return maildir::move_folder_blocking(files, from, to);
    };
    moved = co_await services_.files_pool.run(std::move(job));
  }
  if (!moved && moved.error().kind != ErrorKind::kFolder) co_return pass(moved.error());
  if (!moved || *moved == maildir::FolderMove::kInTheWay) {
    tell(settings_.name, now.name,
         concat("it is ", before.name.utf8(), " under a new name, but its directory cannot be renamed (",
                moved ? "another one is in the way" : moved.error().what, "): it is fetched anew, what is here stays"));
    co_return Status();
  }
  now.recorded = std::move(before.recorded);
  now.recorded_directory = directory_of(now.place);
  now.scanned = false;
  now.renamed_from = before.name.utf8();
  now.why += concat("; it was ", now.renamed_from, " before");
  now.last_sync = before.last_sync;
  now.renumberings = before.renumberings;
  tell(settings_.name, now.name,
       concat("the server has renamed ", before.name.utf8(),
              ": its directory is renamed, too, nothing is fetched again"));
  services_.store_thread.run_detached([&state = services_.state, mailbox = settings_.name, from = before.name,
                                       to = now.name, directory = now.recorded_directory] {
    const Status renamed = state.rename_folder_blocking(mailbox, from, to, directory);
    if (!renamed)
      log::write(
          log::Priority::kErr,
          {.mailbox = mailbox, .folder = to.utf8(), .event = "state_not_recorded", .error = renamed.error().code},
          concat("its new name could not be recorded; the Maildir still tells it: ", renamed.error().what));
  });
  services_.faults.clear_all(settings_.name, before.name.utf8(), services_.now());
  const std::string old_wire = before.name.wire();
  folders_.erase(old_wire);
  co_return Status();
}

} // namespace mailmoor::mailbox
