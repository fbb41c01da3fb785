// Reads a folder's files for someone who wants to know what is there: names, sizes, flags, contents. Changes nothing.
//
//   auto survey = FolderSurvey::open_blocking(ops, place, validity);
//   while (!survey->is_done()) auto files = survey->read_some_blocking(&hasher);
//
// In steps, so that whoever waits for it can stop in between. Pool threads only, one at a time; readers may rename and
// delete meanwhile.
#pragma once

#include "maildir/delivery.h"
#include "maildir/file_ops.h"
#include "maildir/message_files.h"
#include "model/content_hash.h"
#include "model/flag_letters.h"
#include "model/uid_set.h"
#include "util/result.h"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace mailmoor::maildir {

struct SurveyedFile {
  explicit SurveyedFile(Uid uid_in) : uid(uid_in) {}

  Uid uid;
  FlagLetters flags;
  std::uint64_t size = 0;               // octets in the file
  std::uint64_t newlines = 0;           // LF among them
  std::optional<std::uint64_t> claimed; // the size that its name says it was delivered with
  std::optional<ContentHash> hash;      // where one was asked for
  bool is_readable = true;              // else size, newlines and hash are nothing
};

class FolderSurvey final {
 public:
  static constexpr std::size_t kMaxStrangers = 1000;

  // The files of `only`, or of all. A folder without a directory has none.
  [[nodiscard]] static Result<FolderSurvey> open_blocking(FileOps& ops, const FolderPlace& place, UidValidity validity,
                                                          const std::optional<UidSet>& only = std::nullopt);

  // Some dozens, or one large one. The order is by UID, but for those that a reader renamed meanwhile. `hasher` may be
  // null. One a UID: the others are strangers.
  [[nodiscard]] Result<std::vector<SurveyedFile>> read_some_blocking(ContentHasher* hasher);
  [[nodiscard]] bool is_done() const noexcept { return next_ == files_.size() && missed_.empty(); }
  [[nodiscard]] std::size_t total() const noexcept { return total_; } // files, as of the beginning
  [[nodiscard]] std::size_t done() const noexcept { return done_; }

  // Files in new/ and cur/ that are no message of this UIDVALIDITY, and second ones of the same message, by name below
  // the folder; the first kMaxStrangers of them. Not looked for with `only`.
  [[nodiscard]] const std::vector<std::string>& strangers() const noexcept { return strangers_; }
  [[nodiscard]] std::uint64_t stranger_count() const noexcept { return stranger_count_; }

 private:
  FolderSurvey(FileOps& ops, std::string directory, UidValidity validity)
      : ops_(&ops), directory_(std::move(directory)), validity_(validity) {}
  [[nodiscard]] Status take_names_blocking(const UidSet& wanted);
  [[nodiscard]] Status find_strangers_blocking();
  [[nodiscard]] Status find_missed_blocking();
  [[nodiscard]] Result<std::optional<SurveyedFile>> read_blocking(const MessageFile& file, ContentHasher* hasher);
  [[nodiscard]] std::string path_of(const MessageFile& file) const;
  void add_stranger(std::string name);

  FileOps* ops_;
  std::string directory_;
  UidValidity validity_;
  std::vector<MessageFile> files_;
  std::size_t next_ = 0; // of files_
  std::size_t total_ = 0;
  std::size_t done_ = 0;
  UidSet missed_; // renamed or removed since their names were read
  int rounds_ = 0;
  std::vector<std::string> strangers_;
  std::uint64_t stranger_count_ = 0;
};

} // namespace mailmoor::maildir
