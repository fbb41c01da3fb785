// Short ways to write down what sync/ works on.
#pragma once

#include "sync/folder_pass.h"

#include <gtest/gtest.h>

namespace mailmoor::sync {

[[nodiscard]] inline UidSet uids(std::string_view text) {
  return *UidSet::parse(text);
}
[[nodiscard]] inline Uid uid(std::uint32_t value) {
  return *Uid::from(value);
}
[[nodiscard]] inline UnixTime at(std::int64_t seconds) {
  return UnixTime(std::chrono::seconds(seconds));
}

// A listing: these UIDs, each with these flags.
[[nodiscard]] inline FlagMap rows(const UidSet& set, std::string_view letters = "") {
  FlagMap out;
  for (const UidRange& range : set.ranges())
    out.set(range, FlagLetters::parse(letters));
  return out;
}
[[nodiscard]] inline FlagMap rows(std::string_view set, std::string_view letters = "") {
  return rows(uids(set), letters);
}

inline constexpr std::int64_t kNow = 1'700'000'000;

[[nodiscard]] inline FolderState state(std::uint32_t validity, std::uint32_t uid_next, std::uint32_t messages,
                                       std::uint64_t mod_seq = 0) {
  FolderState state{UidValidity::from(validity), Uid::from(uid_next), messages, std::nullopt};
  if (mod_seq != 0) state.highest_mod_seq = ModSeq::from(mod_seq);
  return state;
}

// A folder whose last pass was complete, with a full listing one hour ago.
[[nodiscard]] inline RecordedFolder recorded(std::string_view known, const FolderState& state) {
  return {state.uid_validity, uids(known), {}, state, {}, at(kNow - 3600), {}, {}};
}

} // namespace mailmoor::sync

// Readable failures.
namespace mailmoor {
inline void PrintTo(const UidSet& set, std::ostream* out) {
  *out << '{' << set.to_string() << '}';
}
inline void PrintTo(const FlagMap& map, std::ostream* out) {
  for (const FlagRun& run : map.runs())
    *out << run.uids.first << ':' << run.uids.last << '=' << run.flags.to_string() << ' ';
}
} // namespace mailmoor
