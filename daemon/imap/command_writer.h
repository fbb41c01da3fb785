// The octets of each command that Mailmoor can send. The methods are the whole list: nothing here can write a command
// that changes a mailbox (no STORE, EXPUNGE, MOVE, COPY, APPEND, no SELECT, no BODY[] without PEEK), and there is no
// way to pass a command in.
#pragma once

#include "imap/sasl.h"
#include "model/folder_name.h"
#include "model/uid.h"
#include "util/secret.h"

#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace mailmoor::imap {

// A command, cut where the server must send "+" before we go on (RFC 9051 §7.6).
struct CommandText {
  std::vector<Secret> parts; // at least one; wiped when they go, since some hold passwords
  std::string for_log;       // without tag and line end, secrets as "***"
};

// What the server takes without being asked (RFC 7888): nothing, literals up to 4,096 octets, any.
enum class LiteralForm { kSynchronizing, kLiteralMinus, kLiteralPlus };

// What EXAMINE is asked to tell besides (RFC 7162 §3.1.8, §3.2.5).
struct ExamineParameters {
  bool condstore = false; // HIGHESTMODSEQ
  struct Since {
    UidValidity validity;
    ModSeq mod_seq;
  };
  // No known UIDs are named: the server would then tell nothing of new messages (RFC 7162 §3.2.5.1).
  std::optional<Since> qresync; // all that changed since; wins over `condstore`, which it implies
};

enum class FetchItems {
  kFlags,      // UID FLAGS
  kSummaries,  // UID FLAGS INTERNALDATE RFC822.SIZE
  kIdentities, // the same and the header field Message-ID
  kBodies,     // summaries and BODY.PEEK[]
  // X-GM-EXT-1:
  kGmailIds,       // UID X-GM-MSGID
  kGmailSummaries, // summaries and X-GM-MSGID
  kGmailLabels,    // the same and X-GM-LABELS
};

class CommandWriter final {
 public:
  CommandWriter(std::string tag, LiteralForm form) : tag_(std::move(tag)), form_(form) {}

  [[nodiscard]] CommandText capability() &&;
  [[nodiscard]] CommandText noop() &&;
  [[nodiscard]] CommandText logout() &&;
  [[nodiscard]] CommandText starttls() &&;
  [[nodiscard]] CommandText compress() &&;
  [[nodiscard]] CommandText idle() &&; // the second part is DONE
  [[nodiscard]] CommandText id(std::span<const std::pair<std::string_view, std::string_view>> fields) &&;
  // `response` goes into the first line where that keeps it within 8 kB and `sasl_ir` says so (RFC 4959), else it is
  // the second part. Exchange ends a connection at lines above 10 kB.
  [[nodiscard]] CommandText authenticate(SaslMechanism mechanism, const Secret& response, bool sasl_ir) &&;
  [[nodiscard]] CommandText login(std::string_view user, const Secret& password) &&;
  // `return_options`: "" or what stands in the parentheses of RETURN (RFC 5258).
  [[nodiscard]] CommandText list_all(std::string_view return_options) &&;
  [[nodiscard]] CommandText status(const FolderName& folder, bool mod_seq) &&;
  [[nodiscard]] CommandText examine(const FolderName& folder, const ExamineParameters& parameters) &&;
  // Lets the server tell VANISHED in this session (RFC 7162 §3.2.3); nothing outlives the session.
  [[nodiscard]] CommandText enable_qresync() &&;
  // NOTIFY SET for all folders of the user and the one that is open (RFC 5465): what happens to messages, and to the
  // folders themselves; first STATUS of each. No fetch-att: nothing is sent of a message unasked. One short line
  // however many folders there are: Dovecot takes 100 names at most, Exchange 4 kB.
  [[nodiscard]] CommandText notify_of_all(bool flag_changes) &&;
  // Of the open folder only, and EXPUNGE only where it is allowed without NOTIFY, too. Not NOTIFY NONE, which silences
  // the open folder as well: IDLE would be deaf from then on, should NOTIFY be refused later.
  [[nodiscard]] CommandText notify_of_selected(bool flag_changes) &&;
  // `uids`: a sequence-set. `changed_since`: only messages that changed after it (RFC 7162 §3.1.4.1).
  [[nodiscard]] CommandText uid_fetch(std::string_view uids, FetchItems items,
                                      std::optional<ModSeq> changed_since = std::nullopt) &&;

 private:
  void start(std::string_view command);
  void put(std::string_view text);
  void put_secret(std::string_view text);
  void put_astring(std::string_view text, bool secret);
  [[nodiscard]] CommandText finish();
  [[nodiscard]] CommandText only(std::string_view command);

  std::string tag_;
  LiteralForm form_;
  CommandText command_;
};

} // namespace mailmoor::imap
