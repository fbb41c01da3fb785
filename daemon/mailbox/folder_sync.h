// One pass over one folder on an open connection: EXAMINE, look what is new, fetch it, make it durable, bring changed
// flags and deletions to the files, record it all. folder_look.cpp, folder_filter.cpp and folder_doubt.cpp ask,
// folder_start.cpp begins anew where the server did, folder_linking.cpp links what other folders have, folder_sync.cpp
// fetches, folder_apply.cpp brings changes to the
// files.
// Lives for one pass. Loop thread only.
#pragma once

#include "mailbox/connection.h"
#include "mailbox/delivery_pipe.h"
#include "mailbox/fetch_allowance.h"
#include "mailbox/folder_copies.h"
#include "mailbox/folder_record.h"
#include "mailbox/folder_rematch.h"
#include "mailbox/services.h"
#include "runtime/task.h"
#include "sync/folder_pass.h"

#include <cstdint>
#include <deque>
#include <functional>
#include <optional>
#include <string>

namespace mailmoor::mailbox {

struct FolderSyncSettings {
  std::string mailbox; // its name
  maildir::LineEndings line_endings = maildir::LineEndings::kLf;
  bool keep_flags = true;
  sync::Wants wants;
  sync::Filter filter;
  FetchAllowance* allowance = nullptr; // how much may be fetched now; null: as much as there is
  CopySettings copies;
  std::function<void()> alive = [] {}; // called when a step of something long is done
  // Called when all that is to be fetched is asked for: begin() of another folder's pass may be called in it, and then
  // it answers true. Null: this pass has the connection until its end.
  std::function<bool()> hand_on;
};

// Called for each message that has arrived, with its size in octets as sent.
using ProgressSink = std::function<void(std::uint64_t octets)>;

class FolderSync final {
 public:
  FolderSync(const Services& services, Connection& connection, Folder& folder, const FolderSyncSettings& settings,
             std::function<bool()> should_leave, ProgressSink on_message);
  FolderSync(const FolderSync&) = delete;
  FolderSync& operator=(const FolderSync&) = delete;

  // Sends what is to be asked first, behind what another folder's pass still waits for; of use where session() can
  // examine ahead. `listed`: what LIST-STATUS said of the folder.
  void begin(const std::optional<FolderState>& listed);
  // What needs the connection: at its end everything is received, and another folder may be opened. Unless it failed
  // settle() follows. Errors of kind kFolder concern this folder only.
  [[nodiscard]] runtime::Task<Status> receive();
  // Whether some messages did not come when the connection had been handed on already: no word is said of them before
  // they were asked for alone, in a pass that hands nothing on.
  [[nodiscard]] bool needs_another_pass() const noexcept { return needs_another_pass_; }
  // Whether there is something to settle: not in an unchanged folder, nor in one that was left before anything was
  // done.
  [[nodiscard]] bool needs_settling() const noexcept { return pipe_.has_value(); }
  // Without a settle(): it was left.
  [[nodiscard]] bool was_left() const noexcept { return left_; }
  // Whether a file here is another one than before, or has another name: messages that were fetched not counted.
  [[nodiscard]] bool has_changed_files() const noexcept { return has_changed_files_; }
  // What is left for the disk: the last commits, flags, deletions; then the record of it all. True: the pass is
  // complete. False: left at a batch's end because should_leave() said so; what was fetched is delivered and recorded.
  [[nodiscard]] runtime::Task<Result<bool>> settle();

 private:
  struct Batch {
    imap::CommandId id;
    sync::FetchReport report;
    bool only_arrived = false; // counts: the rest was never really asked for, or is asked for in another pass
  };

