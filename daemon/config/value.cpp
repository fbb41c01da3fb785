#include "config/value.h"

#include "config/quantity.h"
#include "config/web_address.h"
#include "util/printable.h"
#include "util/utf8.h"

#include <algorithm>

namespace mailmoor::config {
namespace {

constexpr std::size_t kMaxText = 1024;

[[nodiscard]] bool has_control_character(std::string_view text) {
  while (!text.empty()) {
    const auto decoded = decode_utf8(text);
    if (!decoded || decoded->code_point < 0x20 || (decoded->code_point >= 0x7F && decoded->code_point < 0xA0))
      return true;
    text.remove_prefix(decoded->size);
  }
  return false;
}

[[nodiscard]] std::string quoted(std::string_view text) {
  return concat("\"", printable(text), "\"");
}

} // namespace

bool is_good_name(std::string_view text) noexcept {
  const auto is_fine = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           std::string_view("._@+-").contains(c);
  };
  return !text.empty() && text.size() <= 200 && text.front() != '.' && std::ranges::all_of(text, is_fine);
}

void Value::wrong(std::string_view message) const {
  source_->error(node_->position, concat("\"", key_, "\": ", message));
}

void Value::wrong_choice(std::string_view given, std::string_view names) const {
  wrong(concat(quoted(given), " is none of its values; write ", names));
}

std::optional<std::string> Value::unless(std::optional<std::string> why, std::string text) const {
  if (!why) return text;
  wrong(*why);
  return std::nullopt;
}

std::optional<std::string> Value::text() const {
  switch (node_->kind) {
  case YamlNode::Kind::kNull: wrong("it has no value; write one, or take the key out"); return std::nullopt;
  case YamlNode::Kind::kSequence: wrong("expected one value, not a list"); return std::nullopt;
  case YamlNode::Kind::kMap: wrong("expected one value, not keys of its own"); return std::nullopt;
  case YamlNode::Kind::kScalar: break;
  }
  const std::string& text = node_->scalar;
  if (text.empty()) return wrong("it is empty; write a value, or take the key out"), std::nullopt;
  if (text.size() > kMaxText) return wrong("it is longer than 1024 bytes"), std::nullopt;
  if (has_control_character(text))
    return wrong("it has a control character or a line end; write it on one line"), std::nullopt;
  return text;
}

std::optional<std::chrono::seconds> Value::duration(std::chrono::seconds min, std::chrono::seconds max) const {
  const auto given = text();
  if (!given) return std::nullopt;
  const auto duration = parse_duration(*given);
  if (!duration) {
    wrong(concat(quoted(*given), " is no duration; write a whole number and s, m, h or d, such as 90s or 5m"));
  } else if (*duration < min || *duration > max) {
    wrong(concat(quoted(*given), " is out of range; write ", format_duration(min), " to ", format_duration(max)));
  } else {
    return duration;
  }
  return std::nullopt;
}

std::optional<std::uint64_t> Value::size() const {
  const auto given = text();
  if (!given) return std::nullopt;
  const auto size = parse_size(*given);
  if (!size)
    wrong(concat(quoted(*given), " is no size; write a whole number and B, KiB, MiB, GiB or TiB, such as 10MiB"));
  return size;
}

std::optional<int> Value::integer(int min, int max) const {
  const auto given = text();
  if (!given) return std::nullopt;
  const auto number = parse_number(*given);
  if (number && *number >= static_cast<std::uint64_t>(min) && *number <= static_cast<std::uint64_t>(max))
    return static_cast<int>(*number);
  wrong(concat(quoted(*given), " is not a whole number from ", min, " to ", max));
  return std::nullopt;
}

std::optional<std::chrono::sys_days> Value::date() const {
  const auto given = text();
  if (!given) return std::nullopt;
  const auto date = parse_date(*given);
  if (!date) wrong(concat(quoted(*given), " is no date; write it like 2027-01-31"));
  return date;
}

std::optional<std::string> Value::host() const {
  auto given = text();
  if (!given) return std::nullopt;
  return unless(why_not_host(*given), *given);
}

std::optional<std::string> Value::https_url() const {
  auto given = text();
  if (!given) return std::nullopt;
  return unless(why_not_https_url(*given), *given);
}

std::optional<std::string> Value::proxy() const {
  auto given = text();
  if (!given) return std::nullopt;
  if (*given == "none") return "";
  return unless(why_not_proxy_url(*given), *given);
}

std::optional<std::string> Value::path() const {
  const auto given = text();
  if (!given) return std::nullopt;
  if (given->starts_with('~')) return wrong("\"~\" is not expanded; write the whole path"), std::nullopt;
  return source_->absolute(*given);
}

std::optional<std::string> Value::existing_file() const {
  auto path = this->path();
  if (!path) return std::nullopt;
  switch (source_->files().inspect(*path)) {
  case Files::Access::kAbsent:
    wrong(concat("there is no ", printable(*path), "; make the file or correct the path"));
    break;
  case Files::Access::kNotAFile: wrong(concat(printable(*path), " is not a file; write the path of one")); break;
  case Files::Access::kOpenToOthers:
  case Files::Access::kFine:
  case Files::Access::kUnknown: return path;
  }
  return std::nullopt;
}

std::optional<std::vector<std::string>> Value::command() const {
  const auto entries = list();
  if (!entries) return std::nullopt;
  if (entries->empty()) {
    wrong("it is empty; write the program and its arguments, [/usr/local/bin/page-admin, …], or leave the key out");
    return std::nullopt;
  }
  std::vector<std::string> argv;
  for (const Value& entry : *entries) {
    auto argument = entry.text();
    if (!argument) return std::nullopt;
    argv.push_back(*std::move(argument));
  }
  if (!argv.front().starts_with('/')) {
    entries->front().wrong(concat("no shell looks for ", printable(argv.front()), "; write its whole path"));
    return std::nullopt;
  }
  if (!entries->front().existing_file()) return std::nullopt;
  if (source_->files().is_program(argv.front())) return argv;
  entries->front().wrong(
      concat(printable(argv.front()), " may be run by nobody; run \"chmod +x ", printable(argv.front()), "\""));
  return std::nullopt;
}

std::optional<std::string> Value::name() const {
  auto given = text();
  if (given && !is_good_name(*given)) return wrong(concat(quoted(*given), " will not do: ", kNameRule)), std::nullopt;
  return given;
}

std::optional<std::vector<Value>> Value::list() const {
  if (node_->kind != YamlNode::Kind::kSequence) {
    wrong("expected a list, such as [a, b] or lines that start with \"- \"");
    return std::nullopt;
  }
  std::vector<Value> out;
  out.reserve(node_->children.size());
  for (const YamlNode* entry : node_->children)
    out.emplace_back(*source_, *entry, key_);
  return out;
}

} // namespace mailmoor::config
