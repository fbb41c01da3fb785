#include "store/master_key.h"

#include "store/test_files.h"
#include "util/base64.h"
#include "util/concat.h"

#include <string>

namespace mailmoor::store {
namespace {

class MasterKeyTest : public InDirectory {
 protected:
  void SetUp() override {
    InDirectory::SetUp();
    options_.state_dir = path("state");
    std::filesystem::create_directory(options_.state_dir);
    std::filesystem::create_directory(path("credentials"));
  }

  // A key with 32 times the byte `fill`, as base64.
  static std::string key_text(char fill) { return base64_encode(std::string(MasterKey::kSize, fill)); }

  KeyOptions options_;
};

TEST(MasterKeyForms, AreThree) {
  std::string raw(MasterKey::kSize, '\x7F');
  raw.back() = '\n'; // nothing is taken off a raw key
  const std::string hex_lower = "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f";
  const std::string hex_upper = "000102030405060708090A0B0C0D0E0F101112131415161718191A1B1C1D1E1F";
  const std::string counted(make_test_key().bytes().reveal());
  struct Row {
    std::string content;
    std::string bytes;
  };
  for (const auto& [content, bytes] : {
           Row{raw, raw},
           Row{counted, counted},
           Row{hex_lower, counted},
           Row{hex_upper + "\n", counted},
           Row{hex_lower + "\r\n", counted},
           Row{base64_encode(counted), counted},
           Row{base64_encode(counted) + "\n", counted},
       }) {
    const auto key = MasterKey::parse(Secret(content), KeySource::kFile, "k");
    ASSERT_TRUE(key) << content;
    EXPECT_EQ(key->bytes().reveal(), bytes) << content;
  }
}

TEST(MasterKeyForms, AnythingElse_IsRefused) {
  const std::string counted(make_test_key().bytes().reveal());
  for (const std::string& content : {
           std::string(),
           std::string("\n"),
           std::string(31, '\x01'),
           std::string(33, '\x01'),
           std::string(32, '\x01') + "\n",                  // raw keys have no newline
           std::string("correct horse battery staple, ok"), // 32 printable characters: a pass phrase
           std::string("00112233445566778899aabbccddeeff"), // hex of 16 bytes
           std::string(64, 'g'),                            // no hex
           std::string(63, '0'),
           base64_encode(counted) + "\n\n",
           base64_encode(counted.substr(1)),
           base64url_encode(counted) + "!",
       }) {
    const auto key = MasterKey::parse(Secret(content), KeySource::kFile, "/etc/k");
    ASSERT_FALSE(key) << content;
    EXPECT_EQ(key.error().code, "key_malformed");
    EXPECT_EQ(key.error().kind, ErrorKind::kOperator);
    EXPECT_NE(key.error().what.find("/etc/k"), std::string::npos);
  }
}

TEST_F(MasterKeyTest, FirstStart_MakesAKeyThatTheNextOneFinds) {
  const auto made = load_master_key_blocking(options_);
  ASSERT_TRUE(made) << made.error().what;
  EXPECT_EQ(made->source(), KeySource::kGenerated);
  EXPECT_EQ(made->describe(), concat("file ", options_.state_dir, "/master.key, made at this start"));
  struct stat file{};
  ASSERT_EQ(::stat(path("state/master.key").c_str(), &file), 0);
  EXPECT_EQ(file.st_mode & 07777, 0600U);
  const auto found = load_master_key_blocking(options_);
  ASSERT_TRUE(found);
  EXPECT_EQ(found->source(), KeySource::kFile);
  EXPECT_EQ(found->bytes(), made->bytes());
}

TEST_F(MasterKeyTest, DefaultOrder_IsCredentialThenFile) {
  options_.credentials_directory = path("credentials");
  write_file(path("state/master.key"), key_text('f'));
  EXPECT_EQ(load_master_key_blocking(options_)->describe(), concat("file ", path("state/master.key")));
  write_file(path("credentials/mailmoor.key"), key_text('c'), 0440); // as systemd's ACL shows
  const auto key = load_master_key_blocking(options_);
  ASSERT_TRUE(key) << key.error().what;
  EXPECT_EQ(key->describe(), "credential mailmoor.key");
  EXPECT_EQ(key->bytes().reveal(), std::string(32, 'c'));
  write_file(path("credentials/mailmoor.key"), "spoilt");
  EXPECT_EQ(load_master_key_blocking(options_).error().code, "key_malformed") << "a bad credential is not passed over";
}

TEST_F(MasterKeyTest, ConfiguredSource_IsTheOnlyOneTried) {
  write_file(path("state/master.key"), key_text('f'));
  write_file(path("credentials/mailmoor.key"), key_text('c'));
  options_.credentials_directory = path("credentials");
  KeyOptions by_name = options_;
  by_name.credential_name = "absent";
  EXPECT_EQ(load_master_key_blocking(by_name).error().code, "secret_file_missing");
  by_name.credentials_directory.clear();
  EXPECT_EQ(load_master_key_blocking(by_name).error().code, "master_key_missing");
  KeyOptions by_file = options_;
  by_file.file = path("absent");
  EXPECT_EQ(load_master_key_blocking(by_file).error().code, "secret_file_missing");
  EXPECT_FALSE(std::filesystem::exists(path("absent")));
  by_file.file = path("key");
  write_file(path("key"), key_text('k'));
  EXPECT_EQ(load_master_key_blocking(by_file)->bytes().reveal(), std::string(32, 'k'));
}

TEST_F(MasterKeyTest, KeyFileOpenToOthersOrNoFile_IsRefused) {
  for (const mode_t mode : {0640U, 0604U, 0660U, 0444U}) {
    write_file(path("state/master.key"), key_text('f'), mode);
    const auto key = load_master_key_blocking(options_);
    ASSERT_FALSE(key) << std::oct << mode;
    EXPECT_EQ(key.error().code, "secret_file_readable_by_others");
  }
  options_.file = path("state");
  EXPECT_EQ(load_master_key_blocking(options_).error().code, "secret_file_not_regular");
}

TEST_F(MasterKeyTest, SealedVaultWithoutItsKey_GetsNoNewOne) {
  options_.credentials_directory = path("credentials");
  write_file(path("state/tokens.db"), "sealed");
  const auto key = load_master_key_blocking(options_);
  ASSERT_FALSE(key);
  EXPECT_EQ(key.error().code, "master_key_missing");
  EXPECT_NE(key.error().what.find("credential mailmoor.key"), std::string::npos);
  EXPECT_NE(key.error().what.find(path("state/master.key")), std::string::npos);
  EXPECT_FALSE(std::filesystem::exists(path("state/master.key")));
}

} // namespace
} // namespace mailmoor::store
