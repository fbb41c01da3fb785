// An integer with a name: two StrongInts with different tags do not mix. No arithmetic; ranges are checked by the
// factories of the types built on it.
#pragma once

#include <compare>
#include <cstddef>
#include <functional>

namespace mailmoor {

template<class Tag, class T>
class StrongInt {
 public:
  constexpr StrongInt() noexcept = default;
  constexpr explicit StrongInt(T value) noexcept : value_(value) {}
  [[nodiscard]] constexpr T value() const noexcept { return value_; }
  [[nodiscard]] friend constexpr auto operator<=>(StrongInt, StrongInt) noexcept = default;

 private:
  T value_{};
};

} // namespace mailmoor

template<class Tag, class T>
struct std::hash<mailmoor::StrongInt<Tag, T>> {
  std::size_t operator()(mailmoor::StrongInt<Tag, T> value) const noexcept { return std::hash<T>()(value.value()); }
};
