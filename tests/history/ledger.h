// What a Maildir must hold, judged from outside: the files before a pass, what the server had during it, and the files
// after. Knows nothing of how a pass works; keeps for each message of each folder what may be in the records.
#pragma once

#include "maildir/delivery.h"
#include "maildir/file_name.h"
#include "maildir/folder_changes.h"
#include "maildir/forgetful_file_ops.h"
#include "model/flag_letters.h"
#include "support/model_server.h"
#include "sync/planner.h"
#include "util/concat.h"

#include <algorithm>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>
#include <vector>

namespace mailmoor::testing {

enum class FlagPolicy { kMirror, kInitial, kOff };

struct Policy {
  FlagPolicy flags = FlagPolicy::kInitial;
  bool deletions = false;
  maildir::Layout layout = maildir::Layout::kMaildirPlusPlus;
  maildir::LineEndings line_endings = maildir::LineEndings::kLf;
  // A folder of another UIDVALIDITY: files of the old one are taken for what the server has now, each once; else they
  // stay beside what is fetched anew.
  bool rematches = true;
  // A folder that was renamed on the server takes its files along; else the old place is a folder that vanished.
  bool follows_renames = true;
  // Each pass is followed by a comparison with the server that replaces what is damaged.
  bool repairs = false;
};

// A message in one folder: directory below the Maildir ("" is INBOX), UIDVALIDITY, UID.
using Key = std::tuple<std::string, std::uint32_t, std::uint32_t>;

struct LocalFile {
  std::string path, name, bytes;
  bool in_new = false;
  [[nodiscard]] std::string letters() const {
    const auto parsed = maildir::parse_file_name(name);
    return parsed ? std::string(parsed->letters) : "";
  }
  [[nodiscard]] FlagLetters flags() const { return FlagLetters::parse(letters()); }
  [[nodiscard]] std::string own_letters() const {
    std::string own = letters();
    std::erase_if(own, [](char c) { return FlagLetters::is_letter(c); });
    return own;
  }
};
using KeyedFiles = std::map<Key, std::vector<LocalFile>>;

// In the name of a file that a reader put there.
inline constexpr std::string_view kForeign = ".by_another_program";

// A file that is not ours.
struct ForeignFile {
  std::string directory, bytes;
  bool operator==(const ForeignFile&) const = default;
};

struct LocalTree {
  KeyedFiles folders, trash;
  std::map<std::string, ForeignFile> foreign; // by path

  [[nodiscard]] static LocalTree read(const maildir::ForgetfulFileOps& disk, const std::string& maildir) {
    LocalTree out;
    for (const auto& [path, bytes] : disk.tree(maildir)) {
      const std::size_t slash = path.rfind('/');
      std::string directory = path.substr(maildir.size(), slash - maildir.size());
      const std::string name = path.substr(slash + 1);
      const auto parsed = maildir::parse_file_name(name);
      const bool is_foreign = !parsed && name.contains(kForeign);
      if (!parsed && !is_foreign) continue;
      KeyedFiles* files = &out.folders;
      bool in_new = false;
      if (const std::string trash = concat('/', maildir::kTrashName, '/'); directory.starts_with(trash)) {
        files = &out.trash;
        directory = directory.substr(directory.find('/', trash.size()));
        if (directory == "/INBOX") directory.clear();
      } else {
        in_new = directory.ends_with("/new");
        directory.resize(directory.size() - 4);
      }
      if (directory.starts_with('/')) directory.erase(0, 1);
      if (is_foreign)
        out.foreign.emplace(path, ForeignFile{directory, bytes});
      else
        (*files)[{directory, parsed->validity.value(), parsed->uid.value()}].push_back({path, name, bytes, in_new});
    }
    return out;
  }
  [[nodiscard]] std::size_t count(const std::string& directory, std::uint32_t validity) const {
    std::size_t count = 0;
    for (const auto& [key, files] : folders)
      if (std::get<0>(key) == directory && std::get<1>(key) == validity) count += files.size();
    return count;
  }
};

// How a pass went. Whole: to its end, undisturbed. Ended: to its end, while the server changed.
enum class PassEnd { kWhole, kEnded, kBroken, kPowerCut };

class Ledger final {
 public:
  struct Entry {
    std::string body; // as the server has it
    UnixTime date;
    std::set<std::optional<std::uint8_t>> bases; // what may be recorded as the flags both sides agreed on
    bool recorded = false;                       // surely known as delivered
    bool durable = false;                        // a power cut cannot take it
    bool deleted_here = false;
    std::set<std::uint8_t> values; // flags on the server, during this pass
    bool missing = false;          // gone from its folder, or with it, at some time of this pass
    bool there = false;            // on the server now
    bool withheld = false;
    std::optional<std::string> damage; // what somebody has made of the file
  };
  using Memory = std::map<Key, std::pair<std::set<std::optional<std::uint8_t>>, bool>>;

