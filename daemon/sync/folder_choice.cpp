#include "sync/folder_choice.h"

#include "util/ascii.h"
#include "util/concat.h"

#include <algorithm>

namespace mailmoor::sync {
namespace {

[[nodiscard]] bool matches(const Glob& glob, const FolderName& name) {
  if (!name.is_inbox()) return glob.matches(name.utf8());
  // INBOX is INBOX in any case (RFC 9051 §5.1), in a pattern too.
  const auto folded = Glob::parse(to_lower_ascii(glob.pattern()));
  return folded && folded->matches("inbox");
}

[[nodiscard]] const Glob* first_match(const std::vector<Glob>& globs, const FolderName& name) {
  const auto found = std::ranges::find_if(globs, [&name](const Glob& glob) { return matches(glob, name); });
  return found == globs.end() ? nullptr : &*found;
}

[[nodiscard]] bool has_attribute(const ListedFolder& folder, std::string_view attribute) {
  return std::ranges::any_of(folder.attributes,
                             [attribute](std::string_view a) { return equals_ignoring_case(a, attribute); });
}

// "*" asks for all mail folders, as no pattern does; "Cal*" asks for the calendar.
[[nodiscard]] bool names_something(const Glob& glob) {
  return glob.pattern().find_first_not_of("*?") != std::string::npos;
}

[[nodiscard]] FolderChoice choose(const ListedFolder& folder, const FolderRules& rules) {
  const FolderName& name = folder.name;
  // \NonExistent implies \Noselect (RFC 9051 §7.3.1).
  if (has_attribute(folder, "\\NonExistent")) return {name, false, "does not exist, it only has children"};
  if (has_attribute(folder, "\\Noselect")) return {name, false, "holds no messages, it only has children"};
  if (const Glob* glob = first_match(rules.exclude, name))
    return {name, false, concat("excluded by \"", glob->pattern(), '"')};
  const Glob* included = first_match(rules.include, name);
  if (included == nullptr && !rules.include.empty()) return {name, false, "no pattern of folders.include matches"};
  const bool is_asked_for = included != nullptr && names_something(*included);
  if (rules.skip_non_mail && !is_asked_for && is_non_mail_name(name))
    return {name, false, "holds no mail by its name; folders.include can ask for it"};
  if (included != nullptr) return {name, true, concat("included by \"", included->pattern(), '"')};
  return {name, true, "every mail folder is mirrored"};
}

} // namespace

std::vector<FolderChoice> choose_folders(std::vector<ListedFolder> listed, const FolderRules& rules) {
  std::ranges::sort(listed, [](const ListedFolder& a, const ListedFolder& b) {
    if (a.name.is_inbox() != b.name.is_inbox()) return a.name.is_inbox();
    return a.name < b.name;
  });
  std::vector<FolderChoice> choices;
  for (const ListedFolder& folder : listed)
    if (choices.empty() || choices.back().name != folder.name) choices.push_back(choose(folder, rules));
  return choices;
}

} // namespace mailmoor::sync
