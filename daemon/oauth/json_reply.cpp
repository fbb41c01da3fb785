#include "oauth/json_reply.h"

#include "oauth/reply.h"
#include "util/concat.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <nlohmann/json.hpp>

namespace mailmoor::oauth {

namespace {

constexpr std::size_t kMaxDepth = 16;
constexpr std::size_t kMaxValues = 512;
constexpr std::string_view kBlanks = " \t\r\n";
constexpr std::string_view kPrivateKey = "private_key"; // of a service account: PEM, so with line ends
constexpr std::string_view kSecretMembers[] = {"access_token", "refresh_token", "id_token", "device_code", kPrivateKey};

// The literal that equals `name`; empty when it is no secret.
std::string_view secret_member(std::string_view name) {
  const auto* const found = std::ranges::find(kSecretMembers, name);
  return found == std::end(kSecretMembers) ? std::string_view() : *found;
}

std::optional<std::int64_t> parse_number(std::string_view digits) {
  constexpr std::size_t kMaxDigits = 18; // fits 63 bits
  if (digits.empty() || digits.size() > kMaxDigits) return std::nullopt;
  std::int64_t value = 0;
  for (const char c : digits) {
    if (c < '0' || c > '9') return std::nullopt;
    value = value * 10 + (c - '0');
  }
  return value;
}

std::optional<unsigned> parse_hex(std::string_view digits) {
  unsigned value = 0;
  for (const char c : digits) {
    const std::size_t digit = std::string_view("0123456789abcdefABCDEF").find(c);
    if (digit == std::string_view::npos) return std::nullopt;
    value = value * 16 + static_cast<unsigned>(digit < 16 ? digit : digit - 6);
  }
  return value;
}

// Without JSON's escapes (RFC 8259 §7): PHP writes "/" as "\/", .NET "+" as "\u002B". Empty when not a token.
Secret unescape_token(std::string_view raw, bool may_have_line_ends) {
  Secret token;
  token.reserve(raw.size());
  while (!raw.empty()) {
    char c = raw.front();
    std::size_t taken = 1;
    if (c == '\\') {
      if (raw.size() < 2) return {};
      c = raw[1];
      taken = 2;
      if (c == 'u') {
        const auto code = parse_hex(raw.substr(2, 4));
        if (raw.size() < 6 || !code || *code > '~') return {};
        c = static_cast<char>(*code);
        taken = 6;
      } else if (may_have_line_ends && (c == 'n' || c == 'r')) {
        c = c == 'n' ? '\n' : '\r';
      } else if (c != '"' && c != '\\' && c != '/')
        return {};
    }
    const bool is_line_end = may_have_line_ends && (c == '\n' || c == '\r');
    if (((c < ' ' || c > '~') && !is_line_end) || token.size() == kMaxTokenBytes) return {};
    token.push_back(c);
    raw.remove_prefix(taken);
  }
  return token;
}

// The index of the quote that closes the string opened at `open`, or npos.
std::size_t string_end(std::string_view text, std::size_t open) {
  for (std::size_t at = open + 1; at < text.size(); ++at) {
    if (text[at] == '\\')
      ++at;
    else if (text[at] == '"')
      return at;
  }
  return std::string_view::npos;
}

// Where the string begins that is the value of the member whose name ends before `at`, or npos.
std::size_t value_string(std::string_view text, std::size_t at) {
  at = text.find_first_not_of(kBlanks, at);
  if (at == std::string_view::npos || text[at] != ':') return std::string_view::npos;
  at = text.find_first_not_of(kBlanks, at + 1);
  return at != std::string_view::npos && text[at] == '"' ? at : std::string_view::npos;
}

using Secrets = std::vector<std::pair<std::string_view, Secret>>;

// The text with the values of secret members emptied; those of the outermost object are kept in `secrets`.
// Ends before a string that does not end.
std::string cut_secrets(std::string_view text, Secrets& secrets) {
  std::string rest;
  rest.reserve(text.size());
  std::size_t depth = 0;
  for (std::size_t at = 0; at < text.size(); ++at) {
    const char c = text[at];
    if (c == '{' || c == '[') ++depth;
    if ((c == '}' || c == ']') && depth > 0) --depth;
    if (c != '"') {
      rest += c;
      continue;
    }
    const std::size_t end = string_end(text, at);
    if (end == std::string_view::npos) return rest;
    rest += text.substr(at, end + 1 - at);
    const std::string_view name = secret_member(text.substr(at + 1, end - at - 1));
    at = end;
    const std::size_t value = name.empty() ? std::string_view::npos : value_string(text, end + 1);
    if (value == std::string_view::npos) continue;
    const std::size_t value_end = string_end(text, value);
    if (value_end == std::string_view::npos) return rest;
    if (depth == 1)
      secrets.emplace_back(name, unescape_token(text.substr(value + 1, value_end - value - 1), name == kPrivateKey));
    rest += ":\"\"";
    at = value_end;
  }
  return rest;
}

} // namespace

// Takes nlohmann-json's events. Each handler's result says whether to go on.
class JsonReply::Reader final : public nlohmann::json_sax<nlohmann::json> {
 public:
  explicit Reader(std::map<std::string, Member, std::less<>>& members) : members_(members) {}

