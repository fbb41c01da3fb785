// The part of a mailbox's life that knows which folders there are and where they live.
#include "log/event_ids.h"
#include "mailbox/listing.h"
#include "mailbox/mailbox.h"
#include "mailbox/server_words.h"
#include "util/concat.h"

#include <utility>

namespace mailmoor::mailbox {

runtime::Task<Status> Mailbox::list_folders(Connection& connection) {
  Listing listed;
  listed_states_.clear();
  const bool with_status = connection.session().can_list_status();
  // On its way with LIST; whether it was done is known before the first folder is opened.
  if ((settings_.wants.flags || settings_.wants.deletions) && !connection.session().qresync_enabled())
    static_cast<void>(connection.session().enable_qresync());
  auto listing = connection.list(with_status, [&listed](imap::Event& event) { listed.hear(event); });
  const Result<imap::Completed> completed = co_await listing;
  if (!completed) co_return pass(completed.error());
  if (completed->status != imap::CompletionStatus::kOk) co_return std::unexpected(command_refused(*completed, "LIST"));
  const Status checked = listed.check();
  if (!checked) co_return checked;
  listed_states_ = std::move(listed.states);
  // Of the folder that is open a server may tell what this session has seen of it (RFC 9051 §6.3.11): Dovecot does.
  if (const auto& open = connection.session().selected()) listed_states_.erase(open->name.wire());
  if (connection.session().has_gmail_items()) {
    gmail_.labels.listed(listed.folders);
    remember_hidden_labels();
  }
  take_list(std::move(listed.folders));
  auto following = follow_renames(connection);
  const Status followed = co_await following;
  co_return followed;
}

void Mailbox::take_list(std::vector<sync::ListedFolder> listed) {
  for (auto& [wire, folder] : folders_) {
    folder.chosen = false;
    folder.why =
        folder.hidden_why.empty() ? "the server does not list it any more; what is here stays" : folder.hidden_why;
    folder.vanished = true;
  }
  std::vector<FolderName> chosen;
  for (sync::FolderChoice& choice : sync::choose_folders(std::move(listed), settings_.folders)) {
    Folder& folder = folders_.try_emplace(choice.name.wire(), choice.name).first->second;
    folder.name = choice.name; // with the delimiter
    folder.vanished = false;
    folder.chosen = choice.chosen;
    folder.why = std::move(choice.why);
    folder.hidden_why.clear();
    if (!folder.renamed_from.empty()) folder.why += concat("; it was ", folder.renamed_from, " before");
    if (choice.chosen) chosen.push_back(std::move(choice.name));
  }
  // A folder keeps the directory that it has, also when one appears that differs by case only.
  const std::string root = settings_.maildir + "/";
  std::map<std::string, std::string> assigned;
  for (const auto& [wire, folder] : folders_)
    if (folder.recorded_directory.starts_with(root))
      assigned.emplace(wire, folder.recorded_directory.substr(root.size()));
  const auto directories = maildir::DirectoryMap::assign(settings_.layout, std::move(chosen), assigned);
  for (const auto& [wire, directory] : directories.all())
    place_folder(folders_.at(wire), directory);
  for (auto& [wire, folder] : folders_)
    if (folder.chosen && !directories.all().contains(wire)) {
      folder.chosen = false;
      folder.why = "its name and another one's cannot be told apart on disk: rename one on the server";
    }
}

void Mailbox::place_folder(Folder& folder, const std::string& directory) {
  folder.place.mailbox_directory = settings_.maildir;
  folder.place.folder_directory = directory;
  folder.place.layout = settings_.layout;
  folder.place.server_name = folder.name.wire();
  // The Maildir or its layout was changed: what lies in the new place counts, not what was delivered to the old one.
  if (folder.recorded.validity && folder.recorded_directory != directory_of(folder.place)) folder.recorded = {};
}

bool Mailbox::is_asked_for() const noexcept {
  return !sync_waiters_.empty() && sync_waiters_.begin()->first < served_before_;
}

// A folder whose server numbers it anew again and again is looked at on a ladder, or when somebody asks for a pass.
bool Mailbox::waits_out_renumbering(const Folder& folder) {
  const auto until = sync::not_before(folder.renumberings, services_.now());
  if (!until || is_asked_for()) return false;
  folder_faults_ = true;
  services_.faults.raise(log::Priority::kWarning,
                         {.mailbox = settings_.name,
                          .folder = folder.name.utf8(),
                          .error = "uidvalidity_loop",
                          .retry_at = *until,
                          .catalog = &log::events::kUidvalidityLoop},
                         "the server has numbered this folder anew (UIDVALIDITY) several times in a short while: it is "
                         "looked at less often until that ends; the other folders are synced as ever",
                         services_.now());
  return true;
}

} // namespace mailmoor::mailbox
