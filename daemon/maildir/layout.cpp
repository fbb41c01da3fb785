#include "maildir/layout.h"

#include "util/ascii.h"
#include "util/concat.h"
#include "util/utf8.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <set>

namespace mailmoor::maildir {
namespace {

constexpr std::string_view kHex = "0123456789ABCDEF";
constexpr std::string_view kMark = "%~";
constexpr std::size_t kMaxComponent = 255; // bytes, NAME_MAX of every Linux file system that matters
// What remains below PATH_MAX (4,096) for the mailbox's directory and the file.
constexpr std::size_t kMaxDirectory = 2048;
// Answers tried for one name. Two names need the second one only if their FNV-1a is the same, which takes intent.
constexpr unsigned kMaxTwins = 9;
// Of a component that gets a mark: the mark, its 16 digits and "-<n>" fit behind it.
constexpr std::size_t kMaxStem = kMaxComponent - 24;

void append_escaped(std::string& out, char c) {
  const auto byte = static_cast<unsigned char>(c);
  out.push_back('%');
  out.push_back(kHex[byte >> 4]);
  out.push_back(kHex[byte & 15]);
}

// Whether a component starts a name that means something else where it would stand.
[[nodiscard]] bool is_reserved(std::string_view component, Layout layout, bool is_first) {
  const std::string lower = to_lower_ascii(component);
  if (layout == Layout::kMaildirPlusPlus)
    // Mailmoor's own names and notmuch's database stand beside the folders, with a dot as they have.
    return is_first && (lower.starts_with("mailmoor") || lower == "notmuch");
  constexpr std::array<std::string_view, 5> kNames = {"cur", "new", "tmp", "maildirfolder", "subscriptions"};
  constexpr std::array<std::string_view, 3> kPrefixes = {"dovecot-", "dovecot.", "courierimap"};
  return std::ranges::find(kNames, lower) != kNames.end() ||
         std::ranges::any_of(kPrefixes, [&lower](std::string_view prefix) { return lower.starts_with(prefix); });
}

[[nodiscard]] bool must_escape(std::string_view component, std::size_t at, Layout layout) {
  const char c = component[at];
  const auto byte = static_cast<unsigned char>(c);
  if (byte < 0x20 || byte == 0x7F || c == '%' || c == '/' || c == '\\') return true;
  const bool is_last = at + 1 == component.size();
  if (c == '.') return layout == Layout::kMaildirPlusPlus || at == 0 || is_last;
  return c == ' ' && is_last; // SMB drops it, as it drops a last dot
}

[[nodiscard]] std::string escape(std::string_view component, Layout layout, bool is_first) {
  if (component.empty()) return "%";
  const bool reserved = is_reserved(component, layout, is_first);
  std::string out;
  for (std::size_t at = 0; at < component.size();) {
    const auto decoded = decode_utf8(component.substr(at));
    const std::size_t size = decoded ? decoded->size : 1;
    // Bytes that are no UTF-8 and the control characters U+0080 to U+009F would upset terminals.
    const bool is_odd = !decoded || (decoded->code_point >= 0x80 && decoded->code_point < 0xA0);
    for (std::size_t i = at; i < at + size; ++i)
      if (is_odd || (reserved && i == 0) || (size == 1 && must_escape(component, i, layout)))
        append_escaped(out, component[i]);
      else
        out.push_back(component[i]);
    at += size;
  }
  return out;
}

[[nodiscard]] std::string fnv1a_hex(std::string_view bytes) {
  std::uint64_t hash = 0xCBF29CE484222325;
  for (const char c : bytes)
    hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001B3;
  std::string out;
  for (int shift = 60; shift >= 0; shift -= 4)
    out.push_back(kHex[(hash >> shift) & 15]);
  return out;
}

// `text` cut where neither an escape nor a character is torn, with the mark of `name` behind it.
[[nodiscard]] std::string with_mark(std::string_view text, std::string_view name) {
  std::size_t size = std::min(text.size(), kMaxStem);
  while (size < text.size() && size > 0 && (static_cast<unsigned char>(text[size]) & 0xC0U) == 0x80)
    --size;
  for (const std::size_t back : {1U, 2U})
    if (size < text.size() && size >= back && text[size - back] == '%') size -= back;
  return concat(text.substr(0, size), kMark, fnv1a_hex(name));
}

[[nodiscard]] std::string join(const std::vector<std::string>& components, Layout layout, std::string_view wire) {
  std::string out;
  for (std::size_t i = 0; i < components.size(); ++i) {
    std::string component = escape(components[i], layout, i == 0);
    if (layout == Layout::kFs && component.size() > kMaxComponent) component = with_mark(component, components[i]);
    if (layout == Layout::kMaildirPlusPlus) out.push_back('.');
    if (layout == Layout::kFs && i != 0) out.push_back('/');
    out += component;
  }
  if (layout == Layout::kMaildirPlusPlus) return out.size() > kMaxComponent ? with_mark(out, wire) : out;
  return out.size() > kMaxDirectory ? with_mark(out.substr(0, out.find('/')), wire) : out;
}

// The n-th answer for a name whose plain directory is taken; n ≥ 1.
[[nodiscard]] std::string marked_directory(const FolderName& name, Layout layout, unsigned n) {
  const std::string plain = directory_of(name, layout);
  const std::size_t slash = plain.rfind('/');
  const std::size_t last = slash == std::string::npos ? 0 : slash + 1;
  std::string out = concat(plain.substr(0, last), with_mark(std::string_view(plain).substr(last), name.wire()));
  return n == 1 ? out : concat(out, '-', n);
}

[[nodiscard]] std::optional<std::string> unescape(std::string_view text) {
  if (text == "%") return "";
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      out.push_back(text[i]);
      continue;
    }
    if (i + 2 >= text.size()) return std::nullopt;
    const std::size_t high = kHex.find(text[i + 1]);
    const std::size_t low = kHex.find(text[i + 2]);
    if (high == std::string_view::npos || low == std::string_view::npos) return std::nullopt;
    out.push_back(static_cast<char>(high << 4 | low));
    i += 2;
  }
  return out;
}

} // namespace

