// What every mailbox shares: the loop, the threads that may block, the way out, the databases. Built once by main,
// outlives all mailboxes. Loop thread only.
#pragma once

#include "courier/courier.h"
#include "log/fault_log.h"
#include "mailbox/committer.h"
#include "mailbox/counters.h"
#include "mailbox/piece_budget.h"
#include "maildir/file_ops.h"
#include "net/dialer.h"
#include "net/http_client.h"
#include "net/tls_stream.h"
#include "runtime/blocking_pool.h"
#include "runtime/loop.h"
#include "runtime/wait.h"
#include "store/state_repository.h"
#include "store/token_vault.h"

#include <chrono>
#include <random>
#include <string>

namespace mailmoor::mailbox {

struct Services {
  runtime::Loop& loop;
  runtime::BlockingPool& files_pool;   // Maildir work
  runtime::BlockingPool& store_thread; // one thread: the only one that touches the two databases
  net::Dialer& dialer;
  net::TlsContext& tls;
  net::HttpClient& http;
  store::TokenVault& vault;      // store_thread only
  store::StateRepository& state; // store_thread only
  maildir::FileOps& files;       // files_pool only
  Committer& committer;
  PieceBudget& pieces;
  log::FaultLog& faults;
  Counters& counters;
  runtime::Semaphore& connections; // limits.connections
  std::mt19937_64& random;
  std::string host_name;
  std::string run_id;                  // differs for each run of the daemon
  std::string version;                 // for ID
  double time_scale = 1.0;             // MAILMOOR_TIME_SCALE: multiplies waits of our own choice, never imposed ones
  courier::Courier* courier = nullptr; // refreshes go through it; null in tests: this process sends them itself

  [[nodiscard]] UnixTime now() const noexcept { return std::chrono::floor<std::chrono::seconds>(loop.wall_now()); }
  // Uniform in [0, 1).
  [[nodiscard]] double random01() const { return std::uniform_real_distribution<double>(0.0, 1.0)(random); }
  [[nodiscard]] runtime::Duration scaled(runtime::Duration own_choice) const noexcept {
    return runtime::Duration(static_cast<runtime::Duration::rep>(static_cast<double>(own_choice.count()) * time_scale));
  }
};

} // namespace mailmoor::mailbox
