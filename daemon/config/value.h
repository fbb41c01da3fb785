// One value of the configuration: its YAML, its key and its file. Each reader below either returns a good value or
// reports what is wrong and returns nothing. Lives as long as the tree and the source.
#pragma once

#include "config/secret_source.h"
#include "config/source.h"
#include "config/yaml_tree.h"
#include "util/concat.h"

#include <chrono>
#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace mailmoor::config {

template<class T>
struct Choice {
  std::string_view name;
  T value;
};

class Value final {
 public:
  Value(const Source& source, const YamlNode& node, std::string_view key) : source_(&source), node_(&node), key_(key) {}

  [[nodiscard]] const YamlNode& node() const noexcept { return *node_; }
  [[nodiscard]] const Source& source() const noexcept { return *source_; }
  [[nodiscard]] std::string_view key() const noexcept { return key_; }
  [[nodiscard]] Place place() const noexcept { return {source_, node_->position}; }
  // Reports: "key": message
  void wrong(std::string_view message) const;

  // One line of text without control characters, not empty, at most 1,024 bytes.
  [[nodiscard]] std::optional<std::string> text() const;
  [[nodiscard]] std::optional<std::chrono::seconds> duration(std::chrono::seconds min, std::chrono::seconds max) const;
  [[nodiscard]] std::optional<std::uint64_t> size() const;
  [[nodiscard]] std::optional<int> integer(int min, int max) const;
  // YYYY-MM-DD; the day must exist.
  [[nodiscard]] std::optional<std::chrono::sys_days> date() const;
  [[nodiscard]] std::optional<std::string> host() const;
  [[nodiscard]] std::optional<std::string> https_url() const;
  // Empty text for "none".
  [[nodiscard]] std::optional<std::string> proxy() const;
  // Absolute; relative ones start from the file's directory.
  [[nodiscard]] std::optional<std::string> path() const;
  // A path to a file that is there.
  [[nodiscard]] std::optional<std::string> existing_file() const;
  // A program to run and its arguments, as a list. The program's path is absolute, and there is such a file.
  [[nodiscard]] std::optional<std::vector<std::string>> command() const;
  // [A-Za-z0-9._@+-]+, no "." in front, at most 200 bytes.
  [[nodiscard]] std::optional<std::string> name() const;
  // The entries of a list; nothing unless it is one.
  [[nodiscard]] std::optional<std::vector<Value>> list() const;

  // One of the names, exactly.
  template<class T>
  [[nodiscard]] std::optional<T> choice(std::initializer_list<Choice<T>> choices) const {
    const auto given = text();
    if (!given) return std::nullopt;
    std::string names;
    for (const auto& [name, value] : choices) {
      if (name == *given) return value;
      names += concat(names.empty() ? "" : " or ", name);
    }
    wrong_choice(*given, names);
    return std::nullopt;
  }

 private:
  void wrong_choice(std::string_view given, std::string_view names) const;
  // `why` is empty when all is well.
  [[nodiscard]] std::optional<std::string> unless(std::optional<std::string> why, std::string text) const;

  const Source* source_;
  const YamlNode* node_;
  std::string_view key_;
};

// [A-Za-z0-9._@+-]+, no "." in front, at most 200 bytes: names of mailboxes, apps and credentials.
[[nodiscard]] bool is_good_name(std::string_view text) noexcept;
inline constexpr std::string_view kNameRule =
    "a name has letters, digits and . _ @ + - only, does not start with \".\", and has at most 200 characters";

// Replaces `target` unless there was an error.
template<class T, class U>
void assign(T& target, std::optional<U> value) {
  if (value) target = *std::move(value);
}

} // namespace mailmoor::config
