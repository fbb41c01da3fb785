// Reading and writing the members of a JSON object. Only for the .cpp files of this room: it brings nlohmann in.
#pragma once

#include "util/result.h"
#include "util/time_text.h"

#include <nlohmann/json.hpp>

#include <concepts>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace mailmoor::control {

using Json = nlohmann::ordered_json;

// Wrong UTF-8 becomes U+FFFD.
[[nodiscard]] std::string dump(const Json& json);
[[nodiscard]] Json time_or_null(const std::optional<UnixTime>& time);
[[nodiscard]] Json string_array(const std::vector<std::string>& texts);

// Reads one object. A member of the wrong type makes the whole reading fail; an absent one leaves the default, so that
// a program understands a daemon that is a little older.
class ObjectReader final {
 public:
  // REQUIRES: `json` outlives the reader.
  explicit ObjectReader(const Json& json) : json_(json), good_(json.is_object()) {}

  void read(const char* name, std::string& out);
  void read(const char* name, bool& out);
  void read(const char* name, double& out);
  void read(const char* name, std::optional<double>& out);
  void read(const char* name, UnixTime& out);
  void read(const char* name, std::optional<UnixTime>& out);
  void read(const char* name, std::vector<std::string>& out);
  template<std::unsigned_integral T>
  void read(const char* name, T& out);
  // Each element of an array by `read_element(const Json&) -> bool`.
  template<class Function>
  void read_each(const char* name, Function read_element);

  void refuse() noexcept { good_ = false; }
  [[nodiscard]] bool is_good() const noexcept { return good_; }

 private:
  [[nodiscard]] const Json* find(const char* name) const;

  const Json& json_;
  bool good_;
};

// The document, or empty when it is not JSON.
[[nodiscard]] std::optional<Json> parse_json(std::string_view text);
[[nodiscard]] std::unexpected<Error> bad_reply(std::string_view what);

template<std::unsigned_integral T>
void ObjectReader::read(const char* name, T& out) {
  const Json* const member = find(name);
  if (member == nullptr) return;
  if (!member->is_number_unsigned() || !std::in_range<T>(member->get<std::uint64_t>())) return refuse();
  out = static_cast<T>(member->get<std::uint64_t>());
}

template<class Function>
void ObjectReader::read_each(const char* name, Function read_element) {
  const Json* const member = find(name);
  if (member == nullptr) return;
  if (!member->is_array()) return refuse();
  for (const Json& element : *member)
    if (!read_element(element)) return refuse();
}

} // namespace mailmoor::control
