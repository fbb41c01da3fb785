// What FolderSync asks the server before it fetches.
#include "mailbox/folder_sync.h"
#include "mailbox/server_words.h"
#include "util/concat.h"

#include <limits>
#include <utility>
#include <variant>

namespace mailmoor::mailbox {
namespace {

constexpr std::size_t kMaxVanishedRanges = 2'000'000;

// Flags and vanished messages, told in whatever order.
struct Heard {
  FlagRows rows;
  UidSet vanished;
  bool too_much = false;

  void hear(const imap::Event& event) {
    if (const auto* row = std::get_if<imap::Fetched>(&event)) {
      if (!row->uid || !row->flags) return;
      too_much = too_much || rows.size() >= kMaxRows;
      if (!too_much) rows.add(*row->uid, FlagLetters(*row->flags));
    } else if (const auto* gone = std::get_if<imap::Vanished>(&event)) {
      too_much = too_much || vanished.ranges().size() >= kMaxVanishedRanges;
      if (!too_much) vanished.insert(gone->uids);
    }
  }
  [[nodiscard]] Status check() const {
    if (!too_much) return {};
    return fail(ErrorKind::kFolder, "limit_exceeded", "the server listed more messages than a folder can have");
  }
};

[[nodiscard]] std::optional<imap::ExamineParameters::Since> since(const sync::RecordedFolder& recorded,
                                                                  std::optional<ModSeq> mod_seq) {
  if (!mod_seq) return std::nullopt;
  return imap::ExamineParameters::Since{*recorded.validity, *mod_seq};
}

} // namespace

// A mod-sequence counts only where CONDSTORE is offered.
FolderState FolderSync::state_now() {
  FolderState state = connection_.session().selected()->state;
  if (!connection_.session().can_condstore()) state.highest_mod_seq.reset();
  return state;
}

runtime::Task<Status> FolderSync::examine() {
  imap::Session& session = connection_.session();
  std::optional<ModSeq> asked_since;
  if (session.qresync_enabled()) asked_since = sync::told_since(folder_.recorded, services_.now(), settings_.wants);
  Heard heard;
  auto examining = connection_.complete(session.examine(folder_.name, since(folder_.recorded, asked_since)),
                                        [&heard](imap::Event& event) { heard.hear(event); });
  const Result<imap::Completed> completed = co_await examining;
  if (!completed) co_return pass(completed.error());
  if (completed->status != imap::CompletionStatus::kOk || !session.selected())
    co_return std::unexpected(folder_refused(*completed, "EXAMINE"));
  const Status checked = heard.check();
  if (!checked) co_return pass(checked.error());
  folder_.looked_at = state_now();
  // Another UIDVALIDITY or NOMODSEQ: then nothing was told since (RFC 7162 §3.2.5.1).
  const bool tells =
      asked_since && folder_.looked_at.highest_mod_seq && folder_.looked_at.uid_validity == folder_.recorded.validity;
  if (tells) told_.emplace(heard.rows.take(), std::move(heard.vanished));
  pass_.emplace(folder_.recorded, folder_.looked_at, services_.now(), settings_.wants, told_);
  co_return Status();
}

runtime::Task<Result<FlagMap>> FolderSync::ask(sync::Look look) {
  imap::Session& session = connection_.session();
  const UidRange range{look.from.value(), std::numeric_limits<std::uint32_t>::max()};
  const imap::CommandId id =
      look.since ? session.uid_fetch_changes(range, *look.since) : session.uid_fetch_flags(range);
  Heard heard;
  auto asking = connection_.complete(id, [&heard](imap::Event& event) { heard.hear(event); });
  const Result<imap::Completed> completed = co_await asking;
  if (!completed) co_return pass(completed.error());
  if (completed->status != imap::CompletionStatus::kOk)
    co_return std::unexpected(folder_refused(*completed, "UID FETCH (FLAGS)"));
  const Status checked = heard.check();
  if (!checked) co_return pass(checked.error());
  co_return heard.rows.take();
}

runtime::Task<Status> FolderSync::look() {
  while (const std::optional<sync::Look> look = pass_->next_look()) {
    const std::uint32_t exists = connection_.session().selected()->state.messages;
    Result<FlagMap> rows;
    if (exists != 0) {
      auto asking = ask(*look);
      rows = co_await asking;
      if (!rows) co_return pass(rows.error());
    }
    const std::uint32_t exists_after = connection_.session().selected()->state.messages;
    const std::optional<std::chrono::seconds> again_after = pass_->looked(*rows, exists, exists_after);
    if (!again_after) continue;
    co_await runtime::sleep_for(services_.loop, services_.scaled(*again_after));
    auto asking = connection_.complete(connection_.session().noop());
    const Result<imap::Completed> completed = co_await asking;
    if (!completed) co_return pass(completed.error());
  }
  folder_.behind = pass_->behind();
  co_return Status();
}

} // namespace mailmoor::mailbox