  Ledger(Policy policy, const ModelServer& server) : policy_(policy), server_(server) {}

  [[nodiscard]] std::string directory_of(const std::string& folder) const {
    return maildir::directory_of(FolderName::from_wire(folder, '/'), policy_.layout);
  }
  [[nodiscard]] std::string stored(const std::string& body) const {
    std::string out;
    for (std::size_t i = 0; i < body.size(); ++i)
      if (policy_.line_endings == maildir::LineEndings::kCrlf || body[i] != '\r' || body.substr(i + 1, 1) != "\n")
        out += body[i];
    return out;
  }

  void renamed(const std::string& from, const std::string& to) {
    for (auto [key, entry] : std::map(entries_))
      if (std::get<0>(key) == directory_of(from))
        entries_.try_emplace({directory_of(to), std::get<1>(key), std::get<2>(key)}, entry);
  }
  // The server changed.
  void note() {
    std::map<std::string, std::uint32_t> validities;
    for (auto& [key, entry] : entries_)
      entry.there = false;
    for (const auto& [name, folder] : server_.folders) {
      const std::string directory = directory_of(name);
      validities[directory] = folder->validity;
      for (const auto& [uid, message] : folder->messages) {
        Entry& entry = entries_[{directory, folder->validity, uid}];
        entry.body = message.body;
        entry.date = message.date;
        entry.values.insert(message.flags.bits());
        entry.there = true;
        entry.withheld = message.withheld;
        if (entry.bases.empty()) entry.bases.insert(std::nullopt);
      }
    }
    for (auto& [key, entry] : entries_) {
      const auto at = validities.find(std::get<0>(key));
      entry.missing |= at == validities.end() || (at->second == std::get<1>(key) && !entry.there);
    }
  }
  void damaged(const Key& key, std::string bytes) { entries_.at(key).damage = std::move(bytes); }
  void deleted_here(const Key& key) { entries_.at(key).deleted_here = true; }
  void confirmed(const Key& key) { confirmed_.insert(key); }
  // The records as of now, and the records as they were.
  [[nodiscard]] Memory memory() const {
    Memory memory;
    for (const auto& [key, entry] : entries_)
      memory[key] = {entry.bases, entry.recorded};
    return memory;
  }
  void recall(const Memory& memory) {
    for (auto& [key, entry] : entries_) {
      const auto found = memory.find(key);
      const bool known = found != memory.end();
      entry.bases = known ? found->second.first : std::set<std::optional<std::uint8_t>>{std::nullopt};
      entry.recorded = known && found->second.second;
    }
  }

