#include "cli/run.h"

#include "cli/commands.h"
#include "util/concat.h"

#include <curl/curl.h>
#include <sys/resource.h>

#include <exception>

namespace mailmoor::cli {

namespace {

struct CurlLibrary {
  CurlLibrary() { curl_global_init(CURL_GLOBAL_DEFAULT); }
  ~CurlLibrary() { curl_global_cleanup(); }
  CurlLibrary(const CurlLibrary&) = delete;
  CurlLibrary& operator=(const CurlLibrary&) = delete;
};

Exit dispatch(const Context& context) {
  switch (context.invocation.command) {
  case Command::kCheck: return run_check(context);
  case Command::kStatus: return run_status(context);
  case Command::kLogin: return run_login(context);
  case Command::kLogout: return run_logout(context);
  case Command::kPassword: return run_password(context);
  case Command::kSync: return run_sync(context);
  case Command::kPause: return run_pause(context);
  case Command::kResume: return run_resume(context);
  case Command::kConfirm: return run_confirm(context);
  case Command::kFolders: return run_folders(context);
  case Command::kDoctor: return run_doctor(context);
  case Command::kVerify: return run_verify(context);
  case Command::kKeyInit: return run_key_init(context);
  case Command::kKeyRotate: return run_key_rotate(context);
  case Command::kReload: return run_reload(context);
  case Command::kVersion: return run_version(context);
  }
  return Exit::kUsage;
}

} // namespace

int run(int argc, const char* const* argv, std::string_view version, Console& console) {
  try {
    const rlimit no_core{}; // a password may be in memory
    ::setrlimit(RLIMIT_CORE, &no_core);
    const auto invocation = parse_command_line(argc, argv, version, console);
    if (!invocation) return static_cast<int>(invocation.error());
    const CurlLibrary curl;
    DaemonClient client(invocation->socket);
    const Context context{*invocation, std::string(version), console, client};
    return static_cast<int>(dispatch(context));
  } catch (const std::exception& error) {
    console.err(concat("mailmoorctl: ", error.what(), '\n'));
    return static_cast<int>(Exit::kFailed);
  }
}

int run(int argc, const char* const* argv, std::string_view version) {
  ProcessConsole console;
  return run(argc, argv, version, console);
}

} // namespace mailmoor::cli
