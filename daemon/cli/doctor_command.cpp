#include "cli/commands.h"
#include "cli/doctor_view.h"
#include "control/wire.h"
#include "util/concat.h"
#include "util/printable.h"

#include <utility>
#include <vector>

namespace mailmoor::cli {
namespace {

using Line = control::ExaminationLine;

std::expected<std::vector<std::string>, control::Problem> mailboxes_to_examine(const Context& context) {
  if (!context.invocation.mailboxes.empty()) return context.invocation.mailboxes;
  const Answer answer = context.client.get("/v1/status");
  if (!answer) return std::unexpected(answer.error());
  const auto fleet = control::fleet_status_from_json(*answer);
  if (!fleet) return std::unexpected(control::problem_from(fleet.error()));
  std::vector<std::string> names;
  for (const auto& mailbox : fleet->mailboxes)
    names.push_back(mailbox.name);
  return names;
}

// One mailbox's examination and what is shown of it.
class Examination final {
 public:
  Examination(const Context& context, const std::string& mailbox) : context_(context), mailbox_(mailbox) {}

  Exit run() {
    if (!context_.invocation.json) context_.console.out(concat(printable(mailbox_), '\n'));
    std::vector<DaemonClient::Request> requests;
    requests.push_back({DaemonClient::mailbox_path(mailbox_, "doctor"),
                        [this](std::string_view line) { on_line(line); },
                        [this](const Answer& answer) { on_end(answer); }});
    context_.client.post_all(std::move(requests));
    return worst_;
  }

 private:
  void on_line(std::string_view text) {
    if (ended_) return;
    const auto line = control::examination_line_from_json(text);
    if (!line) return end(report(context_, line.error()));
    if (context_.invocation.json) context_.console.out(control::to_json(*line) + '\n');
    switch (line->kind) {
    case Line::Kind::kCheck: return show(line->result);
    case Line::Kind::kFinished:
      if (!context_.invocation.json) context_.console.out(render_tally(mailbox_, tally_));
      return end(Exit::kDone);
    case Line::Kind::kFailed:
      context_.console.err(
          concat("mailmoorctl: ", printable(mailbox_), ": broken off: ", printable(line->result.found), '\n'));
      return end(Exit::kFailed);
    }
  }

  void show(const CheckResult& result) {
    tally_.add(result.outcome);
    if (result.outcome == CheckResult::Outcome::kFailed)
      worst_ = worse(worst_, result.needs_login ? Exit::kNeedsLogin : Exit::kFailed);
    if (!context_.invocation.json) context_.console.out(render_check(result, context_.console.width()));
  }

  void on_end(const Answer& answer) {
    if (ended_) return;
    if (!answer) return end(report(context_, answer.error()));
    end(report(context_, control::make_problem(502, "broken_off", "the daemon broke the examination off",
                                               "see that it runs, then try again")));
  }

  void end(Exit exit) {
    ended_ = true;
    worst_ = worse(worst_, exit);
  }

  const Context& context_;
  const std::string& mailbox_;
  ExaminationTally tally_;
  bool ended_ = false;
  Exit worst_ = Exit::kDone;
};

} // namespace

Exit run_doctor(const Context& context) {
  const auto mailboxes = mailboxes_to_examine(context);
  if (!mailboxes) return report(context, mailboxes.error());
  Exit worst = Exit::kDone;
  // One after the other, as the daemon does it: the lines of one mailbox stay together.
  for (const std::string& mailbox : *mailboxes) {
    worst = worse(worst, Examination(context, mailbox).run());
    if (worst == Exit::kNoDaemon) break;
  }
  return worst;
}

} // namespace mailmoor::cli
