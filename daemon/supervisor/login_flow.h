// Which way to sign in fits a server, why another one does not, and what to ask its sign-in page for. Pure.
#pragma once

#include "config/config.h"
#include "model/fleet_status.h"
#include "oauth/authorization_flow.h"
#include "oauth/client.h"
#include "util/result.h"

#include <cstdint>
#include <string>
#include <string_view>

namespace mailmoor::supervisor {

// The port of the address at which the browser ends up when nobody listens: it shows that it cannot open the page, and
// the address stays to be copied. High, not well known and not the same as any browser refuses by itself; fixed, so
// that it can be registered with a server that insists on every byte of it.
inline constexpr std::uint16_t kPastePort = 61993;

struct ChosenFlow {
  LoginFlow flow = LoginFlow::kDevice; // never kAny
  std::string note;                    // why not by device code, where that was left open
};

// What is asked for, or what the server offers: a device code, since that needs nothing of the host; else the browser,
// where somebody listens for it; else paste. Errors: kOperator "no_device_flow", "no_browser_flow".
[[nodiscard]] Result<ChosenFlow> choose_flow(const LoginRequest& request, config::Provider provider,
                                             const oauth::Endpoints& endpoints, std::string_view app);

// `login_user`: whose sign-in it is. For kBrowser and kPaste.
[[nodiscard]] oauth::AuthorizationWishes authorization_wishes(const config::App& app, const std::string& login_user,
                                                              LoginFlow flow, std::uint16_t redirect_port);

} // namespace mailmoor::supervisor