  void begin(LocalTree before) {
    before_ = std::move(before);
    for (auto& [key, entry] : entries_) {
      entry.values.clear();
      entry.missing = false;
    }
    note();
  }
  // The first thing that is wrong; empty: nothing.
  [[nodiscard]] std::string judge(const LocalTree& after, PassEnd end) {
    if (std::string wrong = judge_foreign(after, end); !wrong.empty()) return wrong;
    for (const auto& [key, files] : after.folders)
      if (std::string wrong = judge_files(after, key, files, end); !wrong.empty()) return wrong;
    for (const auto& [key, files] : before_.folders)
      if (!after.folders.contains(key))
        if (std::string wrong = judge_missing(after, key, files, end); !wrong.empty()) return wrong;
    if (std::string wrong = judge_trash(after); !wrong.empty()) return wrong;
    return judge_guard(after);
  }
  // What the records may hold after a pass that was judged.
  void settle(const LocalTree& after, PassEnd end) {
    for (auto& [key, entry] : entries_) {
      const bool is_here = after.folders.contains(key);
      if (is_here && !before_.folders.contains(key)) inherit_bases(key, entry);
      if (is_here) entry.deleted_here = false;
      if (is_here && after.folders.at(key).front().bytes == stored(entry.body)) entry.damage.reset();
      if (end == PassEnd::kWhole && entry.there) entry.bases.clear();
      for (const std::uint8_t value : entry.values)
        entry.bases.insert(value);
      if (entry.bases.empty()) entry.bases.insert(std::nullopt);
      const bool is_over = end == PassEnd::kWhole || end == PassEnd::kEnded;
      entry.recorded |= is_over && is_here;
      entry.durable |= is_over && is_here;
    }
  }
  // After a whole pass with nothing left to be asked for again. `held`: waits for the operator's word.
  // `deletes`: what is gone on the server must be gone here.
  [[nodiscard]] std::string judge_whole(const LocalTree& after, const std::set<Key>& held, bool deletes) const {
    for (const auto& [key, entry] : entries_) {
      const auto found = after.folders.find(key);
      const std::size_t count = found == after.folders.end() ? 0 : found->second.size();
      if (count > 1)
        return concat(found->second.front().name, " and ", found->second.back().name, ": one message twice");
      if (entry.there && count == 0 && !entry.deleted_here && !entry.withheld)
        return concat(text(key), " did not come");
      if (policy_.repairs && entry.there && entry.damage) return concat(text(key), " is damaged still");
      if (entry.there && count == 1 && entry.deleted_here && entry.recorded)
        return concat(text(key), " came again after its reader had deleted it");
      if (policy_.deletions && deletes && !entry.there && entry.missing && count == 1 && !held.contains(key))
        return concat(text(key), " is gone on the server and still here");
      if (policy_.rematches && count == 1 && is_second_copy(after, key, entry))
        return concat(text(key), " is here beside the message of the new UIDVALIDITY");
    }
    return {};
  }
  void tally(const LocalTree& after, std::map<std::string, std::size_t>& tally) const {
    for (const auto& [key, files] : after.folders) {
      const auto before = before_.folders.find(key);
      if (before == before_.folders.end())
        ++tally["messages that came"];
      else if (before->second.front().flags() != files.front().flags())
        ++tally["flags that changed"];
      if (files.size() > 1) ++tally["messages under two names"];
    }
    for (const auto& [key, files] : after.trash)
      if (!before_.trash.contains(key)) ++tally["messages that went"];
  }
  [[nodiscard]] static std::string text(const Key& key) {
    const auto& [directory, validity, uid] = key;
    return concat('"', directory, "\" V", validity, 'U', uid);
  }

