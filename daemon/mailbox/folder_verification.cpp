// Opens, lists and reads; folder_contents.cpp compares contents.
#include "mailbox/folder_verification.h"

#include "mailbox/server_words.h"
#include "util/concat.h"

#include <algorithm>
#include <iterator>
#include <utility>
#include <variant>

namespace mailmoor::mailbox {
namespace {

[[nodiscard]] sync::LocalMessage to_local(const maildir::SurveyedFile& file) {
  return {file.uid, file.flags, file.size, file.newlines, file.claimed, file.hash, file.is_readable};
}

} // namespace

FolderVerification::FolderVerification(const Services& services, FolderVerificationSettings settings,
                                       std::function<bool()> should_leave, Progress on_progress)
    : services_(services), settings_(std::move(settings)), should_leave_(std::move(should_leave)),
      on_progress_(std::move(on_progress)), converter_(settings_.line_endings) {}

void FolderVerification::tell(VerifyProgress::Phase phase, std::uint64_t done, std::uint64_t total) {
  VerifyProgress progress;
  progress.folder = name_;
  progress.phase = phase;
  progress.done = done;
  progress.total = total;
  on_progress_(progress);
}

runtime::Task<Result<bool>> FolderVerification::run(Connection& connection, Folder& folder) {
  name_ = folder.name.utf8();
  if (phase_ == Phase::kListing || phase_ == Phase::kComparing) {
    auto opening = open(connection, folder);
    const Status opened = co_await opening;
    if (!opened) co_return pass(opened.error());
  }
  if (phase_ == Phase::kListing) {
    auto listing = list(connection);
    const Result<bool> listed = co_await listing;
    if (!listed || !*listed) co_return listed;
    phase_ = Phase::kReading;
  }
  if (phase_ == Phase::kReading) {
    auto reading = read(folder);
    const Result<bool> read_all = co_await reading;
    if (!read_all || !*read_all) co_return read_all;
    auto loading = load_base(folder);
    const Status loaded = co_await loading;
    if (!loaded) co_return pass(loaded.error());
    if (settings_.deep) choose_contents();
    phase_ = Phase::kComparing;
    if (should_leave_()) co_return false;
  }
  if (phase_ == Phase::kComparing) {
    auto comparing = compare_contents(connection);
    const Result<bool> compared = co_await comparing;
    if (!compared || !*compared) co_return compared;
    phase_ = Phase::kDone;
  }
  co_return true;
}

runtime::Task<Status> FolderVerification::open(Connection& connection, const Folder& folder) {
  imap::Session& session = connection.session();
  auto examining = connection.complete(session.examine(folder.name));
  const Result<imap::Completed> completed = co_await examining;
  if (!completed) co_return pass(completed.error());
  if (completed->status != imap::CompletionStatus::kOk || !session.selected())
    co_return std::unexpected(folder_refused(*completed, "EXAMINE"));
  const FolderState& state = session.selected()->state;
  if (!state.uid_validity) co_return fail(ErrorKind::kFolder, "no_uidvalidity", "the server keeps no UIDs");
  if (validity_ && *validity_ != *state.uid_validity)
    co_return fail(ErrorKind::kFolder, "uidvalidity_changed",
                   "its UIDVALIDITY changed while it was compared: verify it again");
  validity_ = state.uid_validity;
  co_return Status();
}

runtime::Task<Result<bool>> FolderVerification::list(Connection& connection) {
  tell(VerifyProgress::Phase::kListing, 0, connection.session().selected()->state.messages);
  for (unsigned asked = 1;; ++asked) {
    const std::uint64_t exists = connection.session().selected()->state.messages;
    server_ = {};
    if (exists != 0) {
      bool too_much = false;
      auto listing = connection.complete(connection.session().uid_fetch_from(*Uid::from(1)),
                                         [this, &too_much](imap::Event& event) {
                                           const auto* row = std::get_if<imap::Fetched>(&event);
                                           if (row == nullptr || !row->uid || !row->flags) return;
                                           too_much = too_much || server_.size() >= kMaxRows;
                                           if (too_much) return;
                                           std::optional<std::uint32_t> size;
                                           if (row->rfc822_size && *row->rfc822_size <= UINT32_MAX)
                                             size = static_cast<std::uint32_t>(*row->rfc822_size);
                                           server_.add({*row->uid, FlagLetters(*row->flags), size});
                                         });
      const Result<imap::Completed> completed = co_await listing;
      if (!completed) co_return pass(completed.error());
      if (completed->status != imap::CompletionStatus::kOk)
        co_return std::unexpected(folder_refused(*completed, "UID FETCH"));
      if (too_much)
        co_return fail(ErrorKind::kFolder, "limit_exceeded", "the server listed more messages than a folder can have");
    }
    server_.sort();
    exists_ = std::min<std::uint64_t>(exists, connection.session().selected()->state.messages);
    unlisted_ = exists_ - std::min<std::uint64_t>(exists_, server_.size());
    exists_ = std::max<std::uint64_t>(exists_, server_.size());
    // A message may be announced before it can be listed: Exchange does so.
    const auto again_after = sync::ask_again_after(asked);
    if (unlisted_ == 0 || !again_after) co_return true;
    if (should_leave_()) co_return false;
    tell(VerifyProgress::Phase::kListing, server_.size(), exists_);
    co_await runtime::sleep_for(services_.loop, services_.scaled(*again_after));
    auto asking = connection.complete(connection.session().noop());
    const Result<imap::Completed> answered = co_await asking;
    if (!answered) co_return pass(answered.error());
  }
}

runtime::Task<Result<bool>> FolderVerification::read(const Folder& folder) {
  if (!survey_) {
    auto job = [&files = services_.files, place = folder.place, validity = *validity_] {
      return maildir::FolderSurvey::open_blocking(files, place, validity);
    };
    Result<maildir::FolderSurvey> opened = co_await services_.files_pool.run(std::move(job));
    if (!opened) co_return pass(std::move(opened).error());
    survey_.emplace(*std::move(opened));
  }
  while (!survey_->is_done()) {
    tell(VerifyProgress::Phase::kReading, survey_->done(), survey_->total());
    auto stepping = read_step(settings_.deep ? &file_hasher_ : nullptr);
    const Result<std::vector<sync::LocalMessage>> seen = co_await stepping;
    if (!seen) co_return pass(seen.error());
    for (const sync::LocalMessage& message : *seen)
      here_.add(message);
    if (should_leave_()) co_return false;
  }
  here_.sort();
  strangers_ = survey_->strangers();
  stranger_count_ = survey_->stranger_count();
  survey_.reset();
  co_return true;
}

runtime::Task<Result<std::vector<sync::LocalMessage>>> FolderVerification::read_step(ContentHasher* hasher) {
  auto job = [this, hasher] { return survey_->read_some_blocking(hasher); };
  const Result<std::vector<maildir::SurveyedFile>> files = co_await services_.files_pool.run(std::move(job));
  if (!files) co_return pass(files.error());
  std::vector<sync::LocalMessage> seen;
  std::ranges::transform(*files, std::back_inserter(seen), to_local);
  co_return seen;
}

runtime::Task<Status> FolderVerification::load_base(const Folder& folder) {
  if (!settings_.compares_flags) co_return Status();
  auto job = [&state = services_.state, mailbox = settings_.mailbox, name = folder.name] {
    return state.load_flags_blocking(mailbox, name);
  };
  Result<FlagMap> base = co_await services_.store_thread.run(std::move(job));
  if (!base) co_return pass(std::move(base).error());
  base_ = *std::move(base);
  co_return Status();
}

runtime::Task<Status> FolderVerification::look_again(const Folder& folder, UidSet uids, bool fetched_anew) {
  auto job = [&files = services_.files, place = folder.place, validity = *validity_, &uids] {
    return maildir::FolderSurvey::open_blocking(files, place, validity, uids);
  };
  Result<maildir::FolderSurvey> opened = co_await services_.files_pool.run(std::move(job));
  if (!opened) co_return pass(std::move(opened).error());
  survey_.emplace(*std::move(opened));
  std::vector<sync::LocalMessage> all;
  while (!survey_->is_done()) {
    tell(VerifyProgress::Phase::kReading, survey_->done(), survey_->total());
    auto stepping = read_step(nullptr);
    const Result<std::vector<sync::LocalMessage>> seen = co_await stepping;
    if (!seen) co_return pass(seen.error());
    all.insert(all.end(), seen->begin(), seen->end());
  }
  survey_.reset();
  here_.replace(uids, std::move(all));
  if (fetched_anew) {
    wrong_content_ = wrong_content_.minus(uids);
    not_given_ = not_given_.minus(uids);
  }
  auto loading = load_base(folder);
  const Status loaded = co_await loading;
  co_return loaded;
}

FolderFindings FolderVerification::findings(const Folder& folder) const {
  sync::ComparisonFacts facts;
  if (is_of(folder)) {
    facts.known = folder.recorded.known;
    facts.poison = sync::uids_of(folder.recorded.retries);
    facts.left_out = folder.recorded.left_out.uids();
  }
  facts.base = base_;
  facts.compares_flags = settings_.compares_flags;
  facts.is_crlf = settings_.line_endings == maildir::LineEndings::kCrlf;
  facts.wrong_content = wrong_content_;
  facts.not_given = not_given_;
  FolderFindings findings = sync::compare(server_, here_, facts);
  findings.folder = folder.name.utf8();
  findings.server_messages = exists_;
  findings.unlisted = unlisted_;
  findings.strangers = strangers_;
  findings.stranger_count = stranger_count_;
  findings.contents_compared = compared_;
  return findings;
}

} // namespace mailmoor::mailbox
