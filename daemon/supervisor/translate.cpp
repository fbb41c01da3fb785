#include "supervisor/translate.h"

#include "config/secret_source.h"
#include "util/concat.h"

#include <memory>

namespace mailmoor::supervisor {
namespace {

[[nodiscard]] mailbox::Compression compression_of(config::Compress compress) {
  switch (compress) {
  case config::Compress::kAuto: return mailbox::Compression::kAuto;
  case config::Compress::kOff: return mailbox::Compression::kOff;
  case config::Compress::kOn: break;
  }
  return mailbox::Compression::kOn;
}

} // namespace

mailbox::OauthClientSettings client_settings(const config::App& app, const Prepared& prepared) {
  mailbox::OauthClientSettings settings;
  oauth::ClientRegistration& registration = settings.registration;
  registration.app_name = app.name;
  registration.client_id = app.client_id;
  registration.scopes = app.scopes;
  registration.endpoints.issuer = app.issuer;
  registration.endpoints.device_authorization = app.device_authorization_endpoint;
  registration.endpoints.authorization = app.authorization_endpoint;
  registration.endpoints.token = app.token_endpoint;
  if (const auto secret = prepared.client_secrets.find(app.name); secret != prepared.client_secrets.end())
    registration.client_secret = secret->second.clone();
  if (const auto found = prepared.certificates.find(app.name); found != prepared.certificates.end())
    registration.certificate = found->second;
  registration.assertion_algorithm = app.assertion_algorithm == config::AssertionAlgorithm::kRs256
                                         ? oauth::SigningAlgorithm::kRs256
                                         : oauth::SigningAlgorithm::kPs256;
  if (const auto found = prepared.service_accounts.find(app.name); found != prepared.service_accounts.end()) {
    registration.service_account = found->second;
    registration.client_id = found->second->client_email;
    if (!found->second->token_uri.empty()) registration.endpoints.token = found->second->token_uri;
  }
  // What was named wins; the issuer is asked for what is missing.
  const bool can_sign_in = app.grant != config::Grant::kDelegated || !app.device_authorization_endpoint.empty() ||
                           !app.authorization_endpoint.empty();
  settings.discovers = !app.issuer.empty() && (app.token_endpoint.empty() || !can_sign_in);
  settings.trust = prepared.trust.at(app.ca_file);
  settings.proxy = app.proxy;
  settings.refreshes_per_minute = prepared.config.limits.refreshes_per_minute;
  return settings;
}

mailbox::MailboxSettings mailbox_settings(const config::Mailbox& mailbox, const Prepared& prepared,
                                          const config::Environment& environment) {
  mailbox::MailboxSettings settings;
  settings.name = mailbox.name;
  settings.user = mailbox.user;
  settings.connection.host = mailbox.host;
  settings.connection.port = mailbox.port;
  settings.connection.tls =
      mailbox.tls == config::Tls::kImplicit ? mailbox::TlsMode::kImplicit : mailbox::TlsMode::kStartTls;
  settings.connection.trust = prepared.trust.at(mailbox.ca_file);
  settings.connection.proxy = mailbox.proxy;
  settings.connection.compression = compression_of(mailbox.compress);
  settings.connection.connect_timeout = mailbox.timeouts.connect;
  settings.connection.io_timeout = mailbox.timeouts.io;
  if (mailbox.password.is_set()) {
    // std::function wants to copy: a SecretSource clones its literal.
    settings.read_password_blocking = [source = mailbox.password, environment] {
      return config::resolve_blocking(source, environment);
    };
  }
  settings.folders.include = mailbox.folders.include;
  settings.folders.exclude = mailbox.folders.exclude;
  // Calendars and contacts among the mailboxes are Exchange's way; a "Notes" of another server holds mail.
  const config::App* const app = prepared.config.find_app(mailbox.app);
  settings.folders.skip_non_mail = app != nullptr && app->provider == config::Provider::kMicrosoft;
  settings.filter = {mailbox.filters.since, mailbox.filters.max_age, mailbox.filters.max_size};
  settings.maildir = mailbox.maildir;
  settings.layout = mailbox.layout == config::Layout::kFs ? maildir::Layout::kFs : maildir::Layout::kMaildirPlusPlus;
  settings.line_endings =
      mailbox.line_endings == config::LineEndings::kCrlf ? maildir::LineEndings::kCrlf : maildir::LineEndings::kLf;
  settings.keep_flags = mailbox.flags != config::FlagMode::kOff;
  settings.wants.flags = mailbox.flags == config::FlagMode::kMirror;
  settings.wants.deletions = mailbox.deletions == config::Deletions::kMirror;
  settings.push = mailbox.push == config::Push::kAuto;
  settings.poll = mailbox.poll;
  settings.daily_bytes = mailbox.daily_bytes;
  return settings;
}

mailbox::ExaminationSettings examination_settings(const config::Mailbox& mailbox, const Prepared& prepared,
                                                  const config::Environment& environment,
                                                  const std::string& key_source) {
  mailbox::MailboxSettings of_mailbox = mailbox_settings(mailbox, prepared, environment);
  mailbox::ExaminationSettings settings;
  settings.mailbox = mailbox.name;
  settings.user = mailbox.user;
  settings.connection = std::move(of_mailbox.connection);
  settings.read_password_blocking = std::move(of_mailbox.read_password_blocking);
  settings.folders = std::move(of_mailbox.folders);
  settings.maildir = mailbox.maildir;
  settings.state_dir = prepared.config.state_dir;
  settings.key_source = key_source;
  oauth::TokenExpectations& token = settings.token;
  token.mailbox = mailbox.name;
  token.user = mailbox.user;
  token.login_user = mailbox.login_user;
  if (const config::App* const app = prepared.config.find_app(mailbox.app)) {
    token.tenant = app->tenant;
    if (app->provider == config::Provider::kMicrosoft) token.service = oauth::MailService::kExchange;
    if (app->provider == config::Provider::kGoogle) token.service = oauth::MailService::kGmail;
  }
  return settings;
}

std::string token_id(const config::Mailbox& mailbox, const config::App& app) {
  const bool is_apps_own = app.grant == config::Grant::kClientCredentials;
  return concat(app.name, "/", is_apps_own ? "" : mailbox.login_user);
}

mailbox::TokenSource token_source(const config::Mailbox& mailbox, const config::App& app) {
  mailbox::TokenSource source;
  switch (app.grant) {
  case config::Grant::kDelegated: break;
  case config::Grant::kClientCredentials: source.app_grant = oauth::AppGrant::kClientCredentials; break;
  case config::Grant::kServiceAccount:
    source.app_grant = oauth::AppGrant::kServiceAccount;
    source.user = mailbox.user;
    break;
  }
  return source;
}

} // namespace mailmoor::supervisor
