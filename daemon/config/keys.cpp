#include "config/keys.h"

#include "config/nearest.h"
#include "util/ascii.h"
#include "util/concat.h"
#include "util/printable.h"

#include <algorithm>
#include <array>
#include <vector>

namespace mailmoor::config {
namespace {

constexpr auto kTop = std::to_array<Key>({{"maildir_root"},
                                          {"state_dir"},
                                          {"runtime_dir"},
                                          {"include"},
                                          {"key"},
                                          {"limits"},
                                          {"metrics"},
                                          {"proxy"},
                                          {"hooks"},
                                          {"apps"},
                                          {"defaults"},
                                          {"mailboxes"}});
constexpr auto kIncluded = std::to_array<Key>({{"apps"}, {"mailboxes"}});
constexpr auto kMetrics = std::to_array<Key>({{"listen"}});
constexpr auto kLimits = std::to_array<Key>({{"connections"},
                                             {"connections_per_host"},
                                             {"connections_per_app"},
                                             {"logins_per_minute"},
                                             {"refreshes_per_minute"}});
constexpr auto kHooks = std::to_array<Key>({{"new_mail"}, {"login_needed"}});
constexpr auto kApp = std::to_array<Key>({{"provider"},
                                          {"cloud"},
                                          {"tenant"},
                                          {"authority"},
                                          {"client_id"},
                                          {"grant"},
                                          {"client_secret"},
                                          {"client_secret_expires"},
                                          {"certificate"},
                                          {"assertion_alg"},
                                          {"service_account_key"},
                                          {"issuer"},
                                          {"device_authorization_endpoint"},
                                          {"authorization_endpoint"},
                                          {"token_endpoint"},
                                          {"scopes"},
                                          {"ca_file"},
                                          {"imap_host"},
                                          {"proxy"}});
// The name comes first: defaults have all but that.
constexpr auto kMailbox = std::to_array<Key>(
    {{"name"},     {"app"},      {"user"},      {"login_user"}, {"host"},         {"port"},        {"tls"},
     {"ca_file"},  {"password"}, {"folders"},   {"since"},      {"max_age"},      {"max_size"},    {"push"},
     {"poll"},     {"flags"},    {"deletions"}, {"layout"},     {"line_endings"}, {"connections"}, {"daily_bytes"},
     {"timeouts"}, {"compress"}, {"proxy"},     {"maildir"}});
constexpr auto kFolders = std::to_array<Key>({{"include"}, {"exclude"}});
constexpr auto kTimeouts = std::to_array<Key>({{"connect"}, {"io"}});
constexpr auto kCertificate = std::to_array<Key>({{"file"}, {"key"}});
constexpr auto kSecret = std::to_array<Key>({{"credential"}, {"file"}, {"env"}});

// How other programs spell "do not verify the peer".
constexpr auto kDistrust = std::to_array<std::string_view>({"verify",
                                                            "insecure",
                                                            "tls_verify",
                                                            "verify_tls",
                                                            "ssl_verify",
                                                            "verify_ssl",
                                                            "verify_peer",
                                                            "verify_host",
                                                            "verify_hostname",
                                                            "verify_certificate",
                                                            "verify_certificates",
                                                            "skip_verify",
                                                            "tls_skip_verify",
                                                            "allow_insecure",
                                                            "insecure_skip_verify",
                                                            "tls_insecure",
                                                            "check_certificate",
                                                            "check_hostname",
                                                            "certificate_check",
                                                            "accept_invalid_certs",
                                                            "self_signed",
                                                            "allow_self_signed",
                                                            "tls_fingerprint",
                                                            "fingerprint",
                                                            "cert_fingerprint"});

[[nodiscard]] bool has_key(std::span<const Key> keys, std::string_view name) {
  return std::ranges::find(keys, name, &Key::name) != keys.end();
}

// Another section that has this key, for "it belongs in …"; empty when none does.
[[nodiscard]] std::string_view home_of(std::string_view key, bool in_mailbox) {
  if (in_mailbox && has_key(kFolders, key)) return "\"folders:\"";
  if (in_mailbox && has_key(kTimeouts, key)) return "\"timeouts:\"";
  if (has_key(kTop, key)) return "the top of the main file";
  if (has_key(kMailbox, key)) return "a mailbox, or in \"defaults:\" for all of them";
  if (has_key(kApp, key)) return "an app";
  return {};
}

} // namespace

constinit const SectionKeys kTopKeys{"the top of the file", kTop};
constinit const SectionKeys kIncludedKeys{"an included file", kIncluded};
constinit const SectionKeys kLimitsKeys{"\"limits\"", kLimits};
constinit const SectionKeys kMetricsKeys{"\"metrics\"", kMetrics};
constinit const SectionKeys kHooksKeys{"\"hooks\"", kHooks};
constinit const SectionKeys kAppKeys{"an app", kApp};
constinit const SectionKeys kMailboxKeys{"a mailbox", kMailbox};
constinit const SectionKeys kDefaultsKeys{"\"defaults\"", std::span(kMailbox).subspan(1)};
constinit const SectionKeys kFoldersKeys{"\"folders\"", kFolders};
constinit const SectionKeys kTimeoutsKeys{"\"timeouts\"", kTimeouts};
constinit const SectionKeys kCertificateKeys{"\"certificate\"", kCertificate};
constinit const SectionKeys kSecretKeys{"a secret", kSecret};

std::string explain_unknown_key(const SectionKeys& section, std::string_view key) {
  const std::string shown = printable(key.substr(0, 80));
  if (std::ranges::find(kDistrust, to_lower_ascii(key)) != kDistrust.end())
    return concat("there is no switch like \"", shown,
                  "\": every server is verified, always; name a private CA's certificate with \"ca_file\"");
  if (key == "<<") return "merge keys (\"<<\") are not supported: write what is common to mailboxes into \"defaults:\"";
  if (&section == &kDefaultsKeys && key == "name") return "\"name\" has no default: each mailbox has its own";
  if (const auto home = home_of(key, has_key(section.keys, "folders")); !home.empty())
    return concat("\"", key, "\" does not belong in ", section.title, " but in ", home);
  std::vector<std::string_view> names;
  for (const Key& known : section.keys)
    names.push_back(known.name);
  if (const auto meant = nearest(key, names))
    return concat("unknown key \"", shown, "\": did you mean \"", *meant, "\"?");
  std::string list;
  for (const std::string_view name : names)
    list += concat(list.empty() ? "" : ", ", name);
  return concat("unknown key \"", shown, "\": ", section.title, " may have ", list);
}

} // namespace mailmoor::config
