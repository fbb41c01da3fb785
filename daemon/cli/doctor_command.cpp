#include "cli/commands.h"
#include "cli/doctor_view.h"
#include "cli/streamed_order.h"
#include "control/wire.h"
#include "util/concat.h"
#include "util/printable.h"

namespace mailmoor::cli {
namespace {

using Line = control::ExaminationLine;

// One mailbox's examination and what is shown of it.
class Examination final : public StreamedOrder {
 public:
  Examination(const Context& context, const std::string& mailbox)
      : StreamedOrder(context, DaemonClient::mailbox_path(mailbox, "doctor"), "the examination"), mailbox_(mailbox) {
    if (!context.invocation.json) context.console.out(concat(printable(mailbox_), '\n'));
  }

 private:
  void on_line(std::string_view text) override {
    const auto line = control::examination_line_from_json(text);
    if (!line) return end(report(context(), line.error()));
    if (context().invocation.json) context().console.out(control::to_json(*line) + '\n');
    switch (line->kind) {
    case Line::Kind::kCheck: return show(line->result);
    case Line::Kind::kFinished:
      if (!context().invocation.json) context().console.out(render_tally(mailbox_, tally_));
      return end(Exit::kDone);
    case Line::Kind::kFailed:
      context().console.err(
          concat("mailmoorctl: ", printable(mailbox_), ": broken off: ", printable(line->result.found), '\n'));
      return end(Exit::kFailed);
    }
  }

  void show(const CheckResult& result) {
    tally_.add(result.outcome);
    if (result.outcome == CheckResult::Outcome::kFailed) worsen(result.needs_login ? Exit::kNeedsLogin : Exit::kFailed);
    if (!context().invocation.json) context().console.out(render_check(result, context().console.width()));
  }

  const std::string& mailbox_;
  ExaminationTally tally_;
};

} // namespace

Exit run_doctor(const Context& context) {
  const auto mailboxes = named_mailboxes(context);
  if (!mailboxes) return report(context, mailboxes.error());
  Exit worst = Exit::kDone;
  for (const std::string& mailbox : *mailboxes) {
    worst = worse(worst, Examination(context, mailbox).run());
    if (worst == Exit::kNoDaemon) break;
  }
  return worst;
}

} // namespace mailmoor::cli
