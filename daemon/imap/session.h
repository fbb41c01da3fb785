// The client's side of one IMAP connection, without the connection: received bytes in, events out, bytes to send out.
// Owned by whoever owns the socket. One thread at a time; never blocks, logs or asks for the time.
//
// The loop of the owner:
//   1. receive(bytes)                            what the socket gave
//   2. next() until it says NeedInput or Failed  what the server said; commands may be queued in between
//   3. output() / output_sent(n)                 what is to be written, at any time; reading and writing go on side by
//                                                side, or both ends may wait for each other
// Life: greeting → not authenticated → [STARTTLS] → authenticated → [folder open] → Bye or end of the stream.
// Queued commands are sent in order. Those that change what others mean (STARTTLS, COMPRESS, AUTHENTICATE, LOGIN,
// EXAMINE, IDLE, LOGOUT) wait for the commands before them to complete and keep back those after them (RFC 9051 §5.5);
// the others are pipelined, and so is EXAMINE where examine_ahead() sends it. There is no way to send a command that
// changes anything on the server. A command that the server has called wrong is not sent again: it is Completed at
// once, with the answer that it had.
#pragma once

#include "imap/capabilities.h"
#include "imap/command_queue.h"
#include "imap/fetch_parser.h"
#include "imap/framer.h"
#include "imap/limits.h"
#include "imap/quirks.h"
#include "imap/refusals.h"
#include "imap/response.h"
#include "imap/response_parser.h"
#include "imap/sasl.h"
#include "imap/selection.h"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace mailmoor::imap {

class Session final {
 public:
  explicit Session(const Limits& limits = {}, const Quirks& quirks = {});
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;

  // REQUIRES: next() has said NeedInput since the last call (or this is the first). The bytes must stay where they are
  // until next() says NeedInput again.
  void receive(std::span<const std::byte> bytes);
  // Views in the event are valid until the next call.
  [[nodiscard]] Event next();

  // What is to be written to the server now; empty when there is nothing, or when the server must answer first. Valid
  // until the next call of any member but the const ones.
  [[nodiscard]] std::string_view output() const noexcept { return commands_.output(); }
  // The first `count` bytes of output() are written. They are wiped: they may have been a password.
  void output_sent(std::size_t count) { commands_.output_sent(count); }

  // Each queues one command and returns its name; its last event is Completed (or none, when the connection dies).
  CommandId capability();
  CommandId id(std::span<const std::pair<std::string_view, std::string_view>> fields); // RFC 2971; ≤ 30 fields
  CommandId noop();
  CommandId logout();
  // After Completed with kOk nothing more is sent or accepted until tls_started(). Bytes received before that are an
  // injection and make the session Failed with code "plaintext_after_starttls".
  CommandId starttls();
  void tls_started();
  // COMPRESS DEFLATE (RFC 4978). After Completed with kOk what comes is compressed, maybe from the next octet on:
  // take_compressed() gives what was received of it already (valid until the next receive()), and nothing more is sent
  // or accepted until compression_started().
  CommandId compress();
  [[nodiscard]] std::string_view take_compressed() noexcept { return framer_.take_unread(); }
  void compression_started();
  // Fails like sasl_initial_response() and then queues nothing. kLoginCommand is the same as login().
  [[nodiscard]] Result<CommandId> authenticate(const SaslLogin& login);
  [[nodiscard]] Result<CommandId> login(std::string_view user, const Secret& password);

  // LIST "" "*". `with_status` adds StatusEntry for each folder where the server can (LIST-STATUS, RFC 5819); where it
  // cannot the answer is the plain list: ask can_list_status().
  CommandId list_all(bool with_status = false);
  // False from the moment at which the server has refused it, too: then the list is to be asked for once more.
  [[nodiscard]] bool can_list_status() const { return can_list_with("LIST-STATUS"); }
  // Whether list_all() asks for more than the plain list.
  [[nodiscard]] bool can_list_return() const { return can_list_with("LIST-EXTENDED") || can_list_status(); }
  CommandId status(const FolderName& folder);
  // Opens a folder for reading; selected() says what is open once it has completed. With `since` (REQUIRES:
  // qresync_enabled()) the server tells before that, as Fetched and Vanished (earlier), all that changed since then.
  CommandId examine(const FolderName& folder, std::optional<ExamineParameters::Since> since = std::nullopt);
  // The same behind commands that are not complete yet, with others behind it that are meant for that folder. Those
  // before it are still about the folder that is open; the server goes on to the next one in its turn (RFC 9051 §5.5).
  // Where it refuses, the commands sent behind it fail too. REQUIRES: can_examine_ahead().
  CommandId examine_ahead(const FolderName& folder, std::optional<ExamineParameters::Since> since = std::nullopt);
  [[nodiscard]] bool can_examine_ahead() const noexcept;
  // Whether the server keeps mod-sequences, by what it offers. A folder may be without (NOMODSEQ).
  [[nodiscard]] bool can_condstore() const;
  // ENABLE QRESYNC, where it is offered and can be trusted; empty where not. To be sent while no folder is open.
  std::optional<CommandId> enable_qresync();
  // The server has said that it is.
  [[nodiscard]] bool qresync_enabled() const noexcept { return qresync_enabled_; }

