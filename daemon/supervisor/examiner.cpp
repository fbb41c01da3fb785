#include "supervisor/examiner.h"

#include <utility>

namespace mailmoor::supervisor {
namespace {

class Release final : public Subscription {
 public:
  explicit Release(std::function<void()> release) : release_(std::move(release)) {}
  Release(const Release&) = delete;
  Release& operator=(const Release&) = delete;
  ~Release() override { release_(); }

 private:
  std::function<void()> release_;
};

} // namespace

std::unique_ptr<Subscription> Examiner::start(const Make& make, ExaminationListener listener) {
  const std::uint64_t ticket = next_ticket_++;
  Running& running = running_[ticket];
  running.listener = std::move(listener);
  running.examination = make([&running](const CheckResult& result) { running.listener.on_result(result); });
  running.runner.start(examine(*running.examination), [&running] { running.listener.on_end({}); });
  return std::make_unique<Release>([this, ticket] { running_.erase(ticket); });
}

runtime::Task<void> Examiner::examine(mailbox::Examination& examination) {
  const runtime::Semaphore::Permit turn = co_await turn_.acquire();
  auto examining = examination.run();
  co_await examining;
}

void Examiner::break_off(const Error& why) {
  for (auto& [ticket, running] : running_) {
    if (!running.runner.is_running()) continue;
    running.runner.cancel();
    running.examination.reset();
    running.listener.on_end(pass(why));
  }
}

} // namespace mailmoor::supervisor
