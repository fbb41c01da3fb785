#include "supervisor/prepared.h"

#include "config/load.h"
#include "config/secret_source.h"
#include "util/concat.h"

#include <utility>

namespace mailmoor::supervisor {
namespace {

[[nodiscard]] std::string line(const Error& error) {
  return concat(error.what, error.remedy.empty() ? "" : "; ", error.remedy);
}

// `whose`: "mailbox alice", the first one that names the file.
void load_trust(Prepared& prepared, const std::string& ca_file, const std::string& whose,
                std::vector<std::string>& errors) {
  if (prepared.trust.contains(ca_file)) return;
  auto trust = net::Trust::load_blocking(ca_file);
  if (!trust) errors.push_back(concat(whose, ": ", line(trust.error())));
  prepared.trust.emplace(ca_file, trust ? *std::move(trust) : nullptr);
}

} // namespace

std::expected<Prepared, std::vector<std::string>> prepare_blocking(const std::string& config_file,
                                                                   const config::Environment& environment) {
  std::vector<std::string> errors;
  auto loaded = config::load_blocking(config_file, environment);
  if (!loaded) {
    for (const config::Diagnostic& diagnostic : loaded.error())
      errors.push_back(diagnostic.to_string());
    return std::unexpected(std::move(errors));
  }
  Prepared prepared;
  prepared.config = *std::move(loaded);
  for (const config::Mailbox& mailbox : prepared.config.mailboxes)
    load_trust(prepared, mailbox.ca_file, concat("mailbox ", mailbox.name), errors);
  for (const config::App& app : prepared.config.apps) {
    load_trust(prepared, app.ca_file, concat("app ", app.name), errors);
    if (!app.client_secret.is_set()) continue;
    auto secret = config::resolve_blocking(app.client_secret, environment);
    if (secret)
      prepared.client_secrets.emplace(app.name, *std::move(secret));
    else
      errors.push_back(
          concat(app.client_secret.where, ": client_secret of app ", app.name, ": ", line(secret.error())));
  }
  if (!errors.empty()) return std::unexpected(std::move(errors));
  return prepared;
}

} // namespace mailmoor::supervisor
