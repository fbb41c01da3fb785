#include "maildir/folder_changes.h"
#include "maildir/folder_tree.h"
#include "maildir/message_files.h"
#include "util/concat.h"

#include <chrono>
#include <utility>
#include <vector>

namespace mailmoor::maildir {
namespace {

using std::chrono::days;

// Messages of one name in one day's trash: a reader may take one out and its server delete it again.
constexpr int kMaxTwins = 100;

[[nodiscard]] std::string trash_of(const FolderPlace& place, UnixTime today) {
  return concat(place.mailbox_directory, '/', kTrashName, '/', trash_day(today), '/',
                place.folder_directory.empty() ? "INBOX" : place.folder_directory);
}

// Level by level, so that the name of each is durable, also of one that a killed run had made.
[[nodiscard]] Status make_trash_blocking(FileOps& ops, const FolderPlace& place, const std::string& trash) {
  for (std::size_t end = place.mailbox_directory.size(); end != std::string::npos;) {
    end = trash.find('/', end + 1);
    if (Status made = make_path_blocking(ops, trash.substr(0, end)); !made) return made;
  }
  return {};
}

// The day that a directory is named after; empty for other names.
[[nodiscard]] std::optional<std::chrono::sys_days> day_of(std::string_view name) {
  if (name.size() != 10 || name[4] != '-' || name[7] != '-') return std::nullopt;
  int number[3] = {0, 0, 0};
  std::size_t part = 0;
  for (const char c : name) {
    if (c == '-') {
      ++part;
      continue;
    }
    if (c < '0' || c > '9' || part > 2) return std::nullopt;
    number[part] = number[part] * 10 + (c - '0');
  }
  const std::chrono::year_month_day day{std::chrono::year(number[0]),
                                        std::chrono::month(static_cast<unsigned>(number[1])),
                                        std::chrono::day(static_cast<unsigned>(number[2]))};
  if (!day.ok()) return std::nullopt;
  return std::chrono::sys_days(day);
}

enum class Moved { kYes, kNo, kMissed };

// kNo: it was there already. kMissed: the file went away; look again.
[[nodiscard]] Result<Moved> move_blocking(FileOps& ops, const std::string& from, const std::string& to) {
  std::string target = to;
  for (int twin = 1; twin <= kMaxTwins; ++twin) {
    const auto moved = ops.rename_blocking(from, target);
    if (!moved && moved.error().code == "not_found") return Moved::kMissed;
    if (!moved) return pass(moved.error());
    if (*moved) return Moved::kYes;
    // A power cut in the middle of a rename can leave both names, on a file system without a journal.
    if (Status dropped = ops.drop_second_name_blocking(from, target); !dropped) return pass(std::move(dropped).error());
    const auto still = ops.stat_blocking(from);
    if (!still) return pass(still.error());
    if (!*still) return Moved::kNo;
    target = concat(to, '.', twin);
  }
  return fail(ErrorKind::kFolder, "trash_full", concat(to, " and ", kMaxTwins, " names like it are taken"));
}

} // namespace

std::string trash_day(UnixTime time) {
  const std::chrono::year_month_day day(std::chrono::floor<days>(time));
  const auto two = [](unsigned value) { return concat(value < 10 ? "0" : "", value); };
  return concat(static_cast<int>(day.year()), '-', two(static_cast<unsigned>(day.month())), '-',
                two(static_cast<unsigned>(day.day())));
}

Result<FileCount> count_files_blocking(FileOps& ops, const FolderPlace& place, UidValidity validity,
                                       const UidSet& uids) {
  const auto there = ops.stat_blocking(absolute_directory(place) + "/cur");
  if (!there) return pass(there.error());
  if (!*there) return FileCount();
  const auto found = find_files_blocking(ops, absolute_directory(place), validity, uids);
  if (!found) return pass(found.error());
  FileCount count;
  for (const MessageFile& file : found->files)
    count.present.insert(file.uid);
  count.ours = found->ours;
  return count;
}

ChangeReport trash_blocking(FileOps& ops, const FolderPlace& place, UidValidity validity, const UidSet& uids,
                            UnixTime today) {
  const std::string directory = absolute_directory(place);
  const std::string trash = trash_of(place, today);
  UidSet left = uids;
  ChangeReport report;
  for (int round = 0; round < kRounds && !left.empty() && !report.error; ++round) {
    const auto found = find_files_blocking(ops, directory, validity, left);
    if (!found) return {{}, 0, found.error()};
    if (round == 0 && !found->files.empty())
      if (Status made = make_trash_blocking(ops, place, trash); !made) return {{}, 0, std::move(made).error()};
    UidSet missed;
    for (const MessageFile& file : found->files) {
      const auto moved = move_blocking(ops, concat(directory, file.in_new ? "/new/" : "/cur/", file.name),
                                       concat(trash, '/', file.name));
      if (!moved) {
        report.error = moved.error();
        missed.insert(UidRange{file.uid.value(), 0xFFFF'FFFF});
        break;
      }
      if (*moved == Moved::kMissed) missed.insert(file.uid);
      if (*moved == Moved::kYes) ++report.files;
    }
    missed = missed.intersect(left);
    report.done.insert(left.minus(missed));
    left = std::move(missed);
  }
  // The trash first: a message is found in two places rather than in none.
  const auto there = ops.stat_blocking(trash);
  if (!there) return {{}, report.files, there.error()};
  for (const std::string& changed : {*there ? trash : directory + "/cur", directory + "/cur", directory + "/new"})
    if (Status synced = ops.sync_directory_blocking(changed); !synced)
      return {{}, report.files, std::move(synced).error()};
  if (!left.empty() && !report.error)
    report.error = Error(ErrorKind::kFolder, "files_in_motion",
                         concat(left.size(), " files of ", directory, " were renamed while they were to be removed"));
  return report;
}

Result<std::uint64_t> empty_trash_blocking(FileOps& ops, const std::string& mailbox_directory, UnixTime now) {
  const std::string trash = concat(mailbox_directory, '/', kTrashName);
  const auto there = ops.stat_blocking(trash);
  if (!there) return pass(there.error());
  if (!*there) return 0;
  std::vector<std::string> over;
  Status listed = ops.list_blocking(trash, [&](std::string_view name) {
    // What came last on its day has been there for kTrashDays when the day after is kTrashDays ago.
    if (const auto day = day_of(name); day && now - *day >= days(kTrashDays + 1)) over.emplace_back(name);
  });
  if (!listed) return pass(std::move(listed).error());
  for (const std::string& name : over)
    if (Status removed = ops.remove_tree_blocking(concat(trash, '/', name)); !removed)
      return pass(std::move(removed).error());
  return over.size();
}

} // namespace mailmoor::maildir