  bool null() override { return count_value(); }
  bool boolean(bool /*value*/) override { return count_value(); }
  bool number_integer(number_integer_t value) override { return take_number(value); }
  bool number_unsigned(number_unsigned_t value) override {
    if (value > static_cast<number_unsigned_t>(std::numeric_limits<std::int64_t>::max())) return count_value();
    return take_number(static_cast<std::int64_t>(value));
  }
  bool number_float(number_float_t value, const string_t& /*spelling*/) override {
    constexpr double kExact = 9007199254740992.0; // 2^53
    if (!(std::abs(value) < kExact) || value != std::floor(value)) return count_value();
    return take_number(static_cast<std::int64_t>(value));
  }
  bool string(string_t& value) override {
    if (!count_value()) return false;
    if (!value.empty() && !secret_member(name_).empty()) {
      wipe_memory(value.data(), value.size());
      return false;
    }
    if (!nesting_.back()) set({.text = std::move(value), .number = {}, .numbers = {}});
    return true;
  }
  bool binary(binary_t& /*value*/) override { return false; }

  bool start_object(std::size_t /*elements*/) override { return enter(/*array=*/false); }
  bool key(string_t& name) override {
    if (nesting_.size() == 1) outer_name_ = name;
    name_ = std::move(name);
    return true;
  }
  bool end_object() override { return leave(); }
  bool start_array(std::size_t /*elements*/) override { return !nesting_.empty() && enter(/*array=*/true); }
  bool end_array() override { return leave(); }

  bool parse_error(std::size_t /*position*/, const std::string& /*token*/,
                   const nlohmann::detail::exception& /*error*/) override {
    return false;
  }

 private:
  // A value that is not inside the object is no answer.
  bool count_value() { return !nesting_.empty() && ++values_ <= kMaxValues; }

  bool enter(bool array) {
    if (nesting_.size() == kMaxDepth || ++values_ > kMaxValues) return false;
    nesting_.push_back(array);
    return true;
  }
  bool leave() {
    nesting_.pop_back();
    return true;
  }

  bool take_number(std::int64_t value) {
    if (!count_value()) return false;
    if (!nesting_.back())
      set({.text = {}, .number = value, .numbers = {}});
    else if (nesting_.size() == 2)
      members_[outer_name_].numbers.push_back(value);
    return true;
  }

  void set(Member member) {
    if (nesting_.size() == 1)
      members_.insert_or_assign(name_, std::move(member));
    else if (nesting_.size() == 2 && !nesting_.front())
      members_.insert_or_assign(concat(outer_name_, '.', name_), std::move(member));
  }

  std::map<std::string, Member, std::less<>>& members_;
  std::vector<bool> nesting_; // true: an array
  std::string outer_name_;    // the latest member of the outermost object
  std::string name_;          // the latest member at any depth
  std::size_t values_ = 0;
};

JsonReply JsonReply::parse(std::string_view text) {
  JsonReply reply;
  if (text.size() > kMaxReplyBytes) return reply;
  const std::string rest = cut_secrets(text, reply.secrets_);
  Reader reader(reply.members_);
  reply.is_object_ = nlohmann::json::sax_parse(rest, &reader);
  if (!reply.is_object_) reply.members_.clear();
  return reply;
}

const JsonReply::Member* JsonReply::find(std::string_view member) const {
  const auto found = members_.find(member);
  return found == members_.end() ? nullptr : &found->second;
}

std::string_view JsonReply::text(std::string_view member) const {
  const Member* const found = find(member);
  return found != nullptr && found->text ? std::string_view(*found->text) : std::string_view();
}

std::optional<std::int64_t> JsonReply::number(std::string_view member) const {
  const Member* const found = find(member);
  if (found == nullptr) return std::nullopt;
  return found->text ? parse_number(*found->text) : found->number;
}

std::vector<std::int64_t> JsonReply::numbers(std::string_view member) const {
  const Member* const found = find(member);
  return found == nullptr ? std::vector<std::int64_t>() : found->numbers;
}

Secret JsonReply::take_secret(std::string_view member) {
  Secret last;
  for (auto& [name, secret] : secrets_) {
    if (name == member) last = std::move(secret);
  }
  return last;
}

} // namespace mailmoor::oauth
