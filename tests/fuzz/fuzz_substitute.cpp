// The head of a message, by whoever wrote it: what is taken for Exchange's substitute is so whatever comes after it,
// holds its words, and is not taken for one any more with the mark of a message that was sent.
#include "imap/substitute.h"

#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using mailmoor::imap::is_substitute;
  const std::string text(reinterpret_cast<const char*>(data), size);
  if (!is_substitute(text)) return 0;
  if (!is_substitute(text + "\nmore")) std::abort();
  if (text.find("The server couldn't retrieve the following message:") == std::string::npos) std::abort();
  if (is_substitute("Message-ID: <1@example.com>\r\n" + text)) std::abort();
  return 0;
}
