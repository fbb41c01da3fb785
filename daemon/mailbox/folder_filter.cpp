// What FolderSync asks before it fetches, where the mailbox has filters: when messages came and how large they are.
// Only about those that it would fetch otherwise.
#include "imap/uid_batches.h"
#include "log/log.h"
#include "mailbox/folder_sync.h"
#include "mailbox/server_words.h"
#include "util/concat.h"

#include <deque>
#include <iterator>
#include <utility>
#include <vector>

namespace mailmoor::mailbox {
namespace {

// Some 90 kB of answer.
constexpr std::uint64_t kSummaries = 1000;

// Those that did not come before are asked about one by one: one of them may be what ended the session.
[[nodiscard]] std::deque<UidSet> questions_about(const UidSet& uids, const UidSet& struck) {
  std::vector<UidSet> pieces = imap::split_for_commands(uids.minus(struck), kSummaries);
  std::vector<UidSet> alone = imap::split_for_commands(uids.intersect(struck), 1);
  std::deque<UidSet> questions(std::make_move_iterator(pieces.begin()), std::make_move_iterator(pieces.end()));
  questions.insert(questions.begin(), std::make_move_iterator(alone.begin()), std::make_move_iterator(alone.end()));
  return questions;
}

void tell_left_out(const std::string& mailbox, const Folder& folder, const LeftOut& outside) {
  if (outside.empty()) return;
  log::write(log::Priority::kInfo, {.mailbox = mailbox, .folder = folder.name.utf8(), .event = "left_out"},
             concat("not fetched, since the configuration leaves them out: ", outside.too_old.size(), " too old, ",
                    outside.too_large.size(), " too large"));
}

} // namespace

// False: left before all were asked about; what is outside so far is recorded.
runtime::Task<Result<bool>> FolderSync::filter() {
  if (!settings_.filter.is_set()) co_return true;
  LeftOut outside;
  std::optional<Error> failure;
  std::deque<UidSet> questions = questions_about(pass_->open(), sync::uids_of(folder_.recorded.retries));
  while (!failure && !questions.empty() && !should_leave_()) {
    const UidSet uids = std::move(questions.front());
    questions.pop_front();
    auto asking = ask_summaries(uids, outside);
    Result<UidSet> refused = co_await asking;
    if (!refused) {
      failure = std::move(refused).error();
    } else if (refused->size() > 1) {
      // NO says not which one it is about: the halves do. One that is refused alone is fetched, which settles it.
      questions.push_front(refused->take_highest(refused->size() / 2));
      questions.push_front(*std::move(refused));
    }
  }
  note(pass_->leave_out(outside));
  folder_.behind = pass_->behind();
  tell_left_out(settings_.mailbox, folder_, outside);
  if (failure) co_return std::unexpected(*std::move(failure));
  co_return questions.empty();
}

// Adds what is outside. Those without an answer when the server said NO.
runtime::Task<Result<UidSet>> FolderSync::ask_summaries(const UidSet& uids, LeftOut& outside) {
  std::vector<sync::Summary> told;
  UidSet answered;
  auto listen = [&uids, &told, &answered](imap::Event& event) {
    const auto* row = std::get_if<imap::Fetched>(&event);
    if (row == nullptr || !row->uid || !uids.contains(*row->uid) || answered.contains(*row->uid)) return;
    if (!row->internal_date && !row->rfc822_size) return; // flags alone: told unasked
    answered.insert(*row->uid);
    told.push_back({*row->uid, row->internal_date, row->rfc822_size});
  };
  auto asking = connection_.complete(connection_.session().uid_fetch_summaries(uids), std::move(listen));
  const Result<imap::Completed> completed = co_await asking;
  outside.add(sync::judge(settings_.filter, services_.now(), told));
  if (!completed) {
    sync::FetchReport report;
    report.requested = uids;
    report.arrived = answered;
    report.end = end_by(completed.error());
    report.reason = completed.error().what;
    note_received(report);
    co_return pass(completed.error());
  }
  if (completed->status == imap::CompletionStatus::kOk) co_return UidSet();
  Error refused = folder_refused(*completed, "UID FETCH (INTERNALDATE RFC822.SIZE)");
  if (completed->status == imap::CompletionStatus::kBad || refused.kind != ErrorKind::kFolder)
    co_return std::unexpected(std::move(refused));
  co_return uids.minus(answered);
}

} // namespace mailmoor::mailbox
