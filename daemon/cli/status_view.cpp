#include "cli/status_view.h"

#include "cli/relative_time.h"
#include "cli/table.h"
#include "util/concat.h"
#include "util/printable.h"
#include "util/quantity_text.h"

namespace mailmoor::cli {

namespace {

std::string shown_rate(double messages_per_second) {
  return messages_per_second < 0.05 ? "-" : rate_text(messages_per_second);
}

// Empty: nothing to be told.
std::string rate_fact(const MailboxStatus& mailbox) {
  const bool fetches = mailbox.messages_per_second >= 0.05;
  if (!mailbox.rate_limit) return fetches ? rate_text(mailbox.messages_per_second) : "";
  return concat(fetches ? rate_text(mailbox.messages_per_second) + ", " : "", "at most ",
                rate_text(*mailbox.rate_limit), " since the server asked for less");
}

std::string daily_fact(const MailboxStatus& mailbox) {
  if (mailbox.daily_bytes == 0) return {};
  return concat(size_text(mailbox.daily_bytes_used), " of ", size_text(mailbox.daily_bytes), " used");
}

std::string count_of(std::size_t count, std::string_view one, std::string_view many) {
  return concat(count, ' ', count == 1 ? one : many);
}

void add_trouble(Table& table, const MailboxStatus& mailbox) {
  if (!mailbox.reason.empty()) table.add_note(printable(mailbox.reason));
  if (!mailbox.remedy.empty()) table.add_note("→ " + printable(mailbox.remedy));
  if (!mailbox.poison.empty())
    table.add_note(concat(count_of(mailbox.poison.size(), "message", "messages"),
                          " could not be fetched: see mailmoorctl status ", printable(mailbox.name)));
}

// "  label   value", nothing for an empty value
std::string fact(std::string_view label, std::string_view value, std::optional<std::size_t> width) {
  if (value.empty()) return {};
  constexpr std::size_t kLabelWidth = 22;
  std::string text = wrapped(value, kLabelWidth, width);
  return text.replace(2, label.size(), label);
}

// Nothing while all is well.
std::string app_trouble(const AppStatus& app, UnixTime now, std::optional<std::size_t> width) {
  if (app.reason.empty()) return {};
  std::string out = concat("app ", printable(app.name), ", ", count_of(app.mailboxes, "mailbox", "mailboxes"),
                           ", next try ", relative_time(app.retry_at, now, "-"), ":\n");
  out += wrapped(printable(app.reason), 4, width);
  if (!app.remedy.empty()) out += wrapped("→ " + printable(app.remedy), 4, width);
  return out;
}

// What the filters leave out; empty when that is nothing.
std::string left_out_text(const MailboxStatus& mailbox) {
  std::uint64_t old = 0;
  std::uint64_t large = 0;
  for (const FolderStatus& folder : mailbox.folders) {
    old += folder.too_old;
    large += folder.too_large;
  }
  if (old == 0 && large == 0) return {};
  return concat(old, " too old, ", large, " too large, as configured");
}

std::string poison_table(const MailboxStatus& mailbox, UnixTime now, std::optional<std::size_t> width) {
  if (mailbox.poison.empty()) return {};
  Table table({{.title = "NOT FETCHED"}, {.title = "UID", .right = true}, {.title = "NEXT TRY", .importance = 1}});
  for (const auto& poison : mailbox.poison) {
    table.add_row({printable(poison.folder), std::to_string(poison.uid), relative_time(poison.retry_at, now, "-")});
    table.add_note(printable(poison.reason));
  }
  return '\n' + table.render(width);
}

std::string too_large_table(const MailboxStatus& mailbox, std::optional<std::size_t> width) {
  if (mailbox.too_large.empty()) return {};
  Table table({{.title = "TOO LARGE"}, {.title = "UID", .right = true}, {.title = "SIZE", .right = true}});
  for (const auto& message : mailbox.too_large)
    table.add_row({printable(message.folder), std::to_string(message.uid), size_text(message.size)});
  std::uint64_t all = 0;
  for (const FolderStatus& folder : mailbox.folders)
    all += folder.too_large;
  if (all > mailbox.too_large.size()) table.add_note(concat("and ", all - mailbox.too_large.size(), " more"));
  return '\n' + table.render(width);
}

} // namespace

std::string render_fleet(const FleetStatus& fleet, UnixTime now, std::optional<std::size_t> width) {
  std::string out = concat("mailmoord ", printable(fleet.version), ", up for ", short_duration(now - fleet.started_at));
  if (!fleet.summary.empty()) out += concat(": ", printable(fleet.summary));
  out += '\n';
  for (const AppStatus& app : fleet.apps)
    out += app_trouble(app, now, width);
  if (fleet.mailboxes.empty()) return out + "no mailboxes in the configuration\n";
  Table table({{.title = "MAILBOX"},
               {.title = "STATE"},
               {.title = "SINCE", .importance = 3},
               {.title = "LAST SYNC", .importance = 6},
               {.title = "MESSAGES", .right = true, .importance = 5},
               {.title = "BEHIND", .right = true, .importance = 7},
               {.title = "RATE", .right = true, .importance = 1},
               {.title = "TOKEN ENDS", .importance = 2},
               {.title = "NEXT TRY", .importance = 8}});
  for (const MailboxStatus& mailbox : fleet.mailboxes) {
    table.add_row({printable(mailbox.name), std::string(mailbox_state_name(mailbox.state)),
                   relative_time(mailbox.since, now, "-"), relative_time(mailbox.last_sync, now, "never"),
                   std::to_string(mailbox.messages), std::to_string(mailbox.behind),
                   shown_rate(mailbox.messages_per_second), relative_time(mailbox.token_expires_at, now, "-"),
                   relative_time(mailbox.retry_at, now, "-")});
    add_trouble(table, mailbox);
  }
  return out + table.render(width);
}

std::string render_mailbox(const MailboxStatus& mailbox, UnixTime now, std::optional<std::size_t> width) {
  std::string out = concat(printable(mailbox.name), ": ", mailbox_state_name(mailbox.state), " since ",
                           to_rfc3339(mailbox.since), " (", relative_time(mailbox.since, now, ""), ")\n");
  out += fact("why", printable(mailbox.reason), width);
  out += fact("what to do", printable(mailbox.remedy), width);
  out += fact("next try", relative_time(mailbox.retry_at, now, ""), width);
  out += fact("last complete sync", relative_time(mailbox.last_sync, now, "never"), width);
  out += fact("messages", concat(mailbox.messages, ", behind ", mailbox.behind), width);
  out += fact("left out", left_out_text(mailbox), width);
  out += fact("rate", rate_fact(mailbox), width);
  out += fact("daily bytes", daily_fact(mailbox), width);
  out += fact("access token ends", relative_time(mailbox.token_expires_at, now, ""), width);
  if (!mailbox.folders.empty()) {
    Table table({{.title = "FOLDER"},
                 {.title = "MESSAGES", .right = true},
                 {.title = "BEHIND", .right = true},
                 {.title = "LAST SYNC", .importance = 2},
                 {.title = "DIRECTORY", .importance = 1}});
    for (const FolderStatus& folder : mailbox.folders)
      if (folder.chosen)
        table.add_row({printable(folder.name), std::to_string(folder.messages), std::to_string(folder.behind),
                       relative_time(folder.last_sync, now, "never"), printable(folder.directory)});
    out += '\n' + table.render(width);
  }
  return out + poison_table(mailbox, now, width) + too_large_table(mailbox, width);
}

std::string render_folders(const std::vector<FolderStatus>& folders, UnixTime now, std::optional<std::size_t> width) {
  if (folders.empty()) return "no folders are known yet: the mailbox has not been listed\n";
  Table table({{.title = "FOLDER"},
               {.title = "CHOSEN"},
               {.title = "MESSAGES", .right = true, .importance = 3},
               {.title = "BEHIND", .right = true, .importance = 4},
               {.title = "LAST SYNC", .importance = 2},
               {.title = "WHY"}});
  for (const FolderStatus& folder : folders)
    table.add_row({printable(folder.name), folder.chosen ? "yes" : "no", std::to_string(folder.messages),
                   std::to_string(folder.behind), folder.chosen ? relative_time(folder.last_sync, now, "never") : "-",
                   printable(folder.why)});
  return table.render(width);
}

} // namespace mailmoor::cli
