// load_blocking() and resolve_blocking() on real files.
#include "config/load.h"
#include "config/secret_source.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <stdlib.h>
#include <string>
#include <sys/stat.h>
#include <unistd.h>

namespace mailmoor::config {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

class Disk : public ::testing::Test {
 protected:
  Disk() {
    std::string name = ::testing::TempDir() + "mailmoor-config-XXXXXX";
    root_ = std::filesystem::canonical(::mkdtemp(name.data())).string();
  }
  ~Disk() override { std::filesystem::remove_all(root_); }

  std::string write(const std::string& name, const std::string& text, mode_t mode = 0600) const {
    const std::string path = root_ + "/" + name;
    std::filesystem::create_directories(std::filesystem::path(path).parent_path());
    std::ofstream(path, std::ios::binary) << text;
    EXPECT_EQ(::chmod(path.c_str(), mode), 0);
    return path;
  }
  static std::string first_error(const LoadResult& result) {
    return result ? "no error" : result.error().front().to_string();
  }

  std::string root_;
};

constexpr const char* kGood = "maildir_root: mail\nmailboxes: [{name: a, host: h, user: u}]\n";

TEST_F(Disk, GoodFile_LoadsWithPathsFromItsDirectory) {
  const auto config = load_blocking(write("mailmoor.yaml", kGood, 0644), {});
  ASSERT_TRUE(config) << first_error(config);
  EXPECT_EQ(config->mailboxes[0].maildir, root_ + "/mail/a");
  EXPECT_THAT(config->files, ElementsAre(root_ + "/mailmoor.yaml"));
}

TEST_F(Disk, Includes_AreMatchedSorted_AlsoBelowADirectoryWithPatternCharacters) {
  write("et[c]/conf.d/b.yaml", "mailboxes: [{name: b, host: h, user: u}]");
  write("et[c]/conf.d/a.yaml", "mailboxes: [{name: c, host: h, user: u}]");
  write("et[c]/conf.d/c.txt", "nonsense");
  const auto config = load_blocking(write("et[c]/main.yaml", std::string(kGood) + "include: ['conf.d/*.yaml']\n"), {});
  ASSERT_TRUE(config) << first_error(config);
  ASSERT_EQ(config->mailboxes.size(), 3U);
  EXPECT_EQ(config->mailboxes[1].name, "c");
  EXPECT_EQ(config->mailboxes[2].name, "b");
}

TEST_F(Disk, RelativePath_StartsFromTheWorkingDirectory) {
  const std::string path = write("mailmoor.yaml", kGood);
  const auto config = load_blocking(std::filesystem::relative(path).string(), {});
  ASSERT_TRUE(config) << first_error(config);
  EXPECT_EQ(config->files[0], path);
}

TEST_F(Disk, FileThatCannotBeRead_SaysWhy) {
  EXPECT_EQ(first_error(load_blocking(root_ + "/absent", {})),
            root_ + "/absent: cannot read it: No such file or directory");
  EXPECT_THAT(first_error(load_blocking(root_, {})), HasSubstr("not a regular file"));
  const std::string fifo = root_ + "/fifo";
  ASSERT_EQ(::mkfifo(fifo.c_str(), 0600), 0);
  EXPECT_THAT(first_error(load_blocking(fifo, {})), HasSubstr("not a regular file"));
  EXPECT_THAT(first_error(load_blocking(write("big", std::string(Files::kMaxFileSize + 1, '#')), {})),
              HasSubstr("larger than 16 MiB"));
}

TEST_F(Disk, IncludeThatCannotBeRead_IsReportedWhereItStands) {
  std::filesystem::create_directories(root_ + "/conf.d/dir.yaml");
  const auto config = load_blocking(write("mailmoor.yaml", std::string("include: [conf.d/*]\n") + kGood), {});
  EXPECT_EQ(first_error(config), root_ + "/mailmoor.yaml:1:11: \"include\": cannot read " + root_ +
                                     "/conf.d/dir.yaml: it is not a regular file");
}

TEST_F(Disk, LiteralSecret_DependsOnTheModeOfItsFile) {
  const std::string text = "maildir_root: /m\nmailboxes: [{name: a, host: h, user: u, password: x}]\n";
  EXPECT_TRUE(load_blocking(write("private.yaml", text, 0600), {}));
  for (const mode_t mode : {0640U, 0604U, 0644U, 0620U})
    EXPECT_THAT(first_error(load_blocking(write("open.yaml", text, mode), {})),
                HasSubstr(":2:51: \"password\": a secret"));
}

TEST_F(Disk, SecretFile_DependsOnItsMode) {
  const std::string main =
      write("m.yaml", "maildir_root: /m\nmailboxes: [{name: a, host: h, user: u, password: {file: secret}}]\n", 0644);
  write("secret", "hunter2\n", 0600);
  const auto config = load_blocking(main, {});
  ASSERT_TRUE(config) << first_error(config);
  EXPECT_EQ(resolve_blocking(config->mailboxes[0].password, {})->reveal(), "hunter2");
  write("secret", "hunter2\n", 0640);
  EXPECT_THAT(first_error(load_blocking(main, {})), HasSubstr(":2:58: \"file\": others may open"));
  const auto secret = resolve_blocking(config->mailboxes[0].password, {});
  ASSERT_FALSE(secret);
  EXPECT_EQ(secret.error().kind, ErrorKind::kOperator);
  EXPECT_EQ(secret.error().code, "secret_file_readable_by_others");
  EXPECT_THAT(secret.error().what, HasSubstr(main + ":2:51: file "));
}

SecretSource source(SecretSource::Kind kind, std::string name) {
  SecretSource out;
  out.kind = kind;
  out.name_or_path = std::move(name);
  out.where = "m.yaml:1:2";
  return out;
}

TEST_F(Disk, Credential_IsReadFromTheCredentialsDirectory) {
  write("credentials/bob", "hunter2", 0440);
  Environment environment;
  environment.credentials_directory = root_ + "/credentials";
  EXPECT_EQ(resolve_blocking(source(SecretSource::Kind::kCredential, "bob"), environment)->reveal(), "hunter2");
  const auto absent = resolve_blocking(source(SecretSource::Kind::kCredential, "eve"), environment);
  ASSERT_FALSE(absent);
  EXPECT_EQ(absent.error().code, "secret_file_missing");
  const auto none = resolve_blocking(source(SecretSource::Kind::kCredential, "bob"), {});
  ASSERT_FALSE(none);
  EXPECT_EQ(none.error().what, "m.yaml:1:2: credential bob: the service manager passed no credentials");
  EXPECT_THAT(none.error().remedy, HasSubstr("LoadCredential=bob:"));
}

TEST_F(Disk, Variable_IsReadFromTheEnvironment) {
  Environment environment;
  environment.variable = [](const std::string& name) -> std::optional<std::string> {
    if (name == "SET") return "hunter2";
    if (name == "EMPTY") return "";
    return std::nullopt;
  };
  EXPECT_EQ(resolve_blocking(source(SecretSource::Kind::kEnvironment, "SET"), environment)->reveal(), "hunter2");
  for (const char* name : {"EMPTY", "UNSET"}) {
    const auto secret = resolve_blocking(source(SecretSource::Kind::kEnvironment, name), environment);
    ASSERT_FALSE(secret);
    EXPECT_EQ(secret.error().code, "secret_missing");
  }
  EXPECT_FALSE(resolve_blocking(source(SecretSource::Kind::kEnvironment, "SET"), {}));
}

TEST_F(Disk, NoSource_IsMissing) {
  const auto secret = resolve_blocking(SecretSource(), {});
  ASSERT_FALSE(secret);
  EXPECT_EQ(secret.error().code, "secret_missing");
}

TEST(SecretSource, Copy_ClonesItsLiteral) {
  SecretSource literal;
  literal.kind = SecretSource::Kind::kLiteral;
  literal.literal = Secret("hunter2");
  const SecretSource copy = literal;
  EXPECT_EQ(copy, literal);
  literal.literal = Secret("other");
  EXPECT_FALSE(copy == literal);
  EXPECT_EQ(resolve_blocking(copy, {})->reveal(), "hunter2");
  EXPECT_EQ(copy.describe(), "the configuration file");
}

} // namespace
} // namespace mailmoor::config
