#include "mailbox/password.h"

#include "util/concat.h"

#include <optional>
#include <utility>

namespace mailmoor::mailbox {

runtime::Task<Result<Secret>> read_password(const Services& services, std::string mailbox,
                                            std::function<Result<Secret>()> read_blocking) {
  if (read_blocking) {
    Result<Secret> password = co_await services.files_pool.run(std::move(read_blocking));
    co_return password;
  }
  auto job = [&services, &mailbox] { return services.vault.load_password_blocking(mailbox); };
  Result<std::optional<Secret>> password = co_await services.store_thread.run(std::move(job));
  if (!password) co_return pass(std::move(password).error());
  if (!*password)
    co_return fail(ErrorKind::kOperator, "password_needed", concat("no password is stored for ", mailbox),
                   concat("run: mailmoorctl password ", mailbox));
  co_return *std::move(*password);
}

} // namespace mailmoor::mailbox
