#include "supervisor/progress_line.h"

#include "util/concat.h"
#include "util/printable.h"
#include "util/utf8.h"

#include <algorithm>
#include <utility>

namespace mailmoor::supervisor {
namespace {

[[nodiscard]] std::string mebibytes(std::uint64_t octets) {
  const std::uint64_t tenths = octets * 10 / (1024UL * 1024);
  return concat(tenths / 10, ".", tenths % 10, " MiB");
}

[[nodiscard]] std::string time_left(std::uint64_t seconds) {
  if (seconds < 120) return concat(seconds, " s");
  if (seconds < 7200) return concat(seconds / 60, " min");
  return concat(seconds / 3600, " h");
}

// Columns of a terminal that a character takes: two for East Asian and emoji ones, as terminals do it by and large.
[[nodiscard]] std::size_t columns_of(char32_t c) {
  constexpr std::pair<char32_t, char32_t> kWide[] = {{0x1100, 0x115F}, {0x2E80, 0xA4CF},   {0xAC00, 0xD7A3},
                                                     {0xF900, 0xFAFF}, {0xFE30, 0xFE6F},   {0xFF00, 0xFF60},
                                                     {0xFFE0, 0xFFE6}, {0x1F300, 0x1FAFF}, {0x20000, 0x3FFFD}};
  return std::ranges::any_of(kWide, [c](auto range) { return range.first <= c && c <= range.second; }) ? 2 : 1;
}

// The start of `text`, valid UTF-8, that fits.
[[nodiscard]] std::string cut(std::string text, std::size_t width) {
  std::size_t at = 0;
  for (std::size_t columns = 0; at < text.size();) {
    const auto decoded = decode_utf8(std::string_view(text).substr(at));
    columns += decoded ? columns_of(decoded->code_point) : 1;
    if (columns > width) break;
    at += decoded ? decoded->size : 1;
  }
  text.resize(at);
  return text;
}

} // namespace

std::string progress_line(const Progress& progress, std::size_t width) {
  std::string facts =
      concat(progress.fetched, progress.fetched == 1 ? " message, " : " messages, ", mebibytes(progress.octets));
  const auto elapsed = static_cast<std::uint64_t>(std::max<std::int64_t>(progress.elapsed.count(), 1));
  if (progress.fetched != 0) facts += concat(", ", progress.fetched * 1000 / elapsed, "/s");
  if (progress.behind != 0) facts += concat(", ", progress.behind, " to go");
  if (progress.behind != 0 && progress.fetched != 0)
    facts += concat(", ", time_left(progress.behind * elapsed / progress.fetched / 1000), " left");
  const std::string where = printable(progress.where);
  if (where.empty()) return cut(std::move(facts), width);
  // A long name gives way to the numbers, which are ASCII.
  const std::size_t room = width > facts.size() + 2 ? width - facts.size() - 2 : 0;
  if (room == 0) return cut(std::move(facts), width);
  return concat(cut(where, room), "  ", facts);
}

} // namespace mailmoor::supervisor