  // Each asks for UID and FLAGS at least. One Fetched per message, in any order; messages that are gone, and some that
  // Exchange cannot give, have none. REQUIRES: not empty, and no longer than split_for_commands() makes them.
  CommandId uid_fetch_flags(const UidSet& uids);
  CommandId uid_fetch_flags(UidRange range);
  // Of these only the ones that changed after `since`, new ones among them. REQUIRES: can_condstore().
  CommandId uid_fetch_changes(UidRange range, ModSeq since);
  CommandId uid_fetch_summaries(const UidSet& uids);  // with INTERNALDATE and RFC822.SIZE
  CommandId uid_fetch_identities(const UidSet& uids); // the same, with the header field Message-ID
  CommandId uid_fetch_bodies(const UidSet& uids);     // summaries, with BODY.PEEK[]
  // Summaries of "first:*". The last message of the folder is among them even when its UID is lower (RFC 9051 §6.4.9).
  CommandId uid_fetch_from(Uid first);

  // Whether the server tells X-GM-MSGID: by X-GM-EXT-1, never by its name. False from the moment at which it has
  // refused it.
  [[nodiscard]] bool has_gmail_items() const {
    return !quirks_.extensions.no_gmail_items && capabilities_.has("X-GM-EXT-1");
  }
  // The UID and X-GM-MSGID alone. REQUIRES, as the next one: has_gmail_items().
  CommandId uid_fetch_gmail_ids(const UidSet& uids);
  // Summaries with X-GM-MSGID and, `with_labels`, X-GM-LABELS.
  CommandId uid_fetch_gmail_summaries(const UidSet& uids, bool with_labels);

  // Whether one connection can hear of all folders (RFC 5465): offered, with IDLE, and not refused in this session. A
  // server that says of itself that it lost some of it (NOTIFICATIONOVERFLOW) has refused, too.
  [[nodiscard]] bool can_notify() const;
  // First comes a StatusEntry of each folder but the open one: what happened before is not told otherwise. From then on
  // StatusEntry and ListEntry come at any time. REQUIRES: can_notify().
  CommandId notify_of_all(bool flag_changes);
  // The open folder only, as without NOTIFY: whatever is asked for next, nothing of other folders comes between its
  // answers. REQUIRES: notify_of_all() was accepted.
  CommandId notify_of_selected(bool flag_changes);

  // RFC 2177. Completed comes after done(), which may be called at any time: DONE is held back until the server has
  // accepted. Nothing is done when no IDLE is queued or running.
  CommandId idle();
  void done();

  [[nodiscard]] const Capabilities& capabilities() const noexcept { return capabilities_; }
  // What is open, kept up to date with what the server tells. Empty from the turn of an EXAMINE until its OK.
  [[nodiscard]] const std::optional<SelectedFolder>& selected() const noexcept { return selection_.selected(); }
  // Commands queued or sent that have not completed.
  [[nodiscard]] std::size_t commands_pending() const noexcept { return commands_.pending(); }
  // Whether a message body has begun and not ended.
  [[nodiscard]] bool in_body() const noexcept { return literal_ == LiteralUse::kBody; }

 private:
  // What the literal that the framer is in is for.
  enum class LiteralUse { kNone, kBody, kHeld, kDropped };

  // Received.
  void on_text(Framer::Text frame);
  void on_first_text(Framer::Text frame);
  void on_fetch_text(Framer::Text frame);
  void on_literal(const Framer::LiteralBytes& frame);
  void begin_body(std::uint64_t size);
  void emit_quoted_body();
  [[nodiscard]] bool hold_text(std::string_view text); // false: a limit was passed
  void hold_literal(std::uint64_t size);
  void skip_response(std::string_view text, bool literal_follows);
  void end_response();
  // Understood.
  void on_response(std::string_view response);
  void on_greeting(std::string_view response);
  void on_untagged(std::string_view text);
  void on_tagged(std::string_view line);
  void on_continuation(std::string_view text);
  void on_status(StatusResponse status);
  void complete(Command command, std::optional<StatusResponse> status, std::string_view line);
  void apply_code(const std::optional<ResponseCode>& code);
  void hear_capabilities(std::string_view words);
  void learn_from(const Command& command, const Completed& completed);
  void give_up(Presumed presumed) noexcept;
  void fail_with(ErrorKind kind, std::string code, std::string what);
  void emit(Event event) { ready_.push_back(std::move(event)); }
  // Sent.
  void pump();
  [[nodiscard]] CommandWriter writer() const;
  CommandId add(CommandKind kind, CommandText text);
  CommandId add(Command command);
  [[nodiscard]] bool can_list_with(std::string_view extension) const {
    return !quirks_.extensions.no_list_return && capabilities_.has(extension);
  }
  CommandId add_examine(CommandKind kind, const FolderName& folder, std::optional<ExamineParameters::Since> since);
  CommandId uid_fetch(std::string_view uids, FetchItems items, std::optional<ModSeq> changed_since = std::nullopt);
  CommandId uid_fetch_gmail(const UidSet& uids, FetchItems items);

  Limits limits_;
  Quirks quirks_;
  Framer framer_;
  FetchParser fetch_;
  CommandQueue commands_;
  Refusals refusals_;
  Capabilities capabilities_;
  Selection selection_;

  std::vector<Event> ready_; // understood and not yet told, from ready_head_ on
  std::size_t ready_head_ = 0;
  std::string response_;    // what is held of the response being received, literals in place
  std::string quoted_body_; // a message that came as a quoted string
  std::size_t reread_ = 0;  // octets, of the FETCH being received
  LiteralUse literal_ = LiteralUse::kNone;
  bool greeted_ = false;
  bool in_response_ = false; // between the first text of a response and its end
  bool in_fetch_ = false;    // that response is a FETCH
  bool skipping_ = false;    // the rest of that response is thrown away
  bool awaiting_tls_ = false;
  bool awaiting_compression_ = false;
  bool qresync_enabled_ = false;
  bool capabilities_fresh_ = false; // heard since the login was sent
  std::optional<Error> failed_;
};

} // namespace mailmoor::imap
