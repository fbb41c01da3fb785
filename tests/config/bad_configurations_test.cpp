// tests/config/bad_configurations/*.yaml: each file begins with what must be said about it, one "# line:column part of
// the message" for each error, all of them and no others. "# others may open this file" is about its mode.
#include "config/load.h"
#include "config/memory_files.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

namespace mailmoor::config {
namespace {

struct BadConfiguration {
  std::string name;
  std::string text;
  std::vector<std::string> expected; // "line:column part of the message"
  bool is_open = false;

  friend void PrintTo(const BadConfiguration& bad, std::ostream* out) { *out << bad.name; }
};

BadConfiguration read_configuration(const std::filesystem::path& path) {
  BadConfiguration out;
  out.name = path.stem().string();
  std::ifstream stream(path, std::ios::binary);
  std::ostringstream text;
  text << stream.rdbuf();
  out.text = text.str();
  std::istringstream lines(out.text);
  for (std::string line; std::getline(lines, line) && line.starts_with("# ");) {
    if (line == "# others may open this file") {
      out.is_open = true;
    } else {
      out.expected.push_back(line.substr(2));
    }
  }
  return out;
}

std::vector<BadConfiguration> all_configurations() {
  std::vector<BadConfiguration> out;
  for (const auto& entry : std::filesystem::directory_iterator(TEST_SOURCE_DIR "/tests/config/bad_configurations"))
    out.push_back(read_configuration(entry.path()));
  std::ranges::sort(out, {}, &BadConfiguration::name);
  return out;
}

LoadResult load(const BadConfiguration& bad) {
  MemoryFiles files;
  files.add(kMainPath, bad.text, !bad.is_open);
  files.add("/etc/mailmoor/open.secret", "x", /*private_to_owner=*/false);
  files.add("/etc/mailmoor/good.secret", "x");
  files.add_directory("/etc/mailmoor/conf.d");
  return parse({kMainPath, bad.text, !bad.is_open}, files, {});
}

class BadConfigurations : public ::testing::TestWithParam<BadConfiguration> {};

TEST_P(BadConfigurations, File_IsRefusedWithPlaceAndWhatWouldBeRight) {
  const auto result = load(GetParam());
  ASSERT_FALSE(result);
  std::vector<std::string> said;
  for (const Diagnostic& diagnostic : result.error())
    said.push_back(diagnostic.to_string());
  ASSERT_EQ(said.size(), GetParam().expected.size()) << ::testing::PrintToString(said);
  for (std::size_t i = 0; i < said.size(); ++i) {
    const std::string& expected = GetParam().expected[i];
    const std::size_t space = expected.find(' ');
    EXPECT_THAT(said[i], ::testing::StartsWith(std::string(kMainPath) + ":" + expected.substr(0, space) + ": "));
    EXPECT_THAT(said[i], ::testing::HasSubstr(expected.substr(space + 1)));
  }
}

INSTANTIATE_TEST_SUITE_P(Files, BadConfigurations, ::testing::ValuesIn(all_configurations()),
                         [](const auto& test) { return test.param.name; });

TEST(BadConfigurations, AreMany) {
  EXPECT_GE(all_configurations().size(), 45U);
}

// Cut anywhere, a text is accepted or refused; each error has a place in it.
TEST(BadConfigurations, CutAtEachByte_NeverSayNothing) {
  for (const BadConfiguration& bad : all_configurations()) {
    for (std::size_t size = 0; size < bad.text.size(); ++size) {
      BadConfiguration cut = bad;
      cut.text.resize(size);
      const auto lines = std::ranges::count(cut.text, '\n') + 2;
      const auto result = load(cut);
      if (result) {
        EXPECT_FALSE(result->mailboxes.empty()) << cut.text;
        continue;
      }
      ASSERT_FALSE(result.error().empty()) << cut.text;
      for (const Diagnostic& diagnostic : result.error()) {
        EXPECT_TRUE(diagnostic.line >= 1 && diagnostic.line <= lines && diagnostic.column >= 1)
            << diagnostic.to_string();
        EXPECT_FALSE(diagnostic.message.empty());
      }
    }
  }
}

} // namespace
} // namespace mailmoor::config
