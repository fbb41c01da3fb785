#include "cli/verify_view.h"

#include "cli/table.h"
#include "util/concat.h"
#include "util/printable.h"

#include <string_view>
#include <vector>

namespace mailmoor::cli {
namespace {

// A few are named; --json has all.
constexpr std::size_t kNamed = 8;

class Sentence final {
 public:
  void add(std::string_view text) { text_ += concat(text_.empty() ? "" : "; ", text); }
  // "2 missing (UIDs 4, 9)"
  void add(const UidSet& uids, std::string_view what) {
    if (uids.empty()) return;
    std::vector<std::string> names;
    UidSet rest = uids;
    rest.take_lowest(kNamed).for_each([&names](Uid uid) { names.push_back(concat(uid.value())); });
    add_named(uids.size(), what, "UID", names);
  }
  void add(const std::vector<SizeDifference>& rows, std::string_view what, std::string_view against) {
    std::vector<std::string> names;
    for (const SizeDifference& row : rows)
      if (names.size() < kNamed)
        names.push_back(concat(row.uid, ": ", row.here, " octets here, ", row.expected, ' ', against));
    if (!rows.empty()) add_named(rows.size(), what, "UID", names);
  }
  void add(const std::vector<FlagDifference>& rows, std::string_view what) {
    const auto shown = [](const std::string& letters) { return letters.empty() ? std::string("none") : letters; };
    std::vector<std::string> names;
    for (const FlagDifference& row : rows)
      if (names.size() < kNamed)
        names.push_back(concat(row.uid, ": ", shown(row.here), " here, ", shown(row.server), " there"));
    if (!rows.empty()) add_named(rows.size(), what, "UID", names);
  }
  void add_named(std::uint64_t count, std::string_view what, std::string_view one, std::vector<std::string> names) {
    std::string list;
    for (std::size_t i = 0; i < names.size() && i < kNamed; ++i)
      list += concat(i == 0 ? "" : ", ", printable(names[i]));
    if (count > kNamed) list += concat(" and ", count - kNamed, " more");
    add(concat(count, ' ', what, " (", one, one.empty() ? "" : count == 1 ? " " : "s ", list, ")"));
  }
  [[nodiscard]] const std::string& text() const noexcept { return text_; }

 private:
  std::string text_;
};

} // namespace

std::string render_findings(const FolderFindings& findings, std::optional<std::size_t> width) {
  Sentence said;
  if (!findings.failed.empty()) said.add(concat("could not be compared: ", printable(findings.failed)));
  if (findings.unlisted != 0) said.add(concat(findings.unlisted, " announced by the server and not listed"));
  said.add(findings.missing, "missing");
  said.add(findings.removed_here, "removed here");
  said.add(findings.poison, "not given by the server so far");
  said.add(findings.unreadable, "not readable");
  said.add(findings.wrong_size, "of a wrong size", "expected");
  said.add(findings.wrong_content, "of another content");
  said.add(findings.not_given, "not compared, as the server did not give them");
  said.add(findings.wrong_flags, "of other flags");
  said.add(findings.repaired, "repaired");
  said.add(findings.size_differs, "of another size than the server says", "there");
  said.add(findings.changed_here, "with flags changed here");
  said.add(findings.left_out, "left out by the filters");
  said.add(findings.not_on_server, "not on the server any more, kept here");
  if (findings.stranger_count != 0)
    said.add_named(findings.stranger_count,
                   findings.stranger_count == 1 ? "file that is no message of it" : "files that are no messages of it",
                   "", findings.strangers);
  if (said.text().empty()) return {};
  constexpr std::size_t kIndent = 4;
  std::string text = wrapped(concat(printable(findings.folder), ": ", said.text()), kIndent, width);
  text.erase(0, 2); // the first line stands out
  return text;
}

std::string render_verdict(const std::string& mailbox, const VerifySummary& summary, const VerifyRequest& request,
                           bool has_removed) {
  const auto folders = [](std::uint64_t count) { return concat(count, count == 1 ? " folder" : " folders"); };
  const std::string name = printable(mailbox);
  std::string text;
  if (summary.incomplete == 0) {
    text = concat(name, ": complete: ", summary.here, summary.here == 1 ? " message in " : " messages in ",
                  folders(summary.folders), request.deep ? ", contents compared" : "", '\n');
  } else {
    text = concat(name, ": NOT complete: gaps in ", summary.incomplete, " of ", folders(summary.folders), "; ",
                  summary.here, " of ", summary.server_messages, " messages are here\n");
    if (!request.repair)
      text += concat("  → mend what can be: mailmoorctl verify ", name, request.deep ? " --deep" : "", " --repair",
                     has_removed ? " (with --fetch-removed also what was removed here)" : "", '\n');
    else if (has_removed && !request.fetch_removed)
      text += concat("  → fetch what was removed here: mailmoorctl verify ", name, " --repair --fetch-removed\n");
  }
  if (!summary.not_chosen.empty())
    text += concat("  not mirrored, by the configuration: ", folders(summary.not_chosen.size()),
                   " (mailmoorctl folders ", name, ")\n");
  return text;
}

std::string render_progress(const VerifyProgress& progress, std::size_t width) {
  std::string_view phase;
  switch (progress.phase) {
  case VerifyProgress::Phase::kListing: phase = "listing"; break;
  case VerifyProgress::Phase::kReading: phase = "reading files"; break;
  case VerifyProgress::Phase::kComparing: phase = "comparing contents"; break;
  case VerifyProgress::Phase::kRepairing: phase = "repairing"; break;
  }
  return shortened(concat(printable(progress.folder), ": ", phase, ", ", progress.done, " of ", progress.total), width);
}

} // namespace mailmoor::cli
