// Runs mailmoorctl as a function against a scripted daemon.
#pragma once

#include "cli/run.h"

#include "cli/fake_console.h"
#include "cli/scripted_daemon.h"
#include "util/concat.h"

#include <gtest/gtest.h>

#include <optional>
#include <string>
#include <vector>

namespace mailmoor::cli {

inline std::string mailbox_json(const std::string& name, const std::string& state) {
  return concat("{\"name\":\"", name, "\",\"state\":\"", state, "\",\"messages\":7}");
}

inline std::string problem_json(const std::string& code, int status, const std::string& more = {}) {
  return concat("{\"type\":\"urn:mailmoor:problem:", code, "\",\"title\":\"t\",\"status\":", status,
                ",\"detail\":\"what was seen\",\"remedy\":\"what to do\"", more, "}");
}

class Ctl : public testing::Test {
 protected:
  int run_with(std::vector<std::string> arguments) {
    std::vector<const char*> argv = {"mailmoorctl"};
    for (const std::string& argument : arguments)
      argv.push_back(argument.c_str());
    argv.push_back(nullptr); // as main() gets it
    console_ = FakeConsole();
    console_.columns = columns_;
    console_.input_fd = input_fd_;
    console_.desktop = has_desktop_;
    return run(static_cast<int>(argv.size()) - 1, argv.data(), "9.9", console_);
  }
  int ctl(std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), {"--socket", daemon_.socket_path()});
    return run_with(std::move(arguments));
  }
  [[nodiscard]] const std::string& out() const { return console_.out_text; }
  [[nodiscard]] const std::string& err() const { return console_.err_text; }

  ScriptedDaemon daemon_;
  FakeConsole console_;
  std::optional<std::size_t> columns_;
  int input_fd_ = -1;
  bool has_desktop_ = false;
};

} // namespace mailmoor::cli
