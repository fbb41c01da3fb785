// A set of UIDs kept as sorted, disjoint, non-adjacent ranges: 100,000 messages without holes cost one range.
// A value type; any thread, one at a time.
#pragma once

#include "model/uid.h"

#include <compare>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace mailmoor {

struct UidRange {
  std::uint32_t first; // 1 ≤ first ≤ last
  std::uint32_t last;  // inclusive
  friend auto operator<=>(const UidRange&, const UidRange&) = default;
};

class UidSet final {
 public:
  UidSet() = default;

  void insert(Uid uid) { insert(UidRange{uid.value(), uid.value()}); }
  void insert(UidRange range);
  void insert(const UidSet& other);
  void erase(Uid uid) { erase(UidRange{uid.value(), uid.value()}); }
  void erase(UidRange range);

  [[nodiscard]] bool contains(Uid uid) const noexcept;
  [[nodiscard]] bool empty() const noexcept { return ranges_.empty(); }
  [[nodiscard]] std::uint64_t size() const noexcept;
  [[nodiscard]] std::optional<Uid> max() const noexcept;
  [[nodiscard]] const std::vector<UidRange>& ranges() const noexcept { return ranges_; }

  [[nodiscard]] UidSet minus(const UidSet& other) const;
  [[nodiscard]] UidSet intersect(const UidSet& other) const;
  // Takes the `count` highest UIDs out of this set and returns them.
  [[nodiscard]] UidSet take_highest(std::uint64_t count);
  // Takes the `count` lowest UIDs out of this set and returns them.
  [[nodiscard]] UidSet take_lowest(std::uint64_t count);

  // sequence-set of RFC 9051 §9 without "*": "1:4,7,9:12". Empty text for the empty set.
  [[nodiscard]] std::string to_string() const;
  // Empty result on anything that to_string() could not mean: zero, "*", white space, out of range. "4:1" is 1:4.
  [[nodiscard]] static std::optional<UidSet> parse(std::string_view text);

  // Calls function(Uid) in ascending order.
  template<class Function>
  void for_each(Function function) const {
    for (const UidRange& range : ranges_)
      for (std::uint64_t uid = range.first; uid <= range.last; ++uid)
        function(*Uid::from(static_cast<std::uint32_t>(uid)));
  }

  friend bool operator==(const UidSet&, const UidSet&) = default;

 private:
  std::vector<UidRange> ranges_;
};

} // namespace mailmoor