std::string directory_of(const FolderName& name, Layout layout) {
  return name.is_inbox() ? std::string() : join(name.components(), layout, name.wire());
}

bool is_marked(std::string_view directory) noexcept {
  return directory.find(kMark) != std::string_view::npos;
}

std::optional<std::vector<std::string>> components_of(std::string_view directory, Layout layout) {
  if (directory.empty()) return std::vector<std::string>{"INBOX"};
  std::string_view rest = directory;
  const char separator = layout == Layout::kMaildirPlusPlus ? '.' : '/';
  if (layout == Layout::kMaildirPlusPlus) {
    if (!rest.starts_with('.')) return std::nullopt;
    rest.remove_prefix(1);
  }
  std::vector<std::string> components;
  for (;;) {
    const std::size_t at = rest.find(separator);
    auto component = unescape(rest.substr(0, at));
    if (!component) return std::nullopt;
    components.push_back(*std::move(component));
    if (at == std::string_view::npos) break;
    rest.remove_prefix(at + 1);
  }
  // Only one spelling of each name is ours.
  if (join(components, layout, "") != directory) return std::nullopt;
  return components;
}

DirectoryMap DirectoryMap::assign(Layout layout, std::vector<FolderName> names,
                                  const std::map<std::string, std::string>& recorded) {
  std::ranges::sort(names, {}, &FolderName::wire);
  const auto [end, last] = std::ranges::unique(names, {}, &FolderName::wire);
  names.erase(end, last);

  DirectoryMap map;
  std::set<std::string> taken;
  const auto take = [&map, &taken](const FolderName& name, const std::string& directory) {
    const bool is_free = taken.insert(fold_key(directory)).second;
    if (is_free) map.directories_.emplace(name.wire(), directory);
    return is_free;
  };
  for (const FolderName& name : names) {
    const auto before = recorded.find(name.wire());
    if (before == recorded.end()) continue;
    // Nothing but an answer of ours is believed: the record may be of another layout, or damaged.
    bool is_ours = before->second == directory_of(name, layout);
    if (!name.is_inbox() && is_marked(before->second))
      for (unsigned n = 1; n <= kMaxTwins && !is_ours; ++n)
        is_ours = before->second == marked_directory(name, layout, n);
    if (is_ours) take(name, before->second);
  }
  for (const FolderName& name : names) {
    if (map.directories_.contains(name.wire())) continue;
    bool is_placed = take(name, directory_of(name, layout));
    for (unsigned n = 1; !is_placed && n <= kMaxTwins; ++n)
      is_placed = take(name, marked_directory(name, layout, n));
  }
  return map;
}

std::optional<std::string> DirectoryMap::directory(const FolderName& name) const {
  const auto found = directories_.find(name.wire());
  return found == directories_.end() ? std::nullopt : std::optional(found->second);
}

} // namespace mailmoor::maildir
