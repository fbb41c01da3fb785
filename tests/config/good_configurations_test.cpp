#include "config/load.h"
#include "config/memory_files.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <sstream>
#include <string>

namespace mailmoor::config {
namespace {

using namespace std::chrono_literals;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

std::string errors_of(const LoadResult& result) {
  std::string out;
  if (!result)
    for (const Diagnostic& diagnostic : result.error())
      out += diagnostic.to_string() + "\n";
  return out;
}

LoadResult load(const std::string& text, const MemoryFiles& files = {}, const Environment& environment = {}) {
  return parse({kMainPath, text, true}, files, environment);
}

constexpr const char* kSmallest = "mailboxes: [{name: a, host: h, user: u, maildir: /m/a}]\n";

TEST(GoodConfiguration, Smallest_HasTheContractsDefaults) {
  const auto config = load(kSmallest);
  ASSERT_TRUE(config) << errors_of(config);
  EXPECT_EQ(config->state_dir, "/var/lib/mailmoor");
  EXPECT_EQ(config->runtime_dir, "/run/mailmoor");
  EXPECT_FALSE(config->key.is_set());
  EXPECT_EQ(config->limits, (Limits{500, 120, 600, {}, {}}));
  EXPECT_THAT(config->apps, IsEmpty());
  EXPECT_THAT(config->files, ElementsAre(kMainPath));
  ASSERT_EQ(config->mailboxes.size(), 1U);
  const Mailbox& mailbox = config->mailboxes[0];
  EXPECT_FALSE(mailbox.uses_oauth());
  EXPECT_EQ(mailbox.login_user, "u");
  EXPECT_EQ(mailbox.port, 993);
  EXPECT_EQ(mailbox.tls, Tls::kImplicit);
  EXPECT_FALSE(mailbox.password.is_set());
  EXPECT_EQ(mailbox.folders, FolderPatterns());
  EXPECT_EQ(mailbox.filters, Filters());
  EXPECT_EQ(mailbox.push, Push::kAuto);
  EXPECT_EQ(mailbox.poll, 5min);
  EXPECT_EQ(mailbox.flags, FlagMode::kMirror);
  EXPECT_EQ(mailbox.deletions, Deletions::kKeep);
  EXPECT_EQ(mailbox.layout, Layout::kMaildirPlusPlus);
  EXPECT_EQ(mailbox.line_endings, LineEndings::kLf);
  EXPECT_EQ(mailbox.compress, Compress::kAuto);
  EXPECT_EQ(mailbox.connections, 2);
  EXPECT_EQ(mailbox.timeouts, (Timeouts{30s, 60s}));
  EXPECT_EQ(mailbox.proxy, "");
  EXPECT_EQ(mailbox.maildir, "/m/a");
}

// The contract's own example, as far as it is supported.
constexpr const char* kContract = R"(
maildir_root: /var/mail/mailmoor
state_dir: /var/lib/other
runtime_dir: run
include: [conf.d/*.yaml]
key: {credential: mailmoor.key}
limits: {connections: 50, connections_per_host: 40, connections_per_app: 30, logins_per_minute: 12, refreshes_per_minute: 30}
metrics: {listen: "127.0.0.1:9464"}
hooks: {new_mail: [/usr/local/bin/page-admin, new], login_needed: [/usr/local/bin/page-admin, "-v"]}
proxy: "http://proxy.example:3128"

apps:
  contoso:
    provider: microsoft
    cloud: gcc-high
    tenant: contoso.onmicrosoft.com
    authority: "https://login.microsoftonline.us/"
    client_id: 6f0b
    grant: delegated
    client_secret: {credential: contoso-secret}
    proxy: none
  lab:
    provider: custom
    issuer: "https://id.example"
    device_authorization_endpoint: https://id.example/device
    token_endpoint: https://id.example/token
    client_id: lab
    scopes: [openid, offline_access]
    ca_file: lab-ca.pem

defaults:
  poll: 5m
  app: contoso
  folders: {exclude: [Trash]}
mailboxes:
  - name: alice
    user: alice@contoso.com
    login_user: bob@contoso.com
    poll: 90s
  - name: legacy
    host: imap.example.org
    port: 1143
    tls: starttls
    ca_file: lab-ca.pem
    user: bob
    password: {env: BOB}
    folders: {include: ["INBOX", "Sent*"]}
    push: off
    flags: off
    deletions: mirror
    layout: fs
    line_endings: crlf
    connections: 1
    daily_bytes: 300MiB
    timeouts: {io: 2m}
    compress: on
    proxy: socks5h://[::1]:1080
    maildir: ../legacy/
)";

MemoryFiles contract_files() {
  MemoryFiles files;
  files.add("/etc/mailmoor/lab-ca.pem", "", /*private_to_owner=*/false);
  files.add("/etc/mailmoor/conf.d/20-more.yaml", "mailboxes: [{name: dora, app: google, user: d@gmail.com}]");
  files.add("/etc/mailmoor/conf.d/10-more.yaml",
            "apps: {google: {provider: google, client_id: g, client_secret: {file: google}}}\n");
  files.add("/etc/mailmoor/conf.d/google", "secret");
  files.add("/etc/mailmoor/conf.d/.hidden.yaml", "nonsense");
  files.add("/usr/local/bin/page-admin", "");
  return files;
}

TEST(GoodConfiguration, Contract_IsReadAsItSays) {
  const auto config = load(kContract, contract_files());
  ASSERT_TRUE(config) << errors_of(config);
  EXPECT_EQ(config->state_dir, "/var/lib/other");
  EXPECT_EQ(config->runtime_dir, "/etc/mailmoor/run");
  EXPECT_EQ(config->key.describe(), "credential mailmoor.key");
  EXPECT_EQ(config->metrics, (MetricsListener{"127.0.0.1", 9464, true}));
  EXPECT_EQ(config->limits, (Limits{50, 12, 30, 40, 30}));
  EXPECT_THAT(config->hooks.new_mail, ElementsAre("/usr/local/bin/page-admin", "new"));
  EXPECT_THAT(config->hooks.login_needed, ElementsAre("/usr/local/bin/page-admin", "-v"));
  EXPECT_THAT(config->files,
              ElementsAre(kMainPath, "/etc/mailmoor/conf.d/10-more.yaml", "/etc/mailmoor/conf.d/20-more.yaml"));

  const App& contoso = *config->find_app("contoso");
  EXPECT_EQ(contoso.provider, Provider::kMicrosoft);
  EXPECT_EQ(contoso.cloud, Cloud::kGccHigh);
  EXPECT_EQ(contoso.tenant, "contoso.onmicrosoft.com");
  EXPECT_EQ(contoso.authority, "https://login.microsoftonline.us");
  EXPECT_EQ(contoso.client_id, "6f0b");
  EXPECT_EQ(contoso.client_secret.describe(), "credential contoso-secret");
  EXPECT_EQ(contoso.proxy, "");
  const App& lab = *config->find_app("lab");
  EXPECT_EQ(lab.issuer, "https://id.example");
  EXPECT_EQ(lab.device_authorization_endpoint, "https://id.example/device");
  EXPECT_EQ(lab.token_endpoint, "https://id.example/token");
  EXPECT_THAT(lab.scopes, ElementsAre("openid", "offline_access"));
  EXPECT_EQ(lab.ca_file, "/etc/mailmoor/lab-ca.pem");
  EXPECT_EQ(lab.proxy, "http://proxy.example:3128");

  ASSERT_EQ(config->mailboxes.size(), 3U);
  const Mailbox& alice = config->mailboxes[0];
  EXPECT_EQ(alice.app, "contoso");
  EXPECT_EQ(alice.host, "outlook.office365.us");
  EXPECT_EQ(alice.login_user, "bob@contoso.com");
  EXPECT_EQ(alice.poll, 90s);
  EXPECT_EQ(alice.maildir, "/var/mail/mailmoor/alice");
  EXPECT_EQ(alice.proxy, "http://proxy.example:3128");
  EXPECT_EQ(config->find_mailbox("dora")->host, "imap.gmail.com");
  EXPECT_EQ(config->find_mailbox("dora")->daily_bytes, 2ULL << 30) << "Gmail's";
  EXPECT_EQ(alice.daily_bytes, 0U);
  EXPECT_EQ(config->find_app("google")->client_secret.describe(), "file /etc/mailmoor/conf.d/google");
  EXPECT_EQ(config->find_mailbox("nobody"), nullptr);
}

TEST(GoodConfiguration, DailyBytesOfGmail_AreTheProvidersUnlessGiven) {
  MemoryFiles files;
  const auto config = load(R"(
maildir_root: /m
apps: {google: {provider: google, client_id: g, client_secret: {env: S}}}
mailboxes:
  - {name: a, app: google, user: a@gmail.com}
  - {name: b, app: google, user: b@gmail.com, daily_bytes: 0}
  - {name: c, host: imap.gmail.com, user: c@gmail.com}
  - {name: d, host: imap.gmail.com, user: d@gmail.com, daily_bytes: 1GiB}
  - {name: e, host: imap.example.org, user: e}
)",
                           files);
  ASSERT_TRUE(config) << errors_of(config);
  std::vector<std::uint64_t> caps;
  for (const Mailbox& mailbox : config->mailboxes)
    caps.push_back(mailbox.daily_bytes);
  EXPECT_THAT(caps, ElementsAre(2ULL << 30, 0U, 2ULL << 30, 1ULL << 30, 0U));
}

