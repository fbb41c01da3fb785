#include "model/flag_letters.h"

namespace mailmoor {
namespace {

constexpr std::string_view kLetters = "DFPRST";
constexpr unsigned kAllBits = (1U << kLetters.size()) - 1;

} // namespace

FlagLetters::FlagLetters(const Flags& flags) : FlagLetters(parse(flags.maildir_letters())) {}

FlagLetters FlagLetters::parse(std::string_view letters) noexcept {
  FlagLetters out;
  for (const char c : letters)
    if (const std::size_t at = kLetters.find(c); at != std::string_view::npos)
      out.bits_ = static_cast<std::uint8_t>(out.bits_ | (1U << at));
  return out;
}

std::optional<FlagLetters> FlagLetters::from_bits(std::int64_t bits) noexcept {
  if (bits < 0 || bits > static_cast<std::int64_t>(kAllBits)) return std::nullopt;
  FlagLetters out;
  out.bits_ = static_cast<std::uint8_t>(bits);
  return out;
}

bool FlagLetters::is_letter(char c) noexcept {
  return kLetters.find(c) != std::string_view::npos;
}

std::string FlagLetters::to_string() const {
  std::string out;
  for (std::size_t at = 0; at < kLetters.size(); ++at)
    if ((bits_ >> at & 1U) != 0) out.push_back(kLetters[at]);
  return out;
}

FlagLetters merge_flags(std::optional<FlagLetters> base, FlagLetters server, FlagLetters local) noexcept {
  FlagLetters out;
  if (!base) {
    out.bits_ = server.bits_ | local.bits_;
    return out;
  }
  const unsigned changed = static_cast<unsigned>(base->bits_ ^ server.bits_);
  out.bits_ = static_cast<std::uint8_t>((server.bits_ & changed) | (local.bits_ & ~changed));
  return out;
}

} // namespace mailmoor
