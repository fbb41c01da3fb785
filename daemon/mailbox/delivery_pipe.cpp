#include "mailbox/delivery_pipe.h"

#include <string_view>
#include <utility>

namespace mailmoor::mailbox {
namespace {

constexpr std::size_t kPieceSteps = 1024;
// A batch of large messages is made durable in between, so that a cut line costs at most this much again.
constexpr std::uint64_t kCommitBytes = 16UL * 1024 * 1024;

} // namespace

struct DeliveryPipe::Part {
  std::vector<maildir::StagedMessage> messages;
  std::optional<Error> error; // of what could not be written
  bool ends_batch = false;
};

struct DeliveryPipe::Outcome {
  explicit Outcome(runtime::Loop& loop) : changed(loop) {}

  struct Pending {
    std::optional<Error> error;
    bool ends_batch;
  };
  std::deque<Pending> pending; // parts that the Committer has
  maildir::CommitReport batch; // of the parts so far
  std::deque<maildir::CommitReport> reports;
  runtime::Event changed;

  void settle(maildir::CommitReport part) {
    Pending about = std::move(pending.front());
    pending.pop_front();
    batch.delivered.insert(part.delivered);
    for (std::optional<Error>* error : {&about.error, &part.error})
      if (*error && !batch.error) batch.error = std::move(*error);
    if (about.ends_batch) reports.push_back(std::exchange(batch, {}));
    changed.set();
  }
};

struct DeliveryPipe::Workbench {
  explicit Workbench(maildir::FolderDelivery& folder_in) : folder(folder_in) {}

  maildir::FolderDelivery& folder;
  std::optional<maildir::MessageWriter> writer;
  Part part;
  std::uint64_t staged_bytes = 0;
  std::vector<Part> ready; // for the loop thread, once the job is done