TEST(GoodConfiguration, MailboxKeys_ReplaceDefaultsOneByOne) {
  const auto config = load(kContract, contract_files());
  ASSERT_TRUE(config) << errors_of(config);
  const Mailbox& legacy = *config->find_mailbox("legacy");
  EXPECT_FALSE(legacy.uses_oauth()); // its password takes the place of the default app
  EXPECT_EQ(legacy.password.describe(), "environment variable BOB");
  EXPECT_EQ(legacy.host, "imap.example.org");
  EXPECT_EQ(legacy.port, 1143);
  EXPECT_EQ(legacy.tls, Tls::kStartTls);
  EXPECT_EQ(legacy.ca_file, "/etc/mailmoor/lab-ca.pem");
  ASSERT_EQ(legacy.folders.include.size(), 2U);
  EXPECT_EQ(legacy.folders.include[1].pattern(), "Sent*");
  ASSERT_EQ(legacy.folders.exclude.size(), 1U); // from the defaults
  EXPECT_EQ(legacy.push, Push::kOff);
  EXPECT_EQ(legacy.flags, FlagMode::kOff);
  EXPECT_EQ(legacy.deletions, Deletions::kMirror);
  EXPECT_EQ(legacy.layout, Layout::kFs);
  EXPECT_EQ(legacy.line_endings, LineEndings::kCrlf);
  EXPECT_EQ(legacy.compress, Compress::kOn);
  EXPECT_EQ(legacy.daily_bytes, 300ULL << 20);
  EXPECT_EQ(legacy.connections, 1);
  EXPECT_EQ(legacy.timeouts, (Timeouts{30s, 120s}));
  EXPECT_EQ(legacy.proxy, "socks5h://[::1]:1080");
  EXPECT_EQ(legacy.maildir, "/etc/legacy");
}

