#include "imap/quirks.h"

#include "util/ascii.h"

namespace mailmoor::imap {

ExtensionQuirks extension_quirks(std::string_view host) {
  // "p123-imap.mail.me.com" is one of the same servers.
  constexpr std::string_view kICloud = "imap.mail.me.com";
  ExtensionQuirks quirks;
  quirks.no_qresync =
      host.size() >= kICloud.size() && equals_ignoring_case(host.substr(host.size() - kICloud.size()), kICloud);
  return quirks;
}

} // namespace mailmoor::imap
