#include "maildir/folder_changes.h"
#include "maildir/folder_tree.h"
#include "maildir/message_files.h"
#include "util/concat.h"

#include <algorithm>
#include <utility>

namespace mailmoor::maildir {
namespace {

constexpr std::string_view kInfo = ":2,";

// The name with the letters of `flags` in place of those that it has; what else is there stays.
[[nodiscard]] std::string renamed(std::string_view name, FlagLetters flags, bool in_new) {
  const std::size_t info = name.find(kInfo);
  const std::string_view base = name.substr(0, info);
  std::string_view rest = info == std::string_view::npos ? std::string_view() : name.substr(info + kInfo.size());
  const std::size_t end =
      std::min(rest.find_first_not_of("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"), rest.size());
  std::string letters = flags.to_string();
  std::ranges::copy_if(rest.substr(0, end), std::back_inserter(letters),
                       [](char c) { return !FlagLetters::is_letter(c); });
  std::ranges::sort(letters);
  rest.remove_prefix(end);
  if (in_new && letters.empty() && rest.empty()) return std::string(base);
  return concat(base, kInfo, letters, rest);
}

[[nodiscard]] FlagLetters letters_of(std::string_view name) {
  const auto parsed = parse_file_name(name);
  return parsed ? flags_of(*parsed) : FlagLetters();
}

class Reflagging final {
 public:
  Reflagging(FileOps& ops, std::string directory) : ops_(ops), directory_(std::move(directory)) {}

  // False: the file went away; look again.
  [[nodiscard]] Result<bool> apply_blocking(const MessageFile& file, FlagLetters merged) {
    const FlagLetters local = letters_of(file.name);
    if (local == merged) return true;
    const bool stays_new = file.in_new && merged.empty();
    const std::string from = concat(directory_, file.in_new ? "/new/" : "/cur/", file.name);
    const std::string to = concat(directory_, stays_new ? "/new/" : "/cur/", renamed(file.name, merged, stays_new));
    const auto moved = ops_.rename_blocking(from, to);
    if (!moved && moved.error().code == "not_found") return false;
    if (!moved) return pass(moved.error());
    if (*moved) {
      ++files_;
      return true;
    }
    // A power cut in the middle of a rename can leave both names, on a file system without a journal.
    Status dropped = ops_.drop_second_name_blocking(from, to);
    if (!dropped) return pass(std::move(dropped).error());
    return true;
  }
  // Also when nothing was renamed: a killed run may have renamed and not synced. cur/ first: a message is found under
  // two names rather than under none.
  [[nodiscard]] Status sync_blocking() {
    if (Status synced = ops_.sync_directory_blocking(directory_ + "/cur"); !synced) return synced;
    return ops_.sync_directory_blocking(directory_ + "/new");
  }
  [[nodiscard]] std::uint64_t files() const noexcept { return files_; }

 private:
  FileOps& ops_;
  std::string directory_;
  std::uint64_t files_ = 0;
};

} // namespace

ChangeReport reflag_blocking(FileOps& ops, const FolderPlace& place, UidValidity validity, const FlagMap& server,
                             const FlagMap& base) {
  Reflagging work(ops, absolute_directory(place));
  UidSet left = server.uids();
  UidSet done;
  std::optional<Error> error;
  for (int round = 0; round < kRounds && !left.empty() && !error; ++round) {
    const auto found = find_files_blocking(ops, absolute_directory(place), validity, left);
    if (!found) return {{}, 0, found.error()};
    UidSet missed;
    for (const MessageFile& file : found->files) {
      const FlagLetters merged = merge_flags(base.find(file.uid), *server.find(file.uid), letters_of(file.name));
      const auto applied = work.apply_blocking(file, merged);
      if (!applied) {
        error = applied.error();
        missed.insert(UidRange{file.uid.value(), 0xFFFF'FFFF});
        break;
      }
      if (!*applied) missed.insert(file.uid);
    }
    missed = missed.intersect(left);
    done.insert(left.minus(missed));
    left = std::move(missed);
  }
  if (Status synced = work.sync_blocking(); !synced) return {{}, work.files(), std::move(synced).error()};
  if (!left.empty() && !error)
    error =
        Error(ErrorKind::kFolder, "files_in_motion",
              concat(left.size(), " files of ", absolute_directory(place), " were renamed while their flags were set"));
  return {std::move(done), work.files(), std::move(error)};
}

} // namespace mailmoor::maildir