TEST(GoodConfiguration, Filters_AreReadAndTakeThePlaceOfTheDefaultOnes) {
  const auto config =
      load("defaults: {max_age: 90d, max_size: 150MiB, host: h, user: u}\nmaildir_root: /m\n"
           "mailboxes: [{name: a}, {name: b, since: 2024-02-29}, {name: c, max_age: none, max_size: none}]");
  ASSERT_TRUE(config) << errors_of(config);
  EXPECT_EQ(config->mailboxes[0].filters, (Filters{std::nullopt, 90 * 24h, 150ULL << 20}));
  const auto day = std::chrono::sys_days(std::chrono::year(2024) / 2 / 29);
  EXPECT_EQ(config->mailboxes[1].filters, (Filters{day, std::nullopt, 150ULL << 20}));
  EXPECT_EQ(config->mailboxes[2].filters, Filters());
}

TEST(GoodConfiguration, Directories_ComeFromTheServiceManagerUnlessGiven) {
  Environment environment;
  environment.state_directory = "/state";
  environment.runtime_directory = "/runtime";
  const auto config = load(std::string(kSmallest) + "runtime_dir: /own\n", {}, environment);
  ASSERT_TRUE(config) << errors_of(config);
  EXPECT_EQ(config->state_dir, "/state");
  EXPECT_EQ(config->runtime_dir, "/own");
}

