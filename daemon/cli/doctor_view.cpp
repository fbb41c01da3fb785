#include "cli/doctor_view.h"

#include "cli/table.h"
#include "util/concat.h"
#include "util/printable.h"

#include <algorithm>
#include <string_view>

namespace mailmoor::cli {
namespace {

[[nodiscard]] std::string_view word(CheckResult::Outcome outcome) {
  switch (outcome) {
  case CheckResult::Outcome::kGood: return "ok";
  case CheckResult::Outcome::kDoubtful: return "warn";
  case CheckResult::Outcome::kFailed: return "FAIL";
  case CheckResult::Outcome::kSkipped: return "skipped";
  }
  return "FAIL";
}

} // namespace

std::string render_check(const CheckResult& result, std::optional<std::size_t> width) {
  constexpr std::size_t kCheckColumn = 10;
  constexpr std::size_t kTextColumn = 28;
  std::string name = printable(result.check);
  std::ranges::replace(name, '_', ' ');
  std::string head = concat("  ", word(result.outcome));
  head.resize(std::max(head.size() + 1, kCheckColumn), ' ');
  head += name;
  head.resize(std::max(head.size() + 1, kTextColumn), ' ');
  std::string text = wrapped(printable(result.found), kTextColumn, width);
  text.replace(0, kTextColumn, head);
  if (!result.remedy.empty()) text += wrapped("→ " + printable(result.remedy), kTextColumn, width);
  return text;
}

void ExaminationTally::add(CheckResult::Outcome outcome) noexcept {
  failed += outcome == CheckResult::Outcome::kFailed ? 1 : 0;
  doubtful += outcome == CheckResult::Outcome::kDoubtful ? 1 : 0;
  skipped += outcome == CheckResult::Outcome::kSkipped ? 1 : 0;
}

std::string render_tally(const std::string& mailbox, const ExaminationTally& tally) {
  std::string counts;
  const auto add = [&counts](std::size_t count, std::string_view what) {
    if (count != 0) counts += concat(counts.empty() ? "" : ", ", count, ' ', what);
  };
  add(tally.failed, "failed");
  add(tally.doubtful, tally.doubtful == 1 ? "warning" : "warnings");
  add(tally.skipped, "skipped");
  const bool well = tally.failed == 0 && tally.doubtful == 0;
  return concat(printable(mailbox), ": ", well ? "all is well" : "", well && !counts.empty() ? "; " : "", counts, '\n');
}

} // namespace mailmoor::cli
