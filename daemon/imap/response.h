// What a Session tells its owner: one value per thing that the server said. Plain values; those with a view say how
// long it is good for.
#pragma once

#include "imap/response_code.h"
#include "model/flags.h"
#include "model/folder_name.h"
#include "model/folder_state.h"
#include "model/gmail.h"
#include "model/uid.h"
#include "model/uid_set.h"
#include "util/error.h"
#include "util/strong_int.h"
#include "util/time_text.h"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace mailmoor::imap {

// Names one command of one Session; never reused in it.
using CommandId = StrongInt<struct CommandIdTag, std::uint32_t>;

enum class CompletionStatus { kOk, kNo, kBad };

// The first event of a connection that is not refused with Bye.
struct Greeting {
  // PREAUTH. On a connection that was to use STARTTLS the owner must hang up: TLS can no longer be negotiated, and an
  // attacker on the way can send this line (RFC 9051 §7.1.4, CVE-2020-12398).
  bool preauthenticated = false;
  std::string text;
  std::optional<ResponseCode> code;
};

struct ListEntry {
  FolderName name;
  bool selectable;                     // neither \Noselect nor \NonExistent
  std::vector<std::string> attributes; // lower case, e.g. "\\sent"
};

// From STATUS, or unasked after LIST … RETURN (STATUS …), RFC 5819.
struct StatusEntry {
  FolderName name;   // its delimiter is unknown ('\0'): compare with ListEntry by wire()
  FolderState state; // the fields given; the others as constructed
};

struct Exists {
  std::uint32_t count;
  std::uint32_t before = 0; // what was known of the folder until then
};

struct Expunged {
  SeqNum seq;
};

// RFC 7162 §3.2.10.
struct Vanished {
  UidSet uids;
  bool earlier; // (EARLIER): sequence numbers do not change
};

// A message body starts, runs in any number of BodyBytes, and ends. It counts only when Fetched with
// body == kStreamed follows: Unparsed or Failed before that makes it void.
struct BodyBegin {
  SeqNum seq;
  std::optional<Uid> uid; // when the server named it before the body; Fetched has it in any case
  std::uint64_t size;     // octets to come; the message's true length
};

struct BodyBytes {
  std::span<const std::byte> bytes; // not empty; valid until the next call of next()
};

struct BodyEnd {};

// One FETCH response is over. A message may have several (a flag change beside the answer to our own command).
struct Fetched {
  enum class Body {
    kNone,     // no body in this response
    kNil,      // BODY[] NIL: the server has the message but will not give it
    kStreamed, // its BodyBegin … BodyEnd came before this event
  };
  explicit Fetched(SeqNum seq_in) : seq(seq_in) {}

  SeqNum seq;
  std::optional<Uid> uid;
  std::optional<Flags> flags;
  std::optional<UnixTime> internal_date; // empty too when the server's date is none
  std::optional<std::uint64_t> rfc822_size;
  std::optional<ModSeq> mod_seq;
  Body body = Body::kNone;
  // BODY[HEADER.FIELDS …]: the fields that were asked for, as they stand in the message; empty too for NIL.
  std::optional<std::string> header;
  std::optional<GmailId> gmail_id;       // X-GM-MSGID
  std::vector<std::string> gmail_labels; // X-GM-LABELS: modified UTF-7, and "\\Inbox" and the like
};

// The server is closing. Commands in flight may still be completed; then comes the end of the stream.
struct Bye {
  std::string text;
  std::optional<ResponseCode> code;
};

// Untagged OK, NO or BAD: warnings, [ALERT], Dovecot's "Still here". Capabilities and the state of the selected folder
// are already taken from it.
struct ServerText {
  CompletionStatus kind;
  std::string text;
  std::optional<ResponseCode> code;
};

// The server's answer to ID (RFC 2971), NIL values left out.
struct ServerId {
  std::vector<std::pair<std::string, std::string>> fields;
};

// The server accepted IDLE: from now on it tells what happens without being asked.
struct IdleStarted {
  CommandId id;
};

// A response that could not be read, or that nothing asked for. Skipped with all its literals; the conversation goes
// on.
struct Unparsed {
  std::string text; // loggable()
};

// A command is over.
struct Completed {
  Completed(CommandId id_in, CompletionStatus status_in) : id(id_in), status(status_in) {}

  CommandId id;
  CompletionStatus status;
  std::string text;
  std::optional<ResponseCode> code;
  bool malformed = false; // the tagged line was no IMAP: status is kBad, text the line
  std::string sasl_error; // decoded error challenge of XOAUTH2 or OAUTHBEARER (JSON), else empty
  std::string command;    // status kBad only: what we sent, secrets as "***"; for the log
};

// All received bytes are used up.
struct NeedInput {};

// The stream can no longer be understood, or a limit was passed. Terminal: next() says nothing else from now on.
struct Failed {
  Error error; // kMailbox or kHost: drop the connection, back off, connect again
};

using Event =
    std::variant<NeedInput, Greeting, ListEntry, StatusEntry, Exists, Expunged, Vanished, BodyBegin, BodyBytes, BodyEnd,
                 Fetched, Bye, ServerText, ServerId, IdleStarted, Unparsed, Completed, Failed>;

// What a completion says about trying again, by protocol alone (status and the codes of RFC 5530 §3). The texts of
// particular providers are read by the caller.
enum class FailureClass {
  kNone,           // OK
  kTransient,      // UNAVAILABLE, INUSE, SERVERBUG
  kThrottled,      // LIMIT, OVERQUOTA, THROTTLED
  kAuthentication, // AUTHENTICATIONFAILED, AUTHORIZATIONFAILED, EXPIRED, PRIVACYREQUIRED
  kPermission,     // NOPERM, CONTACTADMIN
  kGone,           // NONEXISTENT, EXPUNGEISSUED
  kRefused,        // any other NO
  kRequest,        // BAD: the command, or the server's reading of it, is wrong
};

[[nodiscard]] FailureClass classify(const Completed& completed);

// The first 200 octets of what a server sent, for people (util/printable.h).
[[nodiscard]] std::string loggable(std::string_view text);

} // namespace mailmoor::imap
