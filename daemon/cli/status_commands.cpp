// status, folders, version, reload: what the daemon says about itself.
#include "cli/commands.h"
#include "cli/status_view.h"
#include "control/wire.h"
#include "util/concat.h"
#include "util/printable.h"

#include <curl/curl.h>
#include <unistd.h>

namespace mailmoor::cli {

namespace {

constexpr unsigned kWatchSeconds = 2;

Exit show_fleet(const Context& context) {
  const Answer answer = context.client.get("/v1/status");
  if (!answer) return report(context, answer.error());
  if (context.invocation.json) {
    context.console.out(*answer + '\n');
    return Exit::kDone;
  }
  const auto fleet = control::fleet_status_from_json(*answer);
  if (!fleet) return report(context, fleet.error());
  context.console.out(render_fleet(*fleet, current_time(), context.console.width()));
  return Exit::kDone;
}

Exit show_mailbox(const Context& context, const std::string& mailbox) {
  const Answer answer = context.client.get(DaemonClient::mailbox_path(mailbox));
  if (!answer) return report(context, answer.error());
  if (context.invocation.json) {
    context.console.out(concat("{\"mailboxes\":[", *answer, "]}\n"));
    return Exit::kDone;
  }
  const auto status = control::mailbox_status_from_json(*answer);
  if (!status) return report(context, status.error());
  context.console.out(render_mailbox(*status, current_time(), context.console.width()));
  return Exit::kDone;
}

Exit show_status(const Context& context) {
  const auto& mailboxes = context.invocation.mailboxes;
  return mailboxes.empty() ? show_fleet(context) : show_mailbox(context, mailboxes.front());
}

std::string parts_text(const control::Versions& versions) {
  std::string text;
  for (const auto& [name, version] : versions.parts)
    text += concat(text.empty() ? " (" : ", ", printable(name), ' ', printable(version));
  return text.empty() ? text : text + ')';
}

control::Versions own_versions(const Context& context) {
  return {context.version, {{"libcurl", curl_version_info(CURLVERSION_NOW)->version}}};
}

std::string names_text(std::string_view label, const std::vector<std::string>& names) {
  std::string text;
  for (const std::string& name : names)
    text += concat(text.empty() ? "" : ", ", printable(name));
  return names.empty() ? text : concat(label, ": ", text, '\n');
}

} // namespace

Exit run_status(const Context& context) {
  if (!context.invocation.watch) return show_status(context);
  const bool draws = context.console.width().has_value() && !context.invocation.json;
  while (true) { // until a signal ends it; a daemon that restarts meanwhile comes back into view
    if (draws) context.console.out("\x1b[H\x1b[2J");
    const Exit exit = show_status(context);
    if (exit != Exit::kDone && exit != Exit::kNoDaemon) return exit;
    ::sleep(kWatchSeconds);
  }
}

Exit run_folders(const Context& context) {
  const Answer answer = context.client.get(DaemonClient::mailbox_path(context.invocation.mailboxes.front(), "folders"));
  if (!answer) return report(context, answer.error());
  if (context.invocation.json) {
    context.console.out(*answer + '\n');
    return Exit::kDone;
  }
  const auto folders = control::folders_from_json(*answer);
  if (!folders) return report(context, folders.error());
  context.console.out(render_folders(*folders, current_time(), context.console.width()));
  return Exit::kDone;
}

Exit run_version(const Context& context) {
  const control::Versions own = own_versions(context);
  if (!context.invocation.json) context.console.out(concat("mailmoorctl ", own.daemon, parts_text(own), '\n'));
  const Answer answer = context.client.get("/v1/version");
  if (!answer) return report(context, answer.error());
  const auto daemon = control::versions_from_json(*answer);
  if (!daemon) return report(context, daemon.error());
  if (context.invocation.json)
    context.console.out(
        concat("{\"mailmoorctl\":", control::to_json(own), ",\"mailmoord\":", control::to_json(*daemon), "}\n"));
  else
    context.console.out(concat("mailmoord ", printable(daemon->daemon), parts_text(*daemon), '\n'));
  return Exit::kDone;
}

Exit run_reload(const Context& context) {
  const Answer answer = context.client.post("/v1/reload");
  if (!answer) return report(context, answer.error());
  if (context.invocation.json) {
    context.console.out(*answer + '\n');
    return Exit::kDone;
  }
  const auto done = control::reload_report_from_json(*answer);
  if (!done) return report(context, done.error());
  const std::string changes = concat(names_text("added", done->added), names_text("changed", done->changed),
                                     names_text("removed", done->removed));
  context.console.out(changes.empty() ? "reloaded; no mailbox changed\n" : changes);
  return Exit::kDone;
}

} // namespace mailmoor::cli
