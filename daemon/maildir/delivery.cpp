#include "maildir/delivery.h"

#include "maildir/folder_tree.h"
#include "maildir/group_commit.h"
#include "util/concat.h"

#include <algorithm>
#include <cassert>
#include <set>
#include <utility>

namespace mailmoor::maildir {
namespace {

// A reader that renames while a directory is read can hide a message from one pass, hardly from four.
constexpr int kScanPasses = 4;

// What a message is known by when it comes again. The date tells it from another folder's message that a user moved
// here without a new name: UIDVALIDITY and UID may be the same there.
using Fingerprint = std::pair<Uid, UnixTime>;

} // namespace

FolderDelivery::FolderDelivery(FileOps& ops, DeliveryOptions options, std::string directory,
                               std::shared_ptr<SyncPoint> sync_point)
    : ops_(&ops), options_(std::move(options)), directory_(std::move(directory)), sync_point_(std::move(sync_point)) {
  options_.host = sanitised_host(options_.host);
}

Result<FolderDelivery> FolderDelivery::open_blocking(FileOps& ops, DeliveryOptions options, const FolderPlace& place) {
  const auto made = make_folder_blocking(ops, place);
  if (!made) return pass(made.error());
  std::string directory = absolute_directory(place);
  if (Status status = clear_temporaries_blocking(ops, directory); !status) return pass(std::move(status).error());
  auto sync_point = ops.open_sync_point_blocking(directory);
  if (!sync_point) return pass(std::move(sync_point).error());
  FolderDelivery folder(ops, std::move(options), std::move(directory), *std::move(sync_point));
  folder.is_made_anew_ = *made;
  return folder;
}

std::string FolderDelivery::temporary_path() {
  return concat(directory_, "/tmp/", kTemporaryPrefix, options_.run_id, '-', next_temporary_++, '.', options_.host);
}

Result<MessageWriter> FolderDelivery::begin_blocking() {
  std::string path = temporary_path();
  auto file = ops_->create_exclusive_blocking(path);
  if (!file) return pass(std::move(file).error());
  const std::uint64_t failures = sync_point_ != nullptr ? sync_point_->failures() : 0;
  return MessageWriter(*ops_, *std::move(file), std::move(path), options_.line_endings, failures);
}

Result<std::optional<StagedMessage>> FolderDelivery::link_blocking(const std::string& path, std::uint64_t size,
                                                                   MessageIdentity identity) {
  const std::uint64_t failures = sync_point_ != nullptr ? sync_point_->failures() : 0;
  std::string name = temporary_path();
  const auto linked = ops_->link_blocking(path, name);
  if (!linked) return pass(linked.error());
  if (!*linked) return std::nullopt;
  StagedMessage staged(*ops_, std::move(name), std::move(identity), size, failures); // unlinks it where that is not it
  const auto status = ops_->stat_blocking(staged.path_);
  if (!status) return pass(status.error());
  if (!*status || (*status)->size != size) return std::nullopt;
  return staged;
}

Status FolderDelivery::visit_messages_blocking(const std::function<void(std::string_view)>& visit) {
  // new/ first: readers move messages from there to cur/.
  if (Status status = ops_->list_blocking(directory_ + "/new", visit); !status) return status;
  return ops_->list_blocking(directory_ + "/cur", visit);
}

Result<FolderScan> FolderDelivery::scan_blocking(UidValidity validity) {
  const std::string directories[] = {directory_ + "/new", directory_ + "/cur"};
  std::vector<Uid> uids;
  FolderScan scan;
  std::int64_t changed_before = 0;
  for (int passes = 0; passes < kScanPasses; ++passes) {
    std::int64_t changed = 0;
    for (const std::string& directory : directories) {
      const auto status = ops_->stat_blocking(directory);
      if (!status) return pass(status.error());
      changed = std::max(changed, *status ? (*status)->changed_ns : 0);
    }
    if (passes != 0 && changed == changed_before) break;
    changed_before = changed;
    scan.messages = scan.of_other_validity = 0;
    Status visited = visit_messages_blocking([&](std::string_view name) {
      ++scan.messages;
      const auto parsed = parse_file_name(name);
      if (parsed && parsed->validity == validity) uids.push_back(parsed->uid);
      if (parsed && parsed->validity != validity) ++scan.of_other_validity;
    });
    if (!visited) return pass(std::move(visited).error());
  }
  // Sorted first: a set of ranges is quick to build in order only.
  std::ranges::sort(uids);
  for (const Uid uid : uids)
    scan.present.insert(uid);
  if (scan.messages != 0)
    if (Status status = sync_names_blocking(); !status) return pass(std::move(status).error());
  scanned_ = validity;
  present_ = scan.present;
  return scan;
}

// A killed run may have renamed and not synced, or made the folder.
Status FolderDelivery::sync_names_blocking() {
  for (const char* const name : {"/new", "/cur"})
    if (Status status = ops_->sync_directory_blocking(directory_ + name); !status) return status;
  Status synced = is_durable_ ? Status() : sync_tree_blocking(*ops_, directory_);
  if (synced) is_durable_ = true;
  return synced;
}

void FolderDelivery::assume_present(UidValidity validity, UidSet known) {
  scanned_ = validity;
  present_ = std::move(known);
}

// Takes messages out of `batch` that are in the folder, or in the batch a second time; the UIDs of the former.
Result<UidSet> FolderDelivery::drop_repeated_blocking(std::vector<StagedMessage>& batch) {
  UidSet suspects;
  for (const StagedMessage& message : batch)
    if (present_.contains(message.identity().uid)) suspects.insert(message.identity().uid);
  std::set<Fingerprint> seen;
  if (!suspects.empty()) {
    Status visited = visit_messages_blocking([&](std::string_view name) {
      const auto parsed = parse_file_name(name);
      if (parsed && parsed->validity == scanned_ && suspects.contains(parsed->uid))
        seen.emplace(parsed->uid, parsed->internal_date);
    });
    if (!visited) return pass(std::move(visited).error());
  }
  UidSet repeated;
  for (const StagedMessage& message : batch)
    if (seen.contains({message.identity().uid, message.identity().internal_date}))
      repeated.insert(message.identity().uid);
  std::erase_if(batch, [&seen](const StagedMessage& message) {
    return !seen.emplace(message.identity().uid, message.identity().internal_date).second;
  });
  return repeated;
}

// Finds out which messages are in the folder already, and takes them out of the batch; their UIDs.
Result<UidSet> FolderDelivery::prepare_blocking(std::vector<StagedMessage>& batch) {
  if (batch.empty()) return UidSet();
  const UidValidity validity = batch.front().identity().validity;
  assert(std::ranges::all_of(batch, [&](const StagedMessage& m) { return m.identity().validity == validity; }));
  if (scanned_ != validity)
    if (auto scan = scan_blocking(validity); !scan) return pass(std::move(scan).error());
  return drop_repeated_blocking(batch);
}

// Renames into new/ and cur/ until one fails; neither directory is synced.
FolderDelivery::Placed FolderDelivery::place_blocking(std::vector<StagedMessage>& batch) {
  const auto inside = gate_->enter();
  Placed placed;
  if (gate_->is_closed()) {
    placed.error = Error(ErrorKind::kFolder, "closed", concat(directory_, " is not delivered to any more"));
    return placed;
  }
  for (StagedMessage& message : batch) {
    const Flags flags = options_.keep_flags ? message.identity().flags : Flags();
    const bool is_new = !flags.has(SystemFlag::kSeen);
    const std::string path =
        concat(directory_, is_new ? "/new/" : "/cur/",
               make_file_name(message.identity(), options_.host, message.size_, flags.maildir_letters(), is_new));
    const auto renamed = ops_->rename_blocking(message.path_, path);
    if (!renamed) {
      placed.error = renamed.error();
      break;
    }
    // Otherwise a file of that very name is there, and the staged one is unlinked with the batch.
    if (*renamed) message.path_.clear();
    placed.uids.insert(message.identity().uid);
    (is_new ? placed.in_new : placed.in_cur) = true;
  }
  present_.insert(placed.uids);
  return placed;
}

CommitReport FolderDelivery::commit_blocking(std::vector<StagedMessage> batch) {
  GroupCommit commit(*ops_);
  std::vector<FolderBatch> group;
  group.push_back({this, std::move(batch)});
  static_cast<void>(commit.advance_blocking(std::move(group)));
  return std::move(commit.settle_blocking().front());
}

void FolderDelivery::close() noexcept {
  gate_->close();
}

} // namespace mailmoor::maildir
