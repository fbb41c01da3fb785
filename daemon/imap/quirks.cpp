#include "imap/quirks.h"

#include "util/ascii.h"

#include <algorithm>
#include <array>

namespace mailmoor::imap {
namespace {

// Of every cloud, and of personal accounts.
constexpr std::array<std::string_view, 4> kMicrosoft = {".office365.com", ".office365.us", ".outlook.cn",
                                                        ".outlook.com"};

[[nodiscard]] bool ends_with(std::string_view host, std::string_view end) {
  return host.size() >= end.size() && equals_ignoring_case(host.substr(host.size() - end.size()), end);
}

void add_microsoft(ExtensionQuirks& quirks) {
  quirks.no_enable = true;
  quirks.no_list_return = true;
  quirks.no_examine_ahead = true;
  quirks.no_notify = true;
}

} // namespace

ExtensionQuirks extension_quirks(std::string_view host) {
  ExtensionQuirks quirks;
  quirks.no_qresync = ends_with(host, "imap.mail.me.com"); // "p123-imap.mail.me.com" is one of the same servers
  if (std::ranges::any_of(kMicrosoft, [host](std::string_view end) { return ends_with(host, end); }))
    add_microsoft(quirks);
  return quirks;
}

// "The Microsoft Exchange IMAP4 service is ready. […]", since 2026 "Microsoft Exchange IMAP4 service ready. <guid> …".
void add_extension_quirks(ExtensionQuirks& quirks, std::string_view greeting) {
  if (contains_ignoring_case(greeting, "Microsoft Exchange")) add_microsoft(quirks);
}

} // namespace mailmoor::imap
