#include "store/token_vault.h"

#include "store/migrations.h"
#include "store/test_files.h"
#include "util/base64.h"
#include "util/concat.h"

#include <csignal>
#include <sys/resource.h>

namespace mailmoor::store {
namespace {

constexpr std::string_view kId = "contoso/alice@contoso.com";

[[nodiscard]] UnixTime at(int seconds) {
  return UnixTime(std::chrono::seconds(seconds));
}

[[nodiscard]] StoredToken make_token(std::string_view refresh, std::string_view access = "access") {
  StoredToken token;
  token.refresh_token = Secret(refresh);
  token.access_token = Secret(access);
  token.obtained_at = at(1'700'000'000);
  token.expires_at = at(1'700'003'600);
  token.refresh_at = at(1'700'001'800);
  token.scope = "imap offline_access";
  return token;
}

class TokenVaultTest : public InDirectory {
 protected:
  [[nodiscard]] Result<TokenVault> open(unsigned char key = 0) const {
    return TokenVault::open_blocking(path("tokens.db"), make_test_key(key));
  }
  // Changes the closed database behind the vault's back.
  void edit(const std::string& sql) const {
    auto database = Database::open_blocking({.path = path("tokens.db")});
    ASSERT_TRUE(database);
    ASSERT_TRUE(database->run_blocking(sql)) << sql;
  }
};

TEST_F(TokenVaultTest, Token_ComesBackWholeAfterReopening) {
  ASSERT_TRUE(open()->save_token_blocking(kId, make_token("refresh", "access")));
  auto vault = open().value();
  const auto loaded = vault.load_token_blocking(kId);
  ASSERT_TRUE(loaded && *loaded);
  const StoredToken& token = **loaded;
  EXPECT_EQ(token.refresh_token.reveal(), "refresh");
  EXPECT_EQ(token.access_token.reveal(), "access");
  EXPECT_TRUE(token.previous_refresh_token.empty());
  EXPECT_EQ(token.obtained_at, at(1'700'000'000));
  EXPECT_EQ(token.expires_at, at(1'700'003'600));
  EXPECT_EQ(token.refresh_at, at(1'700'001'800));
  EXPECT_EQ(token.scope, "imap offline_access");
  EXPECT_FALSE(vault.load_token_blocking("contoso/bob")->has_value());
  EXPECT_EQ(vault.list_tokens_blocking(), std::vector<std::string>{std::string(kId)});
}

TEST_F(TokenVaultTest, RotatedRefreshToken_KeepsTheOneBeforeUntilUsed) {
  struct Row {
    std::string saved;
    std::string current;
    std::string previous;
  };
  auto vault = open().value();
  for (const auto& [saved, current, previous] : {
           Row{"", "", ""},    // client credentials give none
           Row{"A", "A", ""},  // signed in
           Row{"B", "B", "A"}, // rotated
           Row{"C", "C", "B"}, // rotated again: B has worked
           Row{"", "C", "B"},  // a reply without one: nothing is lost
           Row{"C", "C", ""},  // C has worked
       }) {
    ASSERT_TRUE(vault.save_token_blocking(kId, make_token(saved)));
    const auto token = vault.load_token_blocking(kId);
    ASSERT_TRUE(token && *token) << saved;
    EXPECT_EQ((*token)->refresh_token.reveal(), current) << saved;
    EXPECT_EQ((*token)->previous_refresh_token.reveal(), previous) << saved;
  }
}

TEST_F(TokenVaultTest, Erased_IsGoneAndErasingAgainSucceeds) {
  auto vault = open().value();
  ASSERT_TRUE(vault.save_token_blocking(kId, make_token("refresh")));
  ASSERT_TRUE(vault.save_token_blocking("contoso/bob", make_token("bobs")));
  ASSERT_TRUE(vault.erase_token_blocking(kId));
  EXPECT_FALSE(vault.load_token_blocking(kId)->has_value());
  EXPECT_TRUE(vault.load_token_blocking("contoso/bob")->has_value());
  EXPECT_TRUE(vault.erase_token_blocking(kId));
}

TEST_F(TokenVaultTest, ErasedCiphertext_IsNotInTheFilesAnyMore) {
  std::string sealed;
  {
    auto vault = open().value();
    ASSERT_TRUE(vault.save_token_blocking(kId, make_token("refresh")));
  }
  {
    auto database = Database::open_blocking({.path = path("tokens.db")}).value();
    auto select = database.prepare_blocking("SELECT refresh_token FROM token").value();
    ASSERT_EQ(select.step_blocking(), true);
    sealed = select.bytes(0);
  }
  ASSERT_NE(read_file(path("tokens.db")).find(sealed), std::string::npos);
  // In a process that does not close the vault: nothing but the erasing itself may have emptied the WAL.
  ASSERT_TRUE(run_and_die([&] {
    auto vault = open();
    die(vault && vault->erase_token_blocking(kId));
  }));
  for (const auto& [name, content] : snapshot())
    EXPECT_EQ(content.find(sealed), std::string::npos) << name;
}

TEST_F(TokenVaultTest, Passwords_LiveBesideTokens) {
  auto vault = open().value();
  ASSERT_TRUE(vault.save_password_blocking("legacy", Secret("old")));
  ASSERT_TRUE(vault.save_password_blocking("legacy", Secret("hush")));
  ASSERT_TRUE(vault.save_password_blocking("attic", Secret("")));
  EXPECT_EQ((*vault.load_password_blocking("legacy"))->reveal(), "hush");
  EXPECT_EQ((*vault.load_password_blocking("attic"))->reveal(), "");
  EXPECT_FALSE(vault.load_password_blocking("absent")->has_value());
  EXPECT_EQ(vault.list_passwords_blocking(), (std::vector<std::string>{"attic", "legacy"}));
  ASSERT_TRUE(vault.erase_password_blocking("legacy"));
  EXPECT_FALSE(vault.load_password_blocking("legacy")->has_value());
}

TEST_F(TokenVaultTest, NoSecret_IsInAnyFile) {
  const std::vector<std::string> secrets = {"refresh-token-0123456789abcdefg", "previous-token-123456789abcdefg",
                                            "access-token--0123456789abcdefg", "a-password----0123456789abcdefg",
                                            std::string(make_test_key().bytes().reveal())};
  ASSERT_TRUE(run_and_die([&] { // so that the WAL is there to be searched, too
    auto vault = open();
    die(vault && vault->save_token_blocking(kId, make_token(secrets[1])) &&
        vault->save_token_blocking(kId, make_token(secrets[0], secrets[2])) &&
        vault->save_password_blocking("legacy", Secret(secrets[3])));
  }));
  const auto files = snapshot();
  ASSERT_TRUE(files.contains("tokens.db-wal"));
  ASSERT_NE(files.at("tokens.db-wal").find("contoso/alice"), std::string::npos)
      << "the search would find nothing at all";
  for (const auto& [name, content] : files)
    for (const std::string& secret : secrets)
      for (const std::string& form : {secret, base64_encode(secret), base64url_encode(secret)}) {
        EXPECT_EQ(content.find(form), std::string::npos) << name << " holds " << form;
        EXPECT_EQ(content.find(form.substr(0, 12)), std::string::npos) << name << " holds the start of " << form;
      }
}

TEST_F(TokenVaultTest, WrongKey_IsRefusedAndEveryFileStaysAsItWas) {
  ASSERT_TRUE(run_and_die([this] {
    auto vault = open();
    die(vault && vault->save_token_blocking(kId, make_token("refresh")));
  }));
  const auto crashed = snapshot();
  ASSERT_TRUE(crashed.contains("tokens.db-wal"));
  const auto refused = open(/*key=*/1);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, "wrong_master_key");
  EXPECT_EQ(refused.error().kind, ErrorKind::kOperator);
  EXPECT_NE(refused.error().what.find("file test.key"), std::string::npos) << refused.error().what;
  EXPECT_TRUE(is_as(crashed));

  ASSERT_TRUE(open()); // and closed cleanly
  const auto clean = snapshot();
  EXPECT_EQ(clean.size(), 1U);
  EXPECT_EQ(open(/*key=*/1).error().code, "wrong_master_key");
  EXPECT_TRUE(is_as(clean));
  EXPECT_EQ((*open()->load_token_blocking(kId))->refresh_token.reveal(), "refresh");
}

TEST_F(TokenVaultTest, ValueMovedToAnotherRowOrColumn_DoesNotOpen) {
  {
    auto vault = open().value();
    ASSERT_TRUE(vault.save_token_blocking("contoso/alice", make_token("alices")));
    ASSERT_TRUE(vault.save_token_blocking("contoso/bob", make_token("bobs")));
    ASSERT_TRUE(vault.save_token_blocking("contoso/carol", make_token("carols")));
  }
  edit("UPDATE token SET refresh_token = (SELECT refresh_token FROM token WHERE token_id = 'contoso/bob')"
       " WHERE token_id = 'contoso/alice';"
       "UPDATE token SET access_token = refresh_token WHERE token_id = 'contoso/carol'");
  auto vault = open().value();
  EXPECT_EQ(vault.load_token_blocking("contoso/alice").error().code, "sealed_value_damaged");
  EXPECT_EQ(vault.load_token_blocking("contoso/carol").error().code, "sealed_value_damaged");
  EXPECT_EQ((*vault.load_token_blocking("contoso/bob"))->refresh_token.reveal(), "bobs") << "its neighbour is well";
}

TEST_F(TokenVaultTest, DamagedRow_CanBeSavedOver) {
  ASSERT_TRUE(open()->save_token_blocking(kId, make_token("old")));
  edit("UPDATE token SET refresh_token = zeroblob(40)");
  auto vault = open().value();
  EXPECT_FALSE(vault.load_token_blocking(kId));
  ASSERT_TRUE(vault.save_token_blocking(kId, make_token("new")));
  EXPECT_EQ((*vault.load_token_blocking(kId))->refresh_token.reveal(), "new");
}

TEST_F(TokenVaultTest, FirstStartCutShort_IsTakenUp) {
  write_file(path("tokens.db"), "");
  ASSERT_TRUE(open()->save_token_blocking(kId, make_token("refresh")));
  edit("DELETE FROM token; DELETE FROM key_check"); // migrated, and killed before the key check was written
  ASSERT_TRUE(open(/*key=*/7)->save_token_blocking(kId, make_token("refresh")));
  EXPECT_EQ(open(/*key=*/0).error().code, "wrong_master_key");
  edit("DELETE FROM key_check");
  EXPECT_EQ(open(/*key=*/7).error().code, "database_corrupt") << "tokens without a key check are not trusted";
}

TEST_F(TokenVaultTest, CorruptVault_IsLeftForTheOperator) {
  ASSERT_NO_FATAL_FAILURE(write_file(path("tokens.db"), std::string(8192, 'g')));
  const auto before = snapshot();
  EXPECT_EQ(open().error().code, "database_corrupt");
  EXPECT_TRUE(is_as(before));
}

TEST_F(TokenVaultTest, FullDisk_SaysSoAndKeepsTheTokenBefore) {
  auto vault = open().value();
  ASSERT_TRUE(vault.save_token_blocking(kId, make_token("before")));
  const auto handler = std::signal(SIGXFSZ, SIG_IGN);
  rlimit limit{};
  ASSERT_EQ(::getrlimit(RLIMIT_FSIZE, &limit), 0);
  const rlimit unlimited = limit;
  limit.rlim_cur = std::filesystem::file_size(path("tokens.db-wal"));
  ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &limit), 0);
  const auto refused = vault.save_token_blocking(kId, make_token("after", std::string(20'000, 'x')));
  ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &unlimited), 0);
  std::signal(SIGXFSZ, handler);

  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, "disk_full") << refused.error().what;
  EXPECT_EQ((*vault.load_token_blocking(kId))->refresh_token.reveal(), "before");
  ASSERT_TRUE(vault.save_token_blocking(kId, make_token("after"))) << "it goes on when there is room again";
  EXPECT_EQ((*vault.load_token_blocking(kId))->refresh_token.reveal(), "after");
}

} // namespace
} // namespace mailmoor::store
