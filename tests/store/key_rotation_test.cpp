// A rotation of the master key: what it does, and what a start makes of one that was cut short at each step.
#include "store/database.h"
#include "store/key_rotation.h"
#include "store/migrations.h"
#include "store/test_files.h"
#include "util/concat.h"
#include "util/key_file.h"

#include <array>
#include <csignal>
#include <fcntl.h>
#include <gmock/gmock.h>
#include <sys/file.h>
#include <sys/resource.h>

namespace mailmoor::store {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

constexpr std::string_view kId = "app/user";
constexpr std::string_view kOtherKey = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=\n"; // bytes 0 to 31

class KeyRotationTest : public InDirectory {
 protected:
  void SetUp() override {
    InDirectory::SetUp();
    options_.state_dir = directory_;
  }

  // A vault under master.key with a token of three values and a password.
  void fill() const {
    auto vault = open().vault;
    StoredToken token;
    token.refresh_token = Secret("refresh 1");
    token.access_token = Secret("access");
    token.scope = "imap";
    ASSERT_TRUE(vault.save_token_blocking(kId, token));
    token.refresh_token = Secret("refresh 2");
    ASSERT_TRUE(vault.save_token_blocking(kId, token));
    ASSERT_TRUE(vault.save_password_blocking("bob", Secret("hunter2")));
  }
  [[nodiscard]] Result<OpenedVault> try_open() const {
    auto key = load_master_key_blocking(options_);
    if (!key) return pass(std::move(key).error());
    return open_vault_blocking(options_, *std::move(key));
  }
  [[nodiscard]] OpenedVault open() const { return try_open().value(); }
  [[nodiscard]] static bool is_whole(TokenVault& vault) {
    const auto token = vault.load_token_blocking(kId);
    const auto password = vault.load_password_blocking("bob");
    return token && *token && (*token)->refresh_token.reveal() == "refresh 2" &&
           (*token)->previous_refresh_token.reveal() == "refresh 1" && (*token)->access_token.reveal() == "access" &&
           password && *password && (*password)->reveal() == "hunter2";
  }
  // What a start finds: everything opens, and there is one key file.
  void expect_settled(std::string_view expected_note = {}) const {
    auto opened = try_open();
    ASSERT_TRUE(opened) << opened.error().what;
    EXPECT_TRUE(is_whole(opened->vault));
    EXPECT_FALSE(std::filesystem::exists(path("master.key.new")));
    if (expected_note.empty()) {
      EXPECT_THAT(opened->notes, IsEmpty());
    } else {
      ASSERT_THAT(opened->notes, SizeIs(1));
      EXPECT_THAT(opened->notes.front(), HasSubstr(expected_note));
    }
  }
  // The vault is sealed with the key in `file`, and no other step is done: a kill after step 2.
  void seal_with(const std::string& file) const {
    auto opened = open();
    ASSERT_TRUE(create_key_file_blocking(file));
    auto key = MasterKey::parse(Secret(read_file(file)), KeySource::kFile, path("master.key"));
    ASSERT_TRUE(key);
    ASSERT_TRUE(opened.vault.rotate_key_blocking(*std::move(key)));
  }

