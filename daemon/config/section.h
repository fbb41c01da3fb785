// One map of the configuration with a known set of keys. The constructor reports what is no map, keys that are unknown,
// double; after that each key is asked for by name.
#pragma once

#include "config/keys.h"
#include "config/value.h"

#include <optional>
#include <string_view>
#include <vector>

namespace mailmoor::config {

class Section final {
 public:
  // `name` is how messages call it: a key or a mailbox. `start` is the place for "… is missing".
  Section(const Value& value, const SectionKeys& keys);

  // Whether there is a map to read at all.
  [[nodiscard]] bool is_map() const noexcept { return is_map_; }
  [[nodiscard]] Place place() const noexcept { return place_; }
  // REQUIRES: a key of this section.
  [[nodiscard]] std::optional<Value> find(std::string_view key) const;
  // Calls function(Value) if the key is there.
  template<class Function>
  void with(std::string_view key, Function function) const {
    if (const auto value = find(key)) function(*value);
  }

 private:
  void take(const YamlNode& key, const YamlNode& value);

  const SectionKeys& keys_;
  const Source& source_;
  Place place_;
  bool is_map_ = false;
  std::vector<const YamlNode*> values_; // beside keys_.keys; null: absent
};

// {credential: NAME}, {file: PATH}, {env: NAME}, or the secret itself. kNone after an error, which is reported.
[[nodiscard]] SecretSource read_secret_source(const Value& value);

} // namespace mailmoor::config
