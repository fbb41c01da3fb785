#include "control/exchange.h"

#include <algorithm>
#include <utility>

namespace mailmoor::control {

Answer answer_from(const Problem& problem) {
  return {problem.status, std::string(kProblemContentType), to_json(problem)};
}

void Exchange::answer(Answer answer) {
  if (is_over() || is_streaming_) return;
  answer_ = std::move(answer);
  wake_();
}

void Exchange::send_line(std::string_view line) {
  if (is_over()) return;
  pending_.append(line).push_back('\n');
  wake_();
}

void Exchange::finish() {
  if (is_over()) return;
  is_finished_ = true;
  wake_();
}

std::size_t Exchange::take(char* out, std::size_t size) {
  const std::size_t taken = std::min(size, pending_.size());
  std::copy_n(pending_.begin(), taken, out);
  pending_.erase(0, taken);
  return taken;
}

void Exchange::abandon(const Problem& problem) {
  subscription_.reset();
  if (is_streaming_)
    finish();
  else
    answer(problem);
}

} // namespace mailmoor::control
