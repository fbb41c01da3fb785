// UID → flags of many messages, kept as sorted runs of neighbouring UIDs with equal flags: 100,000 read messages
// without holes cost one run, and 12 bytes each at worst. A value type; any thread, one at a time.
#pragma once

#include "model/flag_letters.h"
#include "model/uid_set.h"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

namespace mailmoor {

struct FlagRun {
  UidRange uids;
  FlagLetters flags;
  friend bool operator==(const FlagRun&, const FlagRun&) = default;
};

class FlagMap final {
 public:
  FlagMap() = default;

  // Replaces what these UIDs had. Quick in ascending order.
  void set(UidRange uids, FlagLetters flags);
  void set(Uid uid, FlagLetters flags) { set(UidRange{uid.value(), uid.value()}, flags); }
  void set(const FlagMap& other);
  void erase(const UidSet& uids);

  [[nodiscard]] std::optional<FlagLetters> find(Uid uid) const noexcept;
  [[nodiscard]] bool empty() const noexcept { return runs_.empty(); }
  [[nodiscard]] UidSet uids() const;
  // Only what is in `uids`.
  [[nodiscard]] FlagMap restricted_to(const UidSet& uids) const;
  // Disjoint, ascending; neighbouring runs with equal flags are one.
  [[nodiscard]] const std::vector<FlagRun>& runs() const noexcept { return runs_; }

  // Calls function(Uid, FlagLetters) in ascending order.
  template<class Function>
  void for_each(Function function) const {
    for (const FlagRun& run : runs_)
      for (std::uint64_t uid = run.uids.first; uid <= run.uids.last; ++uid)
        function(*Uid::from(static_cast<std::uint32_t>(uid)), run.flags);
  }

  friend bool operator==(const FlagMap&, const FlagMap&) = default;

 private:
  void append(UidRange uids, FlagLetters flags);

  std::vector<FlagRun> runs_;
};

// Collects rows in whatever order a server sends them; sorted once, at the end.
class FlagRows final {
 public:
  // The last word on a UID counts.
  void add(Uid uid, FlagLetters flags) {
    rows_.push_back({uid.value(), static_cast<std::uint32_t>(rows_.size()), flags});
  }
  // Rows added, repeated ones included: what memory is bounded by.
  [[nodiscard]] std::size_t size() const noexcept { return rows_.size(); }
  [[nodiscard]] FlagMap take();

 private:
  struct Row {
    std::uint32_t uid;
    std::uint32_t turn; // which row it was: of one message the last counts
    FlagLetters flags;
  };
  std::vector<Row> rows_;
};

} // namespace mailmoor
