#include "mailbox/delivery_pipe.h"

#include <algorithm>
#include <string_view>
#include <utility>

namespace mailmoor::mailbox {
namespace {

// 256 KiB: some forty messages of 6 KB share one trip to the pool; two of them are held for each mailbox at most.
constexpr std::size_t kPieceSize = 256UL * 1024;
constexpr std::size_t kPieceSteps = 1024;
// A batch of large messages is made durable in between, so that a cut line costs at most this much again.
constexpr std::uint64_t kCommitBytes = 16UL * 1024 * 1024;

} // namespace

struct DeliveryPipe::Workbench {
  explicit Workbench(maildir::FolderDelivery folder_in) : folder(std::move(folder_in)) {}

  maildir::FolderDelivery folder;
  std::optional<maildir::MessageWriter> writer;
  std::vector<maildir::StagedMessage> staged;
  std::uint64_t staged_bytes = 0;
  maildir::CommitReport batch;

  void note(Status status) {
    if (status) return;
    writer.reset();
    if (!batch.error) batch.error = std::move(status).error();
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
    staged.push_back(*std::move(finished));
    if (staged_bytes >= kCommitBytes) commit_blocking();
  }
  void commit_blocking() {
    staged_bytes = 0;
    if (staged.empty()) return;
    maildir::CommitReport report = folder.commit_blocking(std::exchange(staged, {}));
    batch.delivered.insert(report.delivered);
    if (report.error && !batch.error) batch.error = std::move(report.error);
  }
  [[nodiscard]] std::vector<maildir::CommitReport> apply_blocking(const Piece& piece) {
    std::vector<maildir::CommitReport> reports;
    std::string_view bytes = piece.bytes;
    for (const Step& step : piece.steps) {
      switch (step.kind) {
      case Step::Kind::kBegin: begin_blocking(); break;
      case Step::Kind::kBytes:
        if (writer) note(writer->append_blocking(bytes.substr(0, step.size)));
        bytes.remove_prefix(step.size);
        break;
      case Step::Kind::kFinish: finish_blocking(*step.identity); break;
      case Step::Kind::kDrop: writer.reset(); break;
      case Step::Kind::kEndBatch:
        commit_blocking();
        reports.push_back(std::exchange(batch, {}));
        break;
      }
    }
    return reports;
  }
};

DeliveryPipe::DeliveryPipe(const Services& services, maildir::FolderDelivery folder)
    : services_(services), bench_(std::make_shared<Workbench>(std::move(folder))), at_rest_(services.loop) {
  at_rest_.set();
}

DeliveryPipe::~DeliveryPipe() {
  worker_.cancel();
  services_.files_pool.run_detached([bench = std::move(bench_)]() mutable { bench.reset(); });
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
  if (reports_.empty()) return std::nullopt;
  maildir::CommitReport report = std::move(reports_.front());
  reports_.pop_front();
  return report;
}

runtime::Task<void> DeliveryPipe::make_room() {
  const bool full = filling_.bytes.size() >= kPieceSize || filling_.steps.size() >= kPieceSteps;
  if (!full) co_return;
  // No time limit: a stuck disk shows in the watchdog, which looks at the pool.
  co_await at_rest_.wait_until(runtime::MonoTime::max());
  hand_over();
}

runtime::Task<void> DeliveryPipe::drain() {
  while (!filling_.steps.empty() || !at_rest_.is_set()) {
    co_await at_rest_.wait_until(runtime::MonoTime::max());
    hand_over();
  }
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
  std::vector<maildir::CommitReport> reports = co_await services_.files_pool.run(std::move(job));
  std::ranges::move(reports, std::back_inserter(reports_));
  at_rest_.set();
}

} // namespace mailmoor::mailbox
