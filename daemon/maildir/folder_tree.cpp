#include "maildir/folder_tree.h"

#include "util/concat.h"

namespace mailmoor::maildir {
namespace {

[[nodiscard]] std::string parent_of(const std::string& path) {
  const std::size_t slash = path.rfind('/');
  return slash == 0 || slash == std::string::npos ? "/" : path.substr(0, slash);
}

[[nodiscard]] Status write_file_blocking(FileOps& ops, const std::string& path, std::string_view bytes) {
  if (Status status = ops.unlink_blocking(path); !status) return status;
  auto file = ops.create_exclusive_blocking(path);
  if (!file) return pass(std::move(file).error());
  if (Status status = (*file)->write_blocking(bytes); !status) return status;
  return ops.sync_file_blocking(path);
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

// The mailbox's directory, then each directory below it down to the folder's.
[[nodiscard]] Status make_ancestors_blocking(FileOps& ops, const FolderPlace& place) {
  if (Status status = make_path_blocking(ops, place.mailbox_directory); !status) return status;
  if (Status status = sync_above_blocking(ops, place.mailbox_directory); !status) return status;
  const std::string& relative = place.folder_directory;
  for (std::size_t end = 0; !relative.empty() && end != std::string::npos;) {
    end = relative.find('/', end + 1);
    const std::string path = concat(place.mailbox_directory, '/', std::string_view(relative).substr(0, end));
    if (Status status = make_path_blocking(ops, path); !status) return status;
  }
  return {};
}

[[nodiscard]] Status write_markers_blocking(FileOps& ops, const FolderPlace& place, const std::string& directory) {
  // Maildir++ subfolders carry this empty file: Courier and Dovecot look for it.
  if (place.layout == Layout::kMaildirPlusPlus && !place.folder_directory.empty())
    if (Status status = write_file_blocking(ops, directory + "/maildirfolder", ""); !status) return status;
  if (is_marked(place.folder_directory))
    return write_file_blocking(ops, concat(directory, '/', kNameFile), place.server_name + "\n");
  return {};
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
  const auto temporary = ops.stat_blocking(directory + "/tmp");
  if (!temporary) return pass(temporary.error());
  const bool is_complete = temporary->has_value();
  if (!is_complete)
    if (Status status = make_ancestors_blocking(ops, place); !status) return status;

  bool is_changed = !is_complete;
  for (const std::string_view name : {"/new", "/cur"}) {
    const auto made = ops.make_directory_blocking(concat(directory, name));
    if (!made) return pass(made.error());
    is_changed = is_changed || *made;
  }
  if (!is_complete)
    if (Status status = write_markers_blocking(ops, place, directory); !status) return status;
  if (is_changed)
    if (Status status = ops.sync_directory_blocking(directory); !status) return status;
  if (is_complete) return {};
  if (const auto made = ops.make_directory_blocking(directory + "/tmp"); !made) return pass(made.error());
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
