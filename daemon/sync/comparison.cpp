#include "sync/comparison.h"

#include <algorithm>
#include <utility>

namespace mailmoor::sync {
namespace {

// Of equal UIDs the one that was added last stays.
template<class Row>
void sort_rows(std::vector<Row>& rows) {
  std::ranges::reverse(rows);
  std::ranges::stable_sort(rows, {}, &Row::uid);
  const auto repeated = std::ranges::unique(rows, {}, &Row::uid);
  rows.erase(repeated.begin(), repeated.end());
}

template<class Row>
[[nodiscard]] UidSet uids_of_rows(const std::vector<Row>& rows) {
  UidSet uids;
  for (const Row& row : rows)
    uids.insert(row.uid);
  return uids;
}

// Whether the file can be what the server's number is about: each LF was one octet of the original, or two.
[[nodiscard]] bool fits(const LocalMessage& file, std::uint64_t server_size, bool is_crlf) {
  return server_size >= file.size && server_size <= file.size + (is_crlf ? 0 : file.newlines);
}

class Judge final {
 public:
  Judge(const ComparisonFacts& facts, FolderFindings& findings) : facts_(facts), findings_(findings) {}

  void absent(const ServerMessage& message) {
    if (facts_.left_out.contains(message.uid))
      findings_.left_out.insert(message.uid);
    else if (facts_.known.contains(message.uid))
      findings_.removed_here.insert(message.uid);
    else if (facts_.poison.contains(message.uid))
      findings_.poison.insert(message.uid);
    else
      findings_.missing.insert(message.uid);
  }

  void present(const ServerMessage& message, const LocalMessage& file) {
    ++findings_.here;
    if (facts_.compares_flags) flags(message, file);
    if (!file.is_readable) return findings_.unreadable.insert(file.uid);
    if (file.claimed && *file.claimed != file.size)
      return findings_.wrong_size.push_back({file.uid.value(), file.size, *file.claimed});
    if (facts_.wrong_content.contains(file.uid)) return findings_.wrong_content.insert(file.uid);
    if (facts_.not_given.contains(file.uid)) findings_.not_given.insert(file.uid);
    if (!message.size || fits(file, *message.size, facts_.is_crlf)) return;
    const SizeDifference differs{file.uid.value(), file.size, *message.size};
    // Nothing but the server's word says what the size is to be, unless the contents are equal.
    const bool is_proven = file.claimed || (file.hash && !facts_.not_given.contains(file.uid));
    (is_proven ? findings_.size_differs : findings_.wrong_size).push_back(differs);
  }

 private:
  void flags(const ServerMessage& message, const LocalMessage& file) {
    if (message.flags == file.flags) return;
    FlagDifference differs{file.uid.value(), message.flags.to_string(), file.flags.to_string()};
    const bool is_kept = merge_flags(facts_.base.find(file.uid), message.flags, file.flags) == file.flags;
    (is_kept ? findings_.changed_here : findings_.wrong_flags).push_back(std::move(differs));
  }

  const ComparisonFacts& facts_;
  FolderFindings& findings_;
};

} // namespace

void ServerListing::sort() {
  sort_rows(rows_);
}
UidSet ServerListing::uids() const {
  return uids_of_rows(rows_);
}
void ServerListing::remove(const UidSet& uids) {
  std::erase_if(rows_, [&uids](const ServerMessage& row) { return uids.contains(row.uid); });
}
void LocalListing::sort() {
  sort_rows(rows_);
}
UidSet LocalListing::uids() const {
  return uids_of_rows(rows_);
}

void LocalListing::replace(const UidSet& uids, std::vector<LocalMessage> seen) {
  std::erase_if(rows_, [&uids](const LocalMessage& row) { return uids.contains(row.uid); });
  rows_.insert(rows_.end(), seen.begin(), seen.end());
  sort();
}

const LocalMessage* LocalListing::find(Uid uid) const {
  const auto at = std::ranges::lower_bound(rows_, uid, {}, &LocalMessage::uid);
  return at != rows_.end() && at->uid == uid ? &*at : nullptr;
}

FolderFindings compare(const ServerListing& server, const LocalListing& here, const ComparisonFacts& facts) {
  FolderFindings findings;
  Judge judge(facts, findings);
  auto file = here.rows().begin();
  const auto end = here.rows().end();
  for (const ServerMessage& message : server.rows()) {
    for (; file != end && file->uid < message.uid; ++file)
      findings.not_on_server.insert(file->uid);
    if (file != end && file->uid == message.uid)
      judge.present(message, *file++);
    else
      judge.absent(message);
  }
  for (; file != end; ++file)
    findings.not_on_server.insert(file->uid);
  return findings;
}

UidSet damaged(const FolderFindings& findings) {
  UidSet uids = findings.unreadable;
  uids.insert(findings.wrong_content);
  for (const SizeDifference& difference : findings.wrong_size)
    uids.insert(*Uid::from(difference.uid));
  return uids;
}

} // namespace mailmoor::sync
