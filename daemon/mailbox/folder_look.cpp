// What FolderSync asks the server before it fetches.
#include "mailbox/folder_sync.h"
#include "mailbox/server_words.h"
#include "util/concat.h"

#include <algorithm>
#include <limits>
#include <utility>
#include <variant>
#include <vector>

namespace mailmoor::mailbox {
namespace {

constexpr std::size_t kMaxVanishedRanges = 2'000'000;

// Flags and vanished messages, told in whatever order.
struct Heard {
  FlagRows rows;
  std::vector<UidRange> vanished;
  bool too_much = false;

  void hear(const imap::Event& event) {
    if (const auto* row = std::get_if<imap::Fetched>(&event)) {
      if (!row->uid || !row->flags) return;
      too_much = too_much || rows.size() >= kMaxRows;
      if (!too_much) rows.add(*row->uid, FlagLetters(*row->flags));
    } else if (const auto* gone = std::get_if<imap::Vanished>(&event)) {
      const auto& ranges = gone->uids.ranges();
      too_much = too_much || ranges.size() > kMaxVanishedRanges - vanished.size();
      if (!too_much) vanished.insert(vanished.end(), ranges.begin(), ranges.end());
    } else if (const auto* text = std::get_if<imap::ServerText>(&event)) {
      // RFC 7162 §3.2.11: what came before is about the folder that was open before.
      if (text->code && text->code->atom == "CLOSED") *this = {};
    }
  }
  // Sorted first: told downwards, each would move all that came before.
  [[nodiscard]] UidSet take_vanished() {
    std::ranges::sort(vanished, {}, &UidRange::first);
    UidSet uids;
    for (const UidRange& range : std::exchange(vanished, {}))
      uids.insert(range);
    return uids;
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

void FolderSync::begin(const std::optional<FolderState>& listed) {
  imap::Session& session = connection_.session();
  if (session.qresync_enabled()) asked_since_ = sync::told_since(folder_.recorded, services_.now(), settings_.wants);
  auto told_from = since(folder_.recorded, asked_since_);
  if (!session.can_examine_ahead()) {
    examine_ = session.examine(folder_.name, std::move(told_from));
    return;
  }
  examine_ = session.examine_ahead(folder_.name, std::move(told_from));
  if (listed) foretold_ = foretell(*listed);
  if (foretold_) early_look_ = send(*foretold_);
}

// Whatever else EXAMINE says is asked for then. Nothing is listed of an empty folder: "1:*" names no message there.
std::optional<sync::Look> FolderSync::foretell(const FolderState& listed) const {
  if (listed.messages == 0 || asked_since_) return std::nullopt;
  if (!folder_.recorded.validity) return sync::Look{*Uid::from(1), std::nullopt};
  FolderState state = listed;
  if (!connection_.session().can_condstore()) state.highest_mod_seq.reset();
  return sync::FolderPass(folder_.recorded, state, services_.now(), settings_.wants).next_look();
}

// Its answer belongs to nobody.
runtime::Task<Status> FolderSync::drop_early_look() {
  if (!early_look_) co_return Status();
  auto dropping = connection_.complete(*std::exchange(early_look_, std::nullopt));
  const Result<imap::Completed> dropped = co_await dropping;
  if (!dropped) co_return pass(dropped.error());
  if (const auto& pause = connection_.pause()) co_return std::unexpected(*pause); // that is for everybody
  co_return Status();
}

runtime::Task<Status> FolderSync::examine() {
  imap::Session& session = connection_.session();
  if (!examine_) begin(std::nullopt);
  Heard heard;
  auto examining = connection_.complete(*examine_, [&heard](imap::Event& event) { heard.hear(event); });
  const Result<imap::Completed> completed = co_await examining;
  if (!completed) co_return pass(completed.error());
  if (completed->status != imap::CompletionStatus::kOk || !session.selected())
    co_return std::unexpected(folder_refused(*completed, "EXAMINE"));
  const Status checked = heard.check();
  if (!checked) co_return pass(checked.error());
  folder_.looked_at = state_now();
  // Another UIDVALIDITY or NOMODSEQ: then nothing was told since (RFC 7162 §3.2.5.1).
  const bool tells =
      asked_since_ && folder_.looked_at.highest_mod_seq && folder_.looked_at.uid_validity == folder_.recorded.validity;
  if (tells) told_.emplace(heard.rows.take(), heard.take_vanished());
  pass_.emplace(folder_.recorded, folder_.looked_at, services_.now(), settings_.wants, told_);
  co_return Status();
}

imap::CommandId FolderSync::send(sync::Look look) {
  imap::Session& session = connection_.session();
  const UidRange range{look.from.value(), std::numeric_limits<std::uint32_t>::max()};
  return look.since ? session.uid_fetch_changes(range, *look.since) : session.uid_fetch_flags(range);
}

runtime::Task<Result<FlagMap>> FolderSync::ask(sync::Look look) {
  if (foretold_ != look) {
    auto dropping = drop_early_look();
    const Status dropped = co_await dropping;
    if (!dropped) co_return pass(dropped.error());
  }
  const imap::CommandId id = early_look_ ? *std::exchange(early_look_, std::nullopt) : send(look);
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
  auto dropping = drop_early_look();
  const Status dropped = co_await dropping;
  co_return dropped;
}

} // namespace mailmoor::mailbox
