#include "maildir/relink.h"

#include "maildir/folder_tree.h"
#include "maildir/message_files.h"
#include "model/message_id.h"
#include "util/concat.h"

#include <algorithm>
#include <map>
#include <tuple>
#include <utility>

namespace mailmoor::maildir {
namespace {

[[nodiscard]] std::string path_of(const std::string& directory, bool in_new, std::string_view name) {
  return concat(directory, in_new ? "/new/" : "/cur/", name);
}

// Whether a failed call says something about the one file only: it is left alone, and its message fetched.
[[nodiscard]] bool is_about_file(const Error& error) {
  return error.code == "not_found" || error.code == "permission" || error.code == "file_error";
}

struct Counts {
  std::uint64_t octets = 0, lfs = 0, crlfs = 0;
  bool after_cr = false;

  void add(std::string_view piece) {
    octets += piece.size();
    for (std::size_t at = 0; (at = piece.find('\n', at)) != std::string_view::npos; ++at) {
      ++lfs;
      if (at == 0 ? after_cr : piece[at - 1] == '\r') ++crlfs;
    }
    if (!piece.empty()) after_cr = piece.back() == '\r';
  }
  [[nodiscard]] std::uint64_t on_the_wire() const { return crlfs == lfs ? octets : octets + lfs; }
};

// False: the file went away; a reader may have renamed it.
[[nodiscard]] Result<bool> rename_one_blocking(FileOps& ops, const std::string& directory, const MessageFile& file,
                                               UidValidity validity, const Link& link) {
  const std::string from = path_of(directory, file.in_new, file.name);
  // The time first: under the new name nothing would show that it is still the old one.
  if (link.stranger.internal_date != link.internal_date)
    if (Status set = ops.set_mtime_blocking(from, link.internal_date); !set) {
      if (set.error().code == "not_found") return false;
      return pass(std::move(set).error());
    }
  const std::string to = path_of(directory, file.in_new, renumbered(file.name, validity, link.uid, link.internal_date));
  const auto moved = ops.rename_blocking(from, to);
  if (!moved && moved.error().code == "not_found") return false;
  if (!moved) return pass(moved.error());
  // A power cut in the middle of a rename can leave both names, on a file system without a journal.
  if (!*moved)
    if (Status dropped = ops.drop_second_name_blocking(from, to); !dropped) return pass(std::move(dropped).error());
  return true;
}

// Where the reader has put it. Not when there are two of that name: a user's copy, or another folder's message.
[[nodiscard]] Result<std::optional<MessageFile>> find_again_blocking(FileOps& ops, const std::string& directory,
                                                                     const Stranger& stranger) {
  UidSet wanted;
  wanted.insert(stranger.uid);
  auto found = find_files_blocking(ops, directory, stranger.validity, wanted);
  if (!found) return pass(std::move(found).error());
  if (found->files.size() != 1) return std::nullopt;
  return std::move(found->files.front());
}

// What a new number does not change.
[[nodiscard]] std::string_view after_number(std::string_view name) {
  return name.substr(name.find('.', name.find('.') + 1));
}

// True: `stranger` was a second name of a file that has its new number already, and is no more.
[[nodiscard]] Result<bool> drop_leftover_blocking(FileOps& ops, const std::string& directory, const Stranger& stranger,
                                                  const std::multimap<std::string, std::string>& numbered) {
  const std::string path = path_of(directory, stranger.in_new, stranger.name);
  const auto [first, last] = numbered.equal_range(std::string(after_number(stranger.name)));
  for (auto at = first; at != last; ++at) {
    if (Status dropped = ops.drop_second_name_blocking(path, at->second); !dropped)
      return pass(std::move(dropped).error());
    const auto still = ops.stat_blocking(path);
    if (!still) return pass(still.error());
    if (!*still) return true;
  }
  return false;
}

} // namespace

Result<std::vector<Stranger>> list_strangers_blocking(FileOps& ops, const FolderPlace& place, UidValidity validity) {
  const std::string directory = absolute_directory(place);
  const auto there = ops.stat_blocking(directory + "/cur");
  if (!there) return pass(there.error());
  std::vector<Stranger> found;
  if (!*there) return found;
  std::multimap<std::string, std::string> numbered; // what a new number leaves as it is → path
  // new/ first: readers move messages from there to cur/.
  for (const bool in_new : {true, false}) {
    Status listed = ops.list_blocking(path_of(directory, in_new, ""), [&](std::string_view name) {
      const auto parsed = parse_file_name(name);
      if (parsed && parsed->validity == validity)
        numbered.emplace(after_number(name), path_of(directory, in_new, name));
      else if (parsed)
        found.push_back({std::string(name), in_new, parsed->validity, parsed->uid, parsed->internal_date});
    });
    if (!listed) return pass(std::move(listed).error());
  }
  std::vector<Stranger> strangers;
  for (Stranger& stranger : found) {
    const auto dropped = drop_leftover_blocking(ops, directory, stranger, numbered);
    if (!dropped) return pass(dropped.error());
    if (!*dropped) strangers.push_back(std::move(stranger));
  }
  const auto key = [](const Stranger& stranger) {
    return std::tuple(stranger.validity, stranger.uid, std::string_view(stranger.name), stranger.in_new);
  };
  std::ranges::sort(strangers, {}, key);
  return strangers;
}

Status read_strangers_blocking(FileOps& ops, const FolderPlace& place, std::span<Stranger> strangers) {
  const std::string directory = absolute_directory(place);
  for (Stranger& stranger : strangers) {
    Counts counts;
    MessageIdScanner header;
    Status read = ops.read_blocking(path_of(directory, stranger.in_new, stranger.name), [&](std::string_view octets) {
      counts.add(octets);
      header.append(octets);
    });
    if (!read && !is_about_file(read.error())) return read;
    if (!read) continue;
    stranger.is_read = true;
    stranger.wire_size = counts.on_the_wire();
    stranger.message_id = header.fingerprint();
  }
  return {};
}

Result<std::optional<Digest>> digest_stranger_blocking(FileOps& ops, const FolderPlace& place,
                                                       const Stranger& stranger) {
  auto digest = digest_file_blocking(ops, path_of(absolute_directory(place), stranger.in_new, stranger.name));
  if (digest) return *digest;
  if (is_about_file(digest.error())) return std::nullopt;
  return pass(std::move(digest).error());
}

RelinkReport relink_blocking(FileOps& ops, const FolderPlace& place, UidValidity validity,
                             const std::vector<Link>& links) {
  const std::string directory = absolute_directory(place);
  RelinkReport report;
  for (std::size_t i = 0; i < links.size(); ++i) {
    const Stranger& stranger = links[i].stranger;
    auto renamed =
        rename_one_blocking(ops, directory, {stranger.uid, stranger.in_new, stranger.name}, validity, links[i]);
    if (renamed && !*renamed) {
      const auto again = find_again_blocking(ops, directory, stranger);
      if (!again) return {{}, again.error()};
      if (!*again) continue;
      renamed = rename_one_blocking(ops, directory, **again, validity, links[i]);
    }
    if (!renamed && !is_about_file(renamed.error())) return {{}, renamed.error()};
    if (renamed && *renamed) report.done.push_back(i);
  }
  for (const char* sub : {"/cur", "/new"})
    if (Status synced = ops.sync_directory_blocking(directory + sub); !synced) return {{}, std::move(synced).error()};
  return report;
}

} // namespace mailmoor::maildir
