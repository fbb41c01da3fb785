// From the wire to a Maildir folder: tmp/ → durable → new/ or cur/ → directory durable → delivered (P1).
//
//   auto folder = FolderDelivery::open_blocking(ops, options, place);
//   auto writer = folder->begin_blocking();
//   writer->append_blocking(bytes); …                    // streamed, any chunking
//   staged.push_back(*writer->finish_blocking(identity)); // the UID may be known only now
//   CommitReport report = folder->commit_blocking(std::move(staged));
//
// At most one FolderDelivery per directory, in one process; pool threads only, one at a time for all pieces of a
// folder. Pieces refer to the FileOps, which must outlive them; they do not refer to each other. Destroying a writer or
// a staged message unlinks its file in tmp/ (which blocks); what a killed process leaves there, the next open removes.
#pragma once

#include "maildir/file_name.h"
#include "maildir/file_ops.h"
#include "maildir/gate.h"
#include "maildir/layout.h"
#include "maildir/line_endings.h"
#include "model/uid_set.h"
#include "util/result.h"

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace mailmoor::maildir {

struct DeliveryOptions {
  std::string host;   // as the operating system names it; sanitised here
  std::string run_id; // [A-Za-z0-9]+, different for each run of the daemon
  LineEndings line_endings = LineEndings::kLf;
  bool keep_flags = true; // false: every message arrives as new and unread
};

struct FolderPlace {
  std::string mailbox_directory; // absolute
  std::string folder_directory;  // relative, from DirectoryMap; "" for INBOX
  Layout layout = Layout::kMaildirPlusPlus;
  std::string server_name; // wire; written into a directory whose own name is shortened
};

// A message in tmp/, complete, not durable yet.
class StagedMessage final {
 public:
  StagedMessage(StagedMessage&&) noexcept;
  StagedMessage& operator=(StagedMessage&&) noexcept;
  StagedMessage(const StagedMessage&) = delete;
  StagedMessage& operator=(const StagedMessage&) = delete;
  ~StagedMessage();

  [[nodiscard]] const MessageIdentity& identity() const noexcept { return identity_; }
  [[nodiscard]] std::uint64_t size_on_disk() const noexcept { return size_; } // bytes

 private:
  friend class MessageWriter;
  friend class FolderDelivery;
  friend class GroupCommit;
  StagedMessage(FileOps& ops, std::string path, MessageIdentity identity, std::uint64_t size, std::uint64_t failures);

  FileOps* ops_;
  std::string path_; // empty: there is nothing to unlink any more
  MessageIdentity identity_;
  std::uint64_t size_;
  std::uint64_t failures_; // SyncPoint::failures() before its first byte
};

// Writes one message, its lines ended as LineConverter does it.
class MessageWriter final {
 public:
  MessageWriter(MessageWriter&&) noexcept;
  MessageWriter& operator=(MessageWriter&&) noexcept;
  MessageWriter(const MessageWriter&) = delete;
  MessageWriter& operator=(const MessageWriter&) = delete;
  ~MessageWriter();

  // Bytes as they were on the wire, of any length. After an error the writer can only be destroyed.
  [[nodiscard]] Status append_blocking(std::string_view bytes);
  // Once, last. The file is closed and its time set.
  [[nodiscard]] Result<StagedMessage> finish_blocking(MessageIdentity identity);

 private:
  friend class FolderDelivery;
  MessageWriter(FileOps& ops, std::unique_ptr<OutputFile> file, std::string path, LineEndings line_endings,
                std::uint64_t failures);
  [[nodiscard]] Status flush_blocking();

  FileOps* ops_;
  std::unique_ptr<OutputFile> file_;
  std::string path_; // empty: there is nothing to unlink any more
  std::string buffer_;
  std::uint64_t written_ = 0; // bytes given to the file
  LineConverter converter_;
  std::uint64_t failures_;
};

// `delivered` is in the folder and durable, each once. The rest of the batch is to be fetched again: its files were
// unlinked or, where only the directory could not be synced, will be met again by that delivery. `error` says why, and
// is set if and only if there is a rest.
struct [[nodiscard]] CommitReport {
  UidSet delivered;
  std::optional<Error> error;
};

struct FolderScan {
  UidSet present;                      // our messages of the UIDVALIDITY asked for; durable
  std::uint64_t messages = 0;          // all files in new/ and cur/, whosever
  std::uint64_t of_other_validity = 0; // of these, ours of another UIDVALIDITY
};

// Messages may be written by one thread while another commits earlier ones.
class FolderDelivery final {
 public:
  // Makes the folder where it is missing and removes what earlier runs left in its tmp/ (files named "mailmoor-…" only:
  // other programs' files are their readers' to remove, P4). Its directories become durable with its first messages.
  [[nodiscard]] static Result<FolderDelivery> open_blocking(FileOps& ops, DeliveryOptions options,
                                                            const FolderPlace& place);

  // A new file in tmp/.
  [[nodiscard]] Result<MessageWriter> begin_blocking();
  // Instead of writing one: another name in tmp/ for the file at `path`, which is a whole message of `size` bytes.
  // Empty where there can be none, or the file has another size. "not_found".
  [[nodiscard]] Result<std::optional<StagedMessage>> link_blocking(const std::string& path, std::uint64_t size,
                                                                   MessageIdentity identity);
  [[nodiscard]] LineEndings line_endings() const noexcept { return options_.line_endings; }

  // REQUIRES: all of one UIDVALIDITY. A message whose UIDVALIDITY, UID and INTERNALDATE are in the folder already, as
  // of the last scan (the first commit scans), is not delivered again and counts as delivered (P2). GroupCommit does
  // the same for many folders at once.
  CommitReport commit_blocking(std::vector<StagedMessage> batch);

  // From its return on no message is put into the folder any more; commits report "closed". Waits for the renames
  // under way. Any thread.
  void close() noexcept;

  // What is there, after readers renamed and deleted: rebuilds the known set when state.db is lost or lags. One pass
  // over new/ and cur/, more when a reader renames meanwhile; 100,000 files take about 0.1 s.
  [[nodiscard]] Result<FolderScan> scan_blocking(UidValidity validity);

  // Instead of a scan, for an owner that scanned in this run of the daemon and has kept count since: what it knows to
  // be delivered. It must scan again after a commit that reported an error.
  void assume_present(UidValidity validity, UidSet known);
  // Whether the folder's directories are on stable storage. Not while another thread works on it.
  [[nodiscard]] bool is_durable() const noexcept { return is_durable_; }
  // For an owner to whom that was said before in this run of the daemon. Without effect where the folder was removed
  // since, and open_blocking() has made it anew.
  void assume_durable() noexcept { is_durable_ = !is_made_anew_; }

  [[nodiscard]] const std::string& directory() const noexcept { return directory_; } // absolute
  // Equal for folders that may share a GroupCommit. To be compared only.
  [[nodiscard]] const void* group() const noexcept {
    return sync_point_ != nullptr ? static_cast<const void*>(sync_point_.get()) : this;
  }

 private:
  friend class GroupCommit;
  struct Placed {
    UidSet uids;
    bool in_new = false, in_cur = false;
    std::optional<Error> error;
  };
  FolderDelivery(FileOps& ops, DeliveryOptions options, std::string directory, std::shared_ptr<SyncPoint> sync_point);
  [[nodiscard]] std::string temporary_path();
  // The steps of a commit, see GroupCommit.
  [[nodiscard]] Result<UidSet> prepare_blocking(std::vector<StagedMessage>& batch);
  [[nodiscard]] Result<UidSet> drop_repeated_blocking(std::vector<StagedMessage>& batch);
  [[nodiscard]] Placed place_blocking(std::vector<StagedMessage>& batch);
  [[nodiscard]] Status sync_names_blocking();
  [[nodiscard]] Status visit_messages_blocking(const std::function<void(std::string_view)>& visit);

  FileOps* ops_;
  DeliveryOptions options_;
  std::string directory_;
  std::shared_ptr<SyncPoint> sync_point_; // shared by all folders of a file system; null: files are synced one by one
  std::unique_ptr<Gate> gate_ = std::make_unique<Gate>();
  std::uint64_t next_temporary_ = 1;   // of who writes; what follows is of who commits
  std::optional<UidValidity> scanned_; // the UIDVALIDITY of present_
  UidSet present_;
  bool is_made_anew_ = false; // by open_blocking(), at least in part
  bool is_durable_ = false;   // the directories: a run that was killed may have made them
};

} // namespace mailmoor::maildir
