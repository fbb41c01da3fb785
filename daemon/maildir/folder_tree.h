// Makes the directories of a Maildir folder and makes them survive a power cut. Private to this room.
#pragma once

#include "maildir/delivery.h"

namespace mailmoor::maildir {

// "tmp/" names that Mailmoor gives begin with this.
inline constexpr std::string_view kTemporaryPrefix = "mailmoor-";

// Absolute, without a slash at the end.
[[nodiscard]] std::string absolute_directory(const FolderPlace& place);

// Makes the directory `path`, its missing parents too, and its name durable, also where a killed run had made it.
[[nodiscard]] Status make_path_blocking(FileOps& ops, const std::string& path);

// The folder of `place` is there, with new/, cur/ and tmp/. Nothing is made durable, but for the bytes of a name file.
// tmp/ is made last: where it exists, a run that was killed had made all the rest.
// Whether any directory was missing.
[[nodiscard]] Result<bool> make_folder_blocking(FileOps& ops, const FolderPlace& place);

// The directory, the names in it and those of all directories above it are durable.
[[nodiscard]] Status sync_tree_blocking(FileOps& ops, const std::string& directory);

// The file kNameFile in the folder's directory says the server's name, durably, where the directory does not tell it;
// in other directories there is none.
[[nodiscard]] Status write_name_blocking(FileOps& ops, const FolderPlace& place);

// Unlinks what earlier runs left in the folder's tmp/.
[[nodiscard]] Status clear_temporaries_blocking(FileOps& ops, const std::string& directory);

} // namespace mailmoor::maildir
