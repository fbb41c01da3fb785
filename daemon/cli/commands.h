// The commands of mailmoorctl. Each prints its outcome and returns the exit code.
#pragma once

#include "cli/console.h"
#include "cli/daemon_client.h"
#include "cli/exit_code.h"
#include "cli/invocation.h"
#include "util/result.h"
#include "util/time_text.h"

#include <string>

namespace mailmoor::cli {

struct Context {
  const Invocation& invocation;
  std::string version; // of mailmoorctl
  Console& console;
  DaemonClient& client;
};

[[nodiscard]] UnixTime current_time();

// Tells what went wrong and what to do: to people on standard error, with --json also as a document on standard output.
Exit report(const Context& context, const control::Problem& problem);
Exit report(const Context& context, const Error& error);

Exit run_status(const Context& context);
Exit run_login(const Context& context);
Exit run_logout(const Context& context);
Exit run_password(const Context& context);
Exit run_sync(const Context& context);
Exit run_pause(const Context& context);
Exit run_resume(const Context& context);
Exit run_confirm(const Context& context);
Exit run_folders(const Context& context);
Exit run_doctor(const Context& context);
Exit run_verify(const Context& context);
Exit run_reload(const Context& context);
Exit run_version(const Context& context);
Exit run_check(const Context& context);
Exit run_key_init(const Context& context);
Exit run_key_rotate(const Context& context);

} // namespace mailmoor::cli
