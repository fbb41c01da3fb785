#include "control/open_metrics.h"

#include "util/concat.h"

#include <array>
#include <charconv>

namespace mailmoor::control {
namespace {

// escaped-string of label values and help texts.
[[nodiscard]] std::string escaped(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c == '\\')
      out += "\\\\";
    else if (c == '"')
      out += "\\\"";
    else if (c == '\n')
      out += "\\n";
    else
      out += c;
  }
  return out;
}

// The shortest decimal spelling, with a point: "0.001", "1.0", as the format asks for in `le`.
[[nodiscard]] std::string decimal(double value) {
  std::array<char, 32> text{};
  const auto end = std::to_chars(text.data(), text.data() + text.size(), value, std::chars_format::fixed).ptr;
  std::string out(text.data(), end);
  if (out.find('.') == std::string::npos) out += ".0";
  return out;
}

} // namespace

void OpenMetrics::describe(std::string_view name, std::string_view type, std::string_view help, std::string_view unit) {
  out_ += concat("# TYPE ", name, ' ', type, '\n');
  if (!unit.empty()) out_ += concat("# UNIT ", name, ' ', unit, '\n');
  out_ += concat("# HELP ", name, ' ', escaped(help), '\n');
}

void OpenMetrics::family(std::string_view name, Type type, std::string_view help, std::string_view unit) {
  family_ = name;
  type_ = type;
  describe(name, type == Type::kGauge ? "gauge" : type == Type::kCounter ? "counter" : "info", help, unit);
}

void OpenMetrics::name_and_labels(std::string_view suffix, Labels labels) {
  out_.append(family_).append(suffix);
  char separator = '{';
  for (const auto& [name, value] : labels) {
    out_ += separator;
    out_.append(name).append("=\"").append(escaped(value)).append("\"");
    separator = ',';
  }
  if (labels.size() != 0) out_ += '}';
  out_ += ' ';
}

void OpenMetrics::sample(Labels labels, std::uint64_t value) {
  name_and_labels(type_ == Type::kCounter ? "_total" : type_ == Type::kInfo ? "_info" : "", labels);
  out_ += concat(value, '\n');
}

void OpenMetrics::sample_time(Labels labels, std::int64_t unix_seconds) {
  name_and_labels("", labels);
  out_ += concat(unix_seconds, '\n');
}

void OpenMetrics::histogram(std::string_view name, const Histogram& values, std::string_view help,
                            std::string_view unit) {
  family_ = name;
  describe(name, "histogram", help, unit);
  for (std::size_t i = 0; i < Histogram::kBounds.size(); ++i) {
    name_and_labels("_bucket", {{"le", decimal(Histogram::kBounds[i])}});
    out_ += concat(values.at_most(i), '\n');
  }
  name_and_labels("_bucket", {{"le", "+Inf"}});
  out_ += concat(values.count(), '\n');
  name_and_labels("_count", {});
  out_ += concat(values.count(), '\n');
  name_and_labels("_sum", {});
  out_ += concat(decimal(values.sum()), '\n');
}

std::string OpenMetrics::finish() && {
  out_ += "# EOF\n";
  return std::move(out_);
}

} // namespace mailmoor::control
