// Runs the examinations that operators asked for (`doctor`), one after the other: each may have a connection beyond
// limits.connections, so there is never more than one of those. Owned by the fleet. Loop thread only.
#pragma once

#include "mailbox/examination.h"
#include "runtime/loop.h"
#include "runtime/run_task.h"
#include "runtime/wait.h"
#include "supervisor/operations.h"

#include <cstdint>
#include <functional>
#include <map>
#include <memory>

namespace mailmoor::supervisor {

class Examiner final {
 public:
  explicit Examiner(runtime::Loop& loop) : turn_(loop, 1) {}
  Examiner(const Examiner&) = delete;
  Examiner& operator=(const Examiner&) = delete;
  ~Examiner() = default;

  // `make` gets the sink of the results. The subscription must not outlive this object.
  using Make = std::function<std::unique_ptr<mailbox::Examination>(mailbox::Examination::Sink)>;
  [[nodiscard]] std::unique_ptr<Subscription> start(const Make& make, ExaminationListener listener);
  // Ends all of them and tells why: what they refer to is about to go.
  void break_off(const Error& why);

 private:
  struct Running {
    ExaminationListener listener;
    std::unique_ptr<mailbox::Examination> examination;
    runtime::TaskRunner<void> runner; // goes first
  };

  [[nodiscard]] runtime::Task<void> examine(mailbox::Examination& examination);

  runtime::Semaphore turn_;
  std::uint64_t next_ticket_ = 1;
  std::map<std::uint64_t, Running> running_; // or done, until the one who asked goes
};

} // namespace mailmoor::supervisor
