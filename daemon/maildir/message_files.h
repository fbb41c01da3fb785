// Finds the files of messages by their UIDs, whatever readers have renamed them to. Private to this room; blocking.
#pragma once

#include "maildir/file_name.h"
#include "maildir/file_ops.h"
#include "model/flag_letters.h"
#include "model/uid_set.h"

#include <cstdint>
#include <string>
#include <vector>

namespace mailmoor::maildir {

// Times that a reader may be quicker than we with the same file.
inline constexpr int kRounds = 3;

struct MessageFile {
  Uid uid;
  bool in_new; // else in cur/
  std::string name;
};

struct FoundFiles {
  std::vector<MessageFile> files; // ascending by UID; a copy that a user made is a file more
  std::uint64_t ours = 0;         // files of the UIDVALIDITY, wanted or not
};

// The flags that a name of ours carries; what readers have put behind the letters is left out.
[[nodiscard]] FlagLetters flags_of(const ParsedName& name);

// A reader that renames meanwhile hides nothing: the directories are read again until they stayed as they were, four
// times at most. A name seen and then renamed is in the answer with both names.
[[nodiscard]] Result<FoundFiles> find_files_blocking(FileOps& ops, const std::string& directory, UidValidity validity,
                                                     const UidSet& wanted);

} // namespace mailmoor::maildir