  KeyOptions options_;
};

TEST_F(KeyRotationTest, KeyFile_EverythingIsSealedAnewAndOpensAfterwards) {
  fill();
  const std::string old_key = read_file(path("master.key"));
  auto opened = open();
  const auto rotation = rotate_key_blocking(opened.vault, options_, {});
  ASSERT_TRUE(rotation) << rotation.error().what;
  EXPECT_EQ(rotation->values, 5U); // the check, three of the token, a password
  EXPECT_EQ(rotation->unreadable, 0U);
  EXPECT_EQ(rotation->next, "");
  EXPECT_TRUE(is_whole(opened.vault)); // the running one goes on
  ASSERT_TRUE(opened.vault.save_password_blocking("carol", Secret("x")));
  {
    const TokenVault closed = std::move(opened.vault);
  }
  EXPECT_NE(read_file(path("master.key")), old_key);
  expect_settled();
  write_file(path("master.key"), old_key);
  EXPECT_EQ(try_open().error().code, "wrong_master_key");
}

TEST_F(KeyRotationTest, OldValues_AreGoneFromTheFiles) {
  fill();
  std::string old_value;
  {
    auto database = Database::open_blocking({.path = path("tokens.db")});
    ASSERT_TRUE(database);
    auto select = database->prepare_blocking("SELECT access_token FROM token");
    ASSERT_TRUE(select && select->step_blocking());
    old_value = select->bytes(0);
  }
  ASSERT_NE(read_file(path("tokens.db")).find(old_value), std::string::npos);
  auto opened = open();
  ASSERT_TRUE(rotate_key_blocking(opened.vault, options_, {}));
  for (const auto& [name, content] : snapshot()) // while it is open: the WAL, too
    EXPECT_EQ(content.find(old_value), std::string::npos) << name;
}

TEST_F(KeyRotationTest, ProvidedKey_IsTheOneInTheFileAfterwards) {
  fill();
  auto opened = open();
  ASSERT_TRUE(rotate_key_blocking(opened.vault, options_, Secret(kOtherKey)));
  EXPECT_EQ(read_file(path("master.key")), kOtherKey);
  EXPECT_EQ(rotate_key_blocking(opened.vault, options_, Secret(kOtherKey)).error().code, "same_master_key");
  EXPECT_EQ(rotate_key_blocking(opened.vault, options_, Secret("short")).error().code, "key_malformed");
  EXPECT_FALSE(std::filesystem::exists(path("master.key.new")));
}

TEST_F(KeyRotationTest, DamagedValue_StaysAsItIsAndIsCounted) {
  fill();
  {
    auto database = Database::open_blocking({.path = path("tokens.db")});
    ASSERT_TRUE(database);
    ASSERT_TRUE(database->run_blocking("UPDATE password SET password = x'01020304'"));
  }
  auto opened = open();
  const auto rotation = rotate_key_blocking(opened.vault, options_, {});
  ASSERT_TRUE(rotation) << rotation.error().what;
  EXPECT_EQ(rotation->unreadable, 1U);
  EXPECT_EQ(rotation->values, 4U);
  EXPECT_EQ(opened.vault.load_password_blocking("bob").error().code, "sealed_value_damaged");
  EXPECT_TRUE(opened.vault.load_token_blocking(kId)->has_value());
}

TEST_F(KeyRotationTest, KilledBeforeTheTransaction_IsUndone) {
  fill();
  const std::string key = read_file(path("master.key"));
  ASSERT_TRUE(create_key_file_blocking(path("master.key.new")));
  expect_settled("it is undone");
  EXPECT_EQ(read_file(path("master.key")), key);
}

TEST_F(KeyRotationTest, KilledBeforeTheRename_IsFinished) {
  fill();
  seal_with(path("master.key.new"));
  const std::string new_key = read_file(path("master.key.new"));
  expect_settled("it is finished");
  EXPECT_EQ(read_file(path("master.key")), new_key);
  expect_settled();
}

TEST_F(KeyRotationTest, NeitherKeyOpens_NothingIsTouched) {
  fill();
  write_file(path("master.key"), kOtherKey);
  ASSERT_TRUE(create_key_file_blocking(path("master.key.new")));
  const auto before = snapshot();
  const auto opened = try_open();
  EXPECT_EQ(opened.error().code, "wrong_master_key");
  EXPECT_THAT(opened.error().what, HasSubstr("master.key.new"));
  EXPECT_TRUE(is_as(before));
}

TEST_F(KeyRotationTest, FullDisk_LeavesEverythingUnderTheOldKey) {
  fill();
  EXPECT_TRUE(run_and_die([this] {
    auto vault = open().vault;
    rlimit small{};
    ::getrlimit(RLIMIT_FSIZE, &small);
    small.rlim_cur = 4096; // room for the key, not for the WAL
    std::signal(SIGXFSZ, SIG_IGN);
    ::setrlimit(RLIMIT_FSIZE, &small);
    const auto rotation = rotate_key_blocking(vault, options_, {});
    die(!rotation && is_whole(vault));
  }));
  auto opened = open();
  EXPECT_TRUE(is_whole(opened.vault));
}

// A child rotates without end and is killed at some moment, which is another one in each round.
TEST_F(KeyRotationTest, KilledAtAnyMoment_SomeKeyOpensEverything) {
  fill();
  for (int round = 0; round < 40; ++round) {
    std::array<int, 2> pipe{};
    ASSERT_EQ(::pipe(pipe.data()), 0);
    const pid_t child = ::fork();
    if (child == 0) {
      auto opened = try_open();
      while (opened && rotate_key_blocking(opened->vault, options_, {}))
        if (::write(pipe[1], "r", 1) != 1) break;
      ::_exit(1);
    }
    ::close(pipe[1]);
    char told = 0;
    ASSERT_EQ(::read(pipe[0], &told, 1), 1); // it is under way
    for (int i = 0; i < round * 500; ++i)    // another moment of the next rotation
      ::getppid();
    ::kill(child, SIGKILL);
    int status = 0;
    ASSERT_EQ(::waitpid(child, &status, 0), child);
    ASSERT_TRUE(WIFSIGNALED(status));
    ::close(pipe[0]);
    auto opened = try_open();
    ASSERT_TRUE(opened) << "round " << round << ": " << opened.error().what;
    ASSERT_TRUE(is_whole(opened->vault));
    ASSERT_FALSE(std::filesystem::exists(path("master.key.new")));
  }
}

class CredentialRotation : public KeyRotationTest {
 protected:
  void SetUp() override {
    KeyRotationTest::SetUp();
    options_.credentials_directory = path("credentials");
    std::filesystem::create_directory(options_.credentials_directory);
    ASSERT_TRUE(create_key_file_blocking(path("credentials/mailmoor.key")));
    fill();
  }
};

TEST_F(CredentialRotation, SuccessorHandedIn_IsTakenAndEitherPlaceOpens) {
  write_file(path("credentials/mailmoor.key.new"), kOtherKey);
  auto opened = open();
  EXPECT_THAT(opened.notes, testing::ElementsAre(HasSubstr("mailmoorctl key rotate")));
  const auto rotation = rotate_key_blocking(opened.vault, options_, {});
  ASSERT_TRUE(rotation) << rotation.error().what;
  EXPECT_THAT(rotation->next, HasSubstr("put the new key in the place of credential mailmoor.key"));
  EXPECT_EQ(rotate_key_blocking(opened.vault, options_, {}).error().code, "rotation_not_finished");
  {
    const TokenVault closed = std::move(opened.vault);
  }

  auto again = open(); // killed, or restarted, before the operator has moved it
  EXPECT_TRUE(is_whole(again.vault));
  EXPECT_THAT(again.notes, testing::ElementsAre(HasSubstr("put it in the place of credential mailmoor.key")));
  {
    const TokenVault closed = std::move(again.vault);
  }
  std::filesystem::rename(path("credentials/mailmoor.key.new"), path("credentials/mailmoor.key"));
  auto moved = open();
  EXPECT_TRUE(is_whole(moved.vault));
  EXPECT_THAT(moved.notes, IsEmpty());
}

TEST_F(CredentialRotation, NoSuccessor_IsRefusedWithTheSteps) {
  auto opened = open();
  const auto rotation = rotate_key_blocking(opened.vault, options_, {});
  EXPECT_EQ(rotation.error().code, "no_new_key");
  EXPECT_THAT(rotation.error().remedy, HasSubstr("mailmoor.key.new"));
  EXPECT_TRUE(is_whole(opened.vault));
}

TEST_F(CredentialRotation, SuccessorProvided_NothingIsWrittenToTheCredentials) {
  auto opened = open();
  ASSERT_TRUE(rotate_key_blocking(opened.vault, options_, Secret(kOtherKey)));
  EXPECT_FALSE(std::filesystem::exists(path("credentials/mailmoor.key.new")));
  {
    const TokenVault closed = std::move(opened.vault);
  }
  EXPECT_EQ(try_open().error().code, "wrong_master_key");
  write_file(path("credentials/mailmoor.key"), kOtherKey);
  auto moved = open();
  EXPECT_TRUE(is_whole(moved.vault));
}

TEST_F(KeyRotationTest, Offline_NeedsTheLockAndADatabase) {
  EXPECT_EQ(rotate_key_offline_blocking(options_, {}).error().code, "no_token_database");
  EXPECT_FALSE(std::filesystem::exists(path("master.key")));
  fill();
  const auto rotation = rotate_key_offline_blocking(options_, {});
  ASSERT_TRUE(rotation) << rotation.error().what;
  EXPECT_EQ(rotation->key_source, concat("file ", path("master.key")));
  expect_settled();
  const int lock = ::open(path("lock").c_str(), O_RDWR | O_CLOEXEC);
  ASSERT_EQ(::flock(lock, LOCK_EX | LOCK_NB), 0);
  const auto before = snapshot();
  EXPECT_EQ(rotate_key_offline_blocking(options_, {}).error().code, "state_dir_in_use");
  EXPECT_TRUE(is_as(before));
  ::close(lock);
}

// A table that gets a sealed column must be in the list, or a rotation would lose it.
TEST_F(KeyRotationTest, SealedColumns_AreAllBlobColumnsOfTheSchema) {
  fill();
  auto database = Database::open_blocking({.path = path("tokens.db")});
  ASSERT_TRUE(database);
  auto select = database->prepare_blocking("SELECT m.name || '.' || c.name FROM sqlite_schema m,"
                                           " pragma_table_info(m.name) c WHERE m.type = 'table' AND c.type = 'BLOB'");
  ASSERT_TRUE(select) << select.error().what;
  std::vector<std::string> in_schema;
  while (select->step_blocking().value())
    in_schema.emplace_back(select->bytes(0));
  std::vector<std::string> known;
  for (const SealedColumn& column : sealed_columns())
    known.push_back(concat(column.table, '.', column.column));
  EXPECT_THAT(in_schema, testing::UnorderedElementsAreArray(known));
}

} // namespace
} // namespace mailmoor::store
