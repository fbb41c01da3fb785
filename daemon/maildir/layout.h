// Where a folder lives: its directory, relative to the mailbox's directory. INBOX is the mailbox's directory itself,
// "".
//
//   maildir++   "Lists/dev" → ".Lists.dev"       fs   "Lists/dev" → "Lists/dev"
//
// Escapes are %XX, upper case, of the UTF-8 bytes; a lone "%" is an empty component. Escaped are: '%', '/', '\',
// control characters; in maildir++ every '.', in fs one at the start or the end of a component; a space at the end; the
// first letter of a name that means something else in that place (".mailmoor…", "cur", "dovecot…"). The rest stays
// readable.
//
// Names over 255 bytes, and names that would share a directory because they differ by case or accents only, end in
// "%~" and 16 hex digits instead (FNV-1a of the server's name). "%~" is no escape, so nothing else can look like it.
// Pure functions and values.
#pragma once

#include "model/folder_name.h"

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace mailmoor::maildir {

enum class Layout { kMaildirPlusPlus, kFs };

// The directory of a folder that shares it with no other: a function of the name alone.
[[nodiscard]] std::string directory_of(const FolderName& name, Layout layout);

// The components (UTF-8) that directory_of() was given. Empty for what it cannot have made and for shortened names:
// those are spelled out in the file kNameFile of the directory.
[[nodiscard]] std::optional<std::vector<std::string>> components_of(std::string_view directory, Layout layout);

// Whether `directory` ends in a "%~" mark, so that it does not tell its folder's name.
[[nodiscard]] bool is_marked(std::string_view directory) noexcept;

// In a marked directory: the server's name, one line.
inline constexpr std::string_view kNameFile = ".mailmoor-name";

// Equal for any two directories that a file system which folds case or accents could take for one. May be equal for
// others: that costs a mark, not a message.
[[nodiscard]] std::string fold_key(std::string_view directory);

// Gives each folder of one mailbox a directory of its own.
class DirectoryMap final {
 public:
  // `recorded`: server's name (wire) → directory as assigned before. Kept where it is an answer that this class could
  // have given for that name and layout, so that a folder does not move when a twin appears; otherwise ignored.
  // The result does not depend on the order of `names`.
  [[nodiscard]] static DirectoryMap assign(Layout layout, std::vector<FolderName> names,
                                           const std::map<std::string, std::string>& recorded = {});

  // Empty for a name that was not among those given, and for one built to collide with others: not to be mirrored.
  [[nodiscard]] std::optional<std::string> directory(const FolderName& name) const;
  // Server's name (wire) → directory: what to record.
  [[nodiscard]] const std::map<std::string, std::string>& all() const noexcept { return directories_; }

 private:
  std::map<std::string, std::string> directories_;
};

} // namespace mailmoor::maildir
