// What FolderVerification does with `deep`: fetches every message that has a sound file, and hashes it as it would be
// written.
#include "mailbox/folder_verification.h"
#include "mailbox/server_words.h"

#include <algorithm>
#include <utility>
#include <variant>

namespace mailmoor::mailbox {
namespace {

// As when fetching: while one command is answered the next one is there already.
constexpr std::size_t kPipelineDepth = 2;
// Of one command. Leaving waits for those that are on the way.
constexpr std::uint64_t kMessagesAtATime = 100;
constexpr std::uint64_t kOctetsAtATime = 8UL * 1024 * 1024;

[[nodiscard]] std::string_view text_of(std::span<const std::byte> bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

} // namespace

// Those that have a file, with a hash, that nothing is known against.
void FolderVerification::choose_contents() {
  UidSet sound;
  for (const sync::LocalMessage& message : here_.rows())
    if (message.hash && (!message.claimed || *message.claimed == message.size)) sound.insert(message.uid);
  left_ = sound.intersect(server_.uids());
  to_compare_ = left_.size();
}

UidSet FolderVerification::take_batch(UidSet& unasked) const {
  const UidSet candidates = unasked.take_lowest(kMessagesAtATime);
  UidSet batch;
  std::uint64_t octets = 0;
  candidates.for_each([&](Uid uid) {
    octets += here_.find(uid)->size;
    if (batch.empty() || octets <= kOctetsAtATime) batch.insert(uid);
  });
  unasked.insert(candidates.minus(batch));
  return batch;
}

runtime::Task<Result<bool>> FolderVerification::compare_contents(Connection& connection) {
  UidSet unasked = left_;
  asked_.clear();
  in_message_ = false;
  bool has_asked = false; // each call gets something done
  while (true) {
    while (asked_.size() < kPipelineDepth && !unasked.empty() && !(has_asked && should_leave_())) {
      UidSet batch = take_batch(unasked);
      const imap::CommandId id = connection.session().uid_fetch_bodies(batch);
      asked_.push_back({id, std::move(batch)});
      has_asked = true;
    }
    if (asked_.empty()) break;
    const imap::Event event = connection.next();
    if (std::holds_alternative<imap::NeedInput>(event)) {
      tell(VerifyProgress::Phase::kComparing, to_compare_ - left_.size(), to_compare_);
      auto filling = connection.fill();
      const Status filled = co_await filling;
      if (!filled) co_return pass(filled.error());
      continue;
    }
    const Status heard = on_event(event);
    if (!heard) co_return pass(heard.error());
  }
  if (!left_.empty()) co_return false;
  auto dropping = drop_expunged(connection);
  const Status dropped = co_await dropping;
  if (!dropped) co_return pass(dropped.error());
  co_return true;
}

Status FolderVerification::on_event(const imap::Event& event) {
  if (std::holds_alternative<imap::BodyBegin>(event)) {
    in_message_ = true;
    converter_ = maildir::LineConverter(settings_.line_endings);
    static_cast<void>(hasher_.take());
  } else if (const auto* body = std::get_if<imap::BodyBytes>(&event)) {
    converted_.clear();
    converter_.convert(text_of(body->bytes), converted_);
    hasher_.add(converted_);
  } else if (const auto* fetched = std::get_if<imap::Fetched>(&event)) {
    on_fetched(*fetched);
  } else if (const auto* completed = std::get_if<imap::Completed>(&event)) {
    return on_completed(*completed);
  } else if (std::holds_alternative<imap::Unparsed>(event)) {
    in_message_ = false;
  } else if (const auto* failed = std::get_if<imap::Failed>(&event)) {
    return pass(failed->error);
  }
  return {};
}

void FolderVerification::on_fetched(const imap::Fetched& fetched) {
  if (fetched.body != imap::Fetched::Body::kStreamed || !std::exchange(in_message_, false)) return;
  converted_.clear();
  converter_.finish(converted_);
  hasher_.add(converted_);
  const ContentHash hash = hasher_.take();
  if (!fetched.uid || !left_.contains(*fetched.uid)) return; // nobody asked, or it came twice
  left_.erase(*fetched.uid);
  ++compared_;
  if (const sync::LocalMessage* file = here_.find(*fetched.uid); file != nullptr && file->hash != hash)
    wrong_content_.insert(*fetched.uid);
}

Status FolderVerification::on_completed(const imap::Completed& completed) {
  const auto asked = std::ranges::find(asked_, completed.id, &Asked::id);
  if (asked == asked_.end()) return {};
  if (completed.status != imap::CompletionStatus::kOk) {
    Error refused = folder_refused(completed, "UID FETCH");
    if (refused.kind != ErrorKind::kFolder) return std::unexpected(std::move(refused));
  }
  // Not asked for once more: a message that the server does not give would be asked for without end.
  const UidSet silent = asked->uids.intersect(left_);
  not_given_.insert(silent);
  left_ = left_.minus(silent);
  asked_.erase(asked);
  return {};
}

// What was expunged since it was listed did not come either, and is nothing to worry about.
runtime::Task<Status> FolderVerification::drop_expunged(Connection& connection) {
  UidSet unasked = not_given_;
  while (!unasked.empty()) {
    const UidSet batch = unasked.take_lowest(kMessagesAtATime);
    UidSet there;
    auto asking = connection.complete(connection.session().uid_fetch_flags(batch), [&there](imap::Event& event) {
      if (const auto* row = std::get_if<imap::Fetched>(&event); row != nullptr && row->uid) there.insert(*row->uid);
    });
    const Result<imap::Completed> completed = co_await asking;
    if (!completed) co_return pass(completed.error());
    if (completed->status != imap::CompletionStatus::kOk) co_return Status();
    const UidSet gone = batch.minus(there);
    server_.remove(gone);
    not_given_ = not_given_.minus(gone);
    exists_ -= std::min<std::uint64_t>(exists_, gone.size());
  }
  co_return Status();
}

} // namespace mailmoor::mailbox
