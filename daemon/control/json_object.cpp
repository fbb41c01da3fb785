#include "control/json_object.h"

#include "util/concat.h"

#include <charconv>

namespace mailmoor::control {

namespace {

// Exactly `size` decimal digits.
std::optional<int> take_digits(std::string_view& text, std::size_t size) {
  int value = 0;
  if (text.size() < size) return std::nullopt;
  const auto [stop, error] = std::from_chars(text.data(), text.data() + size, value);
  if (error != std::errc() || stop != text.data() + size || value < 0) return std::nullopt;
  text.remove_prefix(size);
  return value;
}

bool take_char(std::string_view& text, char c) {
  if (!text.starts_with(c)) return false;
  text.remove_prefix(1);
  return true;
}

// What to_rfc3339() writes: "2026-11-23T15:04:05Z".
std::optional<UnixTime> time_from_rfc3339(std::string_view text) {
  const auto year = take_digits(text, 4);
  if (!year || !take_char(text, '-')) return std::nullopt;
  const auto month = take_digits(text, 2);
  if (!month || !take_char(text, '-')) return std::nullopt;
  const auto day = take_digits(text, 2);
  if (!day || !take_char(text, 'T')) return std::nullopt;
  const auto hour = take_digits(text, 2);
  if (!hour || !take_char(text, ':')) return std::nullopt;
  const auto minute = take_digits(text, 2);
  if (!minute || !take_char(text, ':')) return std::nullopt;
  const auto second = take_digits(text, 2);
  if (!second || text != "Z" || *hour > 23 || *minute > 59 || *second > 60) return std::nullopt;
  const std::chrono::year_month_day date{std::chrono::year(*year), std::chrono::month(static_cast<unsigned>(*month)),
                                         std::chrono::day(static_cast<unsigned>(*day))};
  if (!date.ok()) return std::nullopt;
  return std::chrono::sys_days(date) + std::chrono::hours(*hour) + std::chrono::minutes(*minute) +
         std::chrono::seconds(*second);
}

} // namespace

std::string dump(const Json& json) {
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

Json time_or_null(const std::optional<UnixTime>& time) {
  return time ? Json(to_rfc3339(*time)) : Json(nullptr);
}

Json string_array(const std::vector<std::string>& texts) {
  Json array = Json::array();
  for (const std::string& text : texts)
    array.push_back(text);
  return array;
}

const Json* ObjectReader::find(const char* name) const {
  if (!good_) return nullptr;
  const auto member = json_.find(name);
  return member == json_.end() ? nullptr : &*member;
}

void ObjectReader::read(const char* name, std::string& out) {
  const Json* const member = find(name);
  if (member == nullptr) return;
  if (!member->is_string()) return refuse();
  out = member->get<std::string>();
}

void ObjectReader::read(const char* name, bool& out) {
  const Json* const member = find(name);
  if (member == nullptr) return;
  if (!member->is_boolean()) return refuse();
  out = member->get<bool>();
}

void ObjectReader::read(const char* name, double& out) {
  const Json* const member = find(name);
  if (member == nullptr) return;
  if (!member->is_number()) return refuse();
  out = member->get<double>();
}

void ObjectReader::read(const char* name, std::optional<UnixTime>& out) {
  const Json* const member = find(name);
  if (member == nullptr || member->is_null()) return;
  if (!member->is_string()) return refuse();
  out = time_from_rfc3339(member->get_ref<const std::string&>());
  if (!out) refuse();
}

void ObjectReader::read(const char* name, std::optional<double>& out) {
  const Json* const member = find(name);
  if (member == nullptr || member->is_null()) return;
  read(name, out.emplace());
}

void ObjectReader::read(const char* name, UnixTime& out) {
  std::optional<UnixTime> time;
  read(name, time);
  if (time) out = *time;
}

void ObjectReader::read(const char* name, std::vector<std::string>& out) {
  read_each(name, [&out](const Json& element) {
    if (!element.is_string()) return false;
    out.push_back(element.get<std::string>());
    return true;
  });
}

std::optional<Json> parse_json(std::string_view text) {
  Json json = Json::parse(text, nullptr, /*allow_exceptions=*/false);
  if (json.is_discarded()) return std::nullopt;
  return json;
}

std::unexpected<Error> bad_reply(std::string_view what) {
  return fail(ErrorKind::kBug, "bad_reply", concat("the daemon's answer is not understood: ", what),
              "check that mailmoorctl and mailmoord are of the same version");
}

} // namespace mailmoor::control
