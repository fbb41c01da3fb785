// The framer on any octets: how the stream is cut changes nothing, every octet is accounted for, and what it holds
// stays within its limit. The first octet of the input says how the stream is cut.
#include "imap/framer.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <string>
#include <string_view>
#include <variant>

namespace {

using mailmoor::imap::Framer;

constexpr std::size_t kMaxLine = 200;

std::string run(std::string_view wire, std::size_t chunk) {
  Framer framer(kMaxLine, /*bare_lf=*/true);
  std::string seen;
  while (!wire.empty()) {
    const std::size_t size = chunk == 0 ? wire.size() : std::min(chunk, wire.size());
    // A copy of exactly this size, so that reading past it is seen.
    const auto copy = std::make_unique<std::byte[]>(size);
    std::memcpy(copy.get(), wire.data(), size);
    wire.remove_prefix(size);
    framer.receive({copy.get(), size});
    while (true) {
      const Framer::Frame frame = framer.next();
      if (std::holds_alternative<Framer::NeedInput>(frame)) break;
      if (std::holds_alternative<Framer::Violation>(frame)) {
        seen += "\n!";
        return seen;
      }
      if (const auto* text = std::get_if<Framer::Text>(&frame)) {
        if (text->text.size() > kMaxLine || text->text.contains('\n')) std::abort();
        seen.append("\n:").append(text->text);
      } else {
        const auto& literal = std::get<Framer::LiteralBytes>(frame);
        seen.append(reinterpret_cast<const char*>(literal.bytes.data()), literal.bytes.size());
        if (literal.last) seen += "\n;";
      }
    }
  }
  return seen;
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::string_view wire(reinterpret_cast<const char*>(data) + 1, size - 1);
  if (run(wire, 0) != run(wire, 1 + data[0] % 16)) std::abort();
  return 0;
}
