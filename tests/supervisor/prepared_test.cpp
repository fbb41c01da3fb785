#include "supervisor/prepared.h"

#include "supervisor/translate.h"
#include "support/rsa_identity.h"
#include "support/world.h"

#include <fstream>
#include <gmock/gmock.h>
#include <sys/stat.h>

namespace mailmoor::supervisor {
namespace {

using namespace std::chrono_literals;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

constexpr std::string_view kHead = "maildir_root: /var/mail/test\nstate_dir: /var/lib/test\nruntime_dir: /run/test\n";

class PreparedTest : public ::testing::Test {
 protected:
  void write(std::string_view name, std::string_view text) {
    const std::string path = directory / name;
    std::ofstream(path) << text;
    ASSERT_EQ(0, ::chmod(path.c_str(), 0600));
  }
  [[nodiscard]] std::expected<Prepared, std::vector<std::string>> prepare(std::string_view text) {
    write("mailmoor.yaml", concat(kHead, text));
    return prepare_blocking(directory / "mailmoor.yaml", environment);
  }
  [[nodiscard]] mailbox::OauthClientSettings client(const Prepared& prepared, std::string_view app) {
    return client_settings(*prepared.config.find_app(app), prepared);
  }
  [[nodiscard]] mailbox::MailboxSettings mailbox(const Prepared& prepared, std::string_view name) {
    return mailbox_settings(*prepared.config.find_mailbox(name), prepared, environment);
  }
  testing::Directory directory;
  config::Environment environment;
};

TEST_F(PreparedTest, WrongConfiguration_SaysWhere) {
  const auto prepared = prepare("mailboxes:\n  - name: bob\n    hots: imap.example\n");
  ASSERT_FALSE(prepared);
  EXPECT_THAT(prepared.error(), ::testing::Contains(HasSubstr("mailmoor.yaml:6:5: ")));
}

TEST_F(PreparedTest, MissingFile_IsAnErrorWithItsName) {
  const auto prepared = prepare_blocking(directory / "none.yaml", environment);
  ASSERT_FALSE(prepared);
  ASSERT_FALSE(prepared.error().empty());
  EXPECT_THAT(prepared.error()[0], HasSubstr("none.yaml"));
}

TEST_F(PreparedTest, CaFileWithoutACertificate_NamesFileAndMailboxOnce) {
  write("ca.pem", "this is no certificate\n");
  const auto prepared = prepare("mailboxes:\n"
                                "  - {name: alice, host: imap.example, user: alice, ca_file: ca.pem}\n"
                                "  - {name: bob, host: imap.example, user: bob, ca_file: ca.pem}\n");
  ASSERT_FALSE(prepared);
  ASSERT_EQ(1U, prepared.error().size());
  EXPECT_THAT(prepared.error()[0], HasSubstr("mailbox alice"));
  EXPECT_THAT(prepared.error()[0], HasSubstr(directory / "ca.pem"));
}

TEST_F(PreparedTest, SecretThatIsNotThere_NamesPlaceAndApp) {
  const auto prepared = prepare("apps:\n"
                                "  g:\n"
                                "    provider: google\n"
                                "    client_id: id\n"
                                "    client_secret: {env: NOT_SET}\n"
                                "mailboxes:\n"
                                "  - {name: alice, app: g, user: alice@example}\n");
  ASSERT_FALSE(prepared);
  ASSERT_EQ(1U, prepared.error().size());
  EXPECT_THAT(prepared.error()[0], HasSubstr("mailmoor.yaml:8:"));
  EXPECT_THAT(prepared.error()[0], HasSubstr("app g"));
}

TEST_F(PreparedTest, EverythingThatIsWrong_IsSaidAtOnce) {
  write("ca.pem", "this is no certificate\n");
  const auto prepared =
      prepare("apps:\n"
              "  g: {provider: google, client_id: id, client_secret: {env: NOT_SET}, ca_file: ca.pem}\n"
              "mailboxes:\n"
              "  - {name: alice, app: g, user: alice@example}\n");
  ASSERT_FALSE(prepared);
  EXPECT_EQ(2U, prepared.error().size());
}

TEST_F(PreparedTest, Secrets_AreReadForTheAppsThatHaveOne) {
  write("secret", "s3cret\n");
  const auto prepared = prepare("apps:\n"
                                "  g: {provider: google, client_id: id, client_secret: {file: secret}}\n"
                                "  m: {provider: microsoft, tenant: contoso.com, client_id: id}\n"
                                "mailboxes:\n"
                                "  - {name: alice, app: g, user: alice@example}\n");
  ASSERT_TRUE(prepared) << prepared.error()[0];
  EXPECT_EQ("s3cret", client(*prepared, "g").registration.client_secret.reveal());
  EXPECT_TRUE(client(*prepared, "m").registration.client_secret.empty()) << "AADSTS700025: a public client sends none";
}

constexpr std::string_view kCertificateApp = "apps:\n"
                                             "  m:\n"
                                             "    provider: microsoft\n"
                                             "    tenant: contoso.com\n"
                                             "    client_id: id\n"
                                             "    grant: client_credentials\n"
                                             "    certificate: {file: app.pem, key: {file: app.key}}\n"
                                             "    assertion_alg: RS256\n"
                                             "mailboxes:\n"
                                             "  - {name: alice, app: m, user: alice@contoso.com}\n"
                                             "  - {name: bob, app: m, user: bob@contoso.com}\n";

TEST_F(PreparedTest, Certificate_IsReadOnceAndProvesTheApp) {
  write("app.pem", testing::identity().certificate_pem);
  write("app.key", testing::identity().key_pem);
  const auto prepared = prepare(kCertificateApp);
  ASSERT_TRUE(prepared) << prepared.error()[0];
  const auto settings = client(*prepared, "m");
  ASSERT_TRUE(settings.registration.certificate);
  EXPECT_EQ(prepared->certificates.at("m"), settings.registration.certificate);
  EXPECT_EQ(oauth::SigningAlgorithm::kRs256, settings.registration.assertion_algorithm);
  EXPECT_EQ("m/", token_id(*prepared->config.find_mailbox("alice"), *prepared->config.find_app("m")));
  EXPECT_EQ("m/", token_id(*prepared->config.find_mailbox("bob"), *prepared->config.find_app("m")));
  EXPECT_EQ(oauth::AppGrant::kClientCredentials,
            token_source(*prepared->config.find_mailbox("bob"), *prepared->config.find_app("m")).app_grant);
}

TEST_F(PreparedTest, CertificateThatWillNotDo_SaysWhichFileAndWhere) {
  const auto refusal = [this] {
    const auto prepared = prepare(kCertificateApp);
    EXPECT_FALSE(prepared);
    return prepared ? std::string() : prepared.error()[0];
  };
  write("app.pem", testing::identity().certificate_pem);
  write("app.key", testing::pem_of_key(testing::identity().key.get(), "a password"));
  EXPECT_THAT(refusal(), ::testing::MatchesRegex(".*mailmoor.yaml:10:.*app m: .*app.key: .*encrypted.*openssl pkey.*"));
  write("app.key", testing::make_identity().key_pem);
  EXPECT_THAT(refusal(), ::testing::MatchesRegex(".*mailmoor.yaml:10:.*app m: .*app.pem: .*another private key.*"));
  write("app.key", testing::identity().key_pem);
  write("app.pem", "no certificate");
  EXPECT_THAT(refusal(), ::testing::MatchesRegex(".*mailmoor.yaml:10:.*app m: .*app.pem: there is no certificate.*"));
}

constexpr std::string_view kServiceAccountApp = "apps:\n"
                                                "  g:\n"
                                                "    provider: google\n"
                                                "    grant: service_account\n"
                                                "    service_account_key: {file: key.json}\n"
                                                "mailboxes:\n"
                                                "  - {name: alice, app: g, user: alice@example.com}\n"
                                                "  - {name: bob, app: g, user: bob@example.com}\n";

TEST_F(PreparedTest, ServiceAccount_HasATokenForEachUser) {
  std::string key = testing::identity().key_pem;
  for (std::size_t at = 0; (at = key.find('\n', at)) != std::string::npos;)
    key.replace(at, 1, "\\n");
  write("key.json", concat(R"({"type":"service_account","private_key_id":"1","private_key":")", key,
                           R"(","client_email":"mail@project.example","token_uri":"https://oauth2.example/token"})"));
  const auto prepared = prepare(kServiceAccountApp);
  ASSERT_TRUE(prepared) << prepared.error()[0];
  const auto settings = client(*prepared, "g");
  EXPECT_EQ("mail@project.example", settings.registration.client_id);
  EXPECT_EQ("https://oauth2.example/token", settings.registration.endpoints.token) << "the key's own word";
  EXPECT_TRUE(oauth::check_registration(settings.registration));
  const config::App& app = *prepared->config.find_app("g");
  EXPECT_EQ("g/alice@example.com", token_id(*prepared->config.find_mailbox("alice"), app));
  EXPECT_EQ("bob@example.com", token_source(*prepared->config.find_mailbox("bob"), app).user);
}

TEST_F(PreparedTest, OtherJsonThanAServiceAccounts_SaysWhatItIs) {
  write("key.json", R"({"installed":{"client_id":"x"}})");
  const auto prepared = prepare(kServiceAccountApp);
  ASSERT_FALSE(prepared);
  EXPECT_THAT(prepared.error()[0], ::testing::MatchesRegex(".*mailmoor.yaml:8:.*app g: .*key.json: .*no \"type\".*"));
}

TEST_F(PreparedTest, MicrosoftApps_HaveTheEndpointsOfTheirCloud) {
  struct Row {
    std::string_view cloud, authority, imap_host;
  };
  for (const Row& row : {Row{"global", "https://login.microsoftonline.com", "outlook.office365.com"},
                         Row{"gcc-high", "https://login.microsoftonline.us", "outlook.office365.us"},
                         Row{"dod", "https://login.microsoftonline.us", "outlook-dod.office365.us"},
                         Row{"china", "https://login.partner.microsoftonline.cn", "partner.outlook.cn"}}) {
    const auto prepared = prepare(concat("apps:\n  m: {provider: microsoft, cloud: ", row.cloud,
                                         ", tenant: contoso.com, client_id: id}\n"
                                         "mailboxes:\n  - {name: alice, app: m, user: alice@contoso.com}\n"));
    ASSERT_TRUE(prepared) << prepared.error()[0];
    const auto settings = client(*prepared, "m");
    const std::string base = concat(row.authority, "/contoso.com/oauth2/v2.0");
    EXPECT_EQ(concat(base, "/token"), settings.registration.endpoints.token);
    EXPECT_EQ(concat(base, "/devicecode"), settings.registration.endpoints.device_authorization);
    EXPECT_EQ(concat(base, "/authorize"), settings.registration.endpoints.authorization);
    EXPECT_EQ(prepared->config.find_app("m")->scopes, settings.registration.scopes);
    EXPECT_EQ(row.imap_host, mailbox(*prepared, "alice").connection.host);
    EXPECT_FALSE(settings.discovers);
    EXPECT_TRUE(oauth::check_registration(settings.registration));
  }
}

TEST_F(PreparedTest, GoogleApp_HasNoDeviceFlow) {
  environment.variable = [](const std::string&) { return std::optional<std::string>("s"); };
  const auto prepared = prepare("apps:\n  g: {provider: google, client_id: id, client_secret: {env: X}}\n"
                                "mailboxes:\n  - {name: alice, app: g, user: alice@example}\n");
  ASSERT_TRUE(prepared) << prepared.error()[0];
  const auto settings = client(*prepared, "g");
  EXPECT_EQ("https://oauth2.googleapis.com/token", settings.registration.endpoints.token);
  EXPECT_EQ("", settings.registration.endpoints.device_authorization);
  EXPECT_THAT(settings.registration.scopes, ElementsAre("https://mail.google.com/"));
  EXPECT_EQ("imap.gmail.com", mailbox(*prepared, "alice").connection.host);
}

TEST_F(PreparedTest, CustomApp_DiscoversWhatIsNotNamed) {
  const auto discovers = [this](std::string_view endpoints) {
    const auto prepared = prepare(concat("apps:\n  c: {provider: custom, client_id: id, ", endpoints,
                                         "}\n"
                                         "mailboxes:\n  - {name: a, app: c, user: a, host: imap.example}\n"));
    EXPECT_TRUE(prepared) << prepared.error()[0];
    return client(*prepared, "c").discovers;
  };
  EXPECT_TRUE(discovers("issuer: \"https://id.example\""));
  EXPECT_TRUE(discovers("issuer: \"https://id.example\", token_endpoint: \"https://id.example/t\""))
      << "there would be no way to sign in";
  EXPECT_FALSE(discovers("issuer: \"https://id.example\", token_endpoint: \"https://id.example/t\", "
                         "device_authorization_endpoint: \"https://id.example/d\""));
  EXPECT_FALSE(discovers("token_endpoint: \"https://id.example/t\", authorization_endpoint: \"https://id.example/a\""));
}

TEST_F(PreparedTest, CustomAppWithoutPerson_NeedsTheTokenEndpointOnly) {
  environment.variable = [](const std::string&) { return std::optional<std::string>("s"); };
  const auto prepared = prepare("apps:\n  c: {provider: custom, client_id: id, client_secret: {env: X}, grant: "
                                "client_credentials, token_endpoint: \"https://id.example/t\"}\n"
                                "mailboxes:\n  - {name: a, app: c, user: a, host: imap.example}\n");
  ASSERT_TRUE(prepared) << prepared.error()[0];
  EXPECT_FALSE(client(*prepared, "c").discovers);
}

TEST_F(PreparedTest, Mailbox_HasWhatTheFileSays) {
  write("password", "pw\n");
  const auto prepared = prepare("mailboxes:\n"
                                "  - name: bob\n"
                                "    host: imap.example\n"
                                "    user: b\n"
                                "    tls: starttls\n"
                                "    password: {file: password}\n"
                                "    poll: 7m\n"
                                "    push: off\n"
                                "    flags: off\n"
                                "    layout: fs\n"
                                "    line_endings: crlf\n"
                                "    max_age: 2d\n"
                                "    max_size: 1KiB\n"
                                "    proxy: \"socks5h://127.0.0.1:1080\"\n"
                                "    timeouts: {connect: 5s, io: 9s}\n"
                                "    folders: {include: [\"INBOX\"], exclude: [\"Spam*\"]}\n"
                                "  - {name: plain, host: imap.example, user: p}\n");
  ASSERT_TRUE(prepared) << prepared.error()[0];
  const auto bob = mailbox(*prepared, "bob");
  EXPECT_EQ("b", bob.user);
  EXPECT_EQ("imap.example", bob.connection.host);
  EXPECT_EQ(143, bob.connection.port);
  EXPECT_EQ(mailbox::TlsMode::kStartTls, bob.connection.tls);
  EXPECT_EQ("socks5h://127.0.0.1:1080", bob.connection.proxy);
  EXPECT_EQ(5s, bob.connection.connect_timeout);
  EXPECT_EQ(9s, bob.connection.io_timeout);
  EXPECT_EQ(7min, bob.poll);
  EXPECT_FALSE(bob.push);
  EXPECT_FALSE(bob.keep_flags);
  EXPECT_FALSE(bob.wants.flags);
  EXPECT_EQ(maildir::Layout::kFs, bob.layout);
  EXPECT_EQ(maildir::LineEndings::kCrlf, bob.line_endings);
  EXPECT_EQ((sync::Filter{std::nullopt, 48h, 1024}), bob.filter);
  EXPECT_EQ("/var/mail/test/bob", bob.maildir);
  EXPECT_EQ(1U, bob.folders.include.size());
  EXPECT_EQ(1U, bob.folders.exclude.size());
  ASSERT_TRUE(bob.read_password_blocking);
  EXPECT_EQ("pw", bob.read_password_blocking()->reveal());
  const auto plain = mailbox(*prepared, "plain");
  EXPECT_FALSE(plain.read_password_blocking) << "the one in the vault";
  EXPECT_EQ(mailbox::TlsMode::kImplicit, plain.connection.tls);
  EXPECT_EQ(993, plain.connection.port);
  EXPECT_TRUE(plain.push);
  EXPECT_TRUE(plain.keep_flags);
  EXPECT_TRUE(plain.wants.flags);
  EXPECT_FALSE(plain.wants.deletions);
  EXPECT_FALSE(plain.filter.is_set());
  EXPECT_TRUE(plain.connection.trust) << "there is no connection without trust";
}

TEST_F(PreparedTest, PasswordThatChanges_IsReadAnew) {
  write("password", "old");
  const auto prepared =
      prepare("mailboxes:\n  - {name: bob, host: imap.example, user: b, password: {file: password}}\n");
  ASSERT_TRUE(prepared) << prepared.error()[0];
  const auto bob = mailbox(*prepared, "bob");
  EXPECT_EQ("old", bob.read_password_blocking()->reveal());
  write("password", "new");
  EXPECT_EQ("new", bob.read_password_blocking()->reveal());
}

TEST_F(PreparedTest, SharedMailbox_UsesTheTokenOfWhoSignsIn) {
  const auto prepared = prepare("apps:\n  m: {provider: microsoft, tenant: contoso.com, client_id: id}\n"
                                "mailboxes:\n"
                                "  - {name: alice, app: m, user: alice@contoso.com}\n"
                                "  - {name: sales, app: m, user: sales@contoso.com, login_user: alice@contoso.com}\n");
  ASSERT_TRUE(prepared) << prepared.error()[0];
  EXPECT_EQ("m/alice@contoso.com", token_id(*prepared->config.find_mailbox("alice"), *prepared->config.find_app("m")));
  EXPECT_EQ("m/alice@contoso.com", token_id(*prepared->config.find_mailbox("sales"), *prepared->config.find_app("m")));
  EXPECT_EQ("sales@contoso.com", mailbox(*prepared, "sales").user);
}

} // namespace
} // namespace mailmoor::supervisor
