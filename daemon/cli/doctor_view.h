// What a person sees of an examination. Pure: text that came from servers is made safe for a terminal here.
#pragma once

#include "model/check_result.h"

#include <cstddef>
#include <optional>
#include <string>

namespace mailmoor::cli {

// "  ok      clock           as the token endpoint's", and below it what to do.
[[nodiscard]] std::string render_check(const CheckResult& result, std::optional<std::size_t> width);

// How many of each outcome there were.
struct ExaminationTally {
  std::size_t failed = 0;
  std::size_t doubtful = 0;
  std::size_t skipped = 0;

  void add(CheckResult::Outcome outcome) noexcept;
};
// "alice: 1 failed, 2 skipped", "alice: all is well"
[[nodiscard]] std::string render_tally(const std::string& mailbox, const ExaminationTally& tally);

} // namespace mailmoor::cli
