#include "supervisor/login_flow.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace mailmoor::supervisor {
namespace {

using config::Provider;
using ::testing::HasSubstr;

constexpr std::uint16_t kPort = 4711;

oauth::Endpoints endpoints(bool device, bool page) {
  oauth::Endpoints made;
  if (device) made.device_authorization = "https://id.example/device";
  if (page) made.authorization = "https://id.example/auth";
  made.token = "https://id.example/token";
  return made;
}

std::string chosen(LoginRequest request, bool device, bool page, Provider provider = Provider::kCustom) {
  const auto flow = choose_flow(request, provider, endpoints(device, page), "lab");
  if (!flow) return flow.error().code;
  switch (flow->flow) {
  case LoginFlow::kAny: return "any";
  case LoginFlow::kDevice: return "device";
  case LoginFlow::kBrowser: return "browser";
  case LoginFlow::kPaste: return "paste";
  }
  return "";
}

TEST(ChooseFlow, LeftOpen_TakesWhatTheServerOffers) {
  EXPECT_EQ(chosen({}, true, true), "device");
  EXPECT_EQ(chosen({LoginFlow::kAny, kPort}, true, true), "device");
  EXPECT_EQ(chosen({LoginFlow::kAny, kPort}, false, true), "browser");
  EXPECT_EQ(chosen({LoginFlow::kAny, 0}, false, true), "paste");
  EXPECT_EQ(chosen({}, true, false), "device");
  EXPECT_EQ(chosen({}, false, false), "no_device_flow");
}

TEST(ChooseFlow, Asked_IsWhatHappensOrRefused) {
  EXPECT_EQ(chosen({LoginFlow::kDevice, 0}, true, true), "device");
  EXPECT_EQ(chosen({LoginFlow::kBrowser, kPort}, true, true), "browser");
  EXPECT_EQ(chosen({LoginFlow::kPaste, kPort}, true, true), "paste");
  EXPECT_EQ(chosen({LoginFlow::kDevice, 0}, false, true), "no_device_flow");
  EXPECT_EQ(chosen({LoginFlow::kBrowser, kPort}, true, false), "no_browser_flow");
  EXPECT_EQ(chosen({LoginFlow::kPaste, 0}, true, false), "no_browser_flow");
}

TEST(ChooseFlow, Refusal_NamesTheFlowThatWorks) {
  const auto google = choose_flow({LoginFlow::kDevice, 0}, Provider::kGoogle, endpoints(false, true), "gmail");
  ASSERT_FALSE(google);
  EXPECT_THAT(google.error().what, HasSubstr("Google has no sign-in by device code for mail"));
  EXPECT_THAT(google.error().remedy, HasSubstr("--flow browser"));
  EXPECT_THAT(google.error().remedy, HasSubstr("--flow paste"));
  const auto device_only = choose_flow({LoginFlow::kPaste, 0}, Provider::kCustom, endpoints(true, false), "lab");
  ASSERT_FALSE(device_only);
  EXPECT_THAT(device_only.error().what, HasSubstr("app lab"));
  EXPECT_THAT(device_only.error().remedy, HasSubstr("--flow device"));
}

TEST(ChooseFlow, AnotherFlowThanUsual_SaysWhy) {
  const auto flow = choose_flow({}, Provider::kCustom, endpoints(false, true), "lab");
  ASSERT_TRUE(flow);
  EXPECT_EQ(flow->note, "the server of app lab offers no sign-in by device code");
  EXPECT_EQ(choose_flow({LoginFlow::kPaste, 0}, Provider::kCustom, endpoints(true, true), "lab")->note, "");
}

config::App app_of(Provider provider) {
  config::App app;
  app.name = "x";
  app.provider = provider;
  return app;
}

TEST(AuthorizationWishes, RedirectsToWhereRegistrationsHaveIt) {
  const auto uri = [](Provider provider, LoginFlow flow) {
    return authorization_wishes(app_of(provider), "a@b", flow, kPort).redirect_uri;
  };
  EXPECT_EQ(uri(Provider::kMicrosoft, LoginFlow::kBrowser), "http://localhost:4711");
  EXPECT_EQ(uri(Provider::kGoogle, LoginFlow::kBrowser), "http://127.0.0.1:4711");
  EXPECT_EQ(uri(Provider::kCustom, LoginFlow::kPaste), "http://127.0.0.1:61993");
}

TEST(AuthorizationWishes, HintWhoseSignInItIs) {
  const auto wishes = authorization_wishes(app_of(Provider::kGoogle), "alice@example.org", LoginFlow::kPaste, 0);
  EXPECT_EQ(wishes.login_hint, "alice@example.org");
  EXPECT_EQ(wishes.issuer, "https://accounts.google.com");
}

} // namespace
} // namespace mailmoor::supervisor
