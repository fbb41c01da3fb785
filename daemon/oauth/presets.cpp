#include "oauth/presets.h"

#include "util/concat.h"

#include <cstddef>

namespace mailmoor::oauth {

namespace {

struct CloudRow {
  std::string_view authority;
  std::string_view imap_host;
  std::string_view resource;     // of IMAP.AccessAsUser.All
  std::string_view app_resource; // of .default for client credentials
};

// In the order of MicrosoftCloud. GCC (without High) is kGlobal; the German cloud is closed.
// DoD: by analogy with GCC High and from public administration scripts; unconfirmed that IMAP listens there.
constexpr CloudRow kClouds[] = {
    {"https://login.microsoftonline.com", "outlook.office365.com", "https://outlook.office.com",
     "https://outlook.office365.com"},
    {"https://login.microsoftonline.us", "outlook.office365.us", "https://outlook.office365.us",
     "https://outlook.office365.us"},
    {"https://login.microsoftonline.us", "outlook-dod.office365.us", "https://outlook-dod.office365.us",
     "https://outlook-dod.office365.us"},
    {"https://login.partner.microsoftonline.cn", "partner.outlook.cn", "https://partner.outlook.cn",
     "https://partner.outlook.cn"},
};

const CloudRow& row_of(MicrosoftCloud cloud) {
  return kClouds[static_cast<std::size_t>(cloud)];
}

// One path segment (RFC 3986 §3.3): whatever the tenant says, it adds no slash or query.
std::string path_segment(std::string_view text) {
  constexpr std::string_view kSafe = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~";
  constexpr std::string_view kHex = "0123456789ABCDEF";
  std::string out;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (kSafe.contains(c))
      out += c;
    else
      out += concat('%', kHex[byte >> 4], kHex[byte & 15U]);
  }
  return out;
}

} // namespace

Endpoints microsoft_endpoints(MicrosoftCloud cloud, std::string_view tenant, std::string_view authority) {
  if (authority.empty()) authority = row_of(cloud).authority;
  while (authority.ends_with('/'))
    authority.remove_suffix(1);
  const std::string base = concat(authority, '/', path_segment(tenant));
  return {.issuer = concat(base, "/v2.0"),
          .device_authorization = concat(base, "/oauth2/v2.0/devicecode"),
          .authorization = concat(base, "/oauth2/v2.0/authorize"),
          .token = concat(base, "/oauth2/v2.0/token")};
}

std::vector<std::string> microsoft_scopes(MicrosoftCloud cloud) {
  return {concat(row_of(cloud).resource, "/IMAP.AccessAsUser.All"), "offline_access"};
}

std::vector<std::string> microsoft_app_scopes(MicrosoftCloud cloud) {
  return {concat(row_of(cloud).app_resource, "/.default")};
}

std::string_view microsoft_imap_host(MicrosoftCloud cloud) noexcept {
  return row_of(cloud).imap_host;
}

Endpoints google_endpoints() {
  return {.issuer = "https://accounts.google.com",
          .device_authorization = {},
          .authorization = "https://accounts.google.com/o/oauth2/v2/auth",
          .token = "https://oauth2.googleapis.com/token"};
}

std::vector<std::string> google_scopes() {
  return {"https://mail.google.com/"};
}

std::string_view google_imap_host() noexcept {
  return "imap.gmail.com";
}

} // namespace mailmoor::oauth
