#include "sync/rematch.h"

#include <algorithm>
#include <cassert>
#include <map>
#include <tuple>
#include <utility>

namespace mailmoor::sync {
namespace {

using Positions = std::vector<std::size_t>;

// What two messages have in common; parts that do not count in a round are zero.
using Key = std::tuple<std::uint64_t, std::int64_t, std::uint64_t>;

struct Group {
  Positions on_server, on_disk;
};

[[nodiscard]] std::int64_t seconds(UnixTime date) {
  return date.time_since_epoch().count();
}

class Matcher final {
 public:
  Matcher(std::span<const MessageOnServer> on_server, std::span<const MessageOnDisk> on_disk)
      : on_server_(on_server), on_disk_(on_disk), server_done_(on_server.size()), disk_done_(on_disk.size()) {}

  [[nodiscard]] Matching run() {
    pair_by_all_three();
    pair_by_close_size();
    // What follows asks for contents.
    ask(/*with_id=*/true, /*by_date=*/true, /*by_size=*/false);
    ask(/*with_id=*/true, /*by_date=*/false, /*by_size=*/false);
    ask(/*with_id=*/false, /*by_date=*/false, /*by_size=*/true);
    ask(/*with_id=*/false, /*by_date=*/true, /*by_size=*/false);
    return std::move(out_);
  }

 private:
  struct Entry {
    Key key;
    std::size_t position;
    bool is_file;
  };

  // Calls `visit` with those of both sides that are not done and that share a key; not where one side has none.
  template<class Visit>
  void for_each_group(bool with_id, bool by_date, bool by_size, Visit visit) const {
    std::vector<Entry> entries;
    for (std::size_t i = 0; i < on_disk_.size(); ++i) {
      const MessageOnDisk& file = on_disk_[i];
      if (disk_done_[i] || with_id != (file.message_id != 0)) continue;
      entries.push_back({{file.message_id, by_date ? seconds(file.date) : 0, by_size ? file.size : 0}, i, true});
    }
    if (entries.empty()) return;
    for (std::size_t i = 0; i < on_server_.size(); ++i) {
      const MessageOnServer& message = on_server_[i];
      if (server_done_[i] || with_id != (message.message_id != 0)) continue;
      if ((by_date && !message.date) || (by_size && !message.size)) continue;
      entries.push_back(
          {{message.message_id, by_date ? seconds(*message.date) : 0, by_size ? *message.size : 0}, i, false});
    }
    std::ranges::sort(entries, {}, [](const Entry& entry) { return std::tuple(entry.key, entry.position); });
    for (std::size_t i = 0; i < entries.size();) {
      Group group;
      const Key key = entries[i].key;
      for (; i < entries.size() && entries[i].key == key; ++i)
        (entries[i].is_file ? group.on_disk : group.on_server).push_back(entries[i].position);
      if (!group.on_server.empty() && !group.on_disk.empty()) visit(group);
    }
  }

  [[nodiscard]] bool close(std::size_t on_server, std::size_t on_disk) const {
    const auto& size = on_server_[on_server].size;
    return !size || are_close(*size, on_disk_[on_disk].size);
  }

  void pair(std::size_t on_server, std::size_t on_disk) {
    out_.pairs.push_back({on_server, on_disk});
    server_done_[on_server] = disk_done_[on_disk] = true;
  }

  void pair_by_all_three() {
    for_each_group(/*with_id=*/true, /*by_date=*/true, /*by_size=*/true, [this](const Group& group) {
      if (group.on_server.size() == 1 && group.on_disk.size() == 1) pair(group.on_server[0], group.on_disk[0]);
    });
  }

  // A group that had more than one message before is not looked at: its rest may be the wrong one.
  void pair_by_close_size() {
    std::vector<std::pair<std::uint64_t, std::int64_t>> touched;
    for (const Pair& done : out_.pairs)
      touched.push_back(key_of(done.on_disk));
    std::ranges::sort(touched);
    const auto untouched = [&](const Group& group) {
      return group.on_server.size() == 1 && group.on_disk.size() == 1 && on_server_[group.on_server[0]].size &&
             close(group.on_server[0], group.on_disk[0]) &&
             !std::ranges::binary_search(touched, key_of(group.on_disk[0]));
    };
    for_each_group(/*with_id=*/true, /*by_date=*/true, /*by_size=*/false, [&](const Group& group) {
      if (untouched(group)) pair(group.on_server[0], group.on_disk[0]);
    });
  }
  [[nodiscard]] std::pair<std::uint64_t, std::int64_t> key_of(std::size_t on_disk) const {
    return {on_disk_[on_disk].message_id, seconds(on_disk_[on_disk].date)};
  }

  // Only what has a possible counterpart is asked about: each question costs a download.
  void ask(bool with_id, bool by_date, bool by_size) {
    for_each_group(with_id, by_date, by_size, [this](const Group& group) { ask_about(group); });
  }
  void ask_about(const Group& group) {
    Question question;
    for (const std::size_t i : group.on_server)
      if (std::ranges::any_of(group.on_disk, [&](std::size_t file) { return close(i, file); }))
        question.on_server.push_back(i);
    for (const std::size_t file : group.on_disk)
      if (std::ranges::any_of(question.on_server, [&](std::size_t i) { return close(i, file); }))
        question.on_disk.push_back(file);
    if (question.on_server.empty()) return;
    for (const std::size_t i : question.on_server)
      server_done_[i] = true;
    for (const std::size_t file : question.on_disk)
      disk_done_[file] = true;
    out_.questions.push_back(std::move(question));
  }

  std::span<const MessageOnServer> on_server_;
  std::span<const MessageOnDisk> on_disk_;
  std::vector<bool> server_done_, disk_done_;
  Matching out_;
};

} // namespace

Matching match(std::span<const MessageOnServer> on_server, std::span<const MessageOnDisk> on_disk) {
  return Matcher(on_server, on_disk).run();
}

std::vector<Pair> settle(const Question& question, std::span<const MessageOnServer> on_server,
                         std::span<const MessageOnDisk> on_disk, std::span<const std::string> server_digests,
                         std::span<const std::string> disk_digests) {
  assert(server_digests.size() == question.on_server.size() && disk_digests.size() == question.on_disk.size());
  std::vector<Pair> pairs;
  std::vector<bool> server_done(question.on_server.size()), disk_done(question.on_disk.size());
  const auto round = [&](bool same_date) {
    std::multimap<std::string, std::size_t> files;
    for (std::size_t i = 0; i < question.on_disk.size(); ++i)
      if (!disk_done[i] && !disk_digests[i].empty()) files.emplace(disk_digests[i], i);
    for (std::size_t i = 0; i < question.on_server.size(); ++i) {
      if (server_done[i] || server_digests[i].empty()) continue;
      const auto [first, last] = files.equal_range(server_digests[i]);
      const auto found = std::find_if(first, last, [&](const auto& file) {
        return !same_date || on_disk[question.on_disk[file.second]].date == on_server[question.on_server[i]].date;
      });
      if (found == last) continue;
      pairs.push_back({question.on_server[i], question.on_disk[found->second]});
      server_done[i] = disk_done[found->second] = true;
      files.erase(found);
    }
  };
  round(/*same_date=*/true);
  round(/*same_date=*/false);
  return pairs;
}

} // namespace mailmoor::sync
