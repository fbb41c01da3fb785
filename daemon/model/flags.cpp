#include "model/flags.h"

#include "util/ascii.h"

#include <array>
#include <utility>

namespace mailmoor {
namespace {

struct Name {
  SystemFlag flag;
  std::string_view wire;
  char letter;
};

// In ASCII order of the letters, as Maildir names want them.
constexpr std::array kNames = {
    Name{SystemFlag::kDraft, "\\Draft", 'D'},       Name{SystemFlag::kFlagged, "\\Flagged", 'F'},
    Name{SystemFlag::kAnswered, "\\Answered", 'R'}, Name{SystemFlag::kSeen, "\\Seen", 'S'},
    Name{SystemFlag::kDeleted, "\\Deleted", 'T'},
};
constexpr std::string_view kForwarded = "$Forwarded";

} // namespace

void Flags::add(std::string_view wire) {
  for (const Name& name : kNames)
    if (equals_ignoring_case(name.wire, wire)) return set(name.flag);
  if (!wire.empty() && !wire.starts_with('\\')) keywords_.emplace(wire);
}

std::string Flags::maildir_letters() const {
  std::string letters;
  for (const Name& name : kNames) {
    if (name.letter == 'R')
      for (const std::string& keyword : keywords_)
        if (equals_ignoring_case(keyword, kForwarded)) {
          letters.push_back('P');
          break;
        }
    if (has(name.flag)) letters.push_back(name.letter);
  }
  return letters;
}

Flags Flags::from_maildir_letters(std::string_view letters) {
  Flags flags;
  for (const char letter : letters) {
    if (letter == 'P') flags.keywords_.emplace(kForwarded);
    for (const Name& name : kNames)
      if (name.letter == letter) flags.set(name.flag);
  }
  return flags;
}

} // namespace mailmoor
