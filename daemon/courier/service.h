// The courier's own side: the process that asks token endpoints for the daemon. An answer is durable in the journal
// before it is handed over, so that the daemon may die at any instruction of a refresh and the rotated token is not
// lost (P5). When the daemon is gone, the exchanges that are under way are brought to their end, within a limit.
// Knows the master key's derivative for the journal and what is in flight; nothing else that is secret.
// States: serving → (the daemon is gone) finishing → finished. Loop thread only.
#pragma once

#include "courier/answer.h"
#include "courier/link.h"
#include "net/http_client.h"
#include "net/trust.h"
#include "runtime/blocking_pool.h"
#include "runtime/loop.h"
#include "runtime/run_task.h"
#include "runtime/task_set.h"
#include "store/reply_journal.h"
#include "store/sealer.h"

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>

namespace mailmoor::courier {

class Service final {
 public:
  // `disk`: one thread, for the journal and CA files. `journal`: locked by us, and empty.
  Service(runtime::Loop& loop, runtime::BlockingPool& disk, net::HttpClient& http, UniqueFd socket,
          store::ReplyJournal journal);

  // `on_finished` is called once, when the daemon is gone and nothing is under way any more.
  void start(std::function<void()> on_finished);

 private:
  [[nodiscard]] runtime::Task<void> run(std::function<void()> on_finished);
  void hear(Message message);
  void settle(std::uint64_t id);
  [[nodiscard]] runtime::Task<void> carry(Exchange exchange);
  [[nodiscard]] runtime::Task<Result<net::HttpAnswer>> ask(Exchange& exchange);
  [[nodiscard]] runtime::Task<Result<net::SharedTrust>> trust_in(std::string authorities);
  [[nodiscard]] runtime::Task<bool> keep(const Exchange& exchange, KeptAnswer answer);
  void clear_if_settled();

  runtime::Loop& loop_;
  runtime::BlockingPool& disk_;
  net::HttpClient& http_;
  // shared_ptr: the jobs that are still queued on `disk_` when this object goes. `disk_` only.
  std::shared_ptr<store::ReplyJournal> journal_;
  std::optional<store::Sealer> sealer_;
  std::map<std::string, net::SharedTrust> trusts_; // by the authorities beside the system's
  std::set<std::uint64_t> unsettled_;              // journalled, or about to be
  std::size_t under_way_ = 0;
  runtime::Event one_ended_;
  Link link_;
  runtime::TaskSet exchanges_;
  runtime::TaskRunner<void> life_;
};

} // namespace mailmoor::courier
