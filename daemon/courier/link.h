// One end of the socket pair between daemon and courier: messages out, messages in, until the other end is gone.
// Owned by whoever talks; loop thread only. Messages that are sent are queued; nobody waits for them to arrive.
#pragma once

#include "courier/messages.h"
#include "net/tcp_stream.h"
#include "runtime/loop.h"
#include "runtime/run_task.h"
#include "runtime/task.h"
#include "runtime/wait.h"
#include "util/unique_fd.h"

#include <deque>
#include <functional>

namespace mailmoor::courier {

class Link final {
 public:
  // `socket`: a stream socket, non-blocking. `on_message` must not destroy the link.
  Link(runtime::Loop& loop, UniqueFd socket, std::function<void(Message)> on_message);

  void start();
  void send(const Message& message);

  // Set for good when the other end is gone, or has sent what is no message.
  [[nodiscard]] runtime::Event& ended() noexcept { return ended_; }
  // Why; "the other end is gone" when it just ended.
  [[nodiscard]] const std::string& end_reason() const noexcept { return end_reason_; }
  [[nodiscard]] runtime::MonoTime last_heard() const noexcept { return last_heard_; }

 private:
  [[nodiscard]] runtime::Task<void> read();
  [[nodiscard]] runtime::Task<void> write();
  [[nodiscard]] Status hear(std::span<const std::byte> bytes);

  runtime::Loop& loop_;
  net::TcpStream stream_;
  std::function<void(Message)> on_message_;
  FrameReader frames_;
  std::deque<Secret> outbox_;
  runtime::MonoTime last_heard_;
  std::string end_reason_;
  runtime::Event ended_;
  runtime::Event has_mail_; // in outbox_
  runtime::TaskRunner<void> reader_;
  runtime::TaskRunner<void> writer_;
};

} // namespace mailmoor::courier
