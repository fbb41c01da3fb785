// The daemon's side: starts the courier at its first use and another one when it ends, hands it the refreshes, and
// brings into the vault what an earlier courier left in the journal. A refresh token that a server rotates and guards
// against a second use (RFC 9700 §4.14.2) survives the death of the daemon at any moment, and that of the courier
// unless an answer was on its way to it.
//
// States: asleep (nobody has asked) → starting (waits for the journal's lock, adopts what is in it, starts the process)
// → up → (the courier has ended) starting … after a pause.
// Built by main, outlives all keepers. Loop thread only.
#pragma once

#include "courier/adoption.h"
#include "courier/link.h"
#include "courier/process.h"
#include "log/fault_log.h"
#include "net/http_client.h"
#include "runtime/blocking_pool.h"
#include "runtime/loop.h"
#include "runtime/run_task.h"
#include "runtime/task_set.h"
#include "runtime/wait.h"
#include "store/reply_journal.h"
#include "store/token_vault.h"

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>

namespace mailmoor::courier {

struct CourierSettings {
  std::string journal_path;
  Secret journal_key;     // store::derive_key(…, kJournalPurpose)
  TokenAfter token_after; // store thread
  // Starts a courier with the locked journal. Store thread.
  std::function<Result<Spawned>(int journal)> spawn_blocking;
};

inline constexpr std::string_view kJournalPurpose = "mailmoor courier.journal";

class Courier final {
 private:
  // One exchange, from its sending until it has failed or its answer is settled.
  struct Pending {
    Pending(runtime::Loop& loop, std::uint64_t id_in, std::string token_id_in, std::string digest_in)
        : id(id_in), token_id(std::move(token_id_in)), digest(std::move(digest_in)), done(loop) {}
    std::uint64_t id;
    std::string token_id;
    std::string digest; // of the refresh token that was sent
    std::optional<Result<net::HttpAnswer>> result;
    bool is_waited_for = true;
    runtime::Event done;
  };
  // shared_ptr: the courier's table, and whoever waits for the answer or is storing it.
  using SharedPending = std::shared_ptr<Pending>;

 public:
  Courier(runtime::Loop& loop, runtime::BlockingPool& store_thread, store::TokenVault& vault, log::FaultLog& faults,
          CourierSettings settings);
  Courier(const Courier&) = delete;
  Courier& operator=(const Courier&) = delete;
  ~Courier(); // the courier process ends by itself, after what it has under way

  // Held while an answer is being stored. settle() says that it is, or that it needs not be; a receipt that goes
  // without it has the answer adopted out of the journal. Outlived by the courier. An empty one does nothing.
  class Receipt final {
   public:
    Receipt() noexcept = default;
    Receipt(Courier& courier, SharedPending pending) noexcept;
    Receipt(Receipt&& other) noexcept;
    Receipt& operator=(Receipt&& other) noexcept;
    Receipt(const Receipt&) = delete;
    Receipt& operator=(const Receipt&) = delete;
    ~Receipt();
    void settle() noexcept;

   private:
    Courier* courier_ = nullptr;
    SharedPending pending_;
  };

  struct Carried {
    Carried(net::HttpAnswer answer_in, Receipt receipt_in)
        : answer(std::move(answer_in)), receipt(std::move(receipt_in)) {}
    net::HttpAnswer answer;
    Receipt receipt;
  };

  // Somebody has a refresh token. What an earlier courier left in the journal is adopted; who loaded a token before
  // that is told "token_replaced" when using it.
  void start();

  // Has `request`, a POST that uses up `refresh_token`, sent; one at a time for each token id. The answer is durable
  // when it comes. Errors: those of HttpClient::send(), and kHost
  //   "token_replaced": this refresh token has been used already; the vault has its successor
  //   "courier_unavailable", "courier_lost", "courier_journal_unusable": to be tried again later
  [[nodiscard]] runtime::Task<Result<Carried>> carry(std::string token_id, Secret refresh_token,
                                                     net::HttpRequest request, UnixTime asked_at);

  // For a change of the master key: returns when no exchange is under way and no answer is anywhere but in the vault;
  // none begins before release(). kHost "courier_unavailable" after two minutes, and then nothing is held.
  [[nodiscard]] runtime::Task<Status> hold();
  // `journal_key`: derived from the key that is in force now.
  void release(Secret journal_key);

  // False: the courier process has not answered for two minutes, and could not be replaced.
  [[nodiscard]] bool is_alive() const noexcept;

 private:
  void announce() noexcept;
  [[nodiscard]] bool may_send(const std::string& token_id) const;
  [[nodiscard]] std::unexpected<Error> unavailable() const;
  [[nodiscard]] runtime::Task<void> run();
  [[nodiscard]] runtime::Task<Status> start_one();
  [[nodiscard]] runtime::Task<Result<std::shared_ptr<store::ReplyJournal>>> take_journal();
  [[nodiscard]] runtime::Task<Status> adopt_all(std::shared_ptr<store::ReplyJournal> journal);
  [[nodiscard]] runtime::Task<void> serve();
  [[nodiscard]] runtime::Task<void> reap();
  [[nodiscard]] runtime::Task<void> adopt_one(SharedPending pending);
  void hear(Message message);
  void take_answer(Answered answered);
  void take_failure(Failed failed);
  void resolve_lost();
  void let_go(const SharedPending& pending);
  void settle(const SharedPending& pending);

  runtime::Loop& loop_;
  runtime::BlockingPool& store_thread_;
  store::TokenVault& vault_; // store thread
  log::FaultLog& faults_;
  CourierSettings settings_;

  std::map<std::uint64_t, SharedPending> pending_; // sent, and neither failed nor settled
  std::set<std::string>
      adopted_; // digests of refresh tokens whose successors came into the vault behind a keeper's back
  std::uint64_t last_id_ = 0;
  bool wanted_ = false;
  bool held_ = false;
  bool up_ = false;
  unsigned silent_pings_ = 0;
  pid_t pid_ = 0;
  std::optional<Error> trouble_; // why it is not up
  runtime::Semaphore slots_;
  runtime::Event changed_; // set for a moment
  std::unique_ptr<Link> link_;
  runtime::TaskSet adoptions_;
  runtime::TaskRunner<void> life_;
};

} // namespace mailmoor::courier
