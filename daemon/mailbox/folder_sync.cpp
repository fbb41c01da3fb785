#include "mailbox/folder_sync.h"

#include "imap/substitute.h"
#include "log/event_ids.h"
#include "log/log.h"
#include "mailbox/server_words.h"
#include "util/concat.h"

#include <algorithm>
#include <utility>
#include <variant>

namespace mailmoor::mailbox {
namespace {

// Two commands on the way: while one is answered the next one is there already, and the line does not wait for us.
constexpr std::size_t kPipelineDepth = 2;
// A wait for the pace is cut into pieces this long, so that leaving does not wait for it.
constexpr runtime::Duration kLongestPaceNap = std::chrono::seconds(1);
// Received batches that wait for the disk: files in tmp/, no memory to speak of.
constexpr std::size_t kMaxCommitting = 8;

[[nodiscard]] FetchKind kind_of(sync::FolderPass::NextBatch next) {
  return next == sync::FolderPass::NextBatch::kBackfill ? FetchKind::kBackfill : FetchKind::kNewMail;
}

} // namespace

FolderSync::FolderSync(const Services& services, Connection& connection, Folder& folder,
                       const FolderSyncSettings& settings, std::function<bool()> should_leave, ProgressSink on_message)
    : services_(services), connection_(connection), folder_(folder), settings_(settings),
      should_leave_([this, ask = std::move(should_leave)] { return leaves_ = leaves_ || ask(); }),
      on_message_(std::move(on_message)), copies_(services, connection, folder, settings.mailbox, settings.copies),
      makes_substitutes_(imap::makes_substitutes(connection.greeting())) {}

runtime::Task<Status> FolderSync::receive() {
  auto receiving = receive_all();
  const Status received = co_await receiving;
  if (!received && received.error().kind != ErrorKind::kFolder) co_return received;
  auto dropping = drop_early_look();
  const Status dropped = co_await dropping;
  if (!dropped) co_return dropped;
  co_return received;
}

runtime::Task<Status> FolderSync::receive_all() {
  auto examining = examine();
  const Status examined = co_await examining;
  if (!examined) co_return pass(examined.error());
  if (pass_->plan().action == sync::FolderPlan::Action::kRefuse)
    co_return fail(ErrorKind::kFolder, "no_uidvalidity", concat("the server keeps no UIDs: ", pass_->plan().why));
  if (pass_->plan().action == sync::FolderPlan::Action::kNothing) {
    folder_.behind = 0;
    co_return Status();
  }
  auto opening = open_delivery();
  const Status opened = co_await opening;
  if (!opened) co_return pass(opened.error());
  if (left_) { // with nothing recorded, and so nothing to settle
    pipe_.reset();
    co_return Status();
  }
  auto looking = look();
  const Status looked = co_await looking;
  if (!looked) co_return pass(looked.error());
  auto filtering = filter();
  const Result<bool> filtered = co_await filtering;
  if (!filtered) co_return pass(filtered.error());
  if (!*filtered) co_return Status();
  auto linking = link_copies();
  const Result<bool> linked = co_await linking;
  if (!linked) co_return pass(linked.error());
  if (!*linked) co_return Status();
  UidSet to_fetch = pass_->open();
  auto fetching = fetch();
  const Status fetched = co_await fetching;
  folder_.behind = pass_->behind();
  if (!fetched || handed_on_) co_return fetched;
  auto identifying = identify_messages(std::move(to_fetch));
  const Status identified = co_await identifying;
  if (!identified) co_return identified;
  auto doubting = look_for_struck();
  const Status doubted = co_await doubting;
  co_return doubted;
}

runtime::Task<Result<bool>> FolderSync::settle() {
  auto settling = settle_batches(std::nullopt);
  const Status settled = co_await settling;
  folder_.behind = pass_->behind();
  if (!settled) co_return pass(settled.error());
  if (should_leave_() && (folder_.behind != 0 || pass_->has_flags())) co_return false;
  auto flagging = apply_flags();
  const Status flagged = co_await flagging;
  if (!flagged) co_return pass(flagged.error());
  auto removing = apply_deletions();
  const Status removed = co_await removing;
  if (!removed) co_return pass(removed.error());
  note(pass_->finish(services_.now()));
  if (folder_.behind == 0) folder_.last_sync = services_.now();
  co_return true;
}

// The Maildir says what is there: after a crash, or without its database, nothing is downloaded twice.
runtime::Task<Status> FolderSync::open_delivery() {
  const bool starts_over = pass_->plan().action == sync::FolderPlan::Action::kStartOver;
  const bool scans = starts_over || !folder_.scanned;
  maildir::DeliveryOptions options;
  options.host = services_.host_name;
  options.run_id = services_.run_id;
  options.line_endings = settings_.line_endings;
  options.keep_flags = settings_.keep_flags;
  const std::optional<UidValidity> validity = state_now().uid_validity;
  maildir::FolderScan found;
  auto job = [this, options, scans, validity, place = folder_.place, &found]() -> Status {
    auto opened = maildir::FolderDelivery::open_blocking(services_.files, options, place);
    if (!opened) return pass(std::move(opened).error());
    delivery_.emplace(*std::move(opened));
    if (!scans) return {};
    auto scanned = delivery_->scan_blocking(*validity);
    if (!scanned) return pass(std::move(scanned).error());
    found = *std::move(scanned);
    return {};
  };
  const Status opened = co_await services_.files_pool.run(std::move(job));
  if (!opened) {
    folder_.scanned = false; // it may have been made anew in part: that is not durable
    co_return opened;
  }
  if (scans) {
    auto taking = take_scan(std::move(found), starts_over);
    const Status taken = co_await taking;
    if (!taken) co_return taken;
  } else {
    delivery_->assume_present(*folder_.recorded.validity, folder_.recorded.known);
    delivery_->assume_durable();
    folder_.scanned = delivery_->is_durable(); // not where it was made anew just now
  }
  pipe_.emplace(services_, *std::move(delivery_));
  delivery_.reset();
  co_return Status();
}

runtime::Task<Status> FolderSync::take_scan(maildir::FolderScan found, bool starts_over) {
  folder_.scanned = delivery_->is_durable(); // else only its first message makes it so
  if (starts_over) {
    auto starting = start_over(std::move(found));
    const Status started = co_await starting;
    co_return started;
  }
  sync::FolderFacts facts;
  facts.known_added = found.present.minus(folder_.recorded.known);
  note(facts);
  pass_.emplace(folder_.recorded, folder_.looked_at, services_.now(), settings_.wants, told_);
  co_return Status();
}

// How many messages the next command may ask for.
std::uint64_t FolderSync::may_ask_for() {
  if (settings_.allowance == nullptr) return Pace::kUnlimited;
  std::uint64_t in_flight = 0;
  for (const Batch& batch : asked_)
    in_flight += batch.report.requested.size() - batch.report.arrived.size();
  return settings_.allowance->room(kind_of(pass_->what_is_next()), in_flight);
}

void FolderSync::ask_for_more() {
  if (!failure_) failure_ = connection_.pause(); // what is on its way comes still
  while (!failure_ && asked_.size() < kPipelineDepth && committing_.size() < kMaxCommitting && !should_leave_()) {
    std::optional<UidSet> uids = pass_->next_batch(may_ask_for());
    if (!uids) return;
    if (settings_.allowance != nullptr) settings_.allowance->asked(uids->size());
    Batch batch{connection_.session().uid_fetch_bodies(*uids), {}, false};
    batch.report.requested = *std::move(uids);
    asked_.push_back(std::move(batch));
  }
}

// Only what has come whole so far leaves nothing to be asked for anew.
void FolderSync::hand_on() {
  if (!settings_.hand_on || failure_ || asked_.empty() || should_leave_()) return;
  const bool has_asked_all = pass_->what_is_next() == sync::FolderPass::NextBatch::kNone;
  if (!has_asked_all || !pass_->doubted().empty() || !all_arrived()) return;
  handed_on_ = std::exchange(settings_.hand_on, {})();
}

// Empty: there is nothing that only the pace keeps from being asked for.
std::optional<runtime::Duration> FolderSync::wait_for_pace() {
  const auto next = pass_->what_is_next();
  if (settings_.allowance == nullptr || next == sync::FolderPass::NextBatch::kNone || failure_ || should_leave_())
    return std::nullopt;
  const auto wait = settings_.allowance->wait(kind_of(next));
  return wait.transform([](runtime::Duration whole) { return std::min(whole, kLongestPaceNap); });
}

// What has come is made durable meanwhile.
runtime::Task<Status> FolderSync::nap() {
  settings_.alive();
  auto settling = settle_batches(std::nullopt);
  const Status settled = co_await settling;
  if (!settled) co_return settled;
  const runtime::Duration left = wait_for_pace().value_or(runtime::Duration::zero());
  co_await runtime::sleep_for(services_.loop, left);
  co_return Status();
}

runtime::Task<Status> FolderSync::fetch() {
  while (true) {
    ask_for_more();
    hand_on();
    if (asked_.empty() && handed_on_) break;
    if (asked_.empty() && wait_for_pace()) {
      auto napping = nap();
      const Status napped = co_await napping;
      if (!napped) co_return napped;
      continue;
    }
    if (asked_.empty() && committing_.size() >= kMaxCommitting) {
      auto waiting = pipe_->wait_for_report();
      co_await waiting;
      settle_reports();
      continue;
    }
    if (asked_.empty() && all_arrived()) break;
    if (asked_.empty()) {
      // What did not come is asked for alone, once the disk has told what it has.
      auto settling = settle_batches_now(std::nullopt);
      const Status settled = co_await settling;
      if (!settled) co_return settled;
      continue;
    }
    imap::Event event = connection_.next();
    if (std::holds_alternative<imap::NeedInput>(event)) {
      auto filling = connection_.fill();
      const Status filled = co_await filling;
      if (!filled) {
        auto settling = settle_batches_now(filled.error());
        static_cast<void>(co_await settling);
        co_return filled;
      }
      auto making_room = pipe_->make_room();
      co_await making_room;
      settle_reports();
      continue;
    }
    if (auto* failed = std::get_if<imap::Failed>(&event)) {
      auto settling = settle_batches_now(failed->error);
      static_cast<void>(co_await settling);
      co_return pass(std::move(failed->error));
    }
    on_event(event);
  }
  co_return Status();
}

void FolderSync::on_event(imap::Event& event) {
  if (std::holds_alternative<imap::BodyBegin>(event)) {
    if (std::exchange(in_message_, true)) pipe_->drop();
    octets_ = 0;
    head_.clear();
    pipe_->begin();
  } else if (const auto* body = std::get_if<imap::BodyBytes>(&event)) {
    octets_ += body->bytes.size();
    if (makes_substitutes_ && head_.size() < imap::kSubstituteHead)
      head_.append(reinterpret_cast<const char*>(body->bytes.data()),
                   std::min(body->bytes.size(), imap::kSubstituteHead - head_.size()));
    pipe_->append(body->bytes);
  } else if (const auto* fetched = std::get_if<imap::Fetched>(&event)) {
    on_fetched(*fetched);
  } else if (const auto* completed = std::get_if<imap::Completed>(&event)) {
    on_completed(*completed);
  } else if (const auto* unparsed = std::get_if<imap::Unparsed>(&event)) {
    if (!asked_.empty())
      asked_.front().report.reason = concat("an answer of the server could not be read: ", unparsed->text);
    if (std::exchange(in_message_, false)) pipe_->drop();
  }
}

// The command that waits for this message; null when nobody asked, or it came before.
FolderSync::Batch* FolderSync::batch_of(const imap::Fetched& fetched) {
  const auto wanted = [&fetched](const Batch& batch) {
    return fetched.uid && batch.report.requested.contains(*fetched.uid) && !batch.report.arrived.contains(*fetched.uid);
  };
  const auto batch = std::ranges::find_if(asked_, wanted);
  return batch == asked_.end() ? nullptr : &*batch;
}

void FolderSync::on_fetched(const imap::Fetched& fetched) {
  Batch* const batch = batch_of(fetched);
  if (fetched.body == imap::Fetched::Body::kNil && batch != nullptr)
    batch->report.reason = "the server has it and sends no body (NIL)";
  if (fetched.body != imap::Fetched::Body::kStreamed || !std::exchange(in_message_, false)) return;
  if (batch == nullptr) return pipe_->drop();
  if (makes_substitutes_ && imap::is_substitute(head_)) {
    batch->report.reason = "Exchange cannot convert it and sent a notice in its place, which is not stored";
    return pipe_->drop();
  }
  batch->report.arrived.insert(*fetched.uid);
  batch->report.flags.set(*fetched.uid, FlagLetters(fetched.flags.value_or(Flags())));
  pipe_->finish(maildir::MessageIdentity{*connection_.session().selected()->state.uid_validity, *fetched.uid,
                                         fetched.internal_date.value_or(UnixTime()), fetched.flags.value_or(Flags())});
  if (folder_.behind != 0) --folder_.behind;
  if (on_message_) on_message_(octets_);
}

void FolderSync::on_completed(const imap::Completed& completed) {
  const auto batch = std::ranges::find(asked_, completed.id, &Batch::id);
  if (batch == asked_.end()) return;
  if (completed.status != imap::CompletionStatus::kOk) {
    Error refused = folder_refused(completed, "UID FETCH");
    batch->report.reason = refused.what;
    // NO concerns messages of this command: they are counted. BAD is about the command, and is not sent again; a
    // refusal of the whole mailbox, such as a pause, says nothing about them either.
    batch->only_arrived = completed.status == imap::CompletionStatus::kBad || refused.kind != ErrorKind::kFolder;
    if (batch->only_arrived) failure_ = std::move(refused);
  } else if (batch->report.reason.empty()) {
    batch->report.reason = "the server said OK and sent nothing";
  }
  if (handed_on_ && batch->report.requested != batch->report.arrived) {
    needs_another_pass_ = true;
    batch->only_arrived = true;
  }
  pipe_->end_batch();
  committing_.push_back(std::move(*batch));
  asked_.erase(batch);
}

// Whether nothing is left to be asked for, whatever becomes of the commits under way.
bool FolderSync::all_arrived() const {
  if (committing_.empty()) return true;
  const bool whole = std::ranges::all_of(committing_, [](const Batch& batch) {
    return batch.report.requested == batch.report.arrived && !batch.only_arrived;
  });
  return whole && !failure_;
}

// Takes what the disk has finished, in the order in which it was asked for.
void FolderSync::settle_reports() {
  while (std::optional<maildir::CommitReport> report = pipe_->take_report()) {
    Batch batch = std::move(committing_.front());
    committing_.pop_front();
    batch.report.delivered = std::move(report->delivered);
    services_.counters.mailboxes[settings_.mailbox].delivered += batch.report.delivered.size();
    if (report->error) {
      folder_.scanned = false; // what a failed commit left is looked up before the next one
      if (!failure_) failure_ = std::move(report->error);
    } else if (!failure_ && !batch.report.delivered.empty()) {
      folder_.scanned = true;
    }
    if (batch.only_arrived) batch.report.requested = batch.report.arrived;
    note_received(batch.report);
  }
}

void FolderSync::note_received(const sync::FetchReport& report) {
  const UnixTime now = services_.now();
  sync::FolderFacts facts = pass_->received(report, now);
  for (sync::RetryRecord& struck : facts.retries_set) {
    struck.next_try = now + std::chrono::duration_cast<std::chrono::seconds>(services_.scaled(struck.next_try - now));
    services_.counters.count(Error(ErrorKind::kMessage, "message_not_handed_out", struck.reason));
  }
  note(facts);
}

// A session that ends by plan or by a pause says nothing about a message.
sync::FetchEnd FolderSync::end_by(const Error& lost) {
  const bool blameless = lost.code == "token_expired" || lost.code == "session_expired" || lost.imposed_wait;
  return blameless ? sync::FetchEnd::kNotReached : sync::FetchEnd::kLost;
}

// While the connection waits.
runtime::Task<Status> FolderSync::settle_batches_now(std::optional<Error> lost) {
  const Committer::Hurry hurry(services_.committer);
  auto settling = settle_batches(std::move(lost));
  const Status settled = co_await settling;
  co_return settled;
}

runtime::Task<Status> FolderSync::settle_batches(std::optional<Error> lost) {
  if (lost && std::exchange(in_message_, false)) pipe_->drop();
  while (lost && !asked_.empty()) {
    asked_.front().report.end = end_by(*lost);
    asked_.front().report.reason = lost->what;
    pipe_->end_batch();
    committing_.push_back(std::move(asked_.front()));
    asked_.pop_front();
  }
  auto draining = pipe_->drain();
  co_await draining;
  settle_reports();
  if (failure_) co_return std::unexpected(*failure_);
  co_return Status();
}

} // namespace mailmoor::mailbox
