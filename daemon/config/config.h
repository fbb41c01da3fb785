// A configuration that has been read and found good: every path absolute, every default filled in, every name
// resolved. Values; any thread, one at a time. Made by config/load.h only.
#pragma once

#include "config/secret_source.h"
#include "model/glob.h"

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace mailmoor::config {

enum class Provider { kMicrosoft, kGoogle, kCustom };
enum class Cloud { kGlobal, kGccHigh, kDod, kChina }; // kMicrosoft only
enum class Grant {
  kDelegated,         // a person signs in: device code, browser or paste
  kClientCredentials, // the app itself; kMicrosoft and kCustom
  kServiceAccount,    // a service account in the name of each user; kGoogle
};
enum class AssertionAlgorithm { kPs256, kRs256 };
enum class Tls { kImplicit, kStartTls };
enum class Push { kAuto, kOff };
// kMirror: the server's changes are merged into the files. kInitial: as the server has them on arrival.
enum class FlagMode { kMirror, kInitial, kOff };
enum class Deletions { kKeep, kMirror }; // kMirror: into the trash, and gone after 30 days
enum class Layout { kMaildirPlusPlus, kFs };
enum class LineEndings { kLf, kCrlf };
enum class Compress { kAuto, kOff, kOn };

// What a client shows instead of a secret.
struct ClientCertificate {
  std::string file; // absolute; PEM; empty: none
  SecretSource key;
  std::string where; // "file:line:column" in the configuration, for messages

  friend bool operator==(const ClientCertificate& a, const ClientCertificate& b) noexcept {
    return a.file == b.file && a.key == b.key;
  }
};

// An OAuth2 client registration.
struct App {
  std::string name;
  Provider provider = Provider::kCustom;
  Cloud cloud = Cloud::kGlobal;
  std::string tenant;    // kMicrosoft: domain, id, or organizations | consumers | common; empty otherwise
  std::string authority; // kMicrosoft: no "/" at the end; empty otherwise
  std::string client_id; // empty for kServiceAccount, whose key names it
  Grant grant = Grant::kDelegated;
  SecretSource client_secret; // kNone for a public client, and for one with a certificate
  std::optional<std::chrono::sys_days> client_secret_expires; // what the registration says; cannot be seen from outside
  ClientCertificate certificate;
  AssertionAlgorithm assertion_algorithm = AssertionAlgorithm::kPs256;
  SecretSource service_account_key; // kServiceAccount: Google's JSON
  // kCustom: the issuer to discover endpoints from (RFC 8414), or the token endpoint and, for kDelegated, at least one
  // of the others; given both, the endpoints win. kMicrosoft and kGoogle have no issuer and their endpoints filled in;
  // Google has no device authorization for mail, so that one is empty.
  std::string issuer;
  std::string device_authorization_endpoint;
  std::string authorization_endpoint;
  std::string token_endpoint;
  std::vector<std::string> scopes; // the provider's own when none are given; may be empty for kCustom
  std::string ca_file;             // trusted beside the system's roots; empty: none
  std::string imap_host;           // already in each Mailbox::host that it is for; empty for a kCustom without
  std::string proxy;               // for the OAuth endpoints; empty: direct

  friend bool operator==(const App&, const App&) = default;
};

struct FolderPatterns {
  std::vector<Glob> include; // empty: every mail folder
  std::vector<Glob> exclude; // wins over include

  friend bool operator==(const FolderPatterns&, const FolderPatterns&) = default;
};

struct Timeouts {
  std::chrono::seconds connect{30}; // name to greeting, TLS included
  std::chrono::seconds io{60};      // a connection silent for so long is given up, IDLE excepted

  friend bool operator==(const Timeouts&, const Timeouts&) = default;
};

// What is fetched at all. At most one of since and max_age.
struct Filters {
  std::optional<std::chrono::sys_days> since; // UTC; by INTERNALDATE
  std::optional<std::chrono::seconds> max_age;
  std::optional<std::uint64_t> max_size; // octets

  friend bool operator==(const Filters&, const Filters&) = default;
};

struct Mailbox {
  std::string name;
  std::string app; // name of an App; empty: signs in with a password
  std::string user;
  std::string login_user; // whose token; == user unless the mailbox is shared
  std::string host;       // the mailbox's, else the app's, else the provider's; never empty
  std::uint16_t port = 993;
  Tls tls = Tls::kImplicit;
  std::string ca_file; // trusted beside the system's roots; empty: none
  SecretSource password;
  FolderPatterns folders;
  Filters filters;
  Push push = Push::kAuto;
  std::chrono::seconds poll{300};
  FlagMode flags = FlagMode::kMirror;
  Deletions deletions = Deletions::kKeep;
  Layout layout = Layout::kMaildirPlusPlus;
  LineEndings line_endings = LineEndings::kLf;
  Compress compress = Compress::kAuto;
  int connections = 2;           // at most so many at once
  std::uint64_t daily_bytes = 0; // that may be received in any 24 hours; 0: no cap
  Timeouts timeouts;
  std::string proxy;   // for IMAP; empty: direct
  std::string maildir; // absolute

  [[nodiscard]] bool uses_oauth() const noexcept { return !app.empty(); }

  friend bool operator==(const Mailbox&, const Mailbox&) = default;
};

struct Limits {
  int connections = 500; // of all mailboxes together
  int logins_per_minute = 120;
  int refreshes_per_minute = 600;          // of the tokens of one app
  std::optional<int> connections_per_host; // of all mailboxes there; empty: no limit of its own
  std::optional<int> connections_per_app;  // of all mailboxes that sign in with it; empty: no limit of its own

  friend bool operator==(const Limits&, const Limits&) = default;
};

// Where metrics are served beside the control socket.
struct MetricsListener {
  std::string address; // numeric, without brackets
  std::uint16_t port = 0;
  bool is_loopback = true;

  friend bool operator==(const MetricsListener&, const MetricsListener&) = default;
};

// Programs to run: argv, no shell; argv[0] is absolute. Empty: none.
struct Hooks {
  std::vector<std::string> new_mail;
  std::vector<std::string> login_needed;

  friend bool operator==(const Hooks&, const Hooks&) = default;
};

struct Config {
  std::string state_dir;
  std::string runtime_dir;
  SecretSource key; // kNone: the credential "mailmoor.key", else state_dir/master.key
  Limits limits;
  std::optional<MetricsListener> metrics;
  Hooks hooks;
  std::vector<App> apps;          // names unique
  std::vector<Mailbox> mailboxes; // in the order of the files; names unique, never empty
  std::vector<std::string> files; // read, absolute, the main file first

  // Null when there is none.
  [[nodiscard]] const App* find_app(std::string_view name) const noexcept;
  [[nodiscard]] const Mailbox* find_mailbox(std::string_view name) const noexcept;
};

} // namespace mailmoor::config
