#include "mailbox/folder_copies.h"

#include "imap/uid_batches.h"
#include "log/log.h"
#include "mailbox/server_words.h"
#include "util/concat.h"

#include <algorithm>
#include <utility>
#include <variant>

namespace mailmoor::mailbox {
namespace {

// Files of one message that are tried before it is fetched: where none can be linked, no more of them can.
constexpr int kTries = 3;

// Whether an answer other than OK says nothing but that there are no copies to be had.
[[nodiscard]] Status bear(const imap::Completed& completed, const imap::Session& session) {
  if (completed.status == imap::CompletionStatus::kOk || !session.has_gmail_items()) return {};
  Error refused = folder_refused(completed, "UID FETCH (X-GM-MSGID)");
  if (completed.status == imap::CompletionStatus::kNo && refused.kind == ErrorKind::kFolder) return {};
  return std::unexpected(std::move(refused));
}

} // namespace

bool FolderCopies::can_tell() const {
  return settings_.folders != nullptr && connection_.session().has_gmail_items();
}

bool FolderCopies::is_worth_asking() const {
  if (!can_tell()) return false;
  if (settings_.on_labels) return true;
  return std::ranges::any_of(*settings_.folders, [this](const auto& entry) {
    return &entry.second != &folder_ && !entry.second.recorded.known.empty();
  });
}

const Folder* FolderCopies::folder_of(const GmailCopy& copy) const {
  const auto found = settings_.folders->find(copy.folder);
  if (found == settings_.folders->end() || &found->second == &folder_) return nullptr;
  return found->second.recorded.validity == copy.validity ? &found->second : nullptr;
}

bool FolderCopies::is_delivered(const Folder* folder, const GmailCopy& copy) {
  return folder != nullptr && !folder->recorded_directory.empty() && folder->recorded.known.contains(copy.uid);
}

void FolderCopies::take_row(const imap::Fetched& fetched, const UidSet& uids, Rows& rows) const {
  if (!fetched.uid || !uids.contains(*fetched.uid) || !fetched.gmail_id) return;
  if (settings_.on_labels) settings_.on_labels(fetched.gmail_labels);
  if (!fetched.flags || !fetched.internal_date || !fetched.rfc822_size) return;
  const maildir::MessageIdentity identity{*connection_.session().selected()->state.uid_validity, *fetched.uid,
                                          *fetched.internal_date, *fetched.flags};
  rows.insert_or_assign(*fetched.uid, Row{{*fetched.uid, *fetched.gmail_id},
                                          FlagLetters(*fetched.flags),
                                          {*fetched.uid, *fetched.rfc822_size, identity}});
}

// Of those that were asked about before only the ones that another folder has: a backfill that waits for its bytes is
// looked at often.
runtime::Task<UidSet> FolderCopies::worth_asking(UidSet uids) {
  auto remembering = remember(*connection_.session().selected()->state.uid_validity);
  co_await remembering;
  const UidSet known = uids.intersect(folder_.identified.uids);
  if (known.empty()) co_return uids;
  auto job = [&state = services_.state, &mailbox = mailbox_, &name = folder_.name, &known] {
    return state.load_pairs_blocking(mailbox, name, known);
  };
  const Result<std::vector<store::GmailPair>> pairs = co_await services_.store_thread.run(std::move(job));
  if (!pairs) tell_not_recorded(pairs.error());
  uids = uids.minus(known);
  if (!pairs || pairs->empty()) co_return uids;
  auto settling = settle_others();
  co_await settling;
  for (const store::GmailPair& pair : *pairs)
    if (is_delivered(folder_of(pair.copy), pair.copy)) uids.insert(pair.uid);
  co_return uids;
}

runtime::Task<Result<FolderCopies::Rows>> FolderCopies::ask(UidSet uids) {
  Rows rows;
  imap::Session& session = connection_.session();
  const imap::CommandId id = session.uid_fetch_gmail_summaries(uids, static_cast<bool>(settings_.on_labels));
  auto listen = [this, &uids, &rows](imap::Event& event) {
    if (const auto* fetched = std::get_if<imap::Fetched>(&event)) take_row(*fetched, uids, rows);
  };
  auto asking = connection_.complete(id, std::move(listen));
  const Result<imap::Completed> completed = co_await asking;
  if (!completed) co_return pass(completed.error());
  const Status borne = bear(*completed, session);
  if (!borne) co_return pass(borne.error());
  co_return rows;
}

// What is recorded of these messages elsewhere; and they are recorded themselves.
runtime::Task<FolderCopies::Copies> FolderCopies::find(const std::vector<GmailMessage>& messages) {
  const UidValidity validity = *connection_.session().selected()->state.uid_validity;
  auto remembering = remember(validity);
  co_await remembering;
  auto job = [&state = services_.state, &mailbox = mailbox_, &name = folder_.name, validity, &messages] {
    return state.identify_blocking(mailbox, name, validity, messages);
  };
  Result<std::vector<GmailCopy>> found = co_await services_.store_thread.run(std::move(job));
  Copies copies;
  if (!found) {
    tell_not_recorded(found.error());
    co_return copies;
  }
  for (const GmailMessage& message : messages)
    folder_.identified.uids.insert(message.uid);
  for (GmailCopy& copy : *found)
    copies[copy.id].push_back(std::move(copy));
  co_return copies;
}

// What is being written of other folders will be there to be linked.
runtime::Task<void> FolderCopies::settle_others() {
  if (!settings_.others_settled) co_return;
  auto settling = settings_.others_settled();
  co_await settling;
}

// Of the database, once in a run.
runtime::Task<void> FolderCopies::remember(UidValidity validity) {
  if (folder_.identified.validity == validity) co_return;
  folder_.identified = {validity, {}};
  auto job = [&state = services_.state, &mailbox = mailbox_, &name = folder_.name] {
    return state.load_identified_blocking(mailbox, name);
  };
  Result<UidSet> loaded = co_await services_.store_thread.run(std::move(job));
  if (loaded)
    folder_.identified.uids = *std::move(loaded);
  else
    tell_not_recorded(loaded.error());
}

void FolderCopies::tell_not_recorded(const Error& error) const {
  log::write(log::Priority::kErr,
             {.mailbox = mailbox_, .folder = folder_.name.utf8(), .event = "state_not_recorded", .error = error.code},
             concat("which messages are in other folders, too, is not known: they are fetched: ", error.what));
}

// One file of each message that is not done, of those not tried yet.
std::map<const Folder*, std::vector<maildir::Twin>> FolderCopies::next_tries(const Rows& rows, Copies& copies,
                                                                             const UidSet& done) const {
  std::map<const Folder*, std::vector<maildir::Twin>> tries;
  for (const auto& [uid, row] : rows) {
    const auto found = copies.find(row.message.id);
    if (found == copies.end() || done.contains(uid)) continue;
    auto& left = found->second;
    const auto copy =
        std::ranges::find_if(left, [this](const GmailCopy& each) { return is_delivered(folder_of(each), each); });
    if (copy == left.end()) continue;
    maildir::Twin twin = row.twin;
    twin.there = copy->uid;
    tries[folder_of(*copy)].push_back(std::move(twin));
    left.erase(left.begin(), std::next(copy));
  }
  return tries;
}

runtime::Task<Result<FolderCopies::Linked>> FolderCopies::link(UidSet uids, Committer::SharedFolder here) {
  Linked linked;
  auto choosing = worth_asking(std::move(uids));
  uids = co_await choosing;
  if (uids.empty()) co_return linked;
  auto asking = ask(std::move(uids));
  Result<Rows> rows = co_await asking;
  if (!rows) co_return pass(std::move(rows).error());
  std::vector<GmailMessage> messages;
  for (const auto& [uid, row] : *rows) {
    linked.flags.set(uid, row.letters);
    messages.push_back(row.message);
  }
  if (messages.empty()) co_return linked;
  auto finding = find(messages);
  Copies copies = co_await finding;
  if (!copies.empty()) {
    auto settling = settle_others();
    co_await settling;
  }
  for (int tries = 0; tries < kTries && !linked.error; ++tries) {
    for (const auto& [folder, twins] : next_tries(*rows, copies, linked.delivered)) {
      auto job = [&files = services_.files, here, directory = folder->recorded_directory,
                  validity = *folder->recorded.validity, &twins]() -> maildir::CommitReport {
        auto staged = maildir::stage_twins_blocking(files, directory, validity, twins, *here);
        if (!staged) return {{}, std::move(staged).error()};
        return here->commit_blocking(*std::move(staged));
      };
      maildir::CommitReport report = co_await services_.files_pool.run(std::move(job));
      linked.delivered.insert(report.delivered);
      if (report.error) linked.error = std::move(report.error);
      if (linked.error) break;
    }
  }
  co_return linked;
}

runtime::Task<Status> FolderCopies::identify(UidSet uids, const std::function<bool()>& should_leave) {
  const UidValidity validity = *connection_.session().selected()->state.uid_validity;
  auto remembering = remember(validity);
  co_await remembering;
  const std::vector<UidSet> questions = imap::split_for_commands(uids.minus(folder_.identified.uids), kQuestion);
  for (const UidSet& question : questions) {
    imap::Session& session = connection_.session();
    if (should_leave() || !session.has_gmail_items()) break;
    std::vector<GmailMessage> messages;
    auto listen = [&question, &messages](imap::Event& event) {
      const auto* fetched = std::get_if<imap::Fetched>(&event);
      if (fetched == nullptr || !fetched->uid || !fetched->gmail_id || !question.contains(*fetched->uid)) return;
      if (messages.size() < 2 * kQuestion) messages.push_back({*fetched->uid, *fetched->gmail_id});
    };
    auto asking = connection_.complete(session.uid_fetch_gmail_ids(question), std::move(listen));
    const Result<imap::Completed> completed = co_await asking;
    if (!completed) co_return pass(completed.error());
    const Status borne = bear(*completed, session);
    if (!borne) co_return pass(borne.error());
    if (!messages.empty()) {
      auto recording = find(messages);
      static_cast<void>(co_await recording);
    }
    // Also those without an answer: the server does not have them any more.
    folder_.identified.uids.insert(question);
  }
  co_return Status();
}

} // namespace mailmoor::mailbox
