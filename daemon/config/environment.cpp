#include "config/environment.h"

#include <cstdlib>

namespace mailmoor::config {
namespace {

[[nodiscard]] std::optional<std::string> variable_of_this_process(const std::string& name) {
  const char* value = std::getenv(name.c_str()); // NOLINT(concurrency-mt-unsafe): nothing here calls setenv
  if (value == nullptr) return std::nullopt;
  return value;
}

// systemd joins the directories of one variable with ":".
[[nodiscard]] std::string first_directory(const std::string& name) {
  const std::string value = variable_of_this_process(name).value_or("");
  return value.substr(0, value.find(':'));
}

} // namespace

Environment Environment::of_this_process() {
  return {first_directory("STATE_DIRECTORY"), first_directory("RUNTIME_DIRECTORY"),
          variable_of_this_process("CREDENTIALS_DIRECTORY").value_or(""), variable_of_this_process};
}

} // namespace mailmoor::config
