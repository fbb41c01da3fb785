#include "mailbox/folder_rematch.h"

#include "mailbox/server_words.h"
#include "model/message_id.h"
#include "sync/planner.h"
#include "util/concat.h"

#include <algorithm>
#include <span>
#include <utility>
#include <variant>

namespace mailmoor::mailbox {
namespace {

// Files a job of the pool: others wait for it, and cancelling too.
constexpr std::size_t kFilesAtOnce = 100;
constexpr std::size_t kLinksAtOnce = 2000; // one sync of the directories for so many
// Far above any folder; a server that goes on for ever is not listened to any longer.
constexpr std::uint64_t kMaxMessages = 8'000'000;

[[nodiscard]] std::string text_of(const maildir::Digest& digest) {
  return {digest.begin(), digest.end()};
}

[[nodiscard]] std::uint64_t fingerprint_of(const std::optional<std::string>& header) {
  MessageIdScanner scanner;
  scanner.append(header.value_or(""));
  return scanner.fingerprint();
}

// Digests of bodies as they come.
struct BodyDigests {
  std::map<std::uint32_t, std::string>& found;
  std::optional<maildir::ContentDigest> current;

  void hear(const imap::Event& event) {
    if (std::holds_alternative<imap::BodyBegin>(event)) {
      current.emplace();
    } else if (const auto* body = std::get_if<imap::BodyBytes>(&event)) {
      if (current) current->append({reinterpret_cast<const char*>(body->bytes.data()), body->bytes.size()});
    } else if (const auto* row = std::get_if<imap::Fetched>(&event)) {
      if (current && row->uid && row->body == imap::Fetched::Body::kStreamed)
        found.insert_or_assign(row->uid->value(), text_of(current->finish()));
      current.reset();
    } else if (std::holds_alternative<imap::Unparsed>(event)) {
      current.reset();
    }
  }
};

} // namespace

FolderRematch::FolderRematch(const Services& services, Connection& connection, maildir::FolderPlace place,
                             std::function<bool()> should_leave, std::function<void()> alive)
    : services_(services), connection_(connection), place_(std::move(place)), should_leave_(std::move(should_leave)),
      alive_(std::move(alive)) {}

runtime::Task<Result<FolderRematch::Outcome>> FolderRematch::run(UidValidity validity, UidSet present) {
  auto listing = [this, validity] { return maildir::list_strangers_blocking(services_.files, place_, validity); };
  Result<std::vector<maildir::Stranger>> listed = co_await services_.files_pool.run(std::move(listing));
  if (!listed) co_return pass(std::move(listed).error());
  strangers_ = *std::move(listed);
  Outcome outcome;
  if (strangers_.empty()) co_return outcome;

  auto reading = read_files();
  Result<Step> step = co_await reading;
  if (step && *step == Step::kDone) {
    auto asking = ask_identities(present);
    step = co_await asking;
  }
  if (step && *step == Step::kDone) {
    auto answering = answer_questions();
    step = co_await answering;
  }
  if (!step) co_return pass(std::move(step).error());
  outcome.is_over = *step != Step::kLeave;
  if (*step == Step::kRefused) outcome.refused = refusal_;
  if (*step != Step::kDone) co_return outcome;
  auto relinking = relink(validity, outcome);
  const Status relinked = co_await relinking;
  if (!relinked) co_return pass(relinked.error());
  co_return outcome;
}

runtime::Task<Result<FolderRematch::Step>> FolderRematch::read_files() {
  for (std::size_t first = 0; first < strangers_.size(); first += kFilesAtOnce) {
    if (should_leave_()) co_return Step::kLeave;
    const std::size_t count = std::min(kFilesAtOnce, strangers_.size() - first);
    auto job = [this, part = std::span(strangers_).subspan(first, count)] {
      return maildir::read_strangers_blocking(services_.files, place_, part);
    };
    const Status read = co_await services_.files_pool.run(std::move(job));
    if (!read) co_return pass(read.error());
    alive_();
  }
  for (std::size_t i = 0; i < strangers_.size(); ++i) {
    const maildir::Stranger& stranger = strangers_[i];
    if (!stranger.is_read) continue;
    on_disk_.push_back({stranger.internal_date, stranger.wire_size, stranger.message_id});
    stranger_of_.push_back(i);
  }
  co_return Step::kDone;
}

// NO and BAD to what is asked here are no fault of the folder: its messages are then fetched.
runtime::Task<Result<FolderRematch::Step>> FolderRematch::complete(imap::CommandId id, Connection::Listener listener) {
  auto completing = connection_.complete(id, std::move(listener));
  const Result<imap::Completed> completed = co_await completing;
  if (!completed) co_return pass(completed.error());
  alive_();
  if (completed->status == imap::CompletionStatus::kOk) co_return Step::kDone;
  Error refused = folder_refused(*completed, "UID FETCH");
  if (refused.kind != ErrorKind::kFolder && completed->status != imap::CompletionStatus::kBad)
    co_return std::unexpected(std::move(refused));
  refusal_ = std::move(refused.what);
  co_return Step::kRefused;
}

runtime::Task<Result<FolderRematch::Step>> FolderRematch::ask_identities(const UidSet& present) {
  imap::Session& session = connection_.session();
  if (session.selected()->state.messages == 0) co_return Step::kDone;
  std::vector<std::uint32_t> listed;
  auto listing = complete(session.uid_fetch_flags(UidRange{1, 0xFFFF'FFFF}), [&listed](imap::Event& event) {
    if (const auto* row = std::get_if<imap::Fetched>(&event))
      if (row->uid && listed.size() < kMaxMessages) listed.push_back(row->uid->value());
  });
  Result<Step> step = co_await listing;
  if (!step || *step != Step::kDone) co_return step;
  std::ranges::sort(listed);
  UidSet wanted;
  for (const std::uint32_t uid : listed)
    wanted.insert(UidRange{uid, uid});
  wanted = wanted.minus(present);
  const std::vector<UidSet> batches = sync::fetch_batches(wanted, std::nullopt, {.messages = 300});
  for (const UidSet& batch : batches) {
    if (should_leave_()) co_return Step::kLeave;
    UidSet open = batch;
    auto asking = complete(session.uid_fetch_identities(batch), [this, &open](imap::Event& event) {
      const auto* row = std::get_if<imap::Fetched>(&event);
      // One that only tells of a flag change says nothing of what was asked.
      if (row == nullptr || !row->uid || !row->rfc822_size || !open.contains(*row->uid)) return;
      open.erase(*row->uid);
      on_server_.push_back({*row->uid, row->internal_date, row->rfc822_size, fingerprint_of(row->header)});
    });
    step = co_await asking;
    if (!step || *step != Step::kDone) co_return step;
  }
  auto matching = [this] { return sync::match(on_server_, on_disk_); };
  matching_ = co_await services_.files_pool.run(std::move(matching));
  co_return Step::kDone;
}

runtime::Task<Result<FolderRematch::Step>> FolderRematch::answer_questions() {
  if (matching_.questions.empty()) co_return Step::kDone;
  UidSet uids;
  std::vector<std::size_t> files;
  for (const sync::Question& question : matching_.questions) {
    for (const std::size_t message : question.on_server)
      uids.insert(on_server_[message].uid);
    files.insert(files.end(), question.on_disk.begin(), question.on_disk.end());
  }
  auto reading = digest_files(std::move(files));
  Result<Step> step = co_await reading;
  if (!step || *step != Step::kDone) co_return step;
  auto fetching = digest_messages(uids);
  step = co_await fetching;
  if (!step || *step != Step::kDone) co_return step;
  for (const sync::Question& question : matching_.questions) {
    std::vector<std::string> of_server, of_disk;
    for (const std::size_t message : question.on_server)
      of_server.push_back(server_digests_[on_server_[message].uid.value()]);
    for (const std::size_t file : question.on_disk)
      of_disk.push_back(disk_digests_[file]);
    const auto pairs = sync::settle(question, on_server_, on_disk_, of_server, of_disk);
    matching_.pairs.insert(matching_.pairs.end(), pairs.begin(), pairs.end());
  }
  co_return Step::kDone;
}

runtime::Task<Result<FolderRematch::Step>> FolderRematch::digest_files(std::vector<std::size_t> files) {
  for (std::size_t first = 0; first < files.size(); first += kFilesAtOnce) {
    if (should_leave_()) co_return Step::kLeave;
    const std::size_t count = std::min(kFilesAtOnce, files.size() - first);
    auto job = [this, part = std::span(files).subspan(first, count)]() -> Status {
      for (const std::size_t file : part) {
        const auto digest = digest_stranger_blocking(services_.files, place_, strangers_[stranger_of_[file]]);
        if (!digest) return pass(digest.error());
        disk_digests_[file] = *digest ? text_of(**digest) : std::string();
      }
      return {};
    };
    const Status digested = co_await services_.files_pool.run(std::move(job));
    if (!digested) co_return pass(digested.error());
    alive_();
  }
  co_return Step::kDone;
}

// The bodies go by and are not kept.
runtime::Task<Result<FolderRematch::Step>> FolderRematch::digest_messages(const UidSet& uids) {
  const std::vector<UidSet> batches = sync::fetch_batches(uids, std::nullopt, {});
  for (const UidSet& batch : batches) {
    if (should_leave_()) co_return Step::kLeave;
    BodyDigests digests{server_digests_, {}};
    auto fetching = complete(connection_.session().uid_fetch_bodies(batch), [this, &digests](imap::Event& event) {
      digests.hear(event);
      if (std::holds_alternative<imap::Fetched>(event)) alive_();
    });
    const Result<Step> step = co_await fetching;
    // A message that does not come is nobody's, and meets its own fate when it is fetched.
    if (!step) co_return step;
  }
  co_return Step::kDone;
}

runtime::Task<Status> FolderRematch::relink(UidValidity validity, Outcome& outcome) {
  std::vector<maildir::Link> links;
  for (const sync::Pair& pair : matching_.pairs) {
    maildir::Stranger& stranger = strangers_[stranger_of_[pair.on_disk]];
    const sync::MessageOnServer& message = on_server_[pair.on_server];
    // As a delivery would name it.
    links.push_back({std::move(stranger), message.uid, message.date.value_or(UnixTime())});
  }
  for (std::size_t first = 0; first < links.size(); first += kLinksAtOnce) {
    const std::size_t count = std::min(kLinksAtOnce, links.size() - first);
    std::vector<maildir::Link> part(links.begin() + static_cast<std::ptrdiff_t>(first),
                                    links.begin() + static_cast<std::ptrdiff_t>(first + count));
    auto job = [this, validity, &part] { return maildir::relink_blocking(services_.files, place_, validity, part); };
    const maildir::RelinkReport report = co_await services_.files_pool.run(std::move(job));
    if (report.error) co_return std::unexpected(*report.error);
    for (const std::size_t done : report.done)
      outcome.renumbered.push_back({part[done].stranger.validity, part[done].stranger.uid, part[done].uid});
    alive_();
  }
  co_return Status();
}

} // namespace mailmoor::mailbox
