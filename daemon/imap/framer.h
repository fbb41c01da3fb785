// Cuts the received stream into lines and literals. Knows no grammar but "{n}" at the end of a line (RFC 9051 §4.3),
// so that whatever a line means, and however wrong it is, the octets of a literal are never taken for protocol.
// Copies a line only when it came in more than one piece; never copies a literal.
//
// States: in a line → (line ended with {n}) in a literal of n octets → in a line …
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <variant>

namespace mailmoor::imap {

class Framer final {
 public:
  struct NeedInput {};
  // One line without its end, or the part of one up to and including the "{n}" of a literal.
  struct Text {
    std::string_view text;                // valid until the next call of next()
    std::optional<std::uint64_t> literal; // octets of the literal that follows; 2^64-1 also stands for more
  };
  // A piece of the literal; at least one piece even of an empty literal.
  struct LiteralBytes {
    std::span<const std::byte> bytes; // part of what was received
    bool last;
  };
  enum class Violation { kLineTooLong, kBareLf }; // terminal
  using Frame = std::variant<NeedInput, Text, LiteralBytes, Violation>;

  // `max_line` in octets. `bare_lf`: LF alone ends a line too.
  Framer(std::size_t max_line, bool bare_lf) noexcept : max_line_(max_line), bare_lf_(bare_lf) {}

  // REQUIRES: next() has said NeedInput, or this is the first call. The bytes must stay until it says so again.
  void receive(std::span<const std::byte> bytes) noexcept;
  [[nodiscard]] Frame next();
  // The "{n}" of the last Text is free text: no literal follows. REQUIRES: that Text was the last frame.
  void literal_is_text() noexcept { in_literal_ = false; }
  // All octets that were received and not shown: they are no IMAP. REQUIRES: the last frame was a Text without a
  // literal.
  [[nodiscard]] std::string_view take_unread() noexcept { return std::exchange(input_, {}); }
  // Whether octets were received that no frame has shown yet.
  [[nodiscard]] bool has_unread_input() const noexcept { return !input_.empty() || (!line_.empty() && !line_shown_); }

 private:
  [[nodiscard]] Frame next_text();
  [[nodiscard]] Frame next_literal() noexcept;

  std::size_t max_line_;
  bool bare_lf_;
  bool line_shown_ = false; // line_ was shown by the last frame
  bool in_literal_ = false;
  std::uint64_t literal_left_ = 0;
  std::string_view input_; // received and not looked at
  std::string line_;       // the start of a line whose end has not been received
};

// The size in a "{n}" or "{n+}" at the end of `line`; 2^64-1 when it does not fit.
[[nodiscard]] std::optional<std::uint64_t> announced_literal(std::string_view line) noexcept;

} // namespace mailmoor::imap
