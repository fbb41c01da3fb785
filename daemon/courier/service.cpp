#include "courier/service.h"

#include "courier/process.h"
#include "log/log.h"
#include "util/concat.h"
#include "util/scope_exit.h"

#include <utility>

namespace mailmoor::courier {
namespace {

// How many sets of authorities are kept; each holds the system's, too.
constexpr std::size_t kMaxTrusts = 4;

[[nodiscard]] net::HttpRequest request_of(Exchange& exchange, net::SharedTrust trust) {
  net::HttpRequest request;
  request.url = std::move(exchange.url);
  request.headers = std::move(exchange.headers);
  request.post = true;
  request.body = std::move(exchange.body);
  request.trust = std::move(trust);
  request.proxy = std::move(exchange.proxy);
  request.connect_timeout = exchange.connect_timeout;
  request.total_timeout = exchange.total_timeout;
  request.max_answer = kMaxAnswerBody;
  return request;
}

[[nodiscard]] KeptAnswer kept(const Exchange& exchange, const net::HttpAnswer& answer) {
  KeptAnswer out;
  out.sent_digest = exchange.sent_digest;
  out.asked_at = exchange.asked_at;
  out.answer.status = answer.status;
  out.answer.headers = answer.headers;
  out.answer.body = answer.body.clone();
  return out;
}

} // namespace

Service::Service(runtime::Loop& loop, runtime::BlockingPool& disk, net::HttpClient& http, UniqueFd socket,
                 store::ReplyJournal journal)
    : loop_(loop), disk_(disk), http_(http), journal_(std::make_shared<store::ReplyJournal>(std::move(journal))),
      one_ended_(loop), link_(loop, std::move(socket), [this](Message message) { hear(std::move(message)); }),
      exchanges_(loop) {}

void Service::start(std::function<void()> on_finished) {
  link_.start();
  life_.start(run(std::move(on_finished)), [] {});
}

runtime::Task<void> Service::run(std::function<void()> on_finished) {
  co_await link_.ended().wait_until(runtime::MonoTime::max());
  const runtime::MonoTime deadline = runtime::later(loop_.now(), kFinishLimit);
  if (under_way_ != 0)
    log::write(log::Priority::kNotice, {.event = "courier_finishing"},
               concat("mailmoord is gone; its courier brings ", under_way_, " token requests to their end"));
  while (under_way_ != 0 && loop_.now() < deadline)
    co_await one_ended_.wait_until(deadline);
  if (under_way_ != 0)
    log::write(log::Priority::kWarning, {.event = "courier_gave_up"},
               concat(under_way_, " token requests had no answer in the time that was left"));
  on_finished();
}

void Service::hear(Message message) {
  if (auto* const hello = std::get_if<Hello>(&message)) {
    auto sealer = make_sealer(hello->journal_key);
    if (sealer)
      sealer_ = *std::move(sealer);
    else
      sealer_.reset(); // then every exchange fails before it is sent
  } else if (auto* const exchange = std::get_if<Exchange>(&message)) {
    exchanges_.spawn(carry(std::move(*exchange)));
  } else if (const auto* const settled = std::get_if<Settled>(&message)) {
    settle(settled->id);
  } else if (std::holds_alternative<Ping>(message)) {
    link_.send(Pong());
  }
}

void Service::settle(std::uint64_t id) {
  unsettled_.erase(id);
  clear_if_settled();
}

// An append that comes later is queued behind this, so no answer is cleared away that is not settled.
void Service::clear_if_settled() {
  if (!unsettled_.empty()) return;
  disk_.run_detached([journal = journal_] {
    const Status cleared = journal->clear_blocking();
    if (!cleared)
      log::write(log::Priority::kErr, {.event = "courier_journal", .error = cleared.error().code},
                 cleared.error().what);
  });
}

runtime::Task<void> Service::carry(Exchange exchange) {
  ++under_way_;
  const ScopeExit ended([this] {
    --under_way_;
    one_ended_.set();
    one_ended_.reset();
  });
  const std::uint64_t id = exchange.id;
  auto asking = ask(exchange);
  Result<net::HttpAnswer> answer = co_await asking;
  if (!answer) {
    Failed failed;
    failed.id = id;
    failed.error = std::move(answer).error();
    link_.send(std::move(failed));
    co_return;
  }
  Answered answered;
  answered.id = id;
  answered.answer = without_other_headers(*std::move(answer));
  KeptAnswer to_keep = kept(exchange, answered.answer);
  auto keeping = keep(exchange, std::move(to_keep));
  answered.is_durable = co_await keeping;
  link_.send(std::move(answered));
}

// Nothing is sent before there is room for the answer.
runtime::Task<Result<net::HttpAnswer>> Service::ask(Exchange& exchange) {
  if (!sealer_) co_return fail(ErrorKind::kBug, "courier_protocol", "the courier has no key for its journal");
  auto reserving = [this, records = under_way_] { return journal_->reserve_blocking(records); };
  const Status reserved = co_await disk_.run(std::move(reserving));
  if (!reserved) co_return pass(reserved.error());
  auto trusting = trust_in(std::move(exchange.authorities));
  Result<net::SharedTrust> trust = co_await trusting;
  if (!trust) co_return pass(std::move(trust).error());
  auto sending = http_.send(request_of(exchange, *std::move(trust)));
  Result<net::HttpAnswer> answer = co_await sending;
  co_return answer;
}

runtime::Task<Result<net::SharedTrust>> Service::trust_in(std::string authorities) {
  if (const auto known = trusts_.find(authorities); known != trusts_.end()) co_return known->second;
  auto loading = [authorities] { return net::Trust::with_authorities_blocking(authorities); };
  Result<net::SharedTrust> trust = co_await disk_.run(std::move(loading));
  if (!trust) co_return pass(std::move(trust).error());
  if (trusts_.size() >= kMaxTrusts) trusts_.clear();
  trusts_.insert_or_assign(std::move(authorities), *trust);
  co_return trust;
}

// Whether the answer is on stable storage.
runtime::Task<bool> Service::keep(const Exchange& exchange, KeptAnswer answer) {
  unsettled_.insert(exchange.id);
  auto sealed = seal_answer(*sealer_, exchange.token_id, answer);
  Status appended;
  if (sealed) {
    store::JournalEntry entry;
    entry.id = exchange.id;
    entry.token_id = exchange.token_id;
    entry.sealed = *std::move(sealed);
    auto appending = [this, entry = std::move(entry)] { return journal_->append_blocking(entry); };
    appended = co_await disk_.run(std::move(appending));
  } else {
    appended = pass(std::move(sealed).error());
  }
  if (appended) co_return true;
  log::write(
      log::Priority::kErr, {.event = "courier_journal", .error = appended.error().code},
      concat("an answer for ", exchange.token_id, " is handed over without being durable: ", appended.error().what));
  co_return false;
}

} // namespace mailmoor::courier
