// A disk in memory that forgets what was not synced, for tests of everything that promises durability.
//
//   ForgetfulFileOps disk;          // an empty root directory
//   disk.crash_at(7);               // the 7th changing call, and every call after it, fails without effect
//   … run …
//   disk.cut_power(seed);           // or disk.kill(): the process is gone, the disk keeps everything
//
// A power cut keeps what was synced. Of the rest each name survives or not, a renamed file is found under its old name,
// its new one or both (never neither; a directory under one), and unsynced bytes are lost, cut short or zero. After a
// failed sync the bytes are lost though the next sync succeeds, as Linux does it.
#pragma once

#include "maildir/file_ops.h"
#include "util/concat.h"

#include <algorithm>
#include <atomic>
#include <limits>
#include <map>
#include <mutex>
#include <random>
#include <set>
#include <utility>
#include <vector>

namespace mailmoor::maildir {

class ForgetfulFileOps final : public FileOps {
 public:
  static constexpr std::size_t kNever = std::numeric_limits<std::size_t>::max();

  // Counted from the next changing call, which is number 1.
  void crash_at(std::size_t step) { crash_at_ = step == kNever ? kNever : steps_ + step; }
  void fail_at(std::size_t step, std::string code = "disk_full") {
    fail_at_ = steps_ + step;
    fail_code_ = std::move(code);
    is_done_anyway_ = false;
  }
  // That call takes effect, and says that it failed: the answer of a file server that was lost on its way.
  void lie_at(std::size_t step) {
    fail_at(step, "io_error");
    is_done_anyway_ = true;
  }
  [[nodiscard]] std::size_t steps() const { return steps_; }
  // Of files, directories and the whole, those that failed included.
  [[nodiscard]] std::size_t syncs() const { return syncs_; }
  [[nodiscard]] bool is_crashed() const { return crashed_; }
  // Counts a change that is made elsewhere by the same process, in a database. False: it must not happen.
  [[nodiscard]] bool allows_change() { return step().has_value(); }

  // A new process on the same, running system.
  void kill() { recover(); }
  void cut_power(unsigned seed);

  // For tests: the files below a directory, name → bytes. Directories are left out.
  [[nodiscard]] std::map<std::string, std::string> files(const std::string& path) const;
  // The same of all directories below it, by their paths.
  [[nodiscard]] std::map<std::string, std::string> tree(const std::string& path) const;
  [[nodiscard]] bool exists(const std::string& path) const {
    const std::lock_guard lock(mutex_);
    return find(path) != nullptr;
  }
  // A file by another program, durable at once.
  void put(const std::string& path, std::string bytes);
  // What a mail reader does; durable at once.
  void move(const std::string& from, const std::string& to);
  void remove(const std::string& path);
  // The sectors of a file, or a directory, cannot be read any more.
  void spoil(const std::string& path) { find(path)->is_unreadable = true; }
  [[nodiscard]] UnixTime mtime(const std::string& path) const { return find(path)->mtime; }
  // False: as on a file system without a reliable syncfs().
  void offer_sync_point(bool offered) { offers_sync_point_ = offered; }
  // False: as on a file system without hard links.
  void offer_links(bool offered) { offers_links_ = offered; }
  [[nodiscard]] std::size_t links() const { return links_; } // made
  [[nodiscard]] bool is_one_file(const std::string& one, const std::string& other) const {
    const std::lock_guard lock(mutex_);
    return find(one) != nullptr && find(one) == find(other);
  }
  // Called before each link_blocking(), as a reader that comes in between.
  std::function<void(const std::string& path)> before_link;
  // Called before each list_blocking(), as a reader that comes in between.
  std::function<void(const std::string& path)> before_list;

  Result<std::unique_ptr<OutputFile>> create_exclusive_blocking(const std::string& path) override;
  Status set_mtime_blocking(const std::string& path, UnixTime time) override;
  Status sync_file_blocking(const std::string& path) override;
  Status sync_directory_blocking(const std::string& path) override;
  Result<std::shared_ptr<SyncPoint>> open_sync_point_blocking(const std::string& path) override;
  Result<bool> rename_blocking(const std::string& from, const std::string& to) override;
  Result<bool> make_directory_blocking(const std::string& path) override;
  Status list_blocking(const std::string& path, const std::function<void(std::string_view)>& visit) override;
  Result<bool> link_blocking(const std::string& from, const std::string& to) override;
  Status drop_second_name_blocking(const std::string& surplus, const std::string& kept) override;
  Status remove_tree_blocking(const std::string& path) override;
  Status unlink_blocking(const std::string& path) override;
  Status read_blocking(const std::string& path, const std::function<void(std::string_view)>& visit) override;
  Result<std::optional<FileStatus>> stat_blocking(const std::string& path) override;

