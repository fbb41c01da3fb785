// check and key init: these need no daemon.
#include "cli/commands.h"
#include "config/environment.h"
#include "config/load.h"
#include "util/concat.h"
#include "util/key_file.h"
#include "util/printable.h"

#include <nlohmann/json.hpp>

namespace mailmoor::cli {

namespace {

using Json = nlohmann::ordered_json;

std::string dump(const Json& json) {
  return json.dump(-1, ' ', false, Json::error_handler_t::replace) + '\n';
}

std::string good_text(const std::string& file, const config::Config& config, bool as_json) {
  const std::size_t mailboxes = config.mailboxes.size();
  const std::size_t apps = config.apps.size();
  if (as_json) return dump({{"file", file}, {"ok", true}, {"mailboxes", mailboxes}, {"apps", apps}});
  return concat(printable(file), ": good; ", mailboxes, mailboxes == 1 ? " mailbox, " : " mailboxes, ", apps,
                apps == 1 ? " app\n" : " apps\n");
}

std::string errors_text(const std::string& file, const std::vector<config::Diagnostic>& diagnostics, bool as_json) {
  std::string text;
  Json errors = Json::array();
  for (const config::Diagnostic& diagnostic : diagnostics) {
    text += printable(diagnostic.to_string()) + '\n';
    errors.push_back({{"file", diagnostic.file},
                      {"line", diagnostic.line},
                      {"column", diagnostic.column},
                      {"message", diagnostic.message}});
  }
  return as_json ? dump({{"file", file}, {"ok", false}, {"errors", errors}}) : text;
}

} // namespace

Exit run_check(const Context& context) {
  const std::string& file = context.invocation.file;
  const bool as_json = context.invocation.json;
  const auto loaded = config::load_blocking(file, config::Environment::of_this_process());
  context.console.out(loaded ? good_text(file, *loaded, as_json) : errors_text(file, loaded.error(), as_json));
  return loaded ? Exit::kDone : Exit::kUsage;
}

Exit run_key_init(const Context& context) {
  const std::string& file = context.invocation.file;
  if (const auto made = create_key_file_blocking(file); !made) return report(context, made.error());
  if (context.invocation.json)
    context.console.out(dump({{"file", file}}));
  else
    context.console.out(concat("wrote ", printable(file),
                               "\nThe daemon's user must be able to read it. Keep a copy apart from backups of the "
                               "token database: without it the stored tokens are lost.\n"));
  return Exit::kDone;
}

} // namespace mailmoor::cli
