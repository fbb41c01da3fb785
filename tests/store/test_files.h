// What the tests of store/ share: a directory of its own for each test, and looks at what is in it.
#pragma once

#include "store/master_key.h"

#include <filesystem>
#include <fstream>
#include <gtest/gtest.h>
#include <iterator>
#include <map>
#include <string>
#include <string_view>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

namespace mailmoor::store {

[[nodiscard]] inline std::string read_file(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
}

inline void write_file(const std::string& path, std::string_view content, mode_t mode = 0600) {
  std::ofstream(path, std::ios::binary) << content;
  ASSERT_EQ(::chmod(path.c_str(), mode), 0);
}

class InDirectory : public testing::Test {
 protected:
  void SetUp() override {
    directory_ = std::filesystem::temp_directory_path() / "mailmoor_store_XXXXXX";
    ASSERT_NE(::mkdtemp(directory_.data()), nullptr);
  }
  void TearDown() override { std::filesystem::remove_all(directory_); }

  [[nodiscard]] std::string path(std::string_view name) const { return directory_ + "/" + std::string(name); }

  // The content of every file, by name.
  [[nodiscard]] std::map<std::string, std::string> snapshot() const {
    std::map<std::string, std::string> files;
    for (const auto& entry : std::filesystem::directory_iterator(directory_))
      if (entry.is_regular_file()) files[entry.path().filename()] = read_file(entry.path());
    return files;
  }

  [[nodiscard]] testing::AssertionResult is_as(const std::map<std::string, std::string>& before) const {
    const auto now = snapshot();
    if (now == before) return testing::AssertionSuccess();
    auto failure = testing::AssertionFailure() << "files changed:";
    for (const auto& [name, content] : before)
      if (!now.contains(name) || now.at(name) != content) failure << ' ' << name;
    for (const auto& [name, content] : now)
      if (!before.contains(name)) failure << " new " << name;
    return failure;
  }

  std::string directory_;
};

// Runs `body` in a process of its own and returns what it told. It dies in die(), as if killed: no destructor runs,
// nothing is closed. A body that returns has failed.
[[noreturn]] inline void die(bool told) {
  ::_exit(told ? 0 : 1);
}
template<class Body>
[[nodiscard]] bool run_and_die(Body body) {
  const pid_t child = ::fork();
  if (child == 0) {
    body();
    ::_exit(2);
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

// A key whose bytes are `first`, `first` + 1, …
[[nodiscard]] inline MasterKey make_test_key(unsigned char first = 0) {
  std::string bytes;
  for (std::size_t i = 0; i < MasterKey::kSize; ++i)
    bytes.push_back(static_cast<char>(first + i));
  return MasterKey::parse(Secret(bytes), KeySource::kFile, "test.key").value();
}

} // namespace mailmoor::store