 private:
  struct Node;
  using NodePtr = std::shared_ptr<Node>; // owners: the live tree, the durable tree, open files
  struct Node {
    bool is_directory = false;
    bool is_unreadable = false;
    std::string bytes, durable_bytes;
    bool is_synced = false; // bytes == durable_bytes
    bool is_lost = false;   // a sync failed: no later one helps
    UnixTime mtime{};
    std::map<std::string, NodePtr> entries, durable_entries;
    std::int64_t changes = 0;
  };
  // A change of a directory that is not durable yet. Null target: the name goes.
  struct Change {
    NodePtr directory;
    std::string name;
    NodePtr target;
    std::size_t partner = kNever; // of a rename's removal: the index of the addition, which must survive with it;
                                  // of a directory's addition: that of the removal
    bool is_durable = false;
  };
  class MemoryFile;
  class MemorySyncPoint;

  [[nodiscard]] NodePtr find(const std::string& path) const;
  [[nodiscard]] Result<std::pair<NodePtr, std::string>> split(const std::string& path) const;
  // Counts a changing call; an error when it shall fail or the process is dead.
  [[nodiscard]] Status step();
  // How a call that took effect ends: well, unless the answer is lost.
  [[nodiscard]] Status told() {
    if (!std::exchange(is_answer_lost_, false)) return {};
    return failure(fail_code_, "");
  }
  [[nodiscard]] static std::unexpected<Error> failure(std::string code, const std::string& path) {
    return fail(ErrorKind::kMailbox, std::move(code), path);
  }
  std::size_t change(const NodePtr& directory, const std::string& name, NodePtr target, std::size_t partner = kNever);
  void make_durable(std::size_t index);
  void sync_all(bool failed);
  static void sync_bytes(Node& node);
  void recover() {
    crashed_ = false;
    crash_at_ = fail_at_ = kNever;
  }
  static void forget(Node& node, std::mt19937& random);

  // A test looks on while a pool's thread works; held through what a caller is shown.
  mutable std::recursive_mutex mutex_;
  NodePtr root_ = [] {
    auto root = std::make_shared<Node>();
    root->is_directory = true;
    return root;
  }();
  std::vector<Change> changes_;
  std::atomic<std::size_t> steps_ = 0;
  std::size_t crash_at_ = kNever, fail_at_ = kNever;
  std::string fail_code_;
  bool is_done_anyway_ = false; // what fails at fail_at_
  bool is_answer_lost_ = false; // of the present call
  std::uint64_t failed_syncs_ = 0;
  std::size_t syncs_ = 0;
  std::shared_ptr<SyncPoint> sync_point_; // of all who ask
  std::atomic<bool> crashed_ = false;     // asked by the loop thread, too
  bool offers_sync_point_ = true;
  bool offers_links_ = true;
  std::size_t links_ = 0;
};

class ForgetfulFileOps::MemoryFile final : public OutputFile {
 public:
  MemoryFile(ForgetfulFileOps& disk, NodePtr node) : disk_(disk), node_(std::move(node)) {}
  Status write_blocking(std::string_view bytes) override {
    const std::lock_guard lock(disk_.mutex_);
    Status allowed = disk_.step();
    // A write that fails may have written some.
    node_->bytes.append(allowed ? bytes : bytes.substr(0, disk_.crashed_ ? 0 : bytes.size() / 2));
    node_->is_synced = false;
    return allowed ? disk_.told() : allowed;
  }
  Status set_mtime_blocking(UnixTime time) override {
    const std::lock_guard lock(disk_.mutex_);
    if (Status allowed = disk_.step(); !allowed) return allowed;
    node_->mtime = time;
    return disk_.told();
  }
  // One that fails has lost some of what was written, and a later sync knows nothing of it.
  Status close_blocking() override {
    const std::lock_guard lock(disk_.mutex_);
    Status allowed = disk_.step();
    if (!allowed && !disk_.crashed_) node_->bytes.resize(node_->bytes.size() / 2);
    return allowed ? disk_.told() : allowed;
  }

