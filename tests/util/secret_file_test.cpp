#include "util/secret_file.h"

#include "util/base64.h"
#include "util/concat.h"
#include "util/durable.h"
#include "util/key_file.h"

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <gtest/gtest.h>
#include <string>
#include <sys/stat.h>
#include <unistd.h>

namespace mailmoor {
namespace {

class SecretFile : public testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = std::filesystem::temp_directory_path() / "secret_file_XXXXXX";
    ASSERT_NE(::mkdtemp(pattern.data()), nullptr);
    directory_ = pattern;
  }
  void TearDown() override { std::filesystem::remove_all(directory_); }

  std::string write(const std::string& name, const std::string& content, mode_t mode) const {
    const std::string path = concat(directory_, '/', name);
    std::ofstream(path, std::ios::binary) << content;
    EXPECT_EQ(::chmod(path.c_str(), mode), 0);
    return path;
  }

  std::string directory_;
};

TEST_F(SecretFile, OwnerOnlyFile_IsReadWithoutItsFinalNewline) {
  struct Row {
    std::string content;
    std::string secret;
  };
  for (const auto& [content, secret] :
       {Row{"hush", "hush"}, Row{"hush\n", "hush"}, Row{"hush\r\n", "hush"}, Row{"hush\n\n", "hush\n"}, Row{"\n", ""},
        Row{"", ""}, Row{" hush \n", " hush "}, Row{"hush\r", "hush\r"}}) {
    const auto read = read_secret_file_blocking(write("s", content, 0600), 100);
    ASSERT_TRUE(read) << read.error().what;
    EXPECT_EQ(read->reveal(), secret);
  }
}

TEST_F(SecretFile, Bytes_AreReadAsTheyAre) {
  const auto read = read_secret_bytes_blocking(write("s", std::string("a\0b\n", 4), 0400), 4);
  ASSERT_TRUE(read);
  EXPECT_EQ(read->reveal(), std::string_view("a\0b\n", 4));
}

TEST_F(SecretFile, AnyRightForGroupOrOthers_IsRefusedWithModeAndRemedy) {
  for (const mode_t mode : {0640U, 0604U, 0620U, 0602U, 0644U, 0666U, 0610U}) {
    const std::string path = write("s", "hush", mode);
    const auto read = read_secret_file_blocking(path, 100);
    ASSERT_FALSE(read) << std::oct << mode;
    EXPECT_EQ(read.error().code, "secret_file_readable_by_others");
    EXPECT_EQ(read.error().remedy, concat("chmod 600 ", path));
    EXPECT_EQ(read.error().kind, ErrorKind::kOperator);
  }
  EXPECT_NE(read_secret_file_blocking(write("m", "hush", 0640), 100).error().what.find("0640"), std::string::npos);
}

TEST_F(SecretFile, GroupReadableCredential_IsReadOnlyDirectlyInItsDirectory) {
  const std::string path = write("credential", "hush\n", 0440);
  EXPECT_TRUE(read_secret_file_blocking(path, 100, directory_));
  EXPECT_TRUE(read_secret_file_blocking(path, 100, directory_ + "/"));
  EXPECT_FALSE(read_secret_file_blocking(path, 100, parent_directory(directory_)));
  EXPECT_FALSE(read_secret_file_blocking(path, 100, ""));
}

TEST_F(SecretFile, Unsuitable_IsRefusedByItsOwnCode) {
  EXPECT_EQ(read_secret_file_blocking(directory_ + "/absent", 100).error().code, "secret_file_missing");
  EXPECT_EQ(read_secret_file_blocking(directory_, 100).error().code, "secret_file_not_regular");
  EXPECT_EQ(read_secret_file_blocking(write("s", "12345", 0600), 4).error().code, "secret_file_too_large");
  const std::string fifo = directory_ + "/fifo";
  ASSERT_EQ(::mkfifo(fifo.c_str(), 0600), 0);
  EXPECT_EQ(read_secret_file_blocking(fifo, 100).error().code, "secret_file_not_regular");
}

TEST_F(SecretFile, KeyFile_IsMadeOnceAndWhole) {
  const std::string path = directory_ + "/key";
  ASSERT_TRUE(create_key_file_blocking(path));
  const auto first = read_secret_bytes_blocking(path, 100);
  ASSERT_TRUE(first) << first.error().what;
  ASSERT_EQ(first->size(), 45U);
  EXPECT_EQ(base64_decode(first->reveal().substr(0, 44)).value_or("").size(), 32U);
  EXPECT_EQ(first->reveal().back(), '\n');

  const auto again = create_key_file_blocking(path);
  ASSERT_FALSE(again);
  EXPECT_EQ(again.error().code, "key_file_exists");
  EXPECT_EQ(*read_secret_bytes_blocking(path, 100), *first);
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator(directory_), {}), 1) << "a draft was left";

  ASSERT_TRUE(create_key_file_blocking(directory_ + "/other"));
  EXPECT_FALSE(*read_secret_bytes_blocking(directory_ + "/other", 100) == *first);
  EXPECT_EQ(create_key_file_blocking(directory_ + "/absent/key").error().code, "key_file_unwritable");
}

TEST(ParentDirectory, IsTheWayToTheName) {
  EXPECT_EQ(parent_directory("/a/b"), "/a");
  EXPECT_EQ(parent_directory("/b"), "/");
  EXPECT_EQ(parent_directory("b"), ".");
  EXPECT_EQ(parent_directory("a/b/c"), "a/b");
}

} // namespace
} // namespace mailmoor
