#include "cli/commands.h"
#include "cli/streamed_order.h"
#include "cli/verify_view.h"
#include "control/wire.h"
#include "util/concat.h"
#include "util/printable.h"

#include <string>
#include <utility>

namespace mailmoor::cli {
namespace {

using Line = control::VerificationLine;

[[nodiscard]] std::string path_of(const std::string& mailbox, const VerifyRequest& request) {
  return DaemonClient::mailbox_path(mailbox,
                                    concat("verify?deep=", request.deep ? 1 : 0, "&repair=", request.repair ? 1 : 0,
                                           "&fetch_removed=", request.fetch_removed ? 1 : 0));
}

// One mailbox's verification and what is shown of it.
class Verification final : public StreamedOrder {
 public:
  Verification(const Context& context, const std::string& mailbox)
      : StreamedOrder(context, path_of(mailbox, context.invocation.verify), "the verification"), mailbox_(mailbox) {}

 private:
  void on_line(std::string_view text) override {
    clear_progress();
    const auto line = control::verification_line_from_json(text);
    if (!line) return end(report(context(), line.error()));
    if (context().invocation.json) context().console.out(control::to_json(*line) + '\n');
    switch (line->kind) {
    case Line::Kind::kProgress: return show(line->progress);
    case Line::Kind::kFolder: return show(line->findings);
    case Line::Kind::kFinished:
      if (!context().invocation.json)
        context().console.out(render_verdict(mailbox_, line->summary, context().invocation.verify, has_removed_));
      return end(line->summary.incomplete == 0 ? Exit::kDone : Exit::kFailed);
    case Line::Kind::kFailed: return broken_off(*line);
    }
  }

  void on_broken_off() override { clear_progress(); }

  void broken_off(const Line& line) {
    context().console.err(concat("mailmoorctl: ", printable(mailbox_), ": broken off: ", printable(line.error), '\n'));
    if (!line.remedy.empty()) context().console.err(concat("  → ", printable(line.remedy), '\n'));
    end(line.code == "needs_login" ? Exit::kNeedsLogin : Exit::kFailed);
  }

  void show(const VerifyProgress& progress) {
    const auto width = context().console.width();
    if (!width || context().invocation.json) return;
    context().console.out(render_progress(progress, *width));
    is_drawn_ = true;
  }

  void show(const FolderFindings& findings) {
    has_removed_ |= !findings.removed_here.empty();
    if (!context().invocation.json) context().console.out(render_findings(findings, context().console.width()));
  }

  void clear_progress() {
    if (std::exchange(is_drawn_, false)) context().console.out("\r\x1b[K");
  }

  const std::string& mailbox_;
  bool has_removed_ = false;
  bool is_drawn_ = false; // a line of progress, without its end
};

} // namespace

Exit run_verify(const Context& context) {
  const auto mailboxes = named_mailboxes(context);
  if (!mailboxes) return report(context, mailboxes.error());
  Exit worst = Exit::kDone;
  for (const std::string& mailbox : *mailboxes) {
    worst = worse(worst, Verification(context, mailbox).run());
    if (worst == Exit::kNoDaemon) break;
  }
  return worst;
}

} // namespace mailmoor::cli
