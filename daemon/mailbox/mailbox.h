// One mailbox's life as a straight line: sign in, connect, sync, wait, and after a fault back off and start again.
//
// States: needs_login, connecting → syncing ⇄ idle; after a fault backing_off, or throttled when the server imposed the
// wait; paused by the operator; held instead of idle while a mass deletion waits for the operator's word, throttled
// while the rest of the mail waits for another day's bytes; failed when only a person can help.
// Owned by the fleet. Destroying it closes the connection and gives up what was under way. Loop thread only.
#pragma once

#include "mailbox/back_off.h"
#include "mailbox/berth.h"
#include "mailbox/connection.h"
#include "mailbox/fetch_allowance.h"
#include "mailbox/folder_record.h"
#include "mailbox/folder_sync.h"
#include "mailbox/quick_retries.h"
#include "mailbox/services.h"
#include "mailbox/token_keeper.h"
#include "mailbox/verification.h"
#include "maildir/layout.h"
#include "model/mailbox_state.h"
#include "model/verification.h"
#include "runtime/run_task.h"
#include "runtime/task.h"
#include "runtime/task_set.h"
#include "runtime/wait.h"
#include "sync/folder_choice.h"
#include "sync/gmail_labels.h"

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace mailmoor::mailbox {

struct MailboxSettings {
  std::string name;
  std::string user;
  ConnectionSettings connection;
  // Blocks; empty: the password is in the vault. Not used with a TokenKeeper.
  std::function<Result<Secret>()> read_password_blocking;
  sync::FolderRules folders;
  std::string maildir; // absolute
  maildir::Layout layout = maildir::Layout::kMaildirPlusPlus;
  maildir::LineEndings line_endings = maildir::LineEndings::kLf;
  bool keep_flags = true; // false: every message arrives unread
  sync::Wants wants;      // besides new mail
  sync::Filter filter;    // what is fetched at all
  bool push = true;
  std::chrono::seconds poll{300};
  std::uint64_t daily_bytes = 0; // that may be received in any 24 hours; 0: no cap
  bool once = false;             // one complete pass, or one fault, then the end
  // Taken in this order, before a place of Services::connections.
  std::vector<Berth> berths;
  // Whether another mailbox could use its connection now. Empty: one waits for one of Services::connections.
  std::function<bool()> is_wanted_elsewhere;
};

// What `status` shows of it, as of now.
struct MailboxView {
  MailboxState state = MailboxState::kConnecting;
  UnixTime since{};
  std::string reason;
  std::string remedy;
  std::optional<UnixTime> retry_at;
  std::optional<UnixTime> last_sync;
  std::uint64_t messages = 0;
  std::uint64_t behind = 0;
  double messages_per_second = 0;
  std::optional<double> rate_limit;   // messages a second, since the server asked for less; empty: none
  std::uint64_t daily_bytes = 0;      // the cap; 0: none
  std::uint64_t daily_bytes_used = 0; // of it, in the last 24 hours
  std::uint64_t fetched = 0;          // messages received in this run
  std::uint64_t octets = 0;           // of their bodies
  std::uint64_t connections = 0;      // open, or being opened
};

// What keeps a mailbox from its server, where it waits for nothing else. kWay: there is no address, or no connection.
// kProof: whoever answers is not the server, by his certificate or since he speaks no TLS.
enum class NetworkWait { kNone, kWay, kProof };

class Mailbox final {
 public:
  // `keeper`: whose token logs in; null with a password. `admit`: the fleet's turn-taking before each login.
  using Admission = std::function<runtime::Task<void>()>;
  Mailbox(const Services& services, MailboxSettings settings, TokenKeeper* keeper, Admission admit);
  Mailbox(const Mailbox&) = delete;
  Mailbox& operator=(const Mailbox&) = delete;
  ~Mailbox();

  void start();
  // Finishes the batch under way, closes the connection and ends; finished() says when.
  void stop();
  [[nodiscard]] runtime::Event& finished() noexcept { return finished_; }

  // A pass now, even inside a wait of our own choice; never inside one that the server imposed. `done` is told how the
  // first complete pass went that began after this: what the server had by now is on the disk then. Or why a try that
  // began after this failed. Returns a ticket for cancel_sync(). Errors: kOperator "paused", since no pass would come.
  [[nodiscard]] Result<std::uint64_t> sync_now(std::function<void(Status)> done);
  void cancel_sync(std::uint64_t ticket) noexcept;
  // Whoever waits for a pass is told that none will come.
  void dismiss_waiters();
  // Compares every chosen folder with the server after the next pass, between other passes: one order after the other.
  // A ticket for cancel_verify(). Errors: kOperator, also "needs_login", where it cannot begin.
  [[nodiscard]] Result<std::uint64_t> verify_now(VerifyRequest request, VerificationListener listener);
  // It ends at the next step; its listener is not called any more.
  void cancel_verify(std::uint64_t ticket) noexcept;
  void pause();
  void resume();
  // The operator's word: what is held may go. False: nothing is held.
  [[nodiscard]] bool confirm();
  // Another mailbox waits for a connection. Ends the wait for news: this one then comes back at its next poll. Or ends
  // a pass that has had its turn of five minutes, between two batches of messages: the rest of it waits for the next
  // turn. False: it is in neither.
  [[nodiscard]] bool give_way();
  // What keeps it from the server, where that may end at any moment without a word.
  [[nodiscard]] NetworkWait waits_for_network() const;
  [[nodiscard]] const net::SharedTrust& trust() const noexcept { return settings_.connection.trust; }
  // REQUIRES: waits_for_network(). The way is open again: it tries at once.
  void network_returned();
  // The tokens or the password were forgotten: the session is closed.
  void sign_out();
  // New tokens or a new password: try at once.
  void credentials_changed();

  [[nodiscard]] const std::string& name() const noexcept { return settings_.name; }
  [[nodiscard]] MailboxState state() const noexcept { return state_; }
  [[nodiscard]] MailboxView view() const;
  [[nodiscard]] const std::map<std::string, Folder>& folders() const noexcept { return folders_; } // by wire name
  [[nodiscard]] const std::optional<Error>& last_error() const noexcept { return last_error_; }
  // The end of the pause that the server imposed; empty outside one.
  [[nodiscard]] std::optional<UnixTime> imposed_pause() const;
  // Another connection to this mailbox met a pause (Error::imposed_wait): it holds for this one too, which leaves.
  void heed_pause(const Error& error);
  // Whether it would say so if it were stuck: the watchdog's question. Every wait has an end that is known.
  [[nodiscard]] bool makes_progress() const;

 private:
  // One pass over one folder.
  struct Visit;
  // Visits one after the other.
  struct Round;
  // How a session ended without a fault.
  enum class Leave { kTokenEnds, kAsked, kComplete };

  [[nodiscard]] runtime::Task<void> live();
  [[nodiscard]] runtime::Task<void> watch_token();
  [[nodiscard]] runtime::Task<void> load();
  [[nodiscard]] runtime::Task<void> wait_for_turn();
  [[nodiscard]] runtime::Task<Result<Leave>> run_session();
  [[nodiscard]] runtime::Task<Result<Leave>> use_session(Connection& connection);
  [[nodiscard]] runtime::Task<Result<Login>> credentials();
  [[nodiscard]] runtime::Task<Status> log_in(Connection& connection, Login login);
  [[nodiscard]] Error password_rejected(const Error& refused) const;
  [[nodiscard]] runtime::Task<Status> sync_all(Connection& connection);
  [[nodiscard]] runtime::Task<Result<bool>> sync_folders(Connection& connection, std::vector<std::string> wires);
  [[nodiscard]] runtime::Task<Status> receive_folders(Connection& connection, Round& round);
  [[nodiscard]] std::unique_ptr<Visit> next_visit(Connection& connection, Round& round);
  [[nodiscard]] bool begin_next(Connection& connection, Round& round);
  [[nodiscard]] std::optional<FolderState> take_listed(const Folder& folder);
  [[nodiscard]] runtime::Task<Status> receive_folder(std::unique_ptr<Visit> visit);
  [[nodiscard]] runtime::Task<void> settle_folder(std::unique_ptr<Visit> visit);
  [[nodiscard]] runtime::Task<void> wait_until_settling(std::size_t at_most);
  [[nodiscard]] CopySettings copies_for(const Folder& folder);
  void put_in_order(std::vector<std::string>& wires) const;
  [[nodiscard]] runtime::Task<Status> look_for_hidden_labels(Connection& connection);
  void tell_of_hidden_labels();
  void remember_hidden_labels();
  void record_hidden_labels();
  void show_hidden_labels();
  [[nodiscard]] Status conclude(const Visit& visit, const Result<bool>& complete);
  [[nodiscard]] runtime::Task<Status> list_folders(Connection& connection);
  [[nodiscard]] runtime::Task<Status> follow_renames(Connection& connection);
  [[nodiscard]] bool takes_others_along(const Folder& before, const Folder& now) const;
  [[nodiscard]] runtime::Task<Status> follow_rename(Folder& before, Folder& now);
  [[nodiscard]] runtime::Task<Status> verify(Connection& connection);
  [[nodiscard]] runtime::Task<Result<bool>> verify_folder(Connection& connection, Verification& order, Folder& folder);
  [[nodiscard]] runtime::Task<Result<bool>> repair(Connection& connection, Verification& order, Folder& folder);
  [[nodiscard]] runtime::Task<Status> move_away(const Folder& folder, UidSet uids);
  void begin(Verification& order);
  [[nodiscard]] bool leaves(const Verification& order) const;
  void end_verifications(const Error& why);
  void turn_away_waiters(const Error& why);
  void tell_those_served(const Status& outcome);
  [[nodiscard]] runtime::MonoTime wait_ends() const;
  [[nodiscard]] runtime::Task<Status> wait_for_work(Connection& connection);
  [[nodiscard]] runtime::Task<Status> open_inbox(Connection& connection);
  [[nodiscard]] runtime::Task<Status> listen(Connection& connection);
  [[nodiscard]] runtime::Task<Status> hear_of_all_folders(Connection& connection);
  [[nodiscard]] runtime::Task<Status> idle(Connection& connection);
  [[nodiscard]] runtime::Task<std::optional<Status>> fill_or_wake(Connection& connection, runtime::Duration patience);
  [[nodiscard]] runtime::Task<Status> hear_of_open_folder(Connection& connection);
  [[nodiscard]] Status notify_refused(const imap::Completed& completed);
  void tell_of_no_notify(std::string_view why);
  [[nodiscard]] bool is_worth_a_pass(const Folder& folder, const FolderState& now);
  void hear_first(Connection& connection, const imap::Event& event);
  void hear(Connection& connection, const imap::Event& event);
  void overhear(Connection& connection, const imap::Event& event);
  void hear_status(const imap::StatusEntry& status);
  [[nodiscard]] bool has_news() const noexcept { return !news_.empty() || news_of_folders_; }
  [[nodiscard]] bool news_are_due() const;
  void looked_news_up();
  [[nodiscard]] runtime::Task<void> tidy();
  [[nodiscard]] runtime::Task<void> remove_vanished(Folder& folder);
  [[nodiscard]] std::string held_reason() const; // empty: nothing is held
  void move_to_rest();
  [[nodiscard]] bool waits_out_renumbering(const Folder& folder);
  [[nodiscard]] bool is_asked_for() const noexcept; // what goes on, by somebody who waits
  void take_folder_fault(const Folder& folder, const Error& error);
  void place_folder(Folder& folder, const std::string& directory);
  void take_list(std::vector<sync::ListedFolder> listed);
  void end_pass(bool complete);
  [[nodiscard]] runtime::MonoTime next_retry() const; // of a message that does not come; max(): there is none
  void settle(const Result<Leave>& ended);
  [[nodiscard]] bool goes_on_with_another_token(const Result<Leave>& ended);
  void take_fault(const Error& error, runtime::Duration lasted);
  // The faults in a row of the ladder that `error` is on, this one counted.
  int count_fault(const Error& error, runtime::Duration lasted);
  [[nodiscard]] int& faults_of(Ladder ladder) noexcept;
  void forget_faults() noexcept;
  void tell_fault(const Error& error);
  // The pause of `error`, unless a longer one is in force. REQUIRES: it has one.
  void impose(const Error& error);
  void resume_waits();
  [[nodiscard]] runtime::Duration left_of_pause() const; // zero: there is none
  void recovered();
  void save();
  void move_to(MailboxState state);
  void poke() noexcept;
  [[nodiscard]] bool must_leave() const;
  [[nodiscard]] bool is_wanted_elsewhere() const;
  void expect_news_within(runtime::Duration limit);
  void count_message(std::uint64_t octets);
  void listen_to(Connection& connection);
  void tell_pace(const FetchAllowance::Change& change) const;
  void record_downloads();
  // Whether nothing of it could be fetched, by the day's bytes, or nothing has changed in what could.
  [[nodiscard]] bool waits_for_budget(const Folder& folder);
  [[nodiscard]] std::uint64_t behind() const;
  // When the day's bytes let what is left over through; empty: they keep nothing back.
  [[nodiscard]] std::optional<UnixTime> budget_pause() const;
  [[nodiscard]] std::string budget_reason() const;
  void use_token(const AccessToken& token);

  const Services& services_;
  MailboxSettings settings_;
  TokenKeeper* keeper_;
  Admission admit_;

  MailboxState state_ = MailboxState::kConnecting;
  UnixTime since_{};
  std::optional<Error> last_error_;
  store::MailboxRecord record_;
  runtime::MonoTime pause_ends_{}; // imposed; on this clock, so that a jump of the other one makes it no shorter
  std::map<std::string, Folder> folders_;
  std::map<std::string, FolderState> listed_states_; // LIST-STATUS of this pass, by wire name
  struct {
    sync::GmailLabels labels;
    std::vector<sync::HiddenLabel> hidden; // of them, and told
    bool all_mail_hidden = false;          // the same
    std::vector<std::string> stored;       // both, as recorded
    bool is_remembered = false;            // what was told in earlier runs
  } gmail_;
  bool folder_faults_ = false; // of this pass
  bool folder_left_ = false;   // of this round over folders: one was left before its end
  bool passed_ = false;        // a pass was completed in this session

  bool stopping_ = false;
  bool signed_out_ = false;
  bool sync_wanted_ = true;                 // a pass over all folders
  std::set<std::string> news_;              // the folders that the server told something of, by wire name
  bool news_of_folders_ = false;            // and of which there are
  bool bears_fruit_ = false;                // the pass: something here is not as it was before
  int fruitless_ = 0;                       // passes in a row that news began
  runtime::MonoTime news_due_{};            // not before then: there were too many of those
  std::map<std::string, FolderState> told_; // STATUS of them, each heard once only
  bool told_of_no_notify_ = false;          // that the server will not
  bool hears_of_all_ = false;               // NOTIFY for all folders is in force
  bool listens_ = false;                    // in IDLE
  runtime::MonoTime poll_due_{};
  runtime::MonoTime progress_due_ = runtime::MonoTime::max();
  std::string_view waits_for_;       // the key of `limits`, while it waits for its turn
  std::optional<UnixTime> leave_at_; // before the token ends
  std::uint64_t token_generation_ = 0;
  bool token_is_over_ = false;   // the server has said so of the one in use
  int early_ends_ = 0;           // how often in a row it said so before a pass was complete
  int barren_sessions_ = 0;      // of `once`, in a row: their token ended, and they brought no mail
  bool waits_for_token_ = false; // what ended the last session, or kept it from beginning
  std::map<std::uint64_t, std::function<void(Status)>> sync_waiters_;
  // Tickets below it asked before what goes on, or was last, began: a session, and in it a pass over all folders.
  std::uint64_t served_before_ = 0;
  std::map<std::uint64_t, std::unique_ptr<Verification>> verifications_; // by ticket, in turn; some may be over
  std::uint64_t next_ticket_ = 1;
  FetchAllowance allowance_;
  QuickRetries quick_;
  std::optional<runtime::MonoTime> logged_in_at_; // in this session
  std::uint64_t fetched_before_ = 0;              // fetched_ when it began
  runtime::MonoTime turn_ends_{};                 // of this session, if others wait
  bool turn_over_ = false;                        // and they did
  bool resting_ = false;                          // without a connection until the next poll, since others wait for one
  Connection* connection_ = nullptr;
  std::uint64_t fetched_ = 0; // messages received in this run
  std::uint64_t octets_ = 0;  // of their bodies
  runtime::Event wake_;
  runtime::Event finished_;
  std::size_t settling_count_ = 0; // folders that are received and not finished on the disk
  std::optional<Error> settling_fault_;
  std::vector<std::string> to_visit_again_; // in this pass: see FolderSync::needs_another_pass()
  runtime::Event settled_;                  // one of them is
  runtime::TaskSet settling_;
  runtime::TaskRunner<void> token_watch_;
  runtime::TaskRunner<void> life_;
};

} // namespace mailmoor::mailbox