TEST(GoodConfiguration, StartTlsWithoutPort_Is143) {
  const auto config = load("mailboxes: [{name: a, host: h, user: u, maildir: /m, tls: starttls}]");
  ASSERT_TRUE(config) << errors_of(config);
  EXPECT_EQ(config->mailboxes[0].port, 143);
}

TEST(GoodConfiguration, HostOfTheMailbox_WinsOverTheAppsAndTheProviders) {
  const auto config = load("maildir_root: /m\n"
                           "apps:\n"
                           "  own: {provider: microsoft, tenant: t, client_id: c, imap_host: own.example}\n"
                           "  plain: {provider: microsoft, tenant: t, client_id: c}\n"
                           "  china: {provider: microsoft, cloud: china, tenant: t, client_id: c}\n"
                           "mailboxes:\n"
                           "  - {name: a, user: u, app: own, host: mine.example}\n"
                           "  - {name: b, user: u, app: own}\n"
                           "  - {name: c, user: u, app: plain}\n"
                           "  - {name: d, user: u, app: china}\n");
  ASSERT_TRUE(config) << errors_of(config);
  std::vector<std::string> hosts;
  for (const Mailbox& mailbox : config->mailboxes)
    hosts.push_back(mailbox.host);
  EXPECT_THAT(hosts, ElementsAre("mine.example", "own.example", "outlook.office365.com", "partner.outlook.cn"));
}

