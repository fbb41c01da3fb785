// Any bytes as the main configuration file: it is read or refused with places, and nothing else happens.
// Properties: errors are never empty, have a place and printable text; what is accepted is complete and equals itself.
#include "config/diff.h"
#include "config/load.h"
#include "util/printable.h"

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

namespace mailmoor::config {
namespace {

class NoFiles final : public Files {
 public:
  [[nodiscard]] Result<SourceFile> read(const std::string&) const override {
    return fail(ErrorKind::kOperator, "config_unreadable", "there are no files");
  }
  [[nodiscard]] std::vector<std::string> match(const std::string&) const override { return {}; }
  [[nodiscard]] Access inspect(const std::string&) const override { return Access::kFine; }
  [[nodiscard]] bool is_program(const std::string&) const override { return true; }
};

void require(bool holds) {
  if (!holds) std::abort();
}

void check(const LoadResult& result) {
  if (!result) {
    require(!result.error().empty() && result.error().size() <= kMaxDiagnostics + 1);
    for (const Diagnostic& diagnostic : result.error()) {
      require(diagnostic.line >= 0 && diagnostic.column >= 0 && !diagnostic.message.empty());
      require(printable(diagnostic.to_string()) == diagnostic.to_string());
    }
    return;
  }
  require(!result->mailboxes.empty() && diff(*result, *result).empty());
  for (const Mailbox& mailbox : result->mailboxes) {
    require(!mailbox.name.empty() && !mailbox.user.empty() && !mailbox.host.empty() &&
            mailbox.maildir.starts_with('/'));
    require(!mailbox.uses_oauth() || result->find_app(mailbox.app) != nullptr);
    require(!mailbox.uses_oauth() || !mailbox.password.is_set());
  }
}

} // namespace
} // namespace mailmoor::config

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  using namespace mailmoor::config;
  const std::string_view text(reinterpret_cast<const char*>(bytes), size);
  // A mode 0600 file, so that literal secrets are read.
  check(parse({"/etc/mailmoor/mailmoor.yaml", std::string(text), /*private_to_owner=*/true}, NoFiles(), {}));
  return 0;
}
