#include "maildir/folder_tree.h"

#include "util/concat.h"

namespace mailmoor::maildir {
namespace {

[[nodiscard]] std::string parent_of(const std::string& path) {
  const std::size_t slash = path.rfind('/');
  return slash == 0 || slash == std::string::npos ? "/" : path.substr(0, slash);
}

// Whether each step is made durable by itself, or a sync of all follows.
enum class Durable { kNow, kLater };

[[nodiscard]] Status write_file_blocking(FileOps& ops, const std::string& path, std::string_view bytes,
                                         Durable durable) {
  if (Status status = ops.unlink_blocking(path); !status) return status;
  auto file = ops.create_exclusive_blocking(path);
  if (!file) return pass(std::move(file).error());
  if (Status status = (*file)->write_blocking(bytes); !status) return status;
  return durable == Durable::kNow ? ops.sync_file_blocking(path) : Status();
}

// The names above `path`, up to the root: a run that was killed may have made some of them. What we may not read,
// others have made.
[[nodiscard]] Status sync_above_blocking(FileOps& ops, std::string path) {
  while (path != "/") {
    path = parent_of(path);
    if (Status status = ops.sync_directory_blocking(path); !status && status.error().code != "permission")
      return status;
  }
  return {};
}

[[nodiscard]] Status make_mailbox_blocking(FileOps& ops, const std::string& path) {
  if (Status status = make_path_blocking(ops, path); !status) return status;
  return sync_above_blocking(ops, path);
}

// Each directory below the mailbox's down to the folder's.
[[nodiscard]] Status make_ancestors_blocking(FileOps& ops, const FolderPlace& place, Durable durable) {
  const std::string& relative = place.folder_directory;
  for (std::size_t end = 0; !relative.empty() && end != std::string::npos;) {
    end = relative.find('/', end + 1);
    const std::string path = concat(place.mailbox_directory, '/', std::string_view(relative).substr(0, end));
    if (durable == Durable::kNow) {
      if (Status status = make_path_blocking(ops, path); !status) return status;
    } else if (const auto made = ops.make_directory_blocking(path); !made) {
      return pass(made.error());
    }
  }
  return {};
}

[[nodiscard]] Status write_markers_blocking(FileOps& ops, const FolderPlace& place, const std::string& directory,
                                            Durable durable) {
  // Maildir++ subfolders carry this empty file: Courier and Dovecot look for it.
  if (place.layout == Layout::kMaildirPlusPlus && !place.folder_directory.empty())
    if (Status status = write_file_blocking(ops, directory + "/maildirfolder", "", durable); !status) return status;
  if (is_marked(place.folder_directory))
    return write_file_blocking(ops, concat(directory, '/', kNameFile), place.server_name + "\n", durable);
  return {};
}

// False: both were there.
[[nodiscard]] Result<bool> make_new_and_cur_blocking(FileOps& ops, const std::string& directory) {
  bool is_changed = false;
  for (const std::string_view name : {"/new", "/cur"}) {
    const auto made = ops.make_directory_blocking(concat(directory, name));
    if (!made) return pass(made.error());
    is_changed = is_changed || *made;
  }
  return is_changed;
}

// tmp/ is the last to be made, see make_folder_blocking().
[[nodiscard]] Result<bool> is_complete_blocking(FileOps& ops, const std::string& directory) {
  const auto temporary = ops.stat_blocking(directory + "/tmp");
  if (!temporary) return pass(temporary.error());
  return temporary->has_value();
}

} // namespace

std::string absolute_directory(const FolderPlace& place) {
  return place.folder_directory.empty() ? place.mailbox_directory
                                        : concat(place.mailbox_directory, '/', place.folder_directory);
}

Status make_path_blocking(FileOps& ops, const std::string& path) {
  const std::string parent = parent_of(path);
  auto made = ops.make_directory_blocking(path);
  if (!made && made.error().code == "not_found" && parent != "/") {
    if (Status status = make_path_blocking(ops, parent); !status) return status;
    made = ops.make_directory_blocking(path);
  }
  if (!made) return pass(std::move(made).error());
  Status synced = ops.sync_directory_blocking(parent);
  // An administrator who made the directory may keep us from reading its parent, and has made it durable himself.
  if (!synced && !*made && synced.error().code == "permission") return {};
  return synced;
}

Status make_folder_blocking(FileOps& ops, const FolderPlace& place) {
  const std::string directory = absolute_directory(place);
  const auto is_complete = is_complete_blocking(ops, directory);
  if (!is_complete) return pass(is_complete.error());
  if (!*is_complete) {
    if (Status status = make_mailbox_blocking(ops, place.mailbox_directory); !status) return status;
    if (Status status = make_ancestors_blocking(ops, place, Durable::kNow); !status) return status;
  }
  const auto made_some = make_new_and_cur_blocking(ops, directory);
  if (!made_some) return pass(made_some.error());
  if (!*is_complete)
    if (Status status = write_markers_blocking(ops, place, directory, Durable::kNow); !status) return status;
  if (*made_some || !*is_complete)
    if (Status status = ops.sync_directory_blocking(directory); !status) return status;
  if (*is_complete) return {};
  if (const auto made = ops.make_directory_blocking(directory + "/tmp"); !made) return pass(made.error());
  return ops.sync_directory_blocking(directory);
}

Status make_folders_blocking(FileOps& ops, const std::vector<FolderPlace>& places) {
  std::vector<const FolderPlace*> missing;
  for (const FolderPlace& place : places) {
    const auto is_complete = is_complete_blocking(ops, absolute_directory(place));
    if (!is_complete) return pass(is_complete.error());
    if (!*is_complete) missing.push_back(&place);
  }
  if (missing.size() < 2) return {};
  const std::string& mailbox = missing.front()->mailbox_directory;
  if (Status status = make_mailbox_blocking(ops, mailbox); !status) return status;
  const auto sync_point = ops.open_sync_point_blocking(mailbox);
  if (!sync_point) return pass(sync_point.error());
  if (*sync_point == nullptr) return {};

  std::vector<std::string> made;
  for (const FolderPlace* place : missing) {
    const std::string directory = absolute_directory(*place);
    if (Status status = make_ancestors_blocking(ops, *place, Durable::kLater); !status) return status;
    if (const auto new_and_cur = make_new_and_cur_blocking(ops, directory); !new_and_cur)
      return pass(new_and_cur.error());
    if (Status status = write_markers_blocking(ops, *place, directory, Durable::kLater); !status) return status;
    // Another file system may be mounted there, which the sync does not reach.
    const auto own = ops.open_sync_point_blocking(directory);
    if (own && *own == *sync_point) made.push_back(directory);
  }
  if (Status synced = (*sync_point)->sync_blocking(); !synced) return synced;
  for (const std::string& directory : made)
    if (const auto tmp = ops.make_directory_blocking(directory + "/tmp"); !tmp) return pass(tmp.error());
  return {};
}

Status write_name_blocking(FileOps& ops, const FolderPlace& place) {
  const std::string directory = absolute_directory(place);
  const std::string path = concat(directory, '/', kNameFile);
  Status written = is_marked(place.folder_directory)
                       ? write_file_blocking(ops, path, place.server_name + "\n", Durable::kNow)
                       : ops.unlink_blocking(path);
  if (!written) return written;
  return ops.sync_directory_blocking(directory);
}

Status clear_temporaries_blocking(FileOps& ops, const std::string& directory) {
  const std::string temporary = directory + "/tmp/";
  std::vector<std::string> ours;
  Status listed = ops.list_blocking(temporary, [&ours](std::string_view name) {
    if (name.starts_with(kTemporaryPrefix)) ours.emplace_back(name);
  });
  if (!listed) return listed;
  for (const std::string& name : ours)
    if (Status status = ops.unlink_blocking(temporary + name); !status) return status;
  return {};
}

} // namespace mailmoor::maildir
