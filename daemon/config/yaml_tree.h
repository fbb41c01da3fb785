// A YAML document as a tree with positions. Built from yaml-cpp's events rather than its Node, because Node hides
// duplicate keys, looks keys up in linear time and copies what an alias names.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <expected>
#include <string>
#include <string_view>
#include <vector>

namespace mailmoor::config {

struct Position {
  int line = 0;   // from 1; 0: nowhere
  int column = 0; // from 1, in bytes

  friend bool operator==(const Position&, const Position&) = default;
};

struct YamlNode {
  enum class Kind : std::uint8_t { kNull, kScalar, kSequence, kMap };

  Kind kind = Kind::kNull;
  Position position; // of a null: its key, or the list that it stands in
  std::string scalar;
  std::vector<const YamlNode*> children; // kSequence: the entries; kMap: key, value, key, value, …; keys are scalars
};

struct YamlError {
  Position position;
  std::string message;
};

class YamlTree final {
 public:
  // The configuration needs five levels; a few more for clearer messages.
  static constexpr std::size_t kMaxDepth = 32;
  // 5,000 mailboxes with 40 keys each are 400,000. What an alias names counts each time that it is named.
  static constexpr std::size_t kMaxNodes = 1'000'000;

  // The first error only: after it, positions mean nothing.
  [[nodiscard]] static std::expected<YamlTree, YamlError> parse(std::string_view text);

  YamlTree(YamlTree&&) noexcept = default;
  YamlTree& operator=(YamlTree&&) = delete;
  YamlTree(const YamlTree&) = delete;
  YamlTree& operator=(const YamlTree&) = delete;
  ~YamlTree(); // wipes the scalars: they may be secrets

  // kNull for an empty document.
  [[nodiscard]] const YamlNode& root() const noexcept { return *root_; }

 private:
  friend class YamlTreeBuilder;
  YamlTree() = default;

  std::deque<YamlNode> nodes_; // a deque moves without moving its elements
  const YamlNode* root_ = nullptr;
};

} // namespace mailmoor::config