 private:
  ForgetfulFileOps& disk_;
  NodePtr node_;
};

class ForgetfulFileOps::MemorySyncPoint final : public SyncPoint {
 public:
  explicit MemorySyncPoint(ForgetfulFileOps& disk) : disk_(disk) {}
  Status sync_blocking() override {
    const std::lock_guard lock(disk_.mutex_);
    ++disk_.syncs_;
    Status allowed = disk_.step();
    if (allowed || !disk_.crashed_) disk_.sync_all(!allowed);
    if (allowed) allowed = disk_.told();
    if (!allowed) ++disk_.failed_syncs_;
    return allowed;
  }
  [[nodiscard]] std::uint64_t failures() const noexcept override { return disk_.failed_syncs_; }

 private:
  ForgetfulFileOps& disk_;
};

inline ForgetfulFileOps::NodePtr ForgetfulFileOps::find(const std::string& path) const {
  NodePtr node = root_;
  for (std::size_t at = 0; at < path.size() && node != nullptr;) {
    const std::size_t end = std::min(path.find('/', at), path.size());
    if (const std::string name = path.substr(at, end - at); !name.empty()) {
      const auto entry = node->entries.find(name);
      node = entry == node->entries.end() ? nullptr : entry->second;
    }
    at = end + 1;
  }
  return node;
}

inline Result<std::pair<ForgetfulFileOps::NodePtr, std::string>>
ForgetfulFileOps::split(const std::string& path) const {
  const std::size_t slash = path.rfind('/');
  NodePtr directory = find(path.substr(0, slash));
  if (directory == nullptr || !directory->is_directory) return failure("not_found", path);
  return std::pair(std::move(directory), path.substr(slash + 1));
}

inline Status ForgetfulFileOps::step() {
  ++steps_;
  if (steps_ >= crash_at_) crashed_ = true;
  if (crashed_) return failure("crashed", "");
  is_answer_lost_ = steps_ == fail_at_ && is_done_anyway_;
  if (steps_ == fail_at_ && !is_done_anyway_) return failure(fail_code_, "");
  return {};
}

inline std::size_t ForgetfulFileOps::change(const NodePtr& directory, const std::string& name, NodePtr target,
                                            std::size_t partner) {
  if (target != nullptr)
    directory->entries[name] = target;
  else
    directory->entries.erase(name);
  ++directory->changes;
  changes_.push_back({directory, name, std::move(target), partner, false});
  return changes_.size() - 1;
}

inline void ForgetfulFileOps::make_durable(std::size_t index) {
  Change& change = changes_[index];
  if (std::exchange(change.is_durable, true)) return;
  if (change.partner != kNever) make_durable(change.partner);
  if (change.target != nullptr)
    change.directory->durable_entries[change.name] = change.target;
  else
    change.directory->durable_entries.erase(change.name);
}

inline void ForgetfulFileOps::sync_bytes(Node& node) {
  if (node.is_lost) return;
  node.durable_bytes = node.bytes;
  node.is_synced = true;
}

inline void ForgetfulFileOps::sync_all(bool failed) {
  const auto visit = [failed](const auto& self, const NodePtr& node) -> void {
    if (!node->is_directory && !node->is_synced) {
      node->is_lost = node->is_lost || failed;
      sync_bytes(*node);
    }
    for (const auto& [name, child] : node->entries)
      self(self, child);
  };
  visit(visit, root_);
  for (std::size_t i = 0; !failed && i < changes_.size(); ++i)
    make_durable(i);
}

inline void ForgetfulFileOps::forget(Node& node, std::mt19937& random) {
  node.entries = node.durable_entries;
  for (const auto& [name, child] : node.entries)
    forget(*child, random);
  if (node.is_directory || node.is_synced) return;
  switch (random() % 3) {
  case 0: node.bytes = node.durable_bytes; break;
  case 1: node.bytes.resize(node.bytes.size() / 2); break;
  default: node.bytes.assign(node.bytes.size(), '\0');
  }
  node.durable_bytes = node.bytes;
  node.is_synced = true;
}

inline void ForgetfulFileOps::cut_power(unsigned seed) {
  const std::lock_guard lock(mutex_);
  std::mt19937 random(seed);
  std::set<std::pair<const Node*, std::string>> stopped; // later changes of a name need the earlier ones
  for (std::size_t i = 0; i < changes_.size(); ++i) {
    const Change& change = changes_[i];
    const std::pair<const Node*, std::string> key(change.directory.get(), change.name);
    const bool is_whole = change.partner != kNever && changes_[change.partner].partner == i; // both or none
    const bool has_partner = change.partner == kNever || is_whole || changes_[change.partner].is_durable;
    if (change.is_durable) continue;
    if (!stopped.contains(key) && has_partner && random() % 2 == 0)
      make_durable(i);
    else
      stopped.insert(key);
  }
  forget(*root_, random);
  changes_.clear();
  recover();
}

inline std::map<std::string, std::string> ForgetfulFileOps::files(const std::string& path) const {
  const std::lock_guard lock(mutex_);
  std::map<std::string, std::string> out;
  if (const NodePtr node = find(path))
    for (const auto& [name, child] : node->entries)
      if (!child->is_directory) out.emplace(name, child->bytes);
  return out;
}

inline std::map<std::string, std::string> ForgetfulFileOps::tree(const std::string& path) const {
  const std::lock_guard lock(mutex_);
  std::map<std::string, std::string> out;
  const auto visit = [&out](const auto& self, const Node& node, const std::string& at) -> void {
    for (const auto& [name, child] : node.entries) {
      if (child->is_directory)
        self(self, *child, concat(at, '/', name));
      else
        out.emplace(concat(at, '/', name), child->bytes);
    }
  };
  if (const NodePtr node = find(path)) visit(visit, *node, path);
  return out;
}

inline void ForgetfulFileOps::put(const std::string& path, std::string bytes) {
  const std::lock_guard lock(mutex_);
  const auto [directory, name] = *split(path);
  auto node = std::make_shared<Node>();
  node->bytes = std::move(bytes);
  sync_bytes(*node);
  make_durable(change(directory, name, std::move(node)));
}

inline void ForgetfulFileOps::move(const std::string& from, const std::string& to) {
  const std::lock_guard lock(mutex_);
  const auto [from_directory, from_name] = *split(from);
  const auto [to_directory, to_name] = *split(to);
  make_durable(change(to_directory, to_name, from_directory->entries.at(from_name)));
  make_durable(change(from_directory, from_name, nullptr));
}

inline void ForgetfulFileOps::remove(const std::string& path) {
  const std::lock_guard lock(mutex_);
  const auto [directory, name] = *split(path);
  make_durable(change(directory, name, nullptr));
}

inline Result<std::unique_ptr<OutputFile>> ForgetfulFileOps::create_exclusive_blocking(const std::string& path) {
  const std::lock_guard lock(mutex_);
  if (Status allowed = step(); !allowed) return pass(std::move(allowed).error());
  const auto place = split(path);
  if (!place) return pass(place.error());
  const auto& [directory, name] = *place;
  if (directory->entries.contains(name)) return failure("exists", path);
  auto node = std::make_shared<Node>();
  change(directory, name, node);
  if (Status answer = told(); !answer) return pass(std::move(answer).error());
  return std::make_unique<MemoryFile>(*this, std::move(node));
}

inline Status ForgetfulFileOps::set_mtime_blocking(const std::string& path, UnixTime time) {
  const std::lock_guard lock(mutex_);
  if (Status allowed = step(); !allowed) return allowed;
  const NodePtr node = find(path);
  if (node == nullptr) return failure("not_found", path);
  node->mtime = time;
  return told();
}

inline Status ForgetfulFileOps::sync_file_blocking(const std::string& path) {
  const std::lock_guard lock(mutex_);
  ++syncs_;
  Status allowed = step();
  if (crashed_) return allowed;
  const NodePtr node = find(path);
  if (node == nullptr || node->is_directory) return failure("not_found", path);
  node->is_lost = node->is_lost || !allowed;
  sync_bytes(*node);
  return allowed ? told() : allowed;
}

inline Status ForgetfulFileOps::sync_directory_blocking(const std::string& path) {
  const std::lock_guard lock(mutex_);
  ++syncs_;
  if (Status allowed = step(); !allowed) return allowed;
  const NodePtr node = find(path);
  if (node == nullptr || !node->is_directory) return failure("not_found", path);
  if (node->is_unreadable) return failure("permission", path);
  for (std::size_t i = 0; i < changes_.size(); ++i)
    if (changes_[i].directory == node) make_durable(i);
  return told();
}

inline Result<std::shared_ptr<SyncPoint>> ForgetfulFileOps::open_sync_point_blocking(const std::string& path) {
  const std::lock_guard lock(mutex_);
  if (crashed_) return failure("crashed", path);
  if (!offers_sync_point_) return nullptr;
  if (sync_point_ == nullptr) sync_point_ = std::make_shared<MemorySyncPoint>(*this);
  return sync_point_;
}

inline Result<bool> ForgetfulFileOps::rename_blocking(const std::string& from, const std::string& to) {
  const std::lock_guard lock(mutex_);
  if (Status allowed = step(); !allowed) return pass(std::move(allowed).error());
  const auto source = split(from);
  const auto destination = split(to);
  if (!source || !destination || !source->first->entries.contains(source->second)) return failure("not_found", from);
  if (destination->first->entries.contains(destination->second)) return false;
  const NodePtr node = source->first->entries.at(source->second);
  const std::size_t addition = change(destination->first, destination->second, node);
  const std::size_t removal = change(source->first, source->second, nullptr, addition);
  if (node->is_directory) changes_[addition].partner = removal; // no file system has one under two names
  if (Status answer = told(); !answer) return pass(std::move(answer).error());
  return true;
}

inline Result<bool> ForgetfulFileOps::make_directory_blocking(const std::string& path) {
  const std::lock_guard lock(mutex_);
  if (Status allowed = step(); !allowed) return pass(std::move(allowed).error());
  const auto place = split(path);
  if (!place) return pass(place.error());
  const auto& [directory, name] = *place;
  if (const auto entry = directory->entries.find(name); entry != directory->entries.end()) {
    if (!entry->second->is_directory) return failure("exists", path);
    return false;
  }
  auto node = std::make_shared<Node>();
  node->is_directory = true;
  change(directory, name, std::move(node));
  if (Status answer = told(); !answer) return pass(std::move(answer).error());
  return true;
}

inline Status ForgetfulFileOps::list_blocking(const std::string& path,
                                              const std::function<void(std::string_view)>& visit) {
  const std::lock_guard lock(mutex_);
  if (crashed_) return failure("crashed", path);
  if (before_list) before_list(path);
  const NodePtr node = find(path);
  if (node == nullptr || !node->is_directory) return failure("not_found", path);
  for (const auto& [name, child] : std::map(node->entries))
    visit(name);
  return {};
}

inline Result<bool> ForgetfulFileOps::link_blocking(const std::string& from, const std::string& to) {
  if (before_link) before_link(from);
  const std::lock_guard lock(mutex_);
  if (Status allowed = step(); !allowed) return pass(std::move(allowed).error());
  const NodePtr node = find(from);
  const auto destination = split(to);
  if (node == nullptr || !destination) return failure("not_found", from);
  if (node->is_directory || !offers_links_) return false;
  if (destination->first->entries.contains(destination->second)) return failure("exists", to);
  change(destination->first, destination->second, node);
  ++links_;
  if (Status answer = told(); !answer) return pass(std::move(answer).error());
  return true;
}

inline Status ForgetfulFileOps::drop_second_name_blocking(const std::string& surplus, const std::string& kept) {
  const std::lock_guard lock(mutex_);
  if (surplus == kept || find(surplus) != find(kept)) return {};
  return unlink_blocking(surplus);
}

// One step for each name.
inline Status ForgetfulFileOps::remove_tree_blocking(const std::string& path) {
  const std::lock_guard lock(mutex_);
  const NodePtr node = find(path);
  if (node == nullptr) return {};
  for (const auto& [name, child] : std::map(node->entries)) {
    const std::string below = concat(path, '/', name);
    Status removed = child->is_directory ? remove_tree_blocking(below) : unlink_blocking(below);
    if (!removed) return removed;
  }
  return unlink_blocking(path);
}

inline Status ForgetfulFileOps::unlink_blocking(const std::string& path) {
  const std::lock_guard lock(mutex_);
  if (Status allowed = step(); !allowed) return allowed;
  const auto place = split(path);
  if (!place) return {};
  if (place->first->entries.contains(place->second)) change(place->first, place->second, nullptr);
  return told();
}

inline Status ForgetfulFileOps::read_blocking(const std::string& path,
                                              const std::function<void(std::string_view)>& visit) {
  const std::lock_guard lock(mutex_);
  if (crashed_) return failure("crashed", path);
  const NodePtr node = find(path);
  if (node == nullptr) return failure("not_found", path);
  if (node->is_directory || node->is_unreadable) return failure("io_error", path);
  // In pieces that break lines anywhere.
  for (std::string_view left = node->bytes; !left.empty(); left.remove_prefix(std::min<std::size_t>(7, left.size())))
    visit(left.substr(0, 7));
  return {};
}

inline Result<std::optional<FileStatus>> ForgetfulFileOps::stat_blocking(const std::string& path) {
  const std::lock_guard lock(mutex_);
  if (crashed_) return failure("crashed", path);
  const NodePtr node = find(path);
  if (node == nullptr) return std::nullopt;
  return FileStatus{node->is_directory, node->changes, node->bytes.size()};
}

} // namespace mailmoor::maildir
