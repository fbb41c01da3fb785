#include "maildir/file_name.h"

#include "util/concat.h"

#include <charconv>

namespace mailmoor::maildir {
namespace {

// Decimal as std::to_string() spells it: no sign but "-", no leading zero, nothing around it.
template<class T>
[[nodiscard]] std::optional<T> parse_decimal(std::string_view text) {
  T value{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || text != std::to_string(value)) return std::nullopt;
  return value;
}

void append_octal_escape(std::string& out, char c) {
  const auto byte = static_cast<unsigned char>(c);
  out.push_back('\\');
  for (const int shift : {6, 3, 0})
    out.push_back(static_cast<char>('0' + ((byte >> shift) & 7)));
}

} // namespace

std::string sanitised_host(std::string_view host) {
  constexpr std::size_t kMaxSize = 100;
  std::string out;
  for (const char c : host) {
    const auto byte = static_cast<unsigned char>(c);
    std::string piece;
    if (c == '/' || c == ':' || c == ',' || c == '\\' || byte < 0x20 || byte == 0x7F)
      append_octal_escape(piece, c);
    else
      piece.push_back(c);
    if (out.size() + piece.size() > kMaxSize) break;
    out += piece;
  }
  return out.empty() ? "localhost" : out;
}

std::string make_file_name(const MessageIdentity& identity, std::string_view host, std::uint64_t size_on_disk,
                           std::string_view letters, bool is_new) {
  std::string name = concat(identity.internal_date.time_since_epoch().count(), ".V", identity.validity.value(), 'U',
                            identity.uid.value(), '.', host, ",S=", size_on_disk);
  if (!is_new || !letters.empty()) name += concat(":2,", letters);
  return name;
}

std::string renumbered(std::string_view name, UidValidity validity, Uid uid, UnixTime internal_date) {
  const std::size_t rest = name.find('.', name.find('.') + 1);
  return concat(internal_date.time_since_epoch().count(), ".V", validity.value(), 'U', uid.value(), name.substr(rest));
}

std::optional<ParsedName> parse_file_name(std::string_view name) {
  const std::size_t first_dot = name.find('.');
  if (first_dot == std::string_view::npos) return std::nullopt;
  const std::size_t second_dot = name.find('.', first_dot + 1);
  if (second_dot == std::string_view::npos) return std::nullopt;
  const std::string_view middle = name.substr(first_dot + 1, second_dot - first_dot - 1);
  const std::size_t u = middle.find('U');
  if (!middle.starts_with('V') || u == std::string_view::npos) return std::nullopt;

  const auto seconds = parse_decimal<std::int64_t>(name.substr(0, first_dot));
  const auto validity_number = parse_decimal<std::uint32_t>(middle.substr(1, u - 1));
  const auto uid_number = parse_decimal<std::uint32_t>(middle.substr(u + 1));
  if (!seconds || !validity_number || !uid_number) return std::nullopt;
  const auto validity = UidValidity::from(*validity_number);
  const auto uid = Uid::from(*uid_number);
  if (!validity || !uid) return std::nullopt;

  const std::size_t info = name.find(":2,", second_dot);
  return ParsedName{*validity, *uid, UnixTime(std::chrono::seconds(*seconds)),
                    info == std::string_view::npos ? std::string_view() : name.substr(info + 3)};
}

std::optional<std::uint64_t> claimed_size(std::string_view name) {
  constexpr std::string_view kField = ",S=";
  const std::size_t field = name.find(kField);
  if (field == std::string_view::npos) return std::nullopt;
  name.remove_prefix(field + kField.size());
  std::uint64_t size = 0;
  const auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), size);
  if (error != std::errc()) return std::nullopt;
  return size;
}

} // namespace mailmoor::maildir
