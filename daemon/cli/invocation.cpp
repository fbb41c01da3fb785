#include "cli/invocation.h"

#include "control/wire.h"
#include "util/concat.h"

#include <CLI/CLI.hpp>

#include <cstdlib>
#include <sstream>

namespace mailmoor::cli {

namespace {

constexpr const char* kDefaultConfig = "/etc/mailmoor/mailmoor.yaml";

// The first entry of a colon-separated list of directories in the environment (systemd.exec(5)), or `otherwise`.
std::string first_directory(const char* variable, std::string otherwise) {
  const char* const value = std::getenv(variable); // NOLINT(concurrency-mt-unsafe): one thread, before any other
  if (value == nullptr || *value == '\0') return otherwise;
  const std::string_view list(value);
  return std::string(list.substr(0, list.find(':')));
}

class Grammar final {
 public:
  explicit Grammar(std::string_view version);

  std::expected<Invocation, Exit> parse(int argc, const char* const* argv, Console& console);

 private:
  CLI::App* add(CLI::App& parent, Command command, const std::string& name, const std::string& description);
  void add_daemon_commands();
  void add_local_commands();
  void add_mailbox(CLI::App* command) {
    command->add_option("MAILBOX", read_.mailboxes, "Name of the mailbox")->required()->expected(1);
  }
  void add_mailboxes(CLI::App* command, const std::string& description) {
    command->add_option("MAILBOX", read_.mailboxes, description);
  }

  CLI::App app_{"Controls the mail mirroring daemon mailmoord.", "mailmoorctl"};
  Invocation read_;
  std::string flow_;
};

Grammar::Grammar(std::string_view version) {
  read_.socket = default_socket();
  app_.require_subcommand(1);
  app_.set_version_flag("--version", concat("mailmoorctl ", version), "Print the version of mailmoorctl");
  app_.add_option("--socket", read_.socket, "Control socket of the daemon")->type_name("PATH");
  app_.add_flag("--json", read_.json, "Print JSON for programs");
  add_daemon_commands();
  add_local_commands();
}

CLI::App* Grammar::add(CLI::App& parent, Command command, const std::string& name, const std::string& description) {
  CLI::App* const added = parent.add_subcommand(name, description);
  added->fallthrough(); // --json and --socket may also stand after the command
  const std::string full = &parent == &app_ ? name : concat(parent.get_name(), ' ', name);
  added->final_callback([this, command, full] {
    read_.command = command;
    read_.name = full;
  });
  return added;
}

void Grammar::add_daemon_commands() {
  CLI::App* command = add(app_, Command::kStatus, "status", "Show how the mailboxes are");
  command->add_option("MAILBOX", read_.mailboxes, "Show this one in detail")->expected(0, 1);
  command->add_flag("--watch", read_.watch, "Show it again every two seconds");

  command = add(app_, Command::kLogin, "login", "Sign in to mailboxes by OAuth2");
  add_mailboxes(command, "Mailboxes to sign in to");
  command->add_flag("--all-pending", read_.all_pending, "Every mailbox that needs a login");
  command->add_option("--flow", flow_, "How to sign in: device, browser or paste; default what the server offers")
      ->check(CLI::IsMember({"device", "browser", "paste"}))
      ->type_name("FLOW");

  add_mailbox(add(app_, Command::kLogout, "logout", "Forget the tokens or the password of a mailbox"));
  command = add(app_, Command::kPassword, "password", "Store the password of a mailbox");
  add_mailbox(command);
  command->add_flag("--stdin", read_.from_stdin, "Read it from standard input, without its line end");
  command = add(app_, Command::kSync, "sync", "Sync mailboxes now, all of them when none is named");
  add_mailboxes(command, "Mailboxes to sync");
  command->add_flag("--wait", read_.wait, "Return when they are complete");
  add_mailbox(add(app_, Command::kPause, "pause", "Hold a mailbox until it is resumed"));
  add_mailbox(add(app_, Command::kResume, "resume", "Let a mailbox go on"));
  add_mailbox(add(app_, Command::kConfirm, "confirm", "Allow a mass deletion that is held"));
  add_mailbox(add(app_, Command::kFolders, "folders", "Show the folders of a mailbox, chosen or not, and why"));
  command = add(app_, Command::kDoctor, "doctor", "Find what keeps a mailbox from syncing");
  command->add_option("MAILBOX", read_.mailboxes, "Mailbox to examine; all of them, in turn, when none is named")
      ->expected(0, 1);
  command = add(app_, Command::kVerify, "verify", "Prove the copy complete against the server");
  add_mailboxes(command, "Mailboxes to verify; all of them, in turn, when none is named");
  command->add_flag("--deep", read_.verify.deep, "Compare contents, too: fetches every message once more");
  CLI::Option* const repair =
      command->add_flag("--repair", read_.verify.repair, "Fetch what is missing, replace what is damaged");
  command->add_flag("--fetch-removed", read_.verify.fetch_removed, "Also what was removed here; goes with --repair")
      ->needs(repair);
  add(app_, Command::kReload, "reload", "Let the daemon read its configuration again");
  add(app_, Command::kVersion, "version", "Print the versions of mailmoorctl, the daemon and its parts");
}

void Grammar::add_local_commands() {
  CLI::App* const check = add(app_, Command::kCheck, "check", "Read a configuration as the daemon would");
  check->add_option("FILE", read_.file, concat("Configuration; default ", kDefaultConfig));
  CLI::App* const key = app_.add_subcommand("key", "Make or change the master key");
  key->fallthrough();
  key->require_subcommand(1);
  CLI::App* const init = add(*key, Command::kKeyInit, "init", "Write a new random key into a new file");
  init->add_option("FILE", read_.file, "Default: master.key in $STATE_DIRECTORY or /var/lib/mailmoor");
  CLI::App* const rotate = add(*key, Command::kKeyRotate, "rotate", "Encrypt all stored tokens with a new master key");
  rotate->add_option("--from", read_.from, "File of the new key, - for standard input; default: a new random one")
      ->type_name("FILE");
  rotate->add_option("--config", read_.file, concat("Configuration, when no daemon runs; default ", kDefaultConfig))
      ->type_name("FILE");
}

std::expected<Invocation, Exit> Grammar::parse(int argc, const char* const* argv, Console& console) {
  try {
    app_.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    std::ostringstream out;
    std::ostringstream err;
    const int code = app_.exit(error, out, err);
    console.out(out.view());
    console.err(err.view());
    return std::unexpected(code == 0 ? Exit::kDone : Exit::kUsage);
  }
  read_.flow = control::login_flow_from_name(flow_).value_or(LoginFlow::kAny); // checked above
  const bool wants_config = read_.command == Command::kCheck || read_.command == Command::kKeyRotate;
  if (read_.file.empty() && wants_config) read_.file = kDefaultConfig;
  if (read_.file.empty() && read_.command == Command::kKeyInit)
    read_.file = first_directory("STATE_DIRECTORY", "/var/lib/mailmoor") + "/master.key";
  return std::move(read_);
}

} // namespace

std::string default_socket() {
  return first_directory("RUNTIME_DIRECTORY", "/run/mailmoor") + "/control.sock";
}

std::expected<Invocation, Exit> parse_command_line(int argc, const char* const* argv, std::string_view version,
                                                   Console& console) {
  return Grammar(version).parse(argc, argv, console);
}

} // namespace mailmoor::cli