 private:
  // A file that got a new number may take along what was recorded of it under the old one.
  void inherit_bases(const Key& key, Entry& entry) {
    if (!policy_.rematches) return;
    for (const auto& [old, files] : before_.folders) {
      const bool may_be_it = std::get<0>(old) == std::get<0>(key) && std::get<1>(old) != std::get<1>(key) &&
                             files.front().bytes == stored(entry.body);
      if (may_be_it) entry.bases.insert(entries_.at(old).bases.begin(), entries_.at(old).bases.end());
    }
  }
  // A folder's directory becomes durable with its first message: until then a power cut may take it, and what a reader
  // has put there.
  [[nodiscard]] std::string judge_foreign(const LocalTree& after, PassEnd end) const {
    const auto may_go = [&](const std::string& directory) {
      return end == PassEnd::kPowerCut && std::ranges::none_of(entries_, [&directory](const auto& entry) {
               return std::get<0>(entry.first) == directory && entry.second.durable;
             });
    };
    for (const auto& [path, file] : before_.foreign)
      if (!after.foreign.contains(path) && !may_go(file.directory)) return concat(path, ", another program's, is lost");
    for (const auto& [path, file] : after.foreign)
      if (const auto found = before_.foreign.find(path); found == before_.foreign.end() || found->second != file)
        return concat(path, ", another program's, was touched");
    return {};
  }
  [[nodiscard]] std::string judge_files(const LocalTree& after, const Key& key, const std::vector<LocalFile>& files,
                                        PassEnd end) const {
    const auto found = entries_.find(key);
    if (found == entries_.end()) return concat(text(key), " is here, and the server never had it");
    const Entry& entry = found->second;
    const auto before = before_.folders.find(key);
    for (const LocalFile& file : files) {
      if (file.bytes != stored(entry.body) && file.bytes != entry.damage)
        return concat(file.path, " has other bytes than the server's message");
      if (file.in_new && file.flags().to_string().contains('S')) return concat(file.path, " is read and new");
      const bool is_right = before != before_.folders.end() && !is_replaced(file, before->second)
                                ? has_right_flags(file, entry, before->second, end)
                                : arrived_right(after, key, entry, file);
      if (!is_right)
        return concat(file.path, " has other flags or another name than it should",
                      before != before_.folders.end() ? concat("; it was ", before->second.front().path) : "");
    }
    return {};
  }
  [[nodiscard]] static bool is_replaced(const LocalFile& file, const std::vector<LocalFile>& before) {
    return std::ranges::none_of(before, [&file](const LocalFile& old) { return old.bytes == file.bytes; });
  }
  [[nodiscard]] bool has_right_flags(const LocalFile& file, const Entry& entry, const std::vector<LocalFile>& before,
                                     PassEnd end) const {
    for (const LocalFile& old : before) {
      if (old.own_letters() != file.own_letters()) continue;
      const bool follows = policy_.flags == FlagPolicy::kMirror && !entry.values.empty();
      if ((!follows || end != PassEnd::kWhole) && old.flags() == file.flags()) return true;
      if (!follows) continue;
      for (const auto& base : entry.bases)
        for (const std::uint8_t value : entry.values) {
          const auto known = base ? FlagLetters::from_bits(*base) : std::nullopt;
          if (merge_flags(known, *FlagLetters::from_bits(value), old.flags()) == file.flags()) return true;
        }
    }
    return false;
  }
  [[nodiscard]] bool arrived_right(const LocalTree& after, const Key& key, const Entry& entry,
                                   const LocalFile& file) const {
    if (has_moved_here(after, key, entry)) return true;
    for (const std::uint8_t value : entry.values) {
      const FlagLetters flags = policy_.flags == FlagPolicy::kOff ? FlagLetters() : *FlagLetters::from_bits(value);
      const bool is_new = !flags.to_string().contains('S');
      const maildir::MessageIdentity identity{*UidValidity::from(std::get<1>(key)), *Uid::from(std::get<2>(key)),
                                              entry.date, Flags()};
      const std::string name =
          maildir::make_file_name(identity, "test.example", file.bytes.size(), flags.to_string(), is_new);
      if (file.name == name && file.in_new == is_new) return true;
    }
    return false;
  }
  // Whether the message may have been taken from an older file instead of being fetched.
  [[nodiscard]] bool has_moved_here(const LocalTree& after, const Key& key, const Entry& entry) const {
    for (const auto& [old, files] : before_.folders) {
      if (after.folders.contains(old) || files.front().bytes != stored(entry.body)) continue;
      const bool same_folder = std::get<0>(old) == std::get<0>(key);
      if (policy_.rematches && same_folder) return true;
      if (policy_.follows_renames && std::get<1>(old) == std::get<1>(key) && std::get<2>(old) == std::get<2>(key))
        return true;
    }
    return false;
  }
  [[nodiscard]] std::string judge_missing(const LocalTree& after, const Key& key, const std::vector<LocalFile>& files,
                                          PassEnd end) const {
    const Entry& entry = entries_.at(key);
    if (after.trash.contains(key) && policy_.deletions && entry.missing) return {};
    if (after.trash.contains(key) && policy_.repairs && files.front().bytes == entry.damage) return {};
    if (end == PassEnd::kPowerCut && !entry.durable) return {};
    for (const auto& [other, now] : after.folders) {
      if (now.front().bytes != files.front().bytes) continue;
      const bool is_same_folder = policy_.rematches && std::get<0>(other) == std::get<0>(key);
      if (is_same_folder && differ_by_number(files.front().name, now.front().name)) return {};
      if (before_.folders.contains(other)) continue;
      if (is_same_folder) return {};
      if (policy_.follows_renames && std::get<1>(other) == std::get<1>(key) && std::get<2>(other) == std::get<2>(key))
        return {};
    }
    // Numbered anew, and then removed: judge_trash() looks whether it may be.
    const auto ended_as = [&](const auto& entry_in_trash) {
      const auto& [other, now] = entry_in_trash;
      return !before_.trash.contains(other) && std::get<0>(other) == std::get<0>(key) &&
             now.front().bytes == files.front().bytes;
    };
    if (policy_.rematches && policy_.deletions && std::ranges::any_of(after.trash, ended_as)) return {};
    return concat(files.front().path, " is lost");
  }
  // A power cut in the middle of numbering anew can leave both names of the file; the older one goes later.
  [[nodiscard]] static bool differ_by_number(std::string_view older, std::string_view newer) {
    const auto date_and_rest = [](std::string_view name) {
      const std::size_t number = name.find('.');
      return std::pair(name.substr(0, number), name.substr(name.find('.', number + 1)));
    };
    return date_and_rest(older) == date_and_rest(newer);
  }
  [[nodiscard]] std::string judge_trash(const LocalTree& after) const {
    for (const auto& [key, files] : after.trash) {
      if (before_.trash.contains(key)) continue;
      const auto entry = entries_.find(key);
      const bool is_known = entry != entries_.end();
      if (is_known && policy_.repairs && files.front().bytes == entry->second.damage) continue;
      if (!policy_.deletions) return concat(text(key), " is in the trash, and deletions are not mirrored");
      if (!is_known || files.front().bytes != stored(entry->second.body))
        return concat(files.front().path, " is not what was removed");
    }
    return {};
  }
  // More than 20 and more than a tenth, or a folder that vanished: never without the operator's word.
  [[nodiscard]] std::string judge_guard(const LocalTree& after) const {
    std::map<std::pair<std::string, std::uint32_t>, std::size_t> removed;
    for (const auto& [key, files] : after.trash)
      if (!before_.trash.contains(key) && before_.folders.contains(key) && !confirmed_.contains(key))
        ++removed[{std::get<0>(key), std::get<1>(key)}];
    for (const auto& [place, count] : removed) {
      const bool is_listed = std::ranges::any_of(
          server_.folders, [&](const auto& folder) { return directory_of(folder.first) == place.first; });
      const std::size_t ours =
          std::max(before_.count(place.first, place.second), after.count(place.first, place.second) + count);
      if (!is_listed || sync::needs_word(count, ours))
        return concat(count, " of ", ours, " messages of \"", place.first, "\" were removed without a word");
    }
    return {};
  }
  [[nodiscard]] bool is_second_copy(const LocalTree& after, const Key& key, const Entry& entry) const {
    const auto same_place = [&key](const Key& other) {
      return std::get<0>(other) == std::get<0>(key) && std::get<1>(other) != std::get<1>(key);
    };
    if (entry.there) return false;
    std::size_t fetched = 0, older = 0;
    for (const auto& [other, of_it] : entries_)
      if (of_it.body == entry.body && of_it.there && same_place(other) && after.folders.contains(other)) ++fetched;
    for (const auto& [other, of_it] : entries_)
      if (of_it.body == entry.body && std::get<0>(other) == std::get<0>(key) && !of_it.there) ++older;
    return fetched >= older;
  }

  Policy policy_;
  const ModelServer& server_;
  std::map<Key, Entry> entries_;
  std::set<Key> confirmed_;
  LocalTree before_;
};

} // namespace mailmoor::testing
