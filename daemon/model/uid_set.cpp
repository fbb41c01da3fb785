#include "model/uid_set.h"

#include "util/concat.h"

#include <algorithm>
#include <charconv>

namespace mailmoor {
namespace {

[[nodiscard]] std::uint64_t count(const UidRange& range) noexcept {
  return static_cast<std::uint64_t>(range.last) - range.first + 1;
}

[[nodiscard]] std::optional<std::uint32_t> parse_number(std::string_view text) {
  std::uint32_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || value == 0) return std::nullopt;
  return value;
}

} // namespace

void UidSet::insert(UidRange range) {
  // The first range that touches or follows the new one: its last + 1 ≥ range.first.
  auto from = std::ranges::lower_bound(ranges_, static_cast<std::uint64_t>(range.first), {},
                                       [](const UidRange& r) { return static_cast<std::uint64_t>(r.last) + 1; });
  auto to = from;
  while (to != ranges_.end() && to->first <= static_cast<std::uint64_t>(range.last) + 1) {
    range.first = std::min(range.first, to->first);
    range.last = std::max(range.last, to->last);
    ++to;
  }
  from = ranges_.erase(from, to);
  ranges_.insert(from, range);
}

void UidSet::insert(const UidSet& other) {
  for (const UidRange& range : other.ranges_)
    insert(range);
}

void UidSet::erase(UidRange range) {
  auto it = std::ranges::lower_bound(ranges_, range.first, {}, &UidRange::last);
  while (it != ranges_.end() && it->first <= range.last) {
    const UidRange old = *it;
    it = ranges_.erase(it);
    if (old.first < range.first) it = ranges_.insert(it, UidRange{old.first, range.first - 1}) + 1;
    if (old.last > range.last) {
      ranges_.insert(it, UidRange{range.last + 1, old.last});
      return;
    }
  }
}

bool UidSet::contains(Uid uid) const noexcept {
  const auto it = std::ranges::lower_bound(ranges_, uid.value(), {}, &UidRange::last);
  return it != ranges_.end() && it->first <= uid.value();
}

std::uint64_t UidSet::size() const noexcept {
  std::uint64_t total = 0;
  for (const UidRange& range : ranges_)
    total += count(range);
  return total;
}

std::optional<Uid> UidSet::max() const noexcept {
  return ranges_.empty() ? std::nullopt : Uid::from(ranges_.back().last);
}

UidSet UidSet::minus(const UidSet& other) const {
  UidSet out;
  auto hole = other.ranges_.begin();
  for (const UidRange& range : ranges_) {
    std::uint64_t next = range.first;
    while (hole != other.ranges_.end() && hole->last < range.first)
      ++hole;
    for (auto cut = hole; cut != other.ranges_.end() && cut->first <= range.last; ++cut) {
      if (cut->first > next) out.ranges_.push_back({static_cast<std::uint32_t>(next), cut->first - 1});
      next = static_cast<std::uint64_t>(cut->last) + 1;
    }
    if (next <= range.last) out.ranges_.push_back({static_cast<std::uint32_t>(next), range.last});
  }
  return out;
}

UidSet UidSet::intersect(const UidSet& other) const {
  return minus(minus(other));
}

UidSet UidSet::take_highest(std::uint64_t wanted) {
  UidSet taken;
  while (wanted != 0 && !ranges_.empty()) {
    UidRange& last = ranges_.back();
    if (count(last) <= wanted) {
      wanted -= count(last);
      taken.ranges_.push_back(last);
      ranges_.pop_back();
    } else {
      const auto first = static_cast<std::uint32_t>(last.last - wanted + 1);
      taken.ranges_.push_back(UidRange{first, last.last});
      last.last = first - 1;
      wanted = 0;
    }
  }
  std::ranges::reverse(taken.ranges_);
  return taken;
}

UidSet UidSet::take_lowest(std::uint64_t wanted) {
  UidSet taken;
  std::size_t whole = 0;
  for (; whole < ranges_.size() && count(ranges_[whole]) <= wanted; ++whole) {
    wanted -= count(ranges_[whole]);
    taken.ranges_.push_back(ranges_[whole]);
  }
  ranges_.erase(ranges_.begin(), ranges_.begin() + static_cast<std::ptrdiff_t>(whole));
  if (wanted != 0 && !ranges_.empty()) {
    const auto last = static_cast<std::uint32_t>(ranges_.front().first + wanted - 1);
    taken.ranges_.push_back({ranges_.front().first, last});
    ranges_.front().first = last + 1;
  }
  return taken;
}

std::string UidSet::to_string() const {
  std::string out;
  for (const UidRange& range : ranges_) {
    if (!out.empty()) out.push_back(',');
    out += range.first == range.last ? concat(range.first) : concat(range.first, ':', range.last);
  }
  return out;
}

std::optional<UidSet> UidSet::parse(std::string_view text) {
  std::vector<UidRange> items;
  while (!text.empty()) {
    const std::size_t comma = text.find(',');
    const std::string_view item = text.substr(0, comma);
    const std::size_t colon = item.find(':');
    const auto first = parse_number(item.substr(0, colon));
    const auto last = colon == std::string_view::npos ? first : parse_number(item.substr(colon + 1));
    if (!first || !last) return std::nullopt;
    items.push_back({std::min(*first, *last), std::max(*first, *last)});
    if (comma == std::string_view::npos) break;
    text.remove_prefix(comma + 1);
    if (text.empty()) return std::nullopt;
  }
  // Ascending inserts go to the end; a server that lists downwards must not cost quadratic time.
  std::ranges::sort(items);
  UidSet out;
  for (const UidRange& item : items)
    out.insert(item);
  return out;
}

} // namespace mailmoor