// The values are the providers' documentation's.
TEST(GoodConfiguration, Provider_FillsInWhatTheAppLeavesOut) {
  const auto config =
      load("maildir_root: /m\n"
           "apps:\n"
           "  ms: {provider: microsoft, tenant: t.example, client_id: c}\n"
           "  own: {provider: microsoft, tenant: t, client_id: c, authority: 'http://127.0.0.1:80/x/',\n"
           "        scopes: [https://outlook.office365.com/IMAP.AccessAsUser.All, offline_access]}\n"
           "  china: {provider: microsoft, cloud: china, tenant: t, client_id: c}\n"
           "  high: {provider: microsoft, cloud: gcc-high, tenant: t, client_id: c}\n"
           "  dod: {provider: microsoft, cloud: dod, tenant: t, client_id: c}\n"
           "  gmail: {provider: google, client_id: c, client_secret: s}\n"
           "mailboxes: [{name: a, user: u, app: ms}]\n");
  ASSERT_TRUE(config) << errors_of(config);
  const App& ms = *config->find_app("ms");
  EXPECT_EQ(ms.issuer, "");
  EXPECT_EQ(ms.device_authorization_endpoint, "https://login.microsoftonline.com/t.example/oauth2/v2.0/devicecode");
  EXPECT_EQ(ms.authorization_endpoint, "https://login.microsoftonline.com/t.example/oauth2/v2.0/authorize");
  EXPECT_EQ(ms.token_endpoint, "https://login.microsoftonline.com/t.example/oauth2/v2.0/token");
  EXPECT_THAT(ms.scopes, ElementsAre("https://outlook.office.com/IMAP.AccessAsUser.All", "offline_access"));
  const App& own = *config->find_app("own");
  EXPECT_EQ(own.token_endpoint, "http://127.0.0.1:80/x/t/oauth2/v2.0/token");
  EXPECT_THAT(own.scopes, ElementsAre("https://outlook.office365.com/IMAP.AccessAsUser.All", "offline_access"));
  const App& china = *config->find_app("china");
  EXPECT_EQ(china.token_endpoint, "https://login.partner.microsoftonline.cn/t/oauth2/v2.0/token");
  EXPECT_THAT(china.scopes, ElementsAre("https://partner.outlook.cn/IMAP.AccessAsUser.All", "offline_access"));
  EXPECT_THAT(config->find_app("high")->scopes,
              ElementsAre("https://outlook.office365.us/IMAP.AccessAsUser.All", "offline_access"));
  const App& dod = *config->find_app("dod");
  EXPECT_THAT(dod.scopes, ElementsAre("https://outlook-dod.office365.us/IMAP.AccessAsUser.All", "offline_access"));
  EXPECT_EQ(dod.authority, "https://login.microsoftonline.us");
  EXPECT_EQ(dod.imap_host, "outlook-dod.office365.us");
  const App& gmail = *config->find_app("gmail");
  EXPECT_EQ(gmail.device_authorization_endpoint, "");
  EXPECT_EQ(gmail.authorization_endpoint, "https://accounts.google.com/o/oauth2/v2/auth");
  EXPECT_EQ(gmail.token_endpoint, "https://oauth2.googleapis.com/token");
  EXPECT_THAT(gmail.scopes, ElementsAre("https://mail.google.com/"));
}

TEST(GoodConfiguration, GrantsWithoutAPerson_HaveTheirScopes) {
  MemoryFiles files;
  files.add("/etc/mailmoor/app.pem", "", /*private_to_owner=*/false);
  files.add("/etc/mailmoor/app.key", "");
  const auto config =
      load("maildir_root: /m\n"
           "apps:\n"
           "  global: {provider: microsoft, tenant: t, client_id: c, grant: client_credentials,\n"
           "           certificate: {file: app.pem, key: {file: app.key}}}\n"
           "  high: {provider: microsoft, cloud: gcc-high, tenant: t, client_id: c, grant: client_credentials,\n"
           "         certificate: {file: app.pem, key: {credential: k}}, assertion_alg: RS256}\n"
           "  dod: {provider: microsoft, cloud: dod, tenant: t, client_id: c, grant: client_credentials,\n"
           "        client_secret: {credential: s}, client_secret_expires: 2027-01-31}\n"
           "  china: {provider: microsoft, cloud: china, tenant: t, client_id: c, grant: client_credentials,\n"
           "          client_secret: {credential: s}}\n"
           "  gmail: {provider: google, grant: service_account, service_account_key: {credential: g}}\n"
           "  lab: {provider: custom, token_endpoint: https://id.example/t, client_id: c, grant: client_credentials,\n"
           "        client_secret: {credential: s}, scopes: [imap]}\n"
           "  person: {provider: microsoft, tenant: t, client_id: c,\n"
           "           certificate: {file: app.pem, key: {file: app.key}}}\n"
           "mailboxes: [{name: a, user: a@example.org, app: gmail}]\n",
           files);
  ASSERT_TRUE(config) << errors_of(config);
  const App& global = *config->find_app("global");
  EXPECT_EQ(global.grant, Grant::kClientCredentials);
  EXPECT_THAT(global.scopes, ElementsAre("https://outlook.office365.com/.default"));
  EXPECT_EQ(global.certificate.file, "/etc/mailmoor/app.pem");
  EXPECT_EQ(global.certificate.key.describe(), "file /etc/mailmoor/app.key");
  EXPECT_EQ(global.assertion_algorithm, AssertionAlgorithm::kPs256);
  EXPECT_THAT(config->find_app("high")->scopes, ElementsAre("https://outlook.office365.us/.default"));
  EXPECT_EQ(config->find_app("high")->assertion_algorithm, AssertionAlgorithm::kRs256);
  const App& dod = *config->find_app("dod");
  EXPECT_THAT(dod.scopes, ElementsAre("https://outlook-dod.office365.us/.default"));
  EXPECT_EQ(dod.client_secret_expires, std::chrono::sys_days(std::chrono::year(2027) / std::chrono::January / 31));
  EXPECT_THAT(config->find_app("china")->scopes, ElementsAre("https://partner.outlook.cn/.default"));
  const App& gmail = *config->find_app("gmail");
  EXPECT_EQ(gmail.grant, Grant::kServiceAccount);
  EXPECT_THAT(gmail.scopes, ElementsAre("https://mail.google.com/"));
  EXPECT_EQ(gmail.service_account_key.describe(), "credential g");
  EXPECT_THAT(config->find_app("lab")->scopes, ElementsAre("imap"));
  EXPECT_EQ(config->find_app("person")->grant, Grant::kDelegated);
}

