#include "log/redact.h"

#include "util/ascii.h"

#include <algorithm>
#include <array>
#include <cstddef>

namespace mailmoor::log {

namespace {

constexpr std::string_view kHidden = "***";
constexpr std::string_view kBase64Url = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

// What a bearer token (RFC 6750 §2.1), standard base64 and a JSON web token are made of.
bool is_token_char(char c) noexcept {
  return kBase64Url.find(c) != std::string_view::npos || std::string_view("+/=.~").find(c) != std::string_view::npos;
}

bool is_word_char(char c) noexcept {
  return kBase64Url.find(c) != std::string_view::npos;
}

template<class Predicate>
std::size_t run_length(std::string_view text, Predicate predicate) {
  return static_cast<std::size_t>(std::ranges::find_if_not(text, predicate) - text.begin());
}

std::size_t blank_length(std::string_view text) {
  return run_length(text, [](char c) { return c == ' ' || c == '\t'; });
}

std::size_t line_length(std::string_view text) {
  return std::min(text.find_first_of("\r\n"), text.size());
}

// The starts that give a secret away: '{"' in base64 (a JSON web token), a Google access token, and what the SASL
// payloads of XOAUTH2 ("user=") and OAUTHBEARER ("n,a=") look like in base64.
bool is_shaped_like_secret(std::string_view token) {
  constexpr std::size_t kShortest = 16;
  constexpr std::array<std::string_view, 4> kStarts = {"eyJ", "ya29.", "dXNlcj", "bixhP"};
  return token.size() >= kShortest && std::ranges::any_of(kStarts, [token](auto s) { return token.starts_with(s); });
}

bool is_secret_name(std::string_view name) {
  constexpr std::array<std::string_view, 5> kParts = {"token", "secret", "password", "passwd", "assertion"};
  constexpr std::array<std::string_view, 3> kWhole = {"code", "code_verifier", "device_code"};
  return std::ranges::any_of(kParts, [name](auto part) { return contains_ignoring_case(name, part); }) ||
         std::ranges::any_of(kWhole, [name](auto whole) { return equals_ignoring_case(name, whole); });
}

bool is_command_tag(std::string_view word) {
  const auto is_digit = [](char c) { return c >= '0' && c <= '9'; };
  return std::ranges::any_of(word, is_digit) && std::ranges::all_of(word, is_word_char);
}

class Redactor final {
 public:
  explicit Redactor(std::string_view text) : rest_(text) { out_.reserve(text.size()); }

  std::string run() {
    while (!rest_.empty()) {
      if (const std::size_t token = run_length(rest_, is_token_char); is_shaped_like_secret(rest_.substr(0, token)))
        hide(token);
      else if (rest_.starts_with("://"))
        take_url_credentials();
      else if (is_word_char(rest_.front()))
        take_word();
      else
        copy(1);
    }
    return std::move(out_);
  }

 private:
  void copy(std::size_t size) {
    out_.append(rest_.substr(0, size));
    rest_.remove_prefix(size);
  }

  void hide(std::size_t size) {
    if (size == 0) return;
    out_.append(kHidden);
    rest_.remove_prefix(size);
  }

  // scheme "://" user ":" password "@": a proxy's
  void take_url_credentials() {
    copy(3);
    const std::size_t authority = std::min(rest_.find_first_of("/ \t\r\n\"'"), rest_.size());
    const std::size_t at = rest_.substr(0, authority).rfind('@');
    if (at != std::string_view::npos) hide(at);
  }

  void take_word() {
    const bool in_quotes = !out_.empty() && (out_.back() == '"' || out_.back() == '\'');
    const std::string_view word = rest_.substr(0, run_length(rest_, is_word_char));
    const bool after_tag = is_command_tag(last_word_);
    copy(word.size());
    last_word_ = rest_.starts_with(' ') ? word : std::string_view();
    if (equals_ignoring_case(word, "bearer"))
      hide_next_token();
    else if (equals_ignoring_case(word, "authenticate"))
      hide_initial_response();
    else if (after_tag && equals_ignoring_case(word, "login"))
      hide_line();
    else if (equals_ignoring_case(word, "authorization") || equals_ignoring_case(word, "proxy-authorization"))
      take_header();
    else if (is_secret_name(word))
      take_field(in_quotes);
  }

  void hide_next_token() {
    const std::size_t blanks = blank_length(rest_);
    if (blanks == 0) return;
    copy(blanks);
    hide(run_length(rest_, is_token_char));
  }

  // "AUTHENTICATE" SP mechanism SP initial-response (RFC 9051 §6.2.2)
  void hide_initial_response() {
    copy(blank_length(rest_));
    copy(run_length(rest_, is_word_char));
    hide_next_token();
  }

  void hide_line() {
    copy(blank_length(rest_));
    hide(line_length(rest_));
  }

  void take_header() {
    if (rest_.starts_with(':')) {
      copy(1);
      hide_line();
    } else if (rest_.starts_with("\"") || rest_.starts_with("'")) {
      take_field(/*in_quotes=*/true);
    }
  }

  // name=value, "name":"value", name="value". A colon counts only after a quoted name: prose has colons too.
  void take_field(bool in_quotes) {
    std::size_t at = in_quotes && !rest_.empty() && (rest_[0] == '"' || rest_[0] == '\'') ? 1 : 0;
    const bool name_is_quoted = at == 1;
    if (name_is_quoted) at += blank_length(rest_.substr(at));
    if (at >= rest_.size() || !(rest_[at] == '=' || (rest_[at] == ':' && name_is_quoted))) return;
    ++at;
    if (name_is_quoted) at += blank_length(rest_.substr(at));
    copy(at);
    if (rest_.starts_with('"') || rest_.starts_with('\''))
      hide_quoted();
    else
      hide(std::min(rest_.find_first_of("& \t\r\n;,\"')}]"), rest_.size()));
  }

  void hide_quoted() {
    const char quote = rest_.front();
    copy(1);
    std::size_t end = 0;
    while (end < rest_.size() && rest_[end] != quote)
      end += rest_[end] == '\\' ? 2U : 1U;
    hide(std::min(end, rest_.size()));
  }

  std::string out_;
  std::string_view rest_;
  std::string_view last_word_; // the word before, when one space stands between
};

} // namespace

std::string redact(std::string_view text) {
  return Redactor(text).run();
}

} // namespace mailmoor::log
