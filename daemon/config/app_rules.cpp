#include "config/app_rules.h"

#include "config/providers.h"
#include "util/concat.h"
#include "util/printable.h"

#include <initializer_list>
#include <string>

namespace mailmoor::config {
namespace {

using Keys = std::initializer_list<std::string_view>;

// One app while it is looked at.
class Rules final {
 public:
  Rules(const Section& section, const App& app) : section_(section), app_(app) {}

  void check() const {
    switch (app_.provider) {
    case Provider::kMicrosoft: check_microsoft(); break;
    case Provider::kGoogle: check_google(); break;
    case Provider::kCustom: check_custom(); break;
    }
    if (app_.grant != Grant::kServiceAccount) {
      need("client_id", "the id that the registration of the app got");
      refuse({"service_account_key"}, "it is for grant: service_account");
    }
    check_proof();
  }

 private:
  [[nodiscard]] bool has(std::string_view key) const { return section_.find(key).has_value(); }
  void need(std::string_view key, std::string_view what) const {
    if (!has(key)) section_.place().error(concat("app \"", app_.name, "\" has no \"", key, "\": ", what));
  }
  void refuse(Keys keys, std::string_view why) const {
    for (const std::string_view key : keys)
      section_.with(key, [why](const Value& v) { v.wrong(why); });
  }
  void refuse_grant(Grant grant, std::string_view why) const {
    if (app_.grant == grant) refuse({"grant"}, why);
  }

  void check_microsoft() const {
    refuse({"issuer", "device_authorization_endpoint", "authorization_endpoint", "token_endpoint"},
           "it means nothing here; it is for provider: custom");
    need("tenant", app_.grant == Grant::kDelegated
                       ? "the directory's domain or id, or organizations, consumers or common"
                       : "the directory's domain or id");
    refuse_grant(Grant::kServiceAccount, "service_account is Google's; write client_credentials");
    const bool is_many = app_.tenant == "organizations" || app_.tenant == "consumers" || app_.tenant == "common";
    if (app_.grant == Grant::kClientCredentials && is_many) // AADSTS9001023
      refuse({"tenant"}, "with grant: client_credentials it has to be one directory; write its domain or id");
  }

  void check_google() const {
    refuse({"cloud", "tenant", "authority"}, "it means nothing here; it is for provider: microsoft");
    refuse({"issuer", "device_authorization_endpoint", "authorization_endpoint", "token_endpoint"},
           "it means nothing here; it is for provider: custom");
    refuse({"certificate"}, "Google takes none; a desktop app has a client_secret, a service account its "
                            "service_account_key");
    refuse_grant(Grant::kClientCredentials, "Google has no client_credentials for mail; write service_account");
    if (app_.grant == Grant::kDelegated)
      return need("client_secret", "Google wants one even from desktop apps; write {credential: NAME}");
    if (app_.grant != Grant::kServiceAccount) return;
    need("service_account_key", "the JSON file that Google gave for the key; write {credential: NAME} or {file: PATH}");
    refuse({"client_id", "client_secret"}, "it means nothing with grant: service_account, whose key says who it is");
  }

  void check_custom() const {
    refuse({"cloud", "tenant", "authority"}, "it means nothing here; it is for provider: microsoft");
    refuse_grant(Grant::kServiceAccount, "service_account is for provider: google; write client_credentials");
    if (app_.grant == Grant::kClientCredentials) {
      refuse({"device_authorization_endpoint", "authorization_endpoint"},
             "it means nothing with grant: client_credentials, where nobody signs in");
      if (!has("issuer")) need("token_endpoint", "write it, or \"issuer\" to discover it");
      return;
    }
    if (has("issuer")) return;
    need("token_endpoint", "write it and device_authorization_endpoint, or \"issuer\" to discover them");
    if (has("token_endpoint") && !has("authorization_endpoint"))
      need("device_authorization_endpoint", "write it, or authorization_endpoint, or \"issuer\"");
  }

  // How the client shows who it is.
  void check_proof() const {
    if (app_.provider != Provider::kGoogle && has("certificate") && has("client_secret"))
      refuse({"certificate"}, "an app shows its certificate or its \"client_secret\"; keep one of the two");
    if (app_.grant == Grant::kClientCredentials && app_.provider != Provider::kGoogle && !has("certificate"))
      need("client_secret", "with grant: client_credentials it needs one, or a \"certificate\"");
    if (!has("certificate")) refuse({"assertion_alg"}, "it means nothing without \"certificate\"");
    if (!has("client_secret"))
      refuse({"client_secret_expires"}, has("certificate") ? "the certificate's own end is known; take this out"
                                                           : "it means nothing without \"client_secret\"");
  }

  const Section& section_;
  const App& app_;
};

} // namespace

// The mistake that costs people days: a token for another resource than the mailbox.
bool is_right_scope(const Value& entry, std::string_view scope, const App& app) {
  if (app.provider != Provider::kMicrosoft) return true;
  const bool is_delegated = app.grant == Grant::kDelegated;
  const std::string right = microsoft_mail_scope(app.cloud, app.grant);
  if (scope.starts_with("https://graph.microsoft.com/") || scope.starts_with("IMAP.")) {
    entry.wrong(
        concat(printable(scope), " is a scope of Microsoft Graph, whose tokens no mailbox takes; write ", right));
    return false;
  }
  if (is_delegated || scope.ends_with("/.default")) return true;
  entry.wrong(concat("with grant: client_credentials a scope names a resource and all that the app was granted there; "
                     "write ",
                     right)); // AADSTS1002012
  return false;
}

void check_app(const Section& section, const App& app) {
  Rules(section, app).check();
}

} // namespace mailmoor::config
