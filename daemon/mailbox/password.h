// Where a mailbox's password comes from.
#pragma once

#include "mailbox/services.h"
#include "runtime/task.h"
#include "util/result.h"
#include "util/secret.h"

#include <functional>
#include <string>

namespace mailmoor::mailbox {

// By `read_blocking` in the pool, where the configuration names a source; else from the vault. Errors: kOperator
// "password_needed", those of the source, of the vault.
[[nodiscard]] runtime::Task<Result<Secret>> read_password(const Services& services, std::string mailbox,
                                                          std::function<Result<Secret>()> read_blocking);

} // namespace mailmoor::mailbox
