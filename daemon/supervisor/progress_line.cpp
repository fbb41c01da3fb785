#include "supervisor/progress_line.h"

#include "util/concat.h"
#include "util/printable.h"
#include "util/utf8.h"

#include <algorithm>

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

[[nodiscard]] std::string cut(std::string text, std::size_t width) {
  std::size_t columns = 0;
  std::size_t at = 0;
  while (at < text.size() && columns < width) {
    const auto decoded = decode_utf8(std::string_view(text).substr(at));
    at += decoded ? decoded->size : 1;
    ++columns;
  }
  text.resize(at);
  return text;
}

} // namespace

std::string progress_line(const Progress& progress, std::size_t width) {
  std::string text = printable(progress.where);
  if (!text.empty()) text += "  ";
  text += concat(progress.fetched, " messages, ", mebibytes(progress.octets));
  const auto elapsed = static_cast<std::uint64_t>(std::max<std::int64_t>(progress.elapsed.count(), 1));
  const std::uint64_t per_second = progress.fetched * 1000 / elapsed;
  if (progress.fetched != 0) text += concat(", ", per_second, "/s");
  if (progress.behind != 0) text += concat(", ", progress.behind, " to go");
  if (progress.behind != 0 && per_second != 0) text += concat(", ", time_left(progress.behind / per_second), " left");
  return cut(std::move(text), width);
}

} // namespace mailmoor::supervisor
