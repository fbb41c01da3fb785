#include "config/app_reader.h"

#include "config/app_rules.h"
#include "config/providers.h"
#include "config/section.h"
#include "util/ascii.h"
#include "util/printable.h"

#include <algorithm>

namespace mailmoor::config {
namespace {

// A domain, a GUID, or one of Microsoft's words: it becomes a part of the endpoints' paths.
[[nodiscard]] std::optional<std::string> read_tenant(const Value& value) {
  auto tenant = value.text();
  const auto is_fine = [](char c) {
    return (ascii_lower(c) >= 'a' && ascii_lower(c) <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '.';
  };
  if (!tenant || (std::ranges::all_of(*tenant, is_fine) && !tenant->starts_with('.') && !tenant->contains("..")))
    return tenant;
  value.wrong("it is no tenant; write the directory's domain or id, or organizations, consumers or common");
  return std::nullopt;
}

[[nodiscard]] std::optional<std::string> read_authority(const Value& value) {
  auto url = value.https_url();
  while (url && url->ends_with('/'))
    url->pop_back();
  return url;
}

// One scope (RFC 6749 §3.3).
[[nodiscard]] std::optional<std::string> read_scope(const Value& value) {
  auto scope = value.text();
  if (!scope ||
      (scope->find_first_of(" \"\\") == std::string::npos && std::ranges::all_of(*scope, [](char c) { return c > 0; })))
    return scope;
  value.wrong("one entry is one scope, in ASCII, without spaces and quotes; write [first, second]");
  return std::nullopt;
}

void read_scopes(const Value& value, App& app) {
  const auto entries = value.list();
  if (!entries) return;
  if (entries->empty()) return value.wrong("it is empty; leave the key out for the provider's own scopes");
  bool has_error = false;
  for (const Value& entry : *entries) {
    auto scope = read_scope(entry);
    if (scope && is_right_scope(entry, *scope, app)) {
      app.scopes.push_back(*std::move(scope));
    } else {
      has_error = true;
    }
  }
  if (!has_error && app.provider == Provider::kMicrosoft && app.grant == Grant::kDelegated &&
      std::ranges::find(app.scopes, "offline_access") == app.scopes.end())
    value.wrong("without offline_access there is no refresh token; add it");
}

[[nodiscard]] ClientCertificate read_certificate(const Value& value) {
  ClientCertificate out;
  out.where = value.place().where();
  if (value.node().kind != YamlNode::Kind::kMap) {
    value.wrong("expected {file: app.pem, key: SECRET}, where SECRET is {credential: NAME} or {file: PATH}");
    return out;
  }
  const Section section(value, kCertificateKeys);
  section.with("file", [&](const Value& v) { assign(out.file, v.existing_file()); });
  section.with("key", [&](const Value& v) { out.key = read_secret_source(v); });
  if (!section.find("file")) value.wrong("it has no \"file\": the certificate, in PEM");
  if (!section.find("key"))
    value.wrong(
        "it has no \"key\": the private key, {credential: NAME} or {file: PATH}; the same file if it holds both");
  return out;
}

void read_keys(const Section& section, App& app) {
  section.with("cloud", [&](const Value& v) {
    assign(app.cloud, v.choice<Cloud>({{"global", Cloud::kGlobal},
                                       {"gcc-high", Cloud::kGccHigh},
                                       {"dod", Cloud::kDod},
                                       {"china", Cloud::kChina}}));
  });
  section.with("tenant", [&](const Value& v) { assign(app.tenant, read_tenant(v)); });
  section.with("authority", [&](const Value& v) { assign(app.authority, read_authority(v)); });
  section.with("client_id", [&](const Value& v) { assign(app.client_id, v.text()); });
  section.with("grant", [&](const Value& v) {
    assign(app.grant, v.choice<Grant>({{"delegated", Grant::kDelegated},
                                       {"client_credentials", Grant::kClientCredentials},
                                       {"service_account", Grant::kServiceAccount}}));
  });
  section.with("client_secret", [&](const Value& v) { app.client_secret = read_secret_source(v); });
  section.with("client_secret_expires", [&](const Value& v) { app.client_secret_expires = v.date(); });
  section.with("certificate", [&](const Value& v) { app.certificate = read_certificate(v); });
  section.with("assertion_alg", [&](const Value& v) {
    assign(app.assertion_algorithm, v.choice<AssertionAlgorithm>({{"PS256", AssertionAlgorithm::kPs256},
                                                                  {"RS256", AssertionAlgorithm::kRs256}}));
  });
  section.with("service_account_key", [&](const Value& v) { app.service_account_key = read_secret_source(v); });
  section.with("issuer", [&](const Value& v) { assign(app.issuer, v.https_url()); });
  section.with("device_authorization_endpoint",
               [&](const Value& v) { assign(app.device_authorization_endpoint, v.https_url()); });
  section.with("authorization_endpoint", [&](const Value& v) { assign(app.authorization_endpoint, v.https_url()); });
  section.with("token_endpoint", [&](const Value& v) { assign(app.token_endpoint, v.https_url()); });
  section.with("scopes", [&](const Value& v) { read_scopes(v, app); });
  section.with("ca_file", [&](const Value& v) { assign(app.ca_file, v.existing_file()); });
  section.with("imap_host", [&](const Value& v) { assign(app.imap_host, v.host()); });
}

} // namespace

AppDraft read_app(const Value& value) {
  AppDraft draft;
  App& app = draft.app;
  app.name = value.key();
  const Section section(value, kAppKeys);
  if (!section.is_map()) return draft;
  std::optional<Provider> known;
  if (const auto provider = section.find("provider"))
    known = provider->choice<Provider>(
        {{"microsoft", Provider::kMicrosoft}, {"google", Provider::kGoogle}, {"custom", Provider::kCustom}});
  else
    section.place().error(concat("app \"", app.name, "\" has no \"provider\": write microsoft, google or custom"));
  app.provider = known.value_or(app.provider);
  read_keys(section, app);
  if (known) check_app(section, app);
  section.with("proxy", [&](const Value& v) {
    assign(app.proxy, v.proxy());
    draft.has_proxy = true;
  });
  fill_in_provider(app);
  return draft;
}

} // namespace mailmoor::config
