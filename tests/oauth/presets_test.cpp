#include "oauth/presets.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace mailmoor::oauth {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

TEST(MicrosoftPreset, Global_HasTheDocumentedUrls) {
  const Endpoints at = microsoft_endpoints(MicrosoftCloud::kGlobal, "contoso.onmicrosoft.com");
  EXPECT_EQ(at.issuer, "https://login.microsoftonline.com/contoso.onmicrosoft.com/v2.0");
  EXPECT_EQ(at.device_authorization,
            "https://login.microsoftonline.com/contoso.onmicrosoft.com/oauth2/v2.0/devicecode");
  EXPECT_EQ(at.authorization, "https://login.microsoftonline.com/contoso.onmicrosoft.com/oauth2/v2.0/authorize");
  EXPECT_EQ(at.token, "https://login.microsoftonline.com/contoso.onmicrosoft.com/oauth2/v2.0/token");
  EXPECT_THAT(microsoft_scopes(MicrosoftCloud::kGlobal),
              ElementsAre("https://outlook.office.com/IMAP.AccessAsUser.All", "offline_access"));
  EXPECT_THAT(microsoft_app_scopes(MicrosoftCloud::kGlobal), ElementsAre("https://outlook.office365.com/.default"));
}

TEST(MicrosoftPreset, EachCloud_HasItsHosts) {
  struct Row {
    MicrosoftCloud cloud;
    std::string_view token, imap_host, scope;
  };
  for (const Row& row : {Row{MicrosoftCloud::kGlobal, "https://login.microsoftonline.com/t/oauth2/v2.0/token",
                             "outlook.office365.com", "https://outlook.office.com/IMAP.AccessAsUser.All"},
                         Row{MicrosoftCloud::kGccHigh, "https://login.microsoftonline.us/t/oauth2/v2.0/token",
                             "outlook.office365.us", "https://outlook.office365.us/IMAP.AccessAsUser.All"},
                         Row{MicrosoftCloud::kDod, "https://login.microsoftonline.us/t/oauth2/v2.0/token",
                             "outlook-dod.office365.us", "https://outlook-dod.office365.us/IMAP.AccessAsUser.All"},
                         Row{MicrosoftCloud::kChina, "https://login.partner.microsoftonline.cn/t/oauth2/v2.0/token",
                             "partner.outlook.cn", "https://partner.outlook.cn/IMAP.AccessAsUser.All"}}) {
    EXPECT_EQ(microsoft_endpoints(row.cloud, "t").token, row.token);
    EXPECT_EQ(microsoft_imap_host(row.cloud), row.imap_host);
    EXPECT_EQ(microsoft_scopes(row.cloud).front(), row.scope);
  }
}

TEST(MicrosoftPreset, Authority_ReplacesTheClouds) {
  EXPECT_EQ(microsoft_endpoints(MicrosoftCloud::kChina, "t", "https://login.chinacloudapi.cn/").token,
            "https://login.chinacloudapi.cn/t/oauth2/v2.0/token");
}

TEST(MicrosoftPreset, HostileTenant_StaysOnePathSegment) {
  EXPECT_EQ(microsoft_endpoints(MicrosoftCloud::kGlobal, "a/../b?c#d").token,
            "https://login.microsoftonline.com/a%2F..%2Fb%3Fc%23d/oauth2/v2.0/token");
}

TEST(GooglePreset, HasNoDeviceFlow) {
  EXPECT_THAT(google_endpoints().device_authorization, IsEmpty());
  EXPECT_EQ(google_endpoints().token, "https://oauth2.googleapis.com/token");
  EXPECT_EQ(google_endpoints().authorization, "https://accounts.google.com/o/oauth2/v2/auth");
  EXPECT_THAT(google_scopes(), ElementsAre("https://mail.google.com/"));
  EXPECT_EQ(google_imap_host(), "imap.gmail.com");
}

TEST(Presets, AllOfThem_PassTheCheck) {
  for (const Endpoints& endpoints :
       {google_endpoints(), microsoft_endpoints(MicrosoftCloud::kGlobal, "common"),
        microsoft_endpoints(MicrosoftCloud::kGccHigh, "t"), microsoft_endpoints(MicrosoftCloud::kDod, "t"),
        microsoft_endpoints(MicrosoftCloud::kChina, "t")}) {
    ClientRegistration client;
    client.endpoints = endpoints;
    client.client_id = "id";
    client.scopes = microsoft_scopes(MicrosoftCloud::kDod);
    EXPECT_TRUE(check_registration(client)) << endpoints.token;
  }
}

} // namespace
} // namespace mailmoor::oauth
