#include "maildir/linking.h"

#include "maildir/message_files.h"
#include "util/concat.h"

#include <map>
#include <optional>
#include <utility>

namespace mailmoor::maildir {
namespace {

// Whether a file of `size` bytes may be what a message of `wire_size` octets becomes: each CRLF is one LF, or stays.
// It is not where the configuration was another one when the file was written.
[[nodiscard]] bool fits(std::uint64_t size, std::uint64_t wire_size, LineEndings line_endings) {
  if (line_endings == LineEndings::kCrlf) return size == wire_size;
  return size < wire_size && size >= wire_size / 2;
}

using Wanted = std::map<Uid, const Twin*>; // by their UIDs in the other folder

// Of each message its one file; none for one that has several, since they may differ. What cannot be looked at has
// none.
[[nodiscard]] std::map<Uid, MessageFile> files_of_blocking(FileOps& ops, const std::string& directory,
                                                           UidValidity validity, const Wanted& wanted) {
  UidSet uids;
  for (const auto& [uid, twin] : wanted)
    uids.insert(uid);
  std::map<Uid, MessageFile> files;
  auto found = find_files_blocking(ops, directory, validity, uids);
  if (!found) return files;
  UidSet repeated;
  for (MessageFile& file : found->files)
    if (const Uid uid = file.uid; !files.emplace(uid, std::move(file)).second) repeated.insert(uid);
  repeated.for_each([&files](Uid uid) { files.erase(uid); });
  return files;
}

} // namespace

Result<std::vector<StagedMessage>> stage_twins_blocking(FileOps& ops, const std::string& directory,
                                                        UidValidity validity, const std::vector<Twin>& twins,
                                                        FolderDelivery& here) {
  Wanted wanted;
  for (const Twin& twin : twins)
    wanted.emplace(twin.there, &twin); // a second message of the same file would be no other message
  std::vector<StagedMessage> staged;
  for (int round = 0; round < kRounds && !wanted.empty(); ++round) {
    Wanted missed; // renamed since their names were read
    for (const auto& [uid, file] : files_of_blocking(ops, directory, validity, wanted)) {
      const Twin& twin = *wanted.at(uid);
      const auto parsed = parse_file_name(file.name);
      const auto size = claimed_size(file.name);
      if (!parsed || parsed->internal_date != twin.identity.internal_date) continue;
      if (!size || !fits(*size, twin.wire_size, here.line_endings())) continue;
      auto linked =
          here.link_blocking(concat(directory, file.in_new ? "/new/" : "/cur/", file.name), *size, twin.identity);
      if (linked && *linked)
        staged.push_back(**std::move(linked));
      else if (!linked && linked.error().code == "not_found")
        missed.emplace(uid, &twin);
      else if (!linked)
        return pass(std::move(linked).error());
    }
    wanted = std::move(missed);
  }
  return staged;
}

} // namespace mailmoor::maildir
