#include "mailbox/folder_follow.h"

#include "mailbox/server_words.h"
#include "maildir/folder_move.h"

#include <algorithm>
#include <utility>
#include <variant>

namespace mailmoor::mailbox {
namespace {

// Enough that chance is out of the question, few enough to read their files.
constexpr std::size_t kSample = 20;

[[nodiscard]] Result<std::vector<maildir::Stranger>>
sample_blocking(maildir::FileOps& files, const maildir::FolderPlace& place, UidValidity validity, const UidSet& known) {
  const auto present = maildir::present_blocking(files, place, validity, known);
  if (!present) return pass(present.error());
  if (present->empty()) return std::vector<maildir::Stranger>();
  return maildir::read_messages_blocking(files, place, validity, sync::spread(*present, kSample));
}

} // namespace

FolderFollow::FolderFollow(const Services& services, Connection& connection,
                           const std::map<std::string, FolderState>& states, std::vector<const Folder*> gone,
                           std::vector<const Folder*> fresh, std::function<void()> alive)
    : services_(services), connection_(connection), states_(states), gone_(std::move(gone)), fresh_(std::move(fresh)),
      alive_(std::move(alive)) {}

runtime::Task<Result<sync::Renames>> FolderFollow::run() {
  if (!gone_.empty())
    for (const Folder* folder : fresh_) {
      auto looking = look_at(*folder);
      const Status looked = co_await looking;
      if (!looked) co_return pass(looked.error());
      alive_();
    }
  co_return sync::settle_renames(fitting_);
}

// The empty state when the server will not tell.
runtime::Task<Result<FolderState>> FolderFollow::state_of(const Folder& folder) {
  if (const auto told = states_.find(folder.name.wire()); told != states_.end()) co_return told->second;
  FolderState state;
  auto asking = connection_.complete(connection_.session().status(folder.name), [&state](imap::Event& event) {
    if (const auto* entry = std::get_if<imap::StatusEntry>(&event)) state = entry->state;
  });
  const Result<imap::Completed> completed = co_await asking;
  if (!completed) co_return pass(completed.error());
  if (completed->status != imap::CompletionStatus::kOk) co_return FolderState();
  co_return state;
}

runtime::Task<Status> FolderFollow::look_at(const Folder& folder) {
  auto asking = state_of(folder);
  const Result<FolderState> state = co_await asking;
  if (!state) co_return pass(state.error());
  std::vector<const Folder*> candidates;
  UidSet wanted;
  for (const Folder* gone : gone_) {
    if (!sync::may_be_renamed(gone->recorded, *state)) continue;
    auto sampling = take_sample(*gone, folder);
    const Status sampled = co_await sampling;
    if (!sampled) co_return pass(sampled.error());
    if (samples_[gone].empty()) continue; // there is nothing to compare, and nothing to be spared
    candidates.push_back(gone);
    for (const sync::SampledFile& file : samples_[gone])
      wanted.insert(file.uid);
  }
  if (candidates.empty()) co_return Status();
  auto fetching = summaries(folder, wanted);
  const Result<std::vector<sync::MessageOnServer>> there = co_await fetching;
  if (!there) co_return pass(there.error());
  for (const Folder* gone : candidates)
    if (sync::bears_out(samples_[gone], *there)) fitting_.emplace_back(gone->name.wire(), folder.name.wire());
  co_return Status();
}

// From where the folder was, or from where it is to be: a run that was killed may have moved it.
runtime::Task<Status> FolderFollow::take_sample(const Folder& gone, const Folder& fresh) {
  if (const auto found = samples_.find(&gone); found != samples_.end() && !found->second.empty()) co_return Status();
  auto job = [this, &gone, &fresh]() -> Result<std::vector<maildir::Stranger>> {
    const UidValidity validity = *gone.recorded.validity;
    auto files = sample_blocking(services_.files, gone.place, validity, gone.recorded.known);
    if (files && files->empty()) files = sample_blocking(services_.files, fresh.place, validity, gone.recorded.known);
    return files;
  };
  const Result<std::vector<maildir::Stranger>> files = co_await services_.files_pool.run(std::move(job));
  if (!files) co_return pass(files.error());
  Sample& sample = samples_[&gone];
  for (const maildir::Stranger& file : *files)
    if (file.is_read) sample.push_back({file.uid, {file.internal_date, file.wire_size, file.message_id}});
  co_return Status();
}

runtime::Task<Result<std::vector<sync::MessageOnServer>>> FolderFollow::summaries(const Folder& folder,
                                                                                  const UidSet& uids) {
  std::vector<sync::MessageOnServer> found;
  imap::Session& session = connection_.session();
  auto examining = connection_.complete(session.examine(folder.name));
  Result<imap::Completed> completed = co_await examining;
  if (!completed) co_return pass(completed.error());
  // A refusal is told by the folder's own pass.
  if (completed->status != imap::CompletionStatus::kOk || !session.selected()) co_return found;
  const std::vector<UidSet> batches = sync::fetch_batches(uids, std::nullopt, {});
  for (const UidSet& batch : batches) {
    auto fetching = connection_.complete(session.uid_fetch_summaries(batch), [&found](imap::Event& event) {
      const auto* row = std::get_if<imap::Fetched>(&event);
      if (row == nullptr || !row->uid || !row->rfc822_size) return;
      found.push_back({*row->uid, row->internal_date, row->rfc822_size, 0});
    });
    completed = co_await fetching;
    if (!completed) co_return pass(completed.error());
  }
  co_return found;
}

} // namespace mailmoor::mailbox