TEST(GoodConfiguration, LiteralSecret_IsTakenFromAPrivateFile) {
  const auto config = load("mailboxes: [{name: a, host: h, user: u, maildir: /m, password: \"p w\\t\"}]");
  ASSERT_TRUE(config) << errors_of(config);
  EXPECT_EQ(config->mailboxes[0].password.kind, SecretSource::Kind::kLiteral);
  EXPECT_EQ(config->mailboxes[0].password.literal.reveal(), "p w\t");
  EXPECT_EQ(config->mailboxes[0].password.where, "/etc/mailmoor/mailmoor.yaml:1:64");
}

TEST(GoodConfiguration, Anchors_AreFollowed) {
  const auto config = load("mailboxes:\n"
                           "  - {name: a, host: &h h.example, user: u, maildir: /a, timeouts: &t {io: 5s}}\n"
                           "  - {name: b, host: *h, user: u, maildir: /b, timeouts: *t}\n");
  ASSERT_TRUE(config) << errors_of(config);
  EXPECT_EQ(config->mailboxes[1].host, "h.example");
  EXPECT_EQ(config->mailboxes[1].timeouts.io, 5s);
}

TEST(GoodConfiguration, ByteOrderMarkAndCarriageReturns_AreNoMistakes) {
  const auto config =
      load("\xEF\xBB\xBFmaildir_root: /m\r\nmailboxes:\r\n  - name: a\r\n    host: h\r\n    user: u\r\n");
  ASSERT_TRUE(config) << errors_of(config);
  EXPECT_EQ(config->mailboxes[0].user, "u");
}

TEST(GoodConfiguration, FileThatTwoPatternsMatch_IsReadOnce) {
  MemoryFiles files;
  files.add("/etc/mailmoor/conf.d/a.yaml", "mailboxes: [{name: b, host: h, user: u, maildir: /m/b}]");
  const auto config = load(std::string("include: [conf.d/*.yaml, conf.d/../conf.d/a.yaml]\n") + kSmallest, files);
  ASSERT_TRUE(config) << errors_of(config);
  EXPECT_EQ(config->mailboxes.size(), 2U);
  EXPECT_EQ(files.reads, 1);
}

TEST(GoodConfiguration, PatternThatMatchesNothing_IsNoMistake) {
  const auto config = load(std::string("include: [conf.d/*.yaml]\n") + kSmallest);
  EXPECT_TRUE(config) << errors_of(config);
}

