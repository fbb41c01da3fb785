#include "maildir/survey.h"

#include "maildir/folder_tree.h"
#include "maildir/message_files.h"
#include "util/concat.h"

#include <algorithm>
#include <limits>
#include <utility>

namespace mailmoor::maildir {
namespace {

// Of one step: what a disk reads well within a second.
constexpr std::size_t kFilesAtATime = 100;
constexpr std::uint64_t kOctetsAtATime = 16UL * 1024 * 1024;

// Whether it is this file that cannot be read, and not the process that cannot go on.
[[nodiscard]] bool is_of_the_file(const Error& error) {
  return error.code == "io_error" || error.code == "permission" || error.code == "file_error";
}

[[nodiscard]] UidSet all_uids() {
  UidSet all;
  all.insert(UidRange{1, std::numeric_limits<std::uint32_t>::max()});
  return all;
}

} // namespace

Result<FolderSurvey> FolderSurvey::open_blocking(FileOps& ops, const FolderPlace& place, UidValidity validity,
                                                 const std::optional<UidSet>& only) {
  FolderSurvey survey(ops, absolute_directory(place), validity);
  const auto there = ops.stat_blocking(survey.directory_ + "/cur");
  if (!there) return pass(there.error());
  if (!*there) return survey;
  if (Status taken = survey.take_names_blocking(only ? *only : all_uids()); !taken)
    return pass(std::move(taken).error());
  survey.total_ = survey.files_.size();
  if (only) return survey;
  if (Status found = survey.find_strangers_blocking(); !found) return pass(std::move(found).error());
  return survey;
}

std::string FolderSurvey::path_of(const MessageFile& file) const {
  return concat(directory_, file.in_new ? "/new/" : "/cur/", file.name);
}

void FolderSurvey::add_stranger(std::string name) {
  ++stranger_count_;
  if (strangers_.size() < kMaxStrangers) strangers_.push_back(std::move(name));
}

Status FolderSurvey::take_names_blocking(const UidSet& wanted) {
  auto found = find_files_blocking(*ops_, directory_, validity_, wanted);
  if (!found) return pass(std::move(found).error());
  files_.clear();
  next_ = 0;
  for (MessageFile& file : found->files) {
    if (files_.empty() || files_.back().uid != file.uid) {
      files_.push_back(std::move(file));
      continue;
    }
    // Two names: a copy that a user made, or one file that was renamed while the names were read.
    const auto first = ops_->stat_blocking(path_of(files_.back()));
    if (!first) return pass(first.error());
    const auto second = ops_->stat_blocking(path_of(file));
    if (!second) return pass(second.error());
    if (!*second) continue;
    if (*first)
      add_stranger(concat(file.in_new ? "new/" : "cur/", file.name));
    else
      files_.back() = std::move(file);
  }
  return {};
}

Status FolderSurvey::find_strangers_blocking() {
  for (const char* directory : {"new", "cur"}) {
    Status listed = ops_->list_blocking(concat(directory_, '/', directory), [&](std::string_view name) {
      const auto parsed = parse_file_name(name);
      if (!parsed || parsed->validity != validity_) add_stranger(concat(directory, '/', name));
    });
    if (!listed) return listed;
  }
  return {};
}

Status FolderSurvey::find_missed_blocking() {
  const UidSet missed = std::exchange(missed_, {});
  if (++rounds_ < kRounds) return take_names_blocking(missed);
  return {}; // removed, as far as can be told
}

Result<std::optional<SurveyedFile>> FolderSurvey::read_blocking(const MessageFile& file, ContentHasher* hasher) {
  SurveyedFile seen(file.uid);
  const Status read = ops_->read_blocking(path_of(file), [&](std::string_view bytes) {
    seen.size += bytes.size();
    seen.newlines += static_cast<std::uint64_t>(std::ranges::count(bytes, '\n'));
    if (hasher != nullptr) hasher->add(bytes);
  });
  ContentHash hash{};
  if (hasher != nullptr) hash = hasher->take(); // also of what was read before an error: the next one begins
  if (!read && read.error().code == "not_found") return std::nullopt;
  if (!read && !is_of_the_file(read.error())) return pass(read.error());
  const auto parsed = parse_file_name(file.name);
  seen.is_readable = read.has_value();
  if (parsed) seen.flags = flags_of(*parsed);
  seen.claimed = claimed_size(file.name);
  if (hasher != nullptr && seen.is_readable) seen.hash = hash;
  return seen;
}

Result<std::vector<SurveyedFile>> FolderSurvey::read_some_blocking(ContentHasher* hasher) {
  if (next_ == files_.size() && !missed_.empty())
    if (Status found = find_missed_blocking(); !found) return pass(std::move(found).error());
  std::vector<SurveyedFile> seen;
  std::uint64_t octets = 0;
  while (next_ < files_.size() && seen.size() < kFilesAtATime && octets < kOctetsAtATime) {
    const MessageFile& file = files_[next_++];
    auto read = read_blocking(file, hasher);
    if (!read) return pass(std::move(read).error());
    if (!*read) {
      missed_.insert(file.uid);
      continue;
    }
    octets += (*read)->size;
    ++done_;
    seen.push_back(*std::move(*read));
  }
  return seen;
}

} // namespace mailmoor::maildir
