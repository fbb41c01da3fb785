#include "cli/commands.h"
#include "util/concat.h"
#include "util/printable.h"

#include <chrono>

namespace mailmoor::cli {

UnixTime current_time() {
  return std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now());
}

Exit report(const Context& context, const control::Problem& problem) {
  if (context.invocation.json) context.console.out(control::to_json(problem) + '\n');
  std::string text = "mailmoorctl: ";
  if (!problem.mailbox.empty() && problem.detail.find(problem.mailbox) == std::string::npos)
    text += concat(printable(problem.mailbox), ": ");
  text += concat(printable(problem.detail), '\n');
  for (const std::string& error : problem.errors)
    text += concat("  ", printable(error), '\n');
  if (!problem.remedy.empty()) text += concat("  → ", printable(problem.remedy), '\n');
  context.console.err(text);
  return exit_for(problem);
}

Exit report(const Context& context, const Error& error) {
  return report(context, control::problem_from(error));
}

} // namespace mailmoor::cli
