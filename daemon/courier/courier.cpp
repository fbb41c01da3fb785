#include "courier/courier.h"

#include "store/derived_key.h"
#include "util/concat.h"

#include <algorithm>
#include <utility>

namespace mailmoor::courier {
namespace {

using std::chrono::seconds;

// Exchanges at once: each may need half a MiB of journal.
constexpr std::size_t kSlots = 32;
// Longer than an earlier courier may live after its daemon.
constexpr runtime::Duration kStartPatience = kFinishLimit + seconds(15);
constexpr runtime::Duration kHoldPatience = seconds(120);
// What an exchange takes beside the request itself: room and durability on a slow disk.
constexpr runtime::Duration kDiskPatience = seconds(20);
constexpr runtime::Duration kAdoptAgainAfter = seconds(5);

} // namespace

Courier::Receipt::Receipt(Courier& courier, SharedPending pending) noexcept
    : courier_(&courier), pending_(std::move(pending)) {}

Courier::Receipt::Receipt(Receipt&& other) noexcept
    : courier_(std::exchange(other.courier_, nullptr)), pending_(std::move(other.pending_)) {}

Courier::Receipt& Courier::Receipt::operator=(Receipt&& other) noexcept {
  std::swap(courier_, other.courier_);
  std::swap(pending_, other.pending_);
  return *this;
}

Courier::Receipt::~Receipt() {
  if (courier_ != nullptr) courier_->let_go(pending_);
}

void Courier::Receipt::settle() noexcept {
  if (courier_ != nullptr) std::exchange(courier_, nullptr)->settle(pending_);
}

Courier::Courier(runtime::Loop& loop, runtime::BlockingPool& store_thread, store::TokenVault& vault,
                 log::FaultLog& faults, CourierSettings settings)
    : loop_(loop), store_thread_(store_thread), vault_(vault), faults_(faults), settings_(std::move(settings)),
      slots_(loop, kSlots), changed_(loop), adoptions_(loop) {}

Courier::~Courier() = default;

void Courier::start() {
  if (!std::exchange(wanted_, true)) life_.start(run(), [] {});
}

void Courier::announce() noexcept {
  changed_.set();
  changed_.reset();
}

bool Courier::may_send(const std::string& token_id) const {
  return up_ && !held_ &&
         std::ranges::none_of(pending_, [&](const auto& entry) { return entry.second->token_id == token_id; });
}

std::unexpected<Error> Courier::unavailable() const {
  if (trouble_) return pass(*trouble_);
  return fail(ErrorKind::kHost, "courier_unavailable", "the courier is not ready for another token request yet");
}

runtime::Task<Result<Courier::Carried>> Courier::carry(std::string token_id, Secret refresh_token,
                                                       net::HttpRequest request, UnixTime asked_at) {
  start();
  // Whoever has a slot gives it back within a limit.
  const runtime::Semaphore::Permit slot = co_await slots_.acquire();
  const runtime::MonoTime start_by = runtime::later(loop_.now(), kStartPatience);
  while (!may_send(token_id)) {
    const bool happened = co_await changed_.wait_until(start_by);
    if (!happened) co_return unavailable();
  }
  auto digest = store::keyed_digest(settings_.journal_key, refresh_token);
  if (!digest) co_return pass(std::move(digest).error());
  if (adopted_.contains(*digest))
    co_return fail(ErrorKind::kHost, "token_replaced", concat("the refresh token of ", token_id, " has been replaced"));
  auto pending = std::make_shared<Pending>(loop_, ++last_id_, token_id, *digest);
  pending_.emplace(pending->id, pending);
  Receipt receipt(*this, pending);
  Exchange exchange;
  exchange.id = pending->id;
  exchange.token_id = std::move(token_id);
  exchange.sent_digest = *std::move(digest);
  exchange.asked_at = asked_at.time_since_epoch().count();
  exchange.url = std::move(request.url);
  exchange.headers = std::move(request.headers);
  exchange.body = std::move(request.body);
  if (request.trust) exchange.authorities = request.trust->extra_authorities();
  exchange.proxy = std::move(request.proxy);
  exchange.connect_timeout = request.connect_timeout;
  exchange.total_timeout = request.total_timeout;
  link_->send(std::move(exchange));
  const runtime::MonoTime answer_by = runtime::later(loop_.now(), request.total_timeout + kDiskPatience);
  co_await pending->done.wait_until(answer_by);
  if (!pending->result) co_return unavailable(); // an answer that still comes is adopted
  if (!*pending->result) co_return pass(std::move(*pending->result).error());
  co_return Carried(**std::move(pending->result), std::move(receipt));
}

void Courier::hear(Message message) {
  silent_pings_ = 0;
  if (auto* const answered = std::get_if<Answered>(&message)) take_answer(std::move(*answered));
  if (auto* const failed = std::get_if<Failed>(&message)) take_failure(std::move(*failed));
}

void Courier::take_answer(Answered answered) {
  const auto found = pending_.find(answered.id);
  if (found == pending_.end()) return;
  const SharedPending pending = found->second;
  pending->result = std::move(answered.answer);
  pending->done.set();
  if (!pending->is_waited_for) adoptions_.spawn(adopt_one(pending));
}

void Courier::take_failure(Failed failed) {
  const auto found = pending_.find(failed.id);
  if (found == pending_.end()) return;
  const SharedPending pending = found->second;
  pending_.erase(found);
  pending->result = std::unexpected(std::move(failed.error));
  pending->done.set();
  announce();
}

void Courier::settle(const SharedPending& pending) {
  if (pending_.erase(pending->id) != 0 && up_) link_->send(Settled{pending->id});
  announce();
}

void Courier::let_go(const SharedPending& pending) {
  pending->is_waited_for = false;
  if (pending->result && pending_.contains(pending->id)) adoptions_.spawn(adopt_one(pending));
}

// An answer that nobody is storing: the one who asked is gone, or had enough of waiting.
runtime::Task<void> Courier::adopt_one(SharedPending pending) {
  while (pending_.contains(pending->id)) {
    // A key of its own: release() may change ours meanwhile.
    auto job = [&settings = settings_, &vault = vault_, id = pending->id,
                key = settings_.journal_key.clone()]() -> Result<Adoption> {
      auto journal = store::ReplyJournal::open_blocking(settings.journal_path);
      if (!journal) return pass(std::move(journal).error());
      const auto bytes = journal->read_blocking();
      if (!bytes) return pass(bytes.error());
      return adopt_blocking(*bytes, key, vault, settings.token_after, id);
    };
    const Result<Adoption> adoption = co_await store_thread_.run(std::move(job));
    if (adoption) {
      adopted_.insert(adoption->digests.begin(), adoption->digests.end());
      settle(pending);
      co_return;
    }
    faults_.raise(log::Priority::kErr, {.event = "token_not_stored", .error = adoption.error().code},
                  concat("an answer for ", pending->token_id, " waits in the journal: ", adoption.error().what),
                  std::chrono::floor<seconds>(loop_.wall_now()));
    co_await runtime::sleep_for(loop_, kAdoptAgainAfter);
  }
}

runtime::Task<Status> Courier::hold() {
  start();
  held_ = true;
  const runtime::MonoTime deadline = runtime::later(loop_.now(), kHoldPatience);
  while (!up_ || !pending_.empty()) {
    const bool happened = co_await changed_.wait_until(deadline);
    if (happened) continue;
    held_ = false;
    announce();
    co_return unavailable();
  }
  co_return Status();
}

void Courier::release(Secret journal_key) {
  settings_.journal_key = std::move(journal_key);
  Hello hello;
  hello.journal_key = settings_.journal_key.clone();
  if (up_) link_->send(std::move(hello));
  held_ = false;
  announce();
}

} // namespace mailmoor::courier
