#include "config/app_reader.h"

#include "config/providers.h"
#include "config/section.h"
#include "util/ascii.h"
#include "util/printable.h"

#include <algorithm>
#include <array>

namespace mailmoor::config {
namespace {

constexpr auto kMicrosoftKeys = std::to_array<std::string_view>({"cloud", "tenant", "authority"});
constexpr auto kCustomKeys = std::to_array<std::string_view>(
    {"issuer", "device_authorization_endpoint", "authorization_endpoint", "token_endpoint"});

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

// One scope (RFC 6749 §3.3), and the mistake that costs people days: a token for another resource than the mailbox.
[[nodiscard]] std::optional<std::string> read_scope(const Value& value, Provider provider) {
  auto scope = value.text();
  if (!scope) return std::nullopt;
  if (scope->find_first_of(" \"\\") != std::string::npos ||
      !std::ranges::all_of(*scope, [](char c) { return c > 0; })) {
    value.wrong("one entry is one scope, in ASCII, without spaces and quotes; write [first, second]");
    return std::nullopt;
  }
  if (provider == Provider::kMicrosoft &&
      (scope->starts_with("https://graph.microsoft.com/") || scope->starts_with("IMAP."))) {
    value.wrong(concat(printable(*scope), " is a scope of Microsoft Graph, whose tokens no mailbox takes; write "
                                          "https://outlook.office.com/IMAP.AccessAsUser.All"));
    return std::nullopt;
  }
  return scope;
}

void read_scopes(const Value& value, App& app) {
  const auto entries = value.list();
  if (!entries) return;
  if (entries->empty()) return value.wrong("it is empty; leave the key out for the provider's own scopes");
  bool has_error = false;
  for (const Value& entry : *entries) {
    if (auto scope = read_scope(entry, app.provider)) {
      app.scopes.push_back(*std::move(scope));
    } else {
      has_error = true;
    }
  }
  if (!has_error && app.provider == Provider::kMicrosoft &&
      std::ranges::find(app.scopes, "offline_access") == app.scopes.end())
    value.wrong("without offline_access there is no refresh token; add it");
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
  section.with("grant", [](const Value& v) {
    struct Delegated {};
    static_cast<void>(v.choice<Delegated>(
        {{"delegated", Delegated{}}, {"client_credentials", std::nullopt}, {"service_account", std::nullopt}}));
  });
  section.with("client_secret", [&](const Value& v) { app.client_secret = read_secret_source(v); });
  section.with("issuer", [&](const Value& v) { assign(app.issuer, v.https_url()); });
  section.with("device_authorization_endpoint",
               [&](const Value& v) { assign(app.device_authorization_endpoint, v.https_url()); });
  section.with("authorization_endpoint", [&](const Value& v) { assign(app.authorization_endpoint, v.https_url()); });
  section.with("token_endpoint", [&](const Value& v) { assign(app.token_endpoint, v.https_url()); });
  section.with("scopes", [&](const Value& v) { read_scopes(v, app); });
  section.with("ca_file", [&](const Value& v) { assign(app.ca_file, v.existing_file()); });
  section.with("imap_host", [&](const Value& v) { assign(app.imap_host, v.host()); });
}

// Keys that mean nothing for this provider.
template<std::size_t N>
void refuse(const Section& section, const std::array<std::string_view, N>& keys, std::string_view home) {
  for (const std::string_view key : keys)
    section.with(key, [&](const Value& v) { v.wrong(concat("it means nothing here; it is for provider: ", home)); });
}

// What the provider cannot do without.
void check_complete(const Section& section, const App& app) {
  const auto missing = [&](std::string_view key, std::string_view what) {
    if (!section.find(key)) section.place().error(concat("app \"", app.name, "\" has no \"", key, "\": ", what));
  };
  missing("client_id", "the id that the registration of the app got");
  switch (app.provider) {
  case Provider::kMicrosoft:
    missing("tenant", "the directory's domain or id, or organizations, consumers or common");
    return refuse(section, kCustomKeys, "custom");
  case Provider::kGoogle:
    missing("client_secret", "Google wants one even from desktop apps; write {credential: NAME}");
    refuse(section, kMicrosoftKeys, "microsoft");
    return refuse(section, kCustomKeys, "custom");
  case Provider::kCustom:
    refuse(section, kMicrosoftKeys, "microsoft");
    if (section.find("issuer")) return;
    missing("token_endpoint", "write it and device_authorization_endpoint, or \"issuer\" to discover them");
    if (section.find("token_endpoint") && !section.find("authorization_endpoint"))
      missing("device_authorization_endpoint", "write it, or authorization_endpoint, or \"issuer\"");
    return;
  }
}

} // namespace

AppDraft read_app(const Value& value) {
  AppDraft draft;
  App& app = draft.app;
  app.name = value.key();
  const Section section(value, kAppKeys);
  if (!section.is_map()) return draft;
  const auto provider = section.find("provider");
  if (!provider) {
    section.place().error(concat("app \"", app.name, "\" has no \"provider\": write microsoft, google or custom"));
  } else if (const auto known = provider->choice<Provider>(
                 {{"microsoft", Provider::kMicrosoft}, {"google", Provider::kGoogle}, {"custom", Provider::kCustom}})) {
    app.provider = *known;
    check_complete(section, app);
  }
  read_keys(section, app);
  section.with("proxy", [&](const Value& v) {
    assign(app.proxy, v.proxy());
    draft.has_proxy = true;
  });
  fill_in_provider(app);
  return draft;
}

} // namespace mailmoor::config
