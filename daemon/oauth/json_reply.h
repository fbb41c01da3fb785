// The members of the flat JSON object that OAuth answers are (RFC 6749 §5.1: members at the highest level), and keys of
// service accounts with them.
// Token values go straight from the text into Secrets: they are cut out before nlohmann-json reads the rest, since its
// lexer keeps copies that nobody wipes. What remains: a token under a member name spelled with JSON escapes passes
// through the lexer and is then refused.
#pragma once

#include "util/secret.h"

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace mailmoor::oauth {

class JsonReply final {
 public:
  // Never fails: is_object() says whether the text was one whole JSON object within the limits (kMaxReplyBytes, depth
  // 16, 512 members and elements). Secrets that were complete are there even when the text was cut after them.
  [[nodiscard]] static JsonReply parse(std::string_view text);

  [[nodiscard]] bool is_object() const noexcept { return is_object_; }
  [[nodiscard]] bool has(std::string_view member) const { return members_.contains(member); }
  // A member of an object inside: "error.message". Empty when absent or of another type.
  [[nodiscard]] std::string_view text(std::string_view member) const;
  // A whole number, also one that is spelled as a string ("3599", as Entra's v1 endpoints do) or as 3599.0.
  [[nodiscard]] std::optional<std::int64_t> number(std::string_view member) const;
  // The whole numbers of an array.
  [[nodiscard]] std::vector<std::int64_t> numbers(std::string_view member) const;
  // "access_token", "refresh_token", "id_token", "device_code", "private_key". Unescaped; empty when absent, taken,
  // longer than kMaxTokenBytes or with anything but VSCHAR (RFC 6749 Appendix A.12, A.17), but for the line ends of a
  // private key. Of two with one name: the last.
  [[nodiscard]] Secret take_secret(std::string_view member);

 private:
  struct Member {
    std::optional<std::string> text;
    std::optional<std::int64_t> number;
    std::vector<std::int64_t> numbers;
  };
  class Reader;

  [[nodiscard]] const Member* find(std::string_view member) const;

  std::map<std::string, Member, std::less<>> members_;
  std::vector<std::pair<std::string_view, Secret>> secrets_; // names are string literals
  bool is_object_ = false;
};

} // namespace mailmoor::oauth
