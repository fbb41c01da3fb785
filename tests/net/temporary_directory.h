// A directory that goes with the test.
#pragma once

#include "util/concat.h"

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <string_view>

#include <gtest/gtest.h>

namespace mailmoor::net {

class TemporaryDirectory final {
 public:
  TemporaryDirectory() {
    std::string path = "/tmp/mailmoor-net-XXXXXX";
    EXPECT_NE(::mkdtemp(path.data()), nullptr);
    path_ = path;
  }
  TemporaryDirectory(const TemporaryDirectory&) = delete;
  TemporaryDirectory& operator=(const TemporaryDirectory&) = delete;
  ~TemporaryDirectory() {
    std::error_code error;
    std::filesystem::remove_all(path_, error);
  }
  // Writes a file and returns its path.
  std::string write(std::string_view name, std::string_view content) {
    std::string path = concat(path_, "/", name);
    std::ofstream(path, std::ios::binary) << content;
    return path;
  }
  [[nodiscard]] std::string path(std::string_view name) const { return concat(path_, "/", name); }

 private:
  std::string path_;
};

} // namespace mailmoor::net