// Not timed but counted: what is common is looked at once, however many mailboxes there are.
TEST(GoodConfiguration, FiveThousandMailboxes_AskTheDiskOnce) {
  std::string text = "maildir_root: /m\n"
                     "apps: {c: {provider: microsoft, tenant: t, client_id: c, ca_file: ca.pem}}\n"
                     "defaults: {app: c, ca_file: ca.pem}\nmailboxes:\n";
  for (int i = 0; i < 5000; ++i) {
    const std::string name = "user" + std::to_string(i);
    text += "  - name: " + name + "\n    user: " + name + "@example.org\n    poll: 10m\n    folders:\n" +
            "      include: [INBOX, \"Sent*\"]\n";
  }
  MemoryFiles files;
  files.add("/etc/mailmoor/ca.pem", "");
  const auto config = load(text, files);
  ASSERT_TRUE(config) << errors_of(config);
  EXPECT_EQ(config->mailboxes.size(), 5000U);
  EXPECT_EQ(config->mailboxes.back().maildir, "/m/user4999");
  EXPECT_EQ(files.reads, 0);
  EXPECT_EQ(files.inspections, 2);
}

class ShippedExample : public ::testing::TestWithParam<const char*> {};

TEST_P(ShippedExample, Loads) {
  std::ifstream stream(std::string(TEST_SOURCE_DIR "/config/") + GetParam(), std::ios::binary);
  std::ostringstream text;
  text << stream.rdbuf();
  // Not even a file mode is needed: the examples hold no literal secret.
  const auto config = parse({kMainPath, text.str(), /*private_to_owner=*/false}, MemoryFiles(), {});
  EXPECT_TRUE(config) << errors_of(config);
}

INSTANTIATE_TEST_SUITE_P(Config, ShippedExample,
                         ::testing::Values("mailmoor.yaml", "office365.yaml", "gmail.yaml", "generic-imap.yaml",
                                           "custom-oauth.yaml"));

TEST(BadConfiguration, NoMailboxes_SaysSo) {
  for (const char* text : {"", "# nothing\n", "---\n", "maildir_root: /m\n", "mailboxes: []\n"}) {
    const auto config = load(text);
    ASSERT_FALSE(config);
    EXPECT_THAT(errors_of(config), ::testing::HasSubstr(":1:1: there are no mailboxes")) << text;
  }
}

TEST(BadConfiguration, ErrorInAnIncludedFile_HasItsNameAndComesAfterTheMainFiles) {
  MemoryFiles files;
  files.add("/etc/mailmoor/conf.d/a.yaml",
            "include: [b.yaml]\nmailboxes: [{name: A, host: h, user: u, maildir: /m/b}]");
  const auto config = load(std::string("include: [conf.d/*.yaml]\n") + kSmallest + "limits: 5\n", files);
  ASSERT_FALSE(config);
  EXPECT_EQ(errors_of(config),
            "/etc/mailmoor/mailmoor.yaml:3:9: expected \"limits\" here: lines of \"key: value\", indented alike\n"
            "/etc/mailmoor/conf.d/a.yaml:1:1: \"include\" does not belong in an included file but in the top of the "
            "main file\n"
            "/etc/mailmoor/conf.d/a.yaml:2:20: \"name\": \"A\" is taken, whatever the case, at "
            "/etc/mailmoor/mailmoor.yaml:2:20; choose another\n");
}

TEST(BadConfiguration, MoreErrorsThanAnyoneReads_AreCutShort) {
  std::string text = "mailboxes:\n";
  for (int i = 0; i < 200; ++i)
    text += "  - {}\n";
  const auto config = load(text);
  ASSERT_FALSE(config);
  EXPECT_EQ(config.error().size(), kMaxDiagnostics + 1);
  EXPECT_THAT(config.error().back().to_string(), ::testing::HasSubstr("there are more errors"));
}

} // namespace
} // namespace mailmoor::config
