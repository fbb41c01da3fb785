#include "util/base64.h"

#include <array>
#include <cstdint>

namespace mailmoor {
namespace {

constexpr std::string_view kStandard = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
constexpr std::string_view kUrl = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
constexpr std::uint8_t kInvalid = 0xFF;

constexpr std::array<std::uint8_t, 256> make_decode_table() {
  std::array<std::uint8_t, 256> table{};
  table.fill(kInvalid);
  for (std::size_t i = 0; i < 64; ++i) {
    table[static_cast<unsigned char>(kStandard[i])] = static_cast<std::uint8_t>(i);
    table[static_cast<unsigned char>(kUrl[i])] = static_cast<std::uint8_t>(i);
  }
  return table;
}

constexpr auto kDecode = make_decode_table();

// Out: std::string or Secret.
template<class Out>
Out encode(std::string_view bytes, std::string_view alphabet, bool pad) {
  Out out;
  out.reserve((bytes.size() + 2) / 3 * 4);
  for (std::size_t i = 0; i < bytes.size(); i += 3) {
    const std::size_t left = bytes.size() - i;
    std::uint32_t group = static_cast<std::uint32_t>(static_cast<unsigned char>(bytes[i])) << 16;
    if (left > 1) group |= static_cast<std::uint32_t>(static_cast<unsigned char>(bytes[i + 1])) << 8;
    if (left > 2) group |= static_cast<std::uint32_t>(static_cast<unsigned char>(bytes[i + 2]));
    out.push_back(alphabet[group >> 18]);
    out.push_back(alphabet[(group >> 12) & 63]);
    if (left > 1) out.push_back(alphabet[(group >> 6) & 63]);
    if (left > 2) out.push_back(alphabet[group & 63]);
    for (std::size_t missing = left; pad && missing < 3; ++missing)
      out.push_back('=');
  }
  return out;
}

template<class Out>
std::optional<Out> decode(std::string_view text) {
  if (text.ends_with('=')) { // padding, where there is any, fills up the last group of four
    if (text.size() % 4 != 0) return std::nullopt;
    text.remove_suffix(text.ends_with("==") ? 2 : 1);
  }
  if (text.size() % 4 == 1) return std::nullopt;
  Out out;
  out.reserve(text.size() / 4 * 3 + 2);
  std::uint32_t group = 0;
  unsigned bits = 0;
  for (const char c : text) {
    const std::uint8_t value = kDecode[static_cast<unsigned char>(c)];
    if (value == kInvalid) return std::nullopt;
    group = (group << 6) | value;
    bits += 6;
    if (bits >= 8) {
      bits -= 8;
      out.push_back(static_cast<char>((group >> bits) & 0xFF));
    }
  }
  return out;
}

} // namespace

std::string base64_encode(std::string_view bytes) {
  return encode<std::string>(bytes, kStandard, /*pad=*/true);
}

std::string base64url_encode(std::string_view bytes) {
  return encode<std::string>(bytes, kUrl, /*pad=*/false);
}

Secret base64_encode_secret(std::string_view bytes) {
  return encode<Secret>(bytes, kStandard, /*pad=*/true);
}

std::optional<std::string> base64_decode(std::string_view text) {
  return decode<std::string>(text);
}

std::optional<Secret> base64_decode_secret(std::string_view text) {
  return decode<Secret>(text);
}

} // namespace mailmoor
