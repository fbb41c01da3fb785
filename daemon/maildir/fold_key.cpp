#include "maildir/layout.h"
#include "util/utf8.h"

#include <algorithm>
#include <array>

namespace mailmoor::maildir {
namespace {

// Stands for a letter that another spelling of the same name may write otherwise: "é", "É", and "e" with an accent
// behind it. Coarse on purpose: no tables of Unicode, and a wrong "equal" only costs a mark.
constexpr char32_t kSomeLetter = U'*';

struct Range {
  char32_t first, last;
};

template<std::size_t N>
[[nodiscard]] bool is_in(const std::array<Range, N>& ranges, char32_t c) {
  return std::ranges::any_of(ranges, [c](const Range& range) { return range.first <= c && c <= range.last; });
}

constexpr std::array kCombining = {Range{0x300, 0x36F},   Range{0x653, 0x655},   Range{0x93C, 0x93C},
                                   Range{0x1AB0, 0x1AFF}, Range{0x1DC0, 0x1DFF}, Range{0x20D0, 0x20FF},
                                   Range{0x3099, 0x309A}, Range{0xFE20, 0xFE2F}};

// Default-ignorable code points: some file systems compare names without them.
constexpr std::array kIgnored = {Range{0xAD, 0xAD},     Range{0x200B, 0x200F}, Range{0x202A, 0x202E},
                                 Range{0x2060, 0x206F}, Range{0xFE00, 0xFE0F}, Range{0xFEFF, 0xFEFF}};

// Letters with accents, and scripts with case beyond those spelled out below.
constexpr std::array kVarying = {
    Range{0xC0, 0x24F},      Range{0x370, 0x390},     Range{0x3AA, 0x3B0},     Range{0x3CA, 0x3FF},
    Range{0x400, 0x40F},     Range{0x419, 0x419},     Range{0x439, 0x439},     Range{0x450, 0x52F},
    Range{0x622, 0x626},     Range{0x6C0, 0x6C2},     Range{0x6D3, 0x6D3},     Range{0x929, 0x934},
    Range{0x958, 0x95F},     Range{0x10A0, 0x10FF},   Range{0x13A0, 0x13FF},   Range{0x1C80, 0x1CBF},
    Range{0x1E00, 0x1FFF},   Range{0x212B, 0x212B},   Range{0x2160, 0x2188},   Range{0x24B6, 0x24E9},
    Range{0x2C00, 0x2DFF},   Range{0xA640, 0xA7FF},   Range{0xAB30, 0xABBF},   Range{0xFF21, 0xFF5A},
    Range{0x10400, 0x104FF}, Range{0x10C80, 0x10CFF}, Range{0x118A0, 0x118DF}, Range{0x16E40, 0x16E7F},
    Range{0x1E900, 0x1E943}};

// Kana with a sound mark, which may also be written behind the plain one.
[[nodiscard]] bool is_voiced_kana(char32_t c) {
  if (c >= 0x30F7 && c <= 0x30FA) return true;
  if (c >= 0x30A0 && c <= 0x30FF) c -= 0x60;
  return (c >= 0x304C && c <= 0x3062 && c % 2 == 0) || c == 0x3065 || c == 0x3067 || c == 0x3069 ||
         (c >= 0x3070 && c <= 0x307D && c % 3 != 0) || c == 0x3094 || c == 0x309E;
}

// Folds to several characters, or to one far away.
[[nodiscard]] std::u32string_view expansion(char32_t c) {
  switch (c) {
  case 0xB5: return U"\u03BC";
  case 0xDF:
  case 0x1E9E: return U"ss";
  case 0x17F: return U"s";
  case 0x2126: return U"\u03C9";
  case 0x212A: return U"k";
  case 0xFB00: return U"ff";
  case 0xFB01: return U"fi";
  case 0xFB02: return U"fl";
  case 0xFB03: return U"ffi";
  case 0xFB04: return U"ffl";
  case 0xFB05:
  case 0xFB06: return U"st";
  default: return {};
  }
}

[[nodiscard]] char32_t fold(char32_t c) {
  if (c >= U'A' && c <= U'Z') return c + 0x20;
  if (is_in(kVarying, c) || is_voiced_kana(c)) return kSomeLetter;
  if (c >= 0x391 && c <= 0x3A9) return c + 0x20; // Greek
  if (c == 0x3C2) return 0x3C3;                  // final sigma
  if (c >= 0x410 && c <= 0x42F) return c + 0x20; // Cyrillic
  if (c >= 0x531 && c <= 0x556) return c + 0x30; // Armenian
  return c;
}

void append_folded(std::u32string& key, char32_t c) {
  constexpr char32_t kFirstSyllable = 0xAC00, kLastSyllable = 0xD7A3;
  const std::u32string_view expanded = expansion(c);
  if (!expanded.empty()) {
    key += expanded;
  } else if (c >= kFirstSyllable && c <= kLastSyllable) {
    // Hangul syllables and the letters they are made of (Unicode 15, §3.12).
    const char32_t index = c - kFirstSyllable;
    key.push_back(0x1100 + index / 588);
    key.push_back(0x1161 + index % 588 / 28);
    if (index % 28 != 0) key.push_back(0x11A7 + index % 28);
  } else if (is_in(kCombining, c)) {
    if (!key.empty()) key.back() = kSomeLetter;
  } else if (!is_in(kIgnored, c)) {
    key.push_back(fold(c));
  }
}

} // namespace

std::string fold_key(std::string_view directory) {
  std::u32string key;
  while (!directory.empty()) {
    const auto decoded = decode_utf8(directory);
    append_folded(key, decoded ? decoded->code_point : static_cast<unsigned char>(directory.front()));
    directory.remove_prefix(decoded ? decoded->size : 1);
  }
  std::string out;
  for (const char32_t c : key)
    append_utf8(out, c);
  return out;
}

} // namespace mailmoor::maildir