  void note(Status status) {
    if (status) return;
    writer.reset();
    if (!part.error) part.error = std::move(status).error();
  }
  void begin_blocking() {
    auto opened = folder.begin_blocking();
    if (opened)
      writer.emplace(*std::move(opened));
    else
      note(pass(std::move(opened).error()));
  }
  void finish_blocking(const maildir::MessageIdentity& identity) {
    if (!writer) return;
    auto finished = writer->finish_blocking(identity);
    writer.reset();
    if (!finished) return note(pass(std::move(finished).error()));
    staged_bytes += finished->size_on_disk();
    part.messages.push_back(*std::move(finished));
  }
  void end_part(bool ends_batch) {
    staged_bytes = 0;
    part.ends_batch = ends_batch;
    ready.push_back(std::exchange(part, {}));
  }
  bool apply_blocking(const Piece& piece) {
    std::string_view bytes = piece.bytes;
    for (const Step& step : piece.steps) {
      switch (step.kind) {
      case Step::Kind::kBegin: begin_blocking(); break;
      case Step::Kind::kBytes:
        if (writer) note(writer->append_blocking(bytes.substr(0, step.size)));
        bytes.remove_prefix(step.size);
        break;
      case Step::Kind::kFinish:
        finish_blocking(*step.identity);
        if (staged_bytes >= kCommitBytes) end_part(false);
        break;
      case Step::Kind::kDrop: writer.reset(); break;
      case Step::Kind::kEndBatch: end_part(true); break;
      }
    }
    return true;
  }
};

DeliveryPipe::DeliveryPipe(const Services& services, maildir::FolderDelivery folder)
    : services_(services), share_(services.pieces),
      folder_(std::make_shared<maildir::FolderDelivery>(std::move(folder))),
      outcome_(std::make_shared<Outcome>(services.loop)), bench_(std::make_shared<Workbench>(*folder_)),
      at_rest_(services.loop) {
  at_rest_.set();
}

DeliveryPipe::~DeliveryPipe() {
  worker_.cancel();
  folder_->close();
  services_.files_pool.run_detached([folder = std::move(folder_), bench = std::move(bench_)]() mutable {
    bench.reset();
    folder.reset();
  });
}

void DeliveryPipe::begin() {
  filling_.steps.push_back({Step::Kind::kBegin, 0, std::nullopt});
}

void DeliveryPipe::append(std::span<const std::byte> bytes) {
  filling_.bytes.append(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  if (!filling_.steps.empty() && filling_.steps.back().kind == Step::Kind::kBytes)
    filling_.steps.back().size += bytes.size();
  else
    filling_.steps.push_back({Step::Kind::kBytes, bytes.size(), std::nullopt});
}

void DeliveryPipe::finish(maildir::MessageIdentity identity) {
  filling_.steps.push_back({Step::Kind::kFinish, 0, std::move(identity)});
}

void DeliveryPipe::drop() {
  filling_.steps.push_back({Step::Kind::kDrop, 0, std::nullopt});
}

void DeliveryPipe::end_batch() {
  filling_.steps.push_back({Step::Kind::kEndBatch, 0, std::nullopt});
}

std::optional<maildir::CommitReport> DeliveryPipe::take_report() {
  if (outcome_->reports.empty()) return std::nullopt;
  maildir::CommitReport report = std::move(outcome_->reports.front());
  outcome_->reports.pop_front();
  return report;
}

runtime::Task<void> DeliveryPipe::make_room() {
  const bool full = filling_.bytes.size() >= share_.piece() || filling_.steps.size() >= kPieceSteps;
  if (!full) co_return;
  // No time limit: a stuck disk shows in the watchdog, which looks at the pool.
  co_await at_rest_.wait_until(runtime::MonoTime::max());
  hand_over();
}

// One step of what is under way; false: there is nothing.
runtime::Task<bool> DeliveryPipe::advance() {
  co_await at_rest_.wait_until(runtime::MonoTime::max());
  if (!filling_.steps.empty()) {
    hand_over();
    co_return true;
  }
  let_go_of_memory();
  if (outcome_->pending.empty()) co_return false;
  outcome_->changed.reset();
  co_await outcome_->changed.wait_until(runtime::MonoTime::max());
  co_return true;
}

runtime::Task<void> DeliveryPipe::drain() {
  bool goes_on = true;
  while (goes_on) {
    auto advancing = advance();
    goes_on = co_await advancing;
  }
}

runtime::Task<void> DeliveryPipe::wait_for_report() {
  const Committer::Hurry hurry(services_.committer);
  const std::size_t before = outcome_->reports.size();
  bool goes_on = true;
  while (goes_on && outcome_->reports.size() == before) {
    auto advancing = advance();
    goes_on = co_await advancing;
  }
}

// A folder that waits for its last commit needs none.
void DeliveryPipe::let_go_of_memory() {
  filling_ = {};
  in_work_ = {};
}

void DeliveryPipe::hand_over() {
  if (filling_.steps.empty() || !at_rest_.is_set()) return;
  at_rest_.reset();
  std::swap(in_work_, filling_);
  filling_.bytes.clear();
  filling_.steps.clear();
  worker_.start(work(), [] {});
}

runtime::Task<void> DeliveryPipe::work() {
  auto job = [bench = bench_.get(), piece = &in_work_] { return bench->apply_blocking(*piece); };
  static_cast<void>(co_await services_.files_pool.run(std::move(job)));
  for (Part& part : std::exchange(bench_->ready, {}))
    commit(std::move(part));
  at_rest_.set();
}

void DeliveryPipe::commit(Part part) {
  outcome_->pending.push_back({std::move(part.error), part.ends_batch});
  services_.committer.commit(folder_, std::move(part.messages),
                             [answered = std::weak_ptr<Outcome>(outcome_)](maildir::CommitReport report) {
                               if (const auto outcome = answered.lock()) outcome->settle(std::move(report));
                             });
}

} // namespace mailmoor::mailbox
