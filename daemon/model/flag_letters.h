// The flags of a message that a Maildir file name can carry, as a small set: D F P R S T
// (https://cr.yp.to/proto/maildir.html). P is the keyword $Forwarded (RFC 9051 §2.3.2). A value type.
#pragma once

#include "model/flags.h"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace mailmoor {

class FlagLetters final {
 public:
  constexpr FlagLetters() noexcept = default;
  explicit FlagLetters(const Flags& flags);

  // Other characters are ignored: readers have letters of their own.
  [[nodiscard]] static FlagLetters parse(std::string_view letters) noexcept;
  // As bits() gave them; empty when it cannot have been bits(). Bit 0 is D, bit 5 is T: persisted, never renumbered.
  [[nodiscard]] static std::optional<FlagLetters> from_bits(std::int64_t bits) noexcept;
  [[nodiscard]] constexpr std::uint8_t bits() const noexcept { return bits_; }
  [[nodiscard]] constexpr bool empty() const noexcept { return bits_ == 0; }
  [[nodiscard]] static bool is_letter(char c) noexcept;
  // In ASCII order, as Maildir names want them.
  [[nodiscard]] std::string to_string() const;

  friend bool operator==(const FlagLetters&, const FlagLetters&) = default;

 private:
  friend FlagLetters merge_flags(std::optional<FlagLetters> base, FlagLetters server, FlagLetters local) noexcept;

  std::uint8_t bits_ = 0;
};

// The three-way merge, flag by flag. `base`: what the server had when the two were last equalled. A flag that the
// server changed since is as the server has it; every other flag is as the local file has it. A flag has two values,
// so when both sides changed one they agree. Without a base a flag that either has is set: nothing tells which side
// changed, and a set flag says more than a missing one.
// Merging the outcome again with the same base and server changes nothing: a pass that was cut short is done again.
[[nodiscard]] FlagLetters merge_flags(std::optional<FlagLetters> base, FlagLetters server, FlagLetters local) noexcept;

} // namespace mailmoor
