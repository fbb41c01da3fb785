// Writes OpenMetrics text, version 1.0.0 (github.com/prometheus/OpenMetrics, "text format"). Pure.
// Not prometheus-cpp: release 1.0.1 of Debian 12 writes the older text format 0.0.4 (no "# EOF", counters named with
// their suffix), and its registry wants every number kept a second time, behind a mutex, where the loop thread already
// has it.
#pragma once

#include "util/histogram.h"

#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>

namespace mailmoor::control {

inline constexpr std::string_view kMetricsContentType = "application/openmetrics-text; version=1.0.0; charset=utf-8";

class OpenMetrics final {
 public:
  using Labels = std::initializer_list<std::pair<std::string_view, std::string_view>>;
  enum class Type { kGauge, kCounter, kInfo };

  // Begins a family; its samples follow before the next one begins. `name` of a counter is without "_total". `unit` is
  // the end of the name, or empty.
  void family(std::string_view name, Type type, std::string_view help, std::string_view unit = {});
  void sample(Labels labels, std::uint64_t value);
  void sample_time(Labels labels, std::int64_t unix_seconds);
  // A whole family.
  void histogram(std::string_view name, const Histogram& values, std::string_view help, std::string_view unit);
  // Ends it; nothing may follow.
  [[nodiscard]] std::string finish() &&;

 private:
  void describe(std::string_view name, std::string_view type, std::string_view help, std::string_view unit);
  void name_and_labels(std::string_view suffix, Labels labels);

  std::string out_;
  std::string family_;
  Type type_ = Type::kGauge;
};

} // namespace mailmoor::control