  [[nodiscard]] runtime::Task<Status> receive_all();
  [[nodiscard]] runtime::Task<Status> examine();
  [[nodiscard]] std::optional<sync::Look> foretell(const FolderState& listed) const;
  [[nodiscard]] runtime::Task<Status> drop_early_look();
  [[nodiscard]] runtime::Task<Status> open_delivery();
  [[nodiscard]] runtime::Task<Status> take_scan(maildir::FolderScan found, bool starts_over);
  [[nodiscard]] runtime::Task<Status> start_over(maildir::FolderScan found);
  [[nodiscard]] runtime::Task<Result<FlagMap>> base_of(const std::vector<FolderRematch::Renumbered>& renumbered);
  void tell_renumbered(const FolderRematch::Outcome& outcome, std::size_t unmatched);
  [[nodiscard]] runtime::Task<Status> look();
  imap::CommandId send(sync::Look look);
  [[nodiscard]] runtime::Task<Result<FlagMap>> ask(sync::Look look);
  [[nodiscard]] runtime::Task<Result<bool>> filter();
  [[nodiscard]] runtime::Task<Result<UidSet>> ask_summaries(const UidSet& uids, LeftOut& outside);
  [[nodiscard]] runtime::Task<Result<bool>> link_copies();
  [[nodiscard]] runtime::Task<Status> identify_messages(UidSet fetched);
  [[nodiscard]] runtime::Task<Status> look_for_struck();
  [[nodiscard]] FolderState state_now();
  [[nodiscard]] runtime::Task<Status> apply_flags();
  [[nodiscard]] runtime::Task<Status> apply_deletions();
  [[nodiscard]] runtime::Task<Status> fetch();
  [[nodiscard]] runtime::Task<Status> settle_batches(std::optional<Error> lost);
  [[nodiscard]] runtime::Task<Status> settle_batches_now(std::optional<Error> lost);
  [[nodiscard]] bool all_arrived() const;
  void hand_on();
  [[nodiscard]] static sync::FetchEnd end_by(const Error& lost);
  void ask_for_more();
  [[nodiscard]] std::uint64_t may_ask_for();
  [[nodiscard]] std::optional<runtime::Duration> wait_for_pace();
  [[nodiscard]] runtime::Task<Status> nap();
  void on_event(imap::Event& event);
  void on_fetched(const imap::Fetched& fetched);
  [[nodiscard]] Batch* batch_of(const imap::Fetched& fetched);
  void on_completed(const imap::Completed& completed);
  void settle_reports();
  void note_received(const sync::FetchReport& report);
  void note(const sync::FolderFacts& facts) { record(services_, settings_.mailbox, folder_, facts); }

  const Services& services_;
  Connection& connection_;
  Folder& folder_;
  FolderSyncSettings settings_;
  std::function<bool()> should_leave_; // once it has said so it goes on saying so: steps were left out by then
  ProgressSink on_message_;
  FolderCopies copies_;

  std::optional<imap::CommandId> examine_; // sent
  std::optional<ModSeq> asked_since_;      // in it
  std::optional<sync::Look> foretold_;     // what next_look() will be, sent with it:
  std::optional<imap::CommandId> early_look_;
  std::optional<sync::FolderPass> pass_;
  std::optional<sync::Told> told_;                  // by EXAMINE with QRESYNC
  std::optional<maildir::FolderDelivery> delivery_; // until the pipe takes it
  std::optional<DeliveryPipe> pipe_;
  std::deque<Batch> asked_;      // sent, not completed
  std::deque<Batch> committing_; // completed, waiting for their commit
  std::optional<Error> failure_; // what ends the pass at the next batch's end
  bool leaves_ = false;          // should_leave_() has said so
  bool left_ = false;            // while files were matched
  bool handed_on_ = false;       // the connection: what selected() says is not about this folder any more
  bool needs_another_pass_ = false;
  bool has_changed_files_ = false;
  bool in_message_ = false;
  std::uint64_t octets_ = 0;
  bool makes_substitutes_; // the server does: a message is not what it seems before its head was looked at
  std::string head_;       // of the message being received, up to kSubstituteHead octets
};

} // namespace mailmoor::mailbox
