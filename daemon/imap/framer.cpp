#include "imap/framer.h"

#include <algorithm>
#include <limits>

namespace mailmoor::imap {
namespace {

// A line buffer that once grew to the limit would otherwise stay that large for months, once per connection.
constexpr std::size_t kKeptLineCapacity = std::size_t{16} * 1024;

} // namespace

std::optional<std::uint64_t> announced_literal(std::string_view line) noexcept {
  if (!line.ends_with('}')) return std::nullopt;
  line.remove_suffix(1);
  if (line.ends_with('+')) line.remove_suffix(1);
  const std::size_t brace = line.find_last_not_of("0123456789");
  if (brace == std::string_view::npos || line[brace] != '{' || brace + 1 == line.size()) return std::nullopt;
  constexpr std::uint64_t kMax = std::numeric_limits<std::uint64_t>::max();
  std::uint64_t size = 0;
  for (const char digit : line.substr(brace + 1)) {
    const auto value = static_cast<std::uint64_t>(digit - '0');
    if (size > (kMax - value) / 10) return kMax;
    size = size * 10 + value;
  }
  return size;
}

void Framer::receive(std::span<const std::byte> bytes) noexcept {
  input_ = {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

Framer::Frame Framer::next() {
  if (line_shown_) {
    line_.clear();
    if (line_.capacity() > kKeptLineCapacity) line_.shrink_to_fit();
    line_shown_ = false;
  }
  return in_literal_ ? next_literal() : next_text();
}

Framer::Frame Framer::next_text() {
  const std::size_t newline = input_.find('\n');
  const bool complete = newline != std::string_view::npos;
  const std::string_view piece = input_.substr(0, newline);
  if (line_.size() + piece.size() > max_line_) return Violation::kLineTooLong;
  std::string_view text = piece;
  if (!complete || !line_.empty()) {
    line_.append(piece);
    text = line_;
  }
  input_.remove_prefix(complete ? newline + 1 : piece.size());
  if (!complete) return NeedInput{};
  line_shown_ = true;
  if (text.ends_with('\r'))
    text.remove_suffix(1);
  else if (!bare_lf_)
    return Violation::kBareLf;
  const auto literal = announced_literal(text);
  if (literal) {
    in_literal_ = true;
    literal_left_ = *literal;
  }
  return Text{text, literal};
}

Framer::Frame Framer::next_literal() noexcept {
  if (input_.empty() && literal_left_ != 0) return NeedInput{};
  const auto size = static_cast<std::size_t>(std::min<std::uint64_t>(input_.size(), literal_left_));
  const std::string_view piece = input_.substr(0, size);
  input_.remove_prefix(size);
  literal_left_ -= size;
  in_literal_ = literal_left_ != 0;
  return LiteralBytes{std::as_bytes(std::span(piece)), !in_literal_};
}

} // namespace mailmoor::imap
