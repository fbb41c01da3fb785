#include "model/folder_name.h"

#include "util/ascii.h"
#include "util/modified_utf7.h"
#include "util/utf8.h"

namespace mailmoor {
namespace {

[[nodiscard]] std::string printable_utf8(std::string_view bytes) {
  constexpr std::string_view kHex = "0123456789ABCDEF";
  std::string out;
  while (!bytes.empty()) {
    if (const auto decoded = decode_utf8(bytes)) {
      out.append(bytes.substr(0, decoded->size));
      bytes.remove_prefix(decoded->size);
    } else {
      const auto byte = static_cast<unsigned char>(bytes.front());
      out.push_back('%');
      out.push_back(kHex[byte >> 4]);
      out.push_back(kHex[byte & 15]);
      bytes.remove_prefix(1);
    }
  }
  return out;
}

} // namespace

FolderName FolderName::from_wire(std::string_view wire, char delimiter) {
  std::string spelled(wire);
  // RFC 9051 §5.1: INBOX in any case, also as the root of "inbox/child".
  if (equals_ignoring_case(wire.substr(0, 5), "INBOX") &&
      (wire.size() == 5 || (delimiter != '\0' && wire[5] == delimiter)))
    spelled.replace(0, 5, "INBOX");
  auto decoded = decode_modified_utf7(spelled);
  std::string utf8 = decoded ? *std::move(decoded) : printable_utf8(spelled);
  return {std::move(spelled), std::move(utf8), delimiter};
}

std::vector<std::string> FolderName::components() const {
  std::vector<std::string> out;
  std::string_view rest = utf8_;
  while (delimiter_ != '\0') {
    const std::size_t at = rest.find(delimiter_);
    if (at == std::string_view::npos) break;
    out.emplace_back(rest.substr(0, at));
    rest.remove_prefix(at + 1);
  }
  out.emplace_back(rest);
  return out;
}

} // namespace mailmoor
