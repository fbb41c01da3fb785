#include "imap/command_queue.h"

#include "util/base64.h"
#include "util/concat.h"

#include <algorithm>
#include <cassert>
#include <utility>

namespace mailmoor::imap {
namespace {

[[nodiscard]] bool waits_for_plus(const Command& command) noexcept {
  return command.parts_sent < command.text.parts.size();
}

} // namespace

std::string CommandQueue::tag_of(CommandId id) {
  return concat('A', id.value());
}

CommandId CommandQueue::add(Command command) {
  assert(command.id == next_id());
  ++last_id_;
  const CommandId id = command.id;
  queued_.push_back(std::move(command));
  return id;
}

// Whether what was sent keeps everything back: a command that stands alone, or one whose next part must come first.
bool CommandQueue::is_held() const noexcept {
  return std::ranges::any_of(sent_,
                             [](const Command& command) { return command.stands_alone() || waits_for_plus(command); });
}

const Command* CommandQueue::send_next() {
  if (stopped_ || queued_.empty() || is_held()) return nullptr;
  if (queued_.front().stands_alone() && !sent_.empty()) return nullptr;
  sent_.push_back(std::move(queued_.front()));
  queued_.pop_front();
  Command& command = sent_.back();
  send_part(command);
  return &command;
}

const Command* CommandQueue::begun_examine() {
  if (sent_.empty()) return nullptr;
  Command& oldest = sent_.front();
  return oldest.opens_folder() && !std::exchange(oldest.began, true) ? &oldest : nullptr;
}

void CommandQueue::void_sent() noexcept {
  for (Command& command : sent_)
    command.is_void = true;
}

void CommandQueue::send_part(Command& command) {
  Secret& part = command.text.parts[command.parts_sent++];
  output_.append(part.reveal());
  part = Secret();
}

CommandQueue::Continuation CommandQueue::on_continuation(std::string_view text) {
  const auto waiting = std::ranges::find_if(sent_, [](const Command& command) {
    return waits_for_plus(command) || command.kind == CommandKind::kAuthenticate;
  });
  if (waiting == sent_.end()) return Continuation::kUnexpected;
  if (waiting->kind == CommandKind::kAuthenticate && !waits_for_plus(*waiting)) return on_challenge(*waiting, text);
  if (waiting->kind != CommandKind::kIdle) {
    send_part(*waiting);
    return Continuation::kTaken;
  }
  if (idle_accepted_) return Continuation::kUnexpected;
  idle_accepted_ = true;
  if (done_wanted_) done();
  return Continuation::kIdleStarted;
}

// A challenge after our message is an error report: it is answered so that the server may say NO (RFC 7628 §3.2.3). A
// second one is not in any of our mechanisms: cancel.
CommandQueue::Continuation CommandQueue::on_challenge(Command& command, std::string_view text) {
  const std::string_view reply = command.challenges == 0 ? sasl_error_reply(command.mechanism) : "*";
  const bool cancelled = command.challenges > (sasl_error_reply(command.mechanism) == "*" ? 0 : 1);
  if (cancelled) return Continuation::kViolation;
  if (command.challenges++ == 0) command.sasl_error = base64_decode(text).value_or(std::string(text));
  output_.append(concat(reply, "\r\n"));
  return Continuation::kTaken;
}

std::optional<Command> CommandQueue::complete(std::string_view tag) {
  const auto found = std::ranges::find_if(sent_, [tag](const Command& command) { return tag_of(command.id) == tag; });
  if (found == sent_.end()) return std::nullopt;
  Command command = std::move(*found);
  sent_.erase(found);
  if (command.kind == CommandKind::kIdle) idle_accepted_ = done_wanted_ = false;
  return command;
}

std::optional<CommandId> CommandQueue::idling() const noexcept {
  if (!idle_accepted_) return std::nullopt;
  const auto idle = std::ranges::find(sent_, CommandKind::kIdle, &Command::kind);
  return idle == sent_.end() ? std::nullopt : std::optional(idle->id);
}

void CommandQueue::done() {
  const auto idle = std::ranges::find(sent_, CommandKind::kIdle, &Command::kind);
  const bool queued = std::ranges::find(queued_, CommandKind::kIdle, &Command::kind) != queued_.end();
  done_wanted_ = idle != sent_.end() || queued;
  if (idle != sent_.end() && idle_accepted_ && waits_for_plus(*idle)) send_part(*idle);
}

} // namespace mailmoor::imap
