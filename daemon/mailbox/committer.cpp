#include "mailbox/committer.h"

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <utility>

namespace mailmoor::mailbox {
namespace {

// More in one sync costs the disk little and makes those that wait for it wait longer.
constexpr std::size_t kGroupMessages = 1000;
// From here on there is nothing to wait for. Fewer wait for company, and so do names that the next group's sync would
// make durable on its way.
constexpr std::size_t kWorthASync = 100;
constexpr std::chrono::milliseconds kGatherFor{50};
constexpr std::chrono::milliseconds kInAHurry{5};

} // namespace

Committer::~Committer() {
  for (auto& [key, lane] : lanes_) {
    lane->worker.cancel();
    files_pool_.run_detached([gone = std::shared_ptr<Lane>(std::move(lane))]() mutable { gone.reset(); });
  }
}

void Committer::commit(SharedFolder folder, std::vector<maildir::StagedMessage> messages,
                       std::function<void(maildir::CommitReport)> done) {
  const void* const key = folder->group();
  std::erase_if(lanes_, [key](const auto& lane) { return lane.first != key && !lane.second->worker.is_running(); });
  std::unique_ptr<Lane>& lane = lanes_[key];
  if (lane == nullptr) lane = std::make_unique<Lane>(loop_, files_);
  lane->messages += messages.size();
  lane->changed.set();
  lane->waiting.push_back({std::move(folder), std::move(messages), std::move(done), loop_.now()});
  if (!lane->worker.is_running()) lane->worker.start(work(*lane), [] {});
}

runtime::Task<void> Committer::work(Lane& lane) {
  while (!lane.waiting.empty() || !lane.reported_next.empty()) {
    auto gathering = gather(lane);
    co_await gathering;
    std::deque<Entry> taken = take_group(lane);
    auto job = [&lane] {
      if (lane.under_way.empty()) return lane.group.settle_blocking();
      return lane.group.advance_blocking(std::exchange(lane.under_way, {}));
    };
    std::vector<maildir::CommitReport> reports = co_await files_pool_.run(std::move(job));
    for (std::size_t i = 0; i < reports.size(); ++i)
      lane.reported_next[i].done(std::move(reports[i]));
    lane.reported_next = std::move(taken);
  }
}

runtime::Task<void> Committer::gather(Lane& lane) {
  const runtime::MonoTime since = lane.waiting.empty() ? loop_.now() : lane.waiting.front().since;
  while (lane.messages < kWorthASync) {
    const runtime::MonoTime due = since + (hurries_ != 0 ? kInAHurry : kGatherFor);
    if (due <= loop_.now()) co_return;
    lane.changed.reset();
    co_await lane.changed.wait_until(due);
  }
}

std::deque<Committer::Entry> Committer::take_group(Lane& lane) {
  std::deque<Entry> taken;
  std::size_t messages = 0;
  while (!lane.waiting.empty() && messages < kGroupMessages) {
    Entry& entry = taken.emplace_back(std::move(lane.waiting.front()));
    lane.waiting.pop_front();
    messages += entry.messages.size();
    lane.under_way.push_back({entry.folder.get(), std::move(entry.messages)});
  }
  lane.messages -= messages;
  return taken;
}

void Committer::hurry(int change) noexcept {
  hurries_ += change;
  if (change < 0 || hurries_ != 1) return;
  for (const auto& [key, lane] : lanes_)
    lane->changed.set();
}

} // namespace mailmoor::mailbox
