#include "maildir/folder_tree.h"

#include "util/concat.h"

namespace mailmoor::maildir {
namespace {

[[nodiscard]] std::string parent_of(const std::string& path) {
  const std::size_t slash = path.rfind('/');
  return slash == 0 || slash == std::string::npos ? "/" : path.substr(0, slash);
}

// With its bytes durable.
[[nodiscard]] Status write_file_blocking(FileOps& ops, const std::string& path, std::string_view bytes) {
  if (Status status = ops.unlink_blocking(path); !status) return status;
  auto file = ops.create_exclusive_blocking(path);
  if (!file) return pass(std::move(file).error());
  if (bytes.empty()) return (*file)->close_blocking();
  if (Status status = (*file)->write_blocking(bytes); !status) return status;
  if (Status status = (*file)->close_blocking(); !status) return status;
  return ops.sync_file_blocking(path);
}

[[nodiscard]] Result<bool> exists_blocking(FileOps& ops, const std::string& path) {
  const auto status = ops.stat_blocking(path);
  if (!status) return pass(status.error());
  return status->has_value();
}

// The directory and those that are missing above it.
[[nodiscard]] Status make_directories_blocking(FileOps& ops, const std::string& path) {
  const std::string parent = parent_of(path);
  auto made = ops.make_directory_blocking(path);
  if (!made && made.error().code == "not_found" && parent != "/") {
    if (Status status = make_directories_blocking(ops, parent); !status) return status;
    made = ops.make_directory_blocking(path);
  }
  if (!made) return pass(std::move(made).error());
  return {};
}

// `renewed`: also those that are there.
[[nodiscard]] Status write_markers_blocking(FileOps& ops, const FolderPlace& place, const std::string& directory,
                                            bool renewed) {
  const auto write = [&](const std::string& path, std::string_view bytes) -> Status {
    const auto is_there = exists_blocking(ops, path);
    if (!is_there) return pass(is_there.error());
    return *is_there && !renewed ? Status() : write_file_blocking(ops, path, bytes);
  };
  // Maildir++ subfolders carry this empty file: Courier and Dovecot look for it.
  if (place.layout == Layout::kMaildirPlusPlus && !place.folder_directory.empty())
    if (Status status = write(directory + "/maildirfolder", ""); !status) return status;
  if (!is_marked(place.folder_directory)) return {};
  return write(concat(directory, '/', kNameFile), place.server_name + "\n");
}

} // namespace

std::string absolute_directory(const FolderPlace& place) {
  return place.folder_directory.empty() ? place.mailbox_directory
                                        : concat(place.mailbox_directory, '/', place.folder_directory);
}

Status make_path_blocking(FileOps& ops, const std::string& path) {
  if (Status made = make_directories_blocking(ops, path); !made) return made;
  return sync_tree_blocking(ops, parent_of(path));
}

Result<bool> make_folder_blocking(FileOps& ops, const FolderPlace& place) {
  const std::string directory = absolute_directory(place);
  const auto is_complete = exists_blocking(ops, directory + "/tmp");
  if (!is_complete) return pass(is_complete.error());
  bool made_some = !*is_complete;
  if (!*is_complete)
    if (Status status = make_directories_blocking(ops, directory); !status) return pass(std::move(status).error());
  for (const std::string_view name : {"/new", "/cur"}) {
    const auto made = ops.make_directory_blocking(concat(directory, name));
    if (!made) return pass(made.error());
    made_some = made_some || *made;
  }
  if (Status status = write_markers_blocking(ops, place, directory, !*is_complete); !status)
    return pass(std::move(status).error());
  if (!*is_complete)
    if (const auto made = ops.make_directory_blocking(directory + "/tmp"); !made) return pass(made.error());
  return made_some;
}

Status sync_tree_blocking(FileOps& ops, const std::string& directory) {
  if (Status status = ops.sync_directory_blocking(directory); !status) return status;
  for (std::string path = directory; path != "/";) {
    path = parent_of(path);
    // What we may not read, others have made.
    if (Status status = ops.sync_directory_blocking(path); !status && status.error().code != "permission")
      return status;
  }
  return {};
}

Status write_name_blocking(FileOps& ops, const FolderPlace& place) {
  const std::string directory = absolute_directory(place);
  const std::string path = concat(directory, '/', kNameFile);
  Status written = is_marked(place.folder_directory) ? write_file_blocking(ops, path, place.server_name + "\n")
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
