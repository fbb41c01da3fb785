// Compares one folder with its server, for `verify`: EXAMINE, list every message with its size and flags, read every
// file, and with `deep` fetch every message and hash it as it would be written. Nothing is written.
//
// It may be left between steps and gone on with later, on another connection: listing → reading → comparing → done.
// Of a message a handful of numbers is kept, 100 bytes: bodies are hashed as they come.
// Owned by the mailbox, which syncs between the steps but not meanwhile. Loop thread; the pool reads files.
#pragma once

#include "mailbox/connection.h"
#include "mailbox/folder_record.h"
#include "mailbox/services.h"
#include "maildir/sha256.h"
#include "maildir/survey.h"
#include "model/verification.h"
#include "runtime/task.h"
#include "sync/comparison.h"

#include <cstdint>
#include <deque>
#include <functional>
#include <optional>
#include <string>

namespace mailmoor::mailbox {

struct FolderVerificationSettings {
  std::string mailbox; // its name
  maildir::LineEndings line_endings = maildir::LineEndings::kLf;
  bool compares_flags = true;
  bool deep = false;
};

class FolderVerification final {
 public:
  // Told after each step: the owner's sign of life, too.
  using Progress = std::function<void(const VerifyProgress&)>;

  FolderVerification(const Services& services, FolderVerificationSettings settings, std::function<bool()> should_leave,
                     Progress on_progress);
  FolderVerification(const FolderVerification&) = delete;
  FolderVerification& operator=(const FolderVerification&) = delete;

  // True: all is compared. False: left because should_leave() said so; call it again to go on. Errors of kind kFolder
  // concern this folder only. `folder`: the same one each time.
  [[nodiscard]] runtime::Task<Result<bool>> run(Connection& connection, Folder& folder);
  // Reads the files of these once more; `fetched_anew`: whatever was found about their contents is over. REQUIRES:
  // run() has said true.
  [[nodiscard]] runtime::Task<Status> look_again(const Folder& folder, UidSet uids, bool fetched_anew);
  // Whether what is recorded of the folder is about the messages that were listed: the same UIDVALIDITY.
  [[nodiscard]] bool is_of(const Folder& folder) const { return validity_ && folder.recorded.validity == validity_; }
  // As of the last look. REQUIRES: run() has said true.
  [[nodiscard]] FolderFindings findings(const Folder& folder) const;

 private:
  enum class Phase { kListing, kReading, kComparing, kDone };
  struct Asked {
    imap::CommandId id;
    UidSet uids;
  };

  [[nodiscard]] runtime::Task<Status> open(Connection& connection, const Folder& folder);
  [[nodiscard]] runtime::Task<Result<bool>> list(Connection& connection);
  [[nodiscard]] runtime::Task<Result<bool>> read(const Folder& folder);
  [[nodiscard]] runtime::Task<Result<std::vector<sync::LocalMessage>>> read_step(ContentHasher* hasher);
  [[nodiscard]] runtime::Task<Status> load_base(const Folder& folder);
  [[nodiscard]] runtime::Task<Result<bool>> compare_contents(Connection& connection);
  [[nodiscard]] runtime::Task<Status> drop_expunged(Connection& connection);
  void choose_contents();
  [[nodiscard]] UidSet take_batch(UidSet& unasked) const;
  [[nodiscard]] Status on_event(const imap::Event& event);
  void on_fetched(const imap::Fetched& fetched);
  [[nodiscard]] Status on_completed(const imap::Completed& completed);
  void tell(VerifyProgress::Phase phase, std::uint64_t done, std::uint64_t total);

  const Services& services_;
  FolderVerificationSettings settings_;
  std::function<bool()> should_leave_;
  Progress on_progress_;

  Phase phase_ = Phase::kListing;
  std::string name_;
  std::optional<UidValidity> validity_;
  std::uint64_t exists_ = 0;
  std::uint64_t unlisted_ = 0;
  sync::ServerListing server_;
  std::optional<maildir::FolderSurvey> survey_;
  sync::LocalListing here_;
  std::vector<std::string> strangers_;
  std::uint64_t stranger_count_ = 0;
  FlagMap base_;
  // Contents.
  maildir::Sha256 file_hasher_; // the pool's
  maildir::Sha256 hasher_;
  maildir::LineConverter converter_;
  std::string converted_;
  bool in_message_ = false;
  std::deque<Asked> asked_;
  UidSet left_; // to be compared
  std::uint64_t to_compare_ = 0;
  std::uint64_t compared_ = 0;
  UidSet wrong_content_;
  UidSet not_given_;
};

} // namespace mailmoor::mailbox
