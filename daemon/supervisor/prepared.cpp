#include "supervisor/prepared.h"

#include "config/files.h"
#include "config/load.h"
#include "config/secret_source.h"
#include "util/concat.h"

#include <memory>
#include <optional>
#include <string_view>
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

// What an app shows of itself. `key`: of the configuration, for messages.
class CredentialLoader final {
 public:
  CredentialLoader(const config::App& app, const config::Environment& environment, std::vector<std::string>& errors)
      : app_(app), environment_(environment), errors_(errors) {}

  [[nodiscard]] std::optional<Secret> secret(const config::SecretSource& source, std::string_view key) {
    auto secret = config::resolve_blocking(source, environment_);
    if (secret) return *std::move(secret);
    complain(source.where, key, secret.error());
    return std::nullopt;
  }
  [[nodiscard]] std::shared_ptr<const oauth::ClientCertificate> certificate() {
    const auto key = secret(app_.certificate.key, "certificate: key");
    auto file = config::DiskFiles().read(app_.certificate.file);
    if (!file) {
      const Error error = std::move(file).error().within(concat("cannot read ", app_.certificate.file));
      return complain(app_.certificate.where, "certificate", error), nullptr;
    }
    if (!key) return nullptr;
    auto parsed = oauth::ClientCertificate::parse(file->text, key->reveal());
    wipe_memory(file->text.data(), file->text.size()); // it may hold the key, too
    if (parsed) return std::make_shared<const oauth::ClientCertificate>(*std::move(parsed));
    const bool is_about_key = parsed.error().code.starts_with("key_");
    const std::string from = is_about_key ? app_.certificate.key.describe() : app_.certificate.file;
    complain(is_about_key ? app_.certificate.key.where : app_.certificate.where, "certificate",
             std::move(parsed).error().within(from));
    return nullptr;
  }
  [[nodiscard]] std::shared_ptr<const oauth::ServiceAccount> service_account() {
    const config::SecretSource& source = app_.service_account_key;
    const auto json = secret(source, "service_account_key");
    if (!json) return nullptr;
    auto parsed = oauth::ServiceAccount::parse(json->reveal());
    if (parsed) return std::make_shared<const oauth::ServiceAccount>(*std::move(parsed));
    complain(source.where, "service_account_key", std::move(parsed).error().within(source.describe()));
    return nullptr;
  }

 private:
  void complain(const std::string& where, std::string_view key, const Error& error) {
    errors_.push_back(concat(where, ": ", key, " of app ", app_.name, ": ", line(error)));
  }

  const config::App& app_;
  const config::Environment& environment_;
  std::vector<std::string>& errors_;
};

void load_credentials(Prepared& prepared, const config::App& app, const config::Environment& environment,
                      std::vector<std::string>& errors) {
  CredentialLoader loader(app, environment, errors);
  if (app.client_secret.is_set())
    if (auto secret = loader.secret(app.client_secret, "client_secret"))
      prepared.client_secrets.emplace(app.name, *std::move(secret));
  if (!app.certificate.file.empty()) prepared.certificates.emplace(app.name, loader.certificate());
  if (app.service_account_key.is_set()) prepared.service_accounts.emplace(app.name, loader.service_account());
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
    load_credentials(prepared, app, environment, errors);
  }
  if (!errors.empty()) return std::unexpected(std::move(errors));
  return prepared;
}

} // namespace mailmoor::supervisor
