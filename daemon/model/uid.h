// The numbers of RFC 9051 §2.3.1 and RFC 7162, each its own type with its range checked at the door:
// from() is the only way in.
#pragma once

#include "util/strong_int.h"

#include <cstdint>
#include <optional>

namespace mailmoor {

// Unique identifier of a message in a folder: 1 to 2^32-1 (RFC 9051 §2.3.1.1).
class Uid final : public StrongInt<Uid, std::uint32_t> {
 public:
  [[nodiscard]] static constexpr std::optional<Uid> from(std::uint32_t value) noexcept {
    return value == 0 ? std::nullopt : std::optional(Uid(value));
  }

 private:
  constexpr explicit Uid(std::uint32_t value) noexcept : StrongInt(value) {}
};

// Changes when the server can no longer keep UIDs: 1 to 2^32-1.
class UidValidity final : public StrongInt<UidValidity, std::uint32_t> {
 public:
  [[nodiscard]] static constexpr std::optional<UidValidity> from(std::uint32_t value) noexcept {
    return value == 0 ? std::nullopt : std::optional(UidValidity(value));
  }

 private:
  constexpr explicit UidValidity(std::uint32_t value) noexcept : StrongInt(value) {}
};

// Message sequence number, valid in one session only: 1 to 2^32-1 (RFC 9051 §2.3.1.2).
class SeqNum final : public StrongInt<SeqNum, std::uint32_t> {
 public:
  [[nodiscard]] static constexpr std::optional<SeqNum> from(std::uint32_t value) noexcept {
    return value == 0 ? std::nullopt : std::optional(SeqNum(value));
  }

 private:
  constexpr explicit SeqNum(std::uint32_t value) noexcept : StrongInt(value) {}
};

// Modification sequence, 63 bits, 0 meaning "none" (RFC 7162 §3.1).
class ModSeq final : public StrongInt<ModSeq, std::uint64_t> {
 public:
  constexpr ModSeq() noexcept = default;
  [[nodiscard]] static constexpr std::optional<ModSeq> from(std::uint64_t value) noexcept {
    return value >> 63 != 0 ? std::nullopt : std::optional(ModSeq(value));
  }

 private:
  constexpr explicit ModSeq(std::uint64_t value) noexcept : StrongInt(value) {}
};

} // namespace mailmoor
