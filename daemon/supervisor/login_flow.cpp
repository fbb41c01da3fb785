#include "supervisor/login_flow.h"

#include "oauth/authorization_preset.h"
#include "util/concat.h"

#include <utility>

namespace mailmoor::supervisor {
namespace {

[[nodiscard]] std::string no_device_code(config::Provider provider, std::string_view app) {
  if (provider == config::Provider::kGoogle) return "Google has no sign-in by device code for mail";
  return concat("the server of app ", app, " offers no sign-in by device code");
}

[[nodiscard]] oauth::AuthorizationPreset preset_of(const config::App& app) {
  switch (app.provider) {
  case config::Provider::kMicrosoft: return oauth::microsoft_authorization();
  case config::Provider::kGoogle: return oauth::google_authorization();
  case config::Provider::kCustom: break;
  }
  return oauth::custom_authorization(app.scopes);
}

} // namespace

Result<ChosenFlow> choose_flow(const LoginRequest& request, config::Provider provider,
                               const oauth::Endpoints& endpoints, std::string_view app) {
  const bool has_device = !endpoints.device_authorization.empty();
  const bool has_page = !endpoints.authorization.empty();
  switch (request.flow) {
  case LoginFlow::kAny: break;
  case LoginFlow::kDevice:
    if (has_device) return ChosenFlow{LoginFlow::kDevice, {}};
    return fail(ErrorKind::kOperator, "no_device_flow", no_device_code(provider, app),
                has_page ? "sign in with --flow browser, or with --flow paste where no browser runs"
                         : "set device_authorization_endpoint or authorization_endpoint of the app");
  case LoginFlow::kBrowser:
  case LoginFlow::kPaste:
    if (has_page) return ChosenFlow{request.flow, {}};
    return fail(ErrorKind::kOperator, "no_browser_flow",
                concat("app ", app, " has no authorization endpoint, so there is no page to open"),
                has_device ? "sign in with --flow device, or set authorization_endpoint of the app"
                           : "set authorization_endpoint of the app");
  }
  if (has_device) return ChosenFlow{LoginFlow::kDevice, {}};
  if (!has_page)
    return fail(ErrorKind::kOperator, "no_device_flow",
                concat("app ", app, " has neither a device authorization endpoint nor an authorization endpoint"),
                "set one of the two, or `issuer` for both");
  return ChosenFlow{request.redirect_port != 0 ? LoginFlow::kBrowser : LoginFlow::kPaste,
                    no_device_code(provider, app)};
}

oauth::AuthorizationWishes authorization_wishes(const config::App& app, const std::string& login_user, LoginFlow flow,
                                                std::uint16_t redirect_port) {
  oauth::AuthorizationPreset preset = preset_of(app);
  oauth::AuthorizationWishes wishes;
  // Without a path: Entra compares all but the port with http://localhost, and RFC 8252 §7.3 leaves the port to us.
  wishes.redirect_uri =
      concat("http://", preset.redirect_host, ':', flow == LoginFlow::kBrowser ? redirect_port : kPastePort);
  wishes.login_hint = login_user;
  wishes.parameters = std::move(preset.parameters);
  wishes.issuer = preset.issuer;
  return wishes;
}

} // namespace mailmoor::supervisor
