#include "supervisor/swap_notice.h"

#include "log/event_ids.h"
#include "log/log.h"
#include "util/concat.h"

#include <bit>
#include <sys/resource.h>
#include <utility>

namespace mailmoor::supervisor {
namespace {

constexpr std::size_t kMebibyte = 1024UL * 1024;

} // namespace

std::optional<std::string> SwapNotice::look(secret_memory::Usage usage, std::size_t limit) {
  const bool settled = usage.not_locked == std::exchange(seen_, usage.not_locked);
  if (said_ || usage.not_locked == 0 || !settled) return std::nullopt;
  said_ = true;
  // Twice what is needed now, so that the next start does not say it again.
  const std::size_t enough = std::bit_ceil(2 * (usage.locked + usage.not_locked) / kMebibyte + 1);
  return concat(usage.not_locked,
                " bytes of the memory that holds tokens, passwords and keys are not locked and could be",
                " written to swap: the limit is ", limit, " bytes; put LimitMEMLOCK=", enough,
                "M into the unit (systemctl edit mailmoor) and restart, or encrypt the swap space");
}

void SwapNotice::look_at_this_process() {
  rlimit limit{};
  ::getrlimit(RLIMIT_MEMLOCK, &limit);
  if (const auto text = look(secret_memory::usage(), limit.rlim_cur))
    log::write(log::Priority::kWarning, {.catalog = &log::events::kSecretsNotLocked}, *text);
}

} // namespace mailmoor::supervisor
