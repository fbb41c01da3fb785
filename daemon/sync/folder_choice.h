// Which folders of a server are mirrored, and why: the answer of `mailmoorctl folders`. Pure functions.
#pragma once

#include "model/folder_name.h"
#include "model/glob.h"

#include <string>
#include <string_view>
#include <vector>

namespace mailmoor::sync {

// One row of LIST (RFC 9051 §7.3.1).
struct ListedFolder {
  FolderName name;
  std::vector<std::string> attributes; // as on the wire, with the backslash
};

struct FolderRules {
  std::vector<Glob> include; // empty: all mail folders
  std::vector<Glob> exclude; // wins over include
  // Exchange lists calendars, contacts and the like as mailboxes; other servers hold mail under those names.
  bool skip_non_mail = true;
};

struct FolderChoice {
  FolderName name;
  bool chosen = false;
  std::string why; // for people, e.g. "excluded by \"Spam*\""; never empty
};

// One answer per name, duplicates removed: INBOX first, then the others in the order of their names.
[[nodiscard]] std::vector<FolderChoice> choose_folders(std::vector<ListedFolder> listed, const FolderRules& rules);

// Whether Exchange keeps something else than mail under this name: calendars, contacts, tasks…, in the languages that
// it ships. The whole name or its first component, case-insensitively.
[[nodiscard]] bool is_non_mail_name(const FolderName& name);

} // namespace mailmoor::sync
