#include "imap/command_writer.h"

#include "util/concat.h"

#include <algorithm>

namespace mailmoor::imap {
namespace {

constexpr std::string_view kLineEnd = "\r\n";
constexpr std::size_t kMaxAuthenticateLine = 8192;
constexpr std::size_t kLiteralMinusMax = 4096; // RFC 7888 §5
// Longer strings go as literals: servers bound their lines.
constexpr std::size_t kMaxQuoted = 1000;

// Quoted strings with escapes are not used: Exchange answers them with BAD (jakartaee/mail-api#152). Octets above 0x7F
// may stand in a quoted string only after UTF8=ACCEPT or in IMAP4rev2.
[[nodiscard]] bool can_be_quoted(std::string_view text) {
  return text.size() <= kMaxQuoted && std::ranges::all_of(text, [](char c) {
           const auto octet = static_cast<unsigned char>(c);
           return octet >= 0x20 && octet < 0x7F && c != '"' && c != '\\';
         });
}

[[nodiscard]] std::string_view items_text(FetchItems items) {
  switch (items) {
  case FetchItems::kFlags: return "(UID FLAGS)";
  case FetchItems::kSummaries: return "(UID FLAGS INTERNALDATE RFC822.SIZE)";
  case FetchItems::kIdentities: return "(UID FLAGS INTERNALDATE RFC822.SIZE BODY.PEEK[HEADER.FIELDS (MESSAGE-ID)])";
  case FetchItems::kGmailIds: return "(UID X-GM-MSGID)";
  case FetchItems::kGmailSummaries: return "(UID FLAGS INTERNALDATE RFC822.SIZE X-GM-MSGID)";
  case FetchItems::kGmailLabels: return "(UID FLAGS INTERNALDATE RFC822.SIZE X-GM-MSGID X-GM-LABELS)";
  case FetchItems::kBodies: break;
  }
  return "(UID FLAGS INTERNALDATE RFC822.SIZE BODY.PEEK[])";
}

} // namespace

void CommandWriter::start(std::string_view command) {
  command_.parts.emplace_back(concat(tag_, ' ', command));
  command_.for_log = command;
}

void CommandWriter::put(std::string_view text) {
  command_.parts.back().append(text);
  command_.for_log += text;
}

void CommandWriter::put_secret(std::string_view text) {
  command_.parts.back().append(text);
  command_.for_log += "***";
}

// astring = quoted / literal. Only what is said to be secret is kept out of the log.
void CommandWriter::put_astring(std::string_view text, bool secret) {
  if (can_be_quoted(text)) {
    put("\"");
    secret ? put_secret(text) : put(text);
    put("\"");
    return;
  }
  const bool waits =
      form_ == LiteralForm::kSynchronizing || (form_ == LiteralForm::kLiteralMinus && text.size() > kLiteralMinusMax);
  command_.parts.back().append(concat('{', text.size(), waits ? "}" : "+}", kLineEnd));
  if (waits) command_.parts.emplace_back();
  command_.parts.back().append(text);
  command_.for_log += secret ? "***" : concat('"', text, '"');
}

CommandText CommandWriter::finish() {
  command_.parts.back().append(kLineEnd);
  return std::move(command_);
}

CommandText CommandWriter::only(std::string_view command) {
  start(command);
  return finish();
}

CommandText CommandWriter::capability() && {
  return only("CAPABILITY");
}
CommandText CommandWriter::noop() && {
  return only("NOOP");
}
CommandText CommandWriter::logout() && {
  return only("LOGOUT");
}
CommandText CommandWriter::starttls() && {
  return only("STARTTLS");
}
CommandText CommandWriter::compress() && {
  return only("COMPRESS DEFLATE");
}

CommandText CommandWriter::idle() && {
  CommandText text = only("IDLE");
  text.parts.emplace_back("DONE\r\n");
  return text;
}

CommandText CommandWriter::id(std::span<const std::pair<std::string_view, std::string_view>> fields) && {
  if (fields.empty()) return only("ID NIL");
  start("ID (");
  for (const auto& [key, value] : fields) {
    if (&key != &fields.front().first) put(" ");
    put_astring(key, /*secret=*/false);
    put(" ");
    put_astring(value, /*secret=*/false);
  }
  put(")");
  return finish();
}

CommandText CommandWriter::authenticate(SaslMechanism mechanism, const Secret& response, bool sasl_ir) && {
  start(concat("AUTHENTICATE ", sasl_mechanism_name(mechanism)));
  const std::size_t line = command_.parts.back().size() + 1 + response.size() + kLineEnd.size();
  if (sasl_ir && line <= kMaxAuthenticateLine) {
    put(" ");
  } else {
    command_.parts.back().append(kLineEnd);
    command_.for_log += ' ';
    command_.parts.emplace_back();
  }
  put_secret(response.reveal());
  return finish();
}

CommandText CommandWriter::login(std::string_view user, const Secret& password) && {
  start("LOGIN ");
  put_astring(user, /*secret=*/false);
  put(" ");
  put_astring(password.reveal(), /*secret=*/true);
  return finish();
}

CommandText CommandWriter::list_all(std::string_view return_options) && {
  start("LIST \"\" \"*\"");
  if (!return_options.empty()) put(concat(" RETURN (", return_options, ')'));
  return finish();
}

CommandText CommandWriter::status(const FolderName& folder, bool mod_seq) && {
  start("STATUS ");
  put_astring(folder.wire(), /*secret=*/false);
  put(mod_seq ? " (MESSAGES UIDNEXT UIDVALIDITY HIGHESTMODSEQ)" : " (MESSAGES UIDNEXT UIDVALIDITY)");
  return finish();
}

// examine = "EXAMINE" SP mailbox [select-params]; select-param =/ condstore-param / "QRESYNC" SP "(" uidvalidity SP
// mod-sequence-value [SP known-uids] ")"
CommandText CommandWriter::examine(const FolderName& folder, const ExamineParameters& parameters) && {
  start("EXAMINE ");
  put_astring(folder.wire(), /*secret=*/false);
  if (parameters.qresync) {
    const auto& [validity, mod_seq] = *parameters.qresync;
    put(concat(" (QRESYNC (", validity.value(), ' ', mod_seq.value(), "))"));
  } else if (parameters.condstore) {
    put(" (CONDSTORE)");
  }
  return finish();
}

CommandText CommandWriter::enable_qresync() && {
  return only("ENABLE QRESYNC");
}

// RFC 5465 §8: "NOTIFY" SP "SET" [SP "STATUS"] SP event-groups; event-group = "(" filter-mailboxes SP events ")". §5:
// MessageNew and MessageExpunge go together, FlagChange goes with both. Of other users' folders, and of public ones,
// "personal" does not tell.
CommandText CommandWriter::notify_of_all(bool flag_changes) && {
  const std::string events = concat("(MessageNew MessageExpunge", flag_changes ? " FlagChange" : "");
  return only(concat("NOTIFY SET STATUS (selected ", events, ")) (personal ", events, " MailboxName))"));
}

CommandText CommandWriter::notify_of_selected(bool flag_changes) && {
  return only(
      concat("NOTIFY SET (selected-delayed (MessageNew MessageExpunge", flag_changes ? " FlagChange" : "", "))"));
}

CommandText CommandWriter::uid_fetch(std::string_view uids, FetchItems items, std::optional<ModSeq> changed_since) && {
  start("UID FETCH ");
  put(uids);
  put(" ");
  put(items_text(items));
  if (changed_since) put(concat(" (CHANGEDSINCE ", changed_since->value(), ')'));
  return finish();
}

} // namespace mailmoor::imap
