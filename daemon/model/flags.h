// The flags of a message (RFC 9051 §2.3.2): the five system flags that a Maildir can carry, and keywords.
// \Recent belongs to a session, not to a message, and is never kept.
#pragma once

#include <cstdint>
#include <set>
#include <string>
#include <string_view>

namespace mailmoor {

enum class SystemFlag : std::uint8_t {
  kAnswered = 1,
  kFlagged = 2,
  kDeleted = 4,
  kSeen = 8,
  kDraft = 16,
};

class Flags final {
 public:
  Flags() = default;

  // One flag as the wire has it: "\Seen" or "$Forwarded", any case for system flags. "\Recent" and unknown system
  // flags are ignored.
  void add(std::string_view wire);
  void set(SystemFlag flag) noexcept { system_ |= static_cast<std::uint8_t>(flag); }
  void clear(SystemFlag flag) noexcept { system_ &= static_cast<std::uint8_t>(~static_cast<std::uint8_t>(flag)); }
  [[nodiscard]] bool has(SystemFlag flag) const noexcept { return (system_ & static_cast<std::uint8_t>(flag)) != 0; }
  [[nodiscard]] const std::set<std::string>& keywords() const noexcept { return keywords_; }

  // Maildir letters in ASCII order, a subset of "DFPRST" (https://cr.yp.to/proto/maildir.html). $Forwarded is P.
  [[nodiscard]] std::string maildir_letters() const;
  // Unknown letters are ignored.
  [[nodiscard]] static Flags from_maildir_letters(std::string_view letters);

  friend bool operator==(const Flags&, const Flags&) = default;

 private:
  std::uint8_t system_ = 0;
  std::set<std::string> keywords_;
};

} // namespace mailmoor
