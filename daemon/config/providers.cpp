#include "config/providers.h"

#include "util/concat.h"

namespace mailmoor::config {
namespace {

struct CloudRow {
  std::string_view authority;
  std::string_view imap_host;
  std::string_view resource;     // of the scope IMAP.AccessAsUser.All
  std::string_view app_resource; // of .default, for an app without a person
};

// GCC (without High) is global. DoD by analogy with GCC High: that IMAP listens there is not confirmed.
[[nodiscard]] constexpr CloudRow row_of(Cloud cloud) {
  switch (cloud) {
  case Cloud::kGlobal: break;
  case Cloud::kGccHigh:
    return {"https://login.microsoftonline.us", "outlook.office365.us", "https://outlook.office365.us",
            "https://outlook.office365.us"};
  case Cloud::kDod:
    return {"https://login.microsoftonline.us", "outlook-dod.office365.us", "https://outlook-dod.office365.us",
            "https://outlook-dod.office365.us"};
  case Cloud::kChina:
    return {"https://login.partner.microsoftonline.cn", "partner.outlook.cn", "https://partner.outlook.cn",
            "https://partner.outlook.cn"};
  }
  return {"https://login.microsoftonline.com", "outlook.office365.com", "https://outlook.office.com",
          "https://outlook.office365.com"};
}

void fill_in_microsoft(App& app) {
  const CloudRow row = row_of(app.cloud);
  if (app.authority.empty()) app.authority = row.authority;
  if (app.imap_host.empty()) app.imap_host = row.imap_host;
  // All of one resource: mixed ones are refused (AADSTS70011). Without a person there is no refresh token to ask for.
  if (app.scopes.empty()) {
    app.scopes = {microsoft_mail_scope(app.cloud, app.grant)};
    if (app.grant == Grant::kDelegated) app.scopes.emplace_back("offline_access");
  }
  const std::string base = concat(app.authority, "/", app.tenant, "/oauth2/v2.0");
  app.device_authorization_endpoint = concat(base, "/devicecode");
  app.authorization_endpoint = concat(base, "/authorize");
  app.token_endpoint = concat(base, "/token");
}

// No device authorization: Google's device flow refuses every mail scope (invalid_scope).
void fill_in_google(App& app) {
  if (app.imap_host.empty()) app.imap_host = kGmailHost;
  if (app.scopes.empty()) app.scopes = {"https://mail.google.com/"};
  app.authorization_endpoint = "https://accounts.google.com/o/oauth2/v2/auth";
  app.token_endpoint = "https://oauth2.googleapis.com/token";
}

} // namespace

std::string microsoft_mail_scope(Cloud cloud, Grant grant) {
  const CloudRow row = row_of(cloud);
  return grant == Grant::kDelegated ? concat(row.resource, "/IMAP.AccessAsUser.All")
                                    : concat(row.app_resource, "/.default");
}

void fill_in_provider(App& app) {
  switch (app.provider) {
  case Provider::kMicrosoft: return fill_in_microsoft(app);
  case Provider::kGoogle: return fill_in_google(app);
  case Provider::kCustom: return;
  }
}

} // namespace mailmoor::config
