#include "maildir/message_files.h"

#include <algorithm>
#include <array>
#include <tuple>
#include <utility>

namespace mailmoor::maildir {
namespace {

constexpr int kPasses = 4;

// The latest change of new/ and cur/.
[[nodiscard]] Result<std::int64_t> changed_blocking(FileOps& ops, const std::string& directory) {
  std::int64_t changed = 0;
  for (const char* sub : {"/new", "/cur"}) {
    const auto status = ops.stat_blocking(directory + sub);
    if (!status) return pass(status.error());
    changed = std::max(changed, *status ? (*status)->changed_ns : 0);
  }
  return changed;
}

[[nodiscard]] Status look_blocking(FileOps& ops, const std::string& directory, UidValidity validity,
                                   const UidSet& wanted, FoundFiles& found) {
  found.ours = 0;
  // new/ first: readers move messages from there to cur/.
  for (const bool in_new : {true, false}) {
    Status listed = ops.list_blocking(directory + (in_new ? "/new" : "/cur"), [&](std::string_view name) {
      const auto parsed = parse_file_name(name);
      if (!parsed || parsed->validity != validity) return;
      ++found.ours;
      if (wanted.contains(parsed->uid)) found.files.push_back({parsed->uid, in_new, std::string(name)});
    });
    if (!listed) return listed;
  }
  return {};
}

} // namespace

FlagLetters flags_of(const ParsedName& name) {
  // Up to where another field may begin.
  return FlagLetters::parse(name.letters.substr(0, name.letters.find(',')));
}

Result<FoundFiles> find_files_blocking(FileOps& ops, const std::string& directory, UidValidity validity,
                                       const UidSet& wanted) {
  FoundFiles found;
  for (int passes = 0; passes < kPasses; ++passes) {
    const auto before = changed_blocking(ops, directory);
    if (!before) return pass(before.error());
    if (Status looked = look_blocking(ops, directory, validity, wanted, found); !looked)
      return pass(std::move(looked).error());
    const auto after = changed_blocking(ops, directory);
    if (!after) return pass(after.error());
    if (*before == *after) break;
  }
  const auto key = [](const MessageFile& file) {
    return std::tuple(file.uid, file.in_new, std::string_view(file.name));
  };
  std::ranges::sort(found.files, {}, key);
  const auto repeated = std::ranges::unique(found.files, {}, key);
  found.files.erase(repeated.begin(), repeated.end());
  return found;
}

} // namespace mailmoor::maildir
