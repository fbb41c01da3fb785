#include "oauth/shown_text.h"

#include "util/utf8.h"

#include <algorithm>

namespace mailmoor::oauth {

namespace {

// Tokens of the known servers have 43 characters (oidc-provider) or more; a GUID has 36.
constexpr std::size_t kMinTokenLength = 40;

// C0, DEL, C1, and the separators that end a line.
bool is_control(char32_t c) {
  return c < 0x20 || (c >= 0x7F && c < 0xA0) || c == 0x2028 || c == 0x2029;
}

// Zero-width and bidirectional controls (UAX #9), the byte order mark, tag characters.
bool is_hidden(char32_t c) {
  return c == 0xAD || c == 0x61C || (c >= 0x200B && c <= 0x200F) || (c >= 0x202A && c <= 0x202E) ||
         (c >= 0x2060 && c <= 0x206F) || c == 0xFEFF || (c >= 0xE0000 && c <= 0xE007F);
}

// b64token characters (RFC 6750 §2.1); "=" and "/" included, so that "refresh_token=…" is one word.
bool is_token_character(char c) {
  return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
         std::string_view("-._~+/=").contains(c);
}

bool could_be_token(std::string_view word) {
  if (word.size() < kMinTokenLength) return false;
  // What follows "https:" is a URL; a token in it would be one of its segments.
  if (!word.starts_with("//")) return true;
  while (!word.empty()) {
    const std::size_t end = std::min(word.find('/'), word.size());
    if (end >= kMinTokenLength) return true;
    word.remove_prefix(std::min(end + 1, word.size()));
  }
  return false;
}

std::string mask_tokens(std::string_view text) {
  std::string out;
  while (!text.empty()) {
    const auto end = static_cast<std::size_t>(std::ranges::find_if_not(text, is_token_character) - text.begin());
    const std::string_view word = text.substr(0, end);
    out += could_be_token(word) ? std::string_view("***") : word;
    if (end < text.size()) out += text[end];
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return out;
}

} // namespace

std::string shown_text(std::string_view text, std::size_t max_bytes) {
  constexpr std::string_view kCut = "…";
  std::string out;
  std::size_t cut_at = 0; // the longest prefix of `out` that leaves room for kCut
  bool gap = false;
  while (!text.empty()) {
    const auto decoded = decode_utf8(text);
    const char32_t c = decoded ? decoded->code_point : U'?';
    text.remove_prefix(decoded ? decoded->size : 1);
    if (is_hidden(c)) continue;
    if (is_control(c) || c == U' ') {
      gap = !out.empty();
      continue;
    }
    if (gap) out += ' ';
    gap = false;
    append_utf8(out, c);
    if (out.size() > max_bytes) return out.substr(0, cut_at).append(kCut);
    if (out.size() + kCut.size() <= max_bytes) cut_at = out.size();
  }
  return out;
}

std::string shown_description(std::string_view text, std::size_t max_bytes) {
  // Masked first, as cutting could leave half a token; hidden characters are out before, as they could split one.
  return shown_text(mask_tokens(shown_text(text, std::max(text.size() + 4, max_bytes))), max_bytes);
}

} // namespace mailmoor::oauth
