// What is written for people must know every command that the program has.
#include "cli/fake_console.h"
#include "cli/invocation.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

namespace mailmoor::cli {
namespace {

std::string read(const std::string& path) {
  std::ifstream file(TEST_SOURCE_DIR "/packaging/" + path);
  EXPECT_TRUE(file) << path;
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

std::string help(std::vector<const char*> argv) {
  FakeConsole console;
  argv.insert(argv.begin(), "mailmoorctl");
  argv.push_back("--help");
  EXPECT_EQ(parse_command_line(static_cast<int>(argv.size()), argv.data(), "0", console).error(), Exit::kDone);
  return console.out_text;
}

// The commands that the program itself lists.
std::vector<std::string> commands() {
  std::istringstream lines(help({}));
  std::vector<std::string> found;
  bool in_commands = false;
  for (std::string line; std::getline(lines, line);) {
    if (line.starts_with("Subcommands:"))
      in_commands = true;
    else if (in_commands && line.starts_with("  "))
      found.push_back(line.substr(2, line.find(' ', 2) - 2));
  }
  return found;
}

// The long options of a command.
std::vector<std::string> options(const std::string& command) {
  std::istringstream words(help({command.c_str()}));
  std::vector<std::string> found;
  for (std::string word; words >> word;)
    if (word.starts_with("--")) found.push_back(word.substr(2));
  return found;
}

TEST(Manual, EveryCommandAndOption_HasItsPlace) {
  const std::string page = read("man/mailmoorctl.1");
  ASSERT_EQ(commands().size(), 15U);
  for (const std::string& command : commands()) {
    EXPECT_NE(page.find("\n.It Cm " + command), std::string::npos) << command;
    for (const std::string& option : options(command))
      EXPECT_NE(page.find("Fl -" + option), std::string::npos) << command << " --" << option;
  }
}

TEST(Completion, EveryShell_KnowsEveryCommandAndOption) {
  for (const auto file : {"mailmoorctl.bash", "_mailmoorctl", "mailmoorctl.fish"}) {
    const std::string script = read(std::string("completions/") + file);
    for (const std::string& command : commands()) {
      EXPECT_NE(script.find(command), std::string::npos) << file << ": " << command;
      for (const std::string& option : options(command))
        EXPECT_NE(script.find(option), std::string::npos) << file << ": " << command << " --" << option;
    }
  }
}

} // namespace
} // namespace mailmoor::cli
