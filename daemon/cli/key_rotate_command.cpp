// key rotate: by the daemon, which owns the token database; by ourselves when none runs.
#include "cli/commands.h"
#include "cli/password_input.h"
#include "config/environment.h"
#include "config/load.h"
#include "control/wire.h"
#include "store/key_rotation.h"
#include "util/concat.h"
#include "util/printable.h"
#include "util/secret_file.h"

#include <unistd.h>

namespace mailmoor::cli {

namespace {

constexpr std::size_t kMaxKey = 128; // bytes; the longest form has 66

Exit tell(const Context& context, const KeyRotation& rotation) {
  context.console.out(
      concat(context.invocation.json ? control::to_json(rotation) : printable(to_text(rotation)), '\n'));
  return Exit::kDone;
}

// Empty: none is given.
Result<Secret> read_new_key(const std::string& from) {
  if (from.empty()) return Secret();
  auto key = from == "-" ? read_password_blocking(STDIN_FILENO) : read_secret_bytes_blocking(from, kMaxKey);
  if (key && key->empty())
    return fail(ErrorKind::kOperator, "key_malformed", concat(from == "-" ? "standard input" : from, " is empty"),
                "give 32 bytes: openssl rand -base64 32");
  return key;
}

store::KeyOptions key_options(const config::Config& config, const config::Environment& environment) {
  store::KeyOptions options;
  if (config.key.kind == config::SecretSource::Kind::kCredential) options.credential_name = config.key.name_or_path;
  if (config.key.kind == config::SecretSource::Kind::kFile) options.file = config.key.name_or_path;
  options.credentials_directory = environment.credentials_directory;
  options.state_dir = config.state_dir;
  return options;
}

Exit rotate_offline(const Context& context, const Secret& key) {
  const auto environment = config::Environment::of_this_process();
  const auto loaded = config::load_blocking(context.invocation.file, environment);
  if (!loaded) {
    control::Problem problem = control::make_problem(
        422, "configuration_rejected", concat("no daemon answers, and ", context.invocation.file, " has errors"),
        "correct it, or name another one with --config");
    for (const config::Diagnostic& diagnostic : loaded.error())
      problem.errors.push_back(diagnostic.to_string());
    return report(context, problem);
  }
  const auto rotated = store::rotate_key_offline_blocking(key_options(*loaded, environment), key);
  return rotated ? tell(context, *rotated) : report(context, rotated.error());
}

} // namespace

Exit run_key_rotate(const Context& context) {
  const auto key = read_new_key(context.invocation.from);
  if (!key) return worse(Exit::kUsage, report(context, key.error()));
  const Answer answer = context.client.post("/v1/key/rotate", *key);
  if (!answer && answer.error().code == kNoDaemonCode) return rotate_offline(context, *key);
  if (!answer) return report(context, answer.error());
  const auto rotation = control::key_rotation_from_json(*answer);
  return rotation ? tell(context, *rotation) : report(context, rotation.error());
}

} // namespace mailmoor::cli
