// What real servers send that the grammar does not allow, each by name. Those of the grammar are all on: none of them
// can make literal data be read as protocol. A test switches each off to show that it is this flag that lets the line
// through.
#pragma once

#include <string_view>

namespace mailmoor::imap {

// What a server offers, or the RFC lets every client do, and it does not keep to: it is treated as if it were not
// there.
struct ExtensionQuirks {
  // iCloud (imap.mail.me.com): VANISHED that names messages which are there, FETCH with sequence numbers that are not,
  // no ENABLED; Foundry376/Mailspring-Sync#91, jstedfast/MailKit#1871, 2025. CONDSTORE is sound there.
  bool no_qresync = false;
  // Exchange Online since 2026 offers "ENABLE IMAP4rev2" and does not answer as IMAP4rev2 has it once that is enabled:
  // SEARCH goes wrong; jstedfast/MailKit#2016, 2026. Nothing is enabled there, whatever is offered.
  bool no_enable = false;
  // "LIST "" "*" RETURN (STATUS (MESSAGES))" → "BAD Command Argument Error. 12", where IMAP4rev2 or LIST-STATUS is
  // offered. Exchange, floatpane/matcha#1426, 2026. Known too of any server that has answered so in this session.
  bool no_list_return = false;
  // X-GM-MSGID is answered with BAD where X-GM-EXT-1 is offered: a gateway that passes on Gmail's capabilities and not
  // its items. Known of any server that has answered so in this session; none by name.
  bool no_gmail_items = false;

  // EXAMINE is not sent behind commands that are not complete yet. Nothing is known to go wrong with it on Exchange,
  // but no other client asks it of that server either, and a refused command counts there (see Refusals).
  bool no_examine_ahead = false;

  // NOTIFY is not asked of Exchange, should it ever offer it: what it pushes in IDLE is unreliable already
  // (eclipse-ee4j/angus-mail#176, 2025). Known too of any server that has refused it in this session, or has told that
  // it could not keep up.
  bool no_notify = false;

  friend bool operator==(const ExtensionQuirks&, const ExtensionQuirks&) = default;
};

// What is known of the server with this name, in any case.
[[nodiscard]] ExtensionQuirks extension_quirks(std::string_view host);
// What is added to it by how the server introduces itself: it may stand behind any name.
void add_extension_quirks(ExtensionQuirks& quirks, std::string_view greeting);

struct Quirks {
  // A line ends with LF alone. IceWarp 11 and hand-made gateways, jstedfast/MailKit#225, 2015; RFC 9051 §2.2: CRLF.
  bool bare_lf = true;
  // "* LIST () "/" Notes<TAB>2019": a folder name with TAB, space or control octets as a bare atom. Exchange,
  // jstedfast/MailKit#945, 2019. The name is then all up to the end of the line, in STATUS up to the last " (".
  bool name_not_quoted = true;
  // "* [UIDNEXT 5] Predicted": a response code without the OK before it. Exchange, jstedfast/MailKit#115, 2014.
  bool code_without_ok = true;
  // "A1 OK" with nothing after it. Exchange, OfflineIMAP/offlineimap#623, 2019; RFC 9051 §9 wants a space and text.
  bool missing_text = true;
  // "+" without the space after it. Exchange, jstedfast/MailKit#333, 2016.
  bool bare_continuation = true;
  // A space more than the grammar has: "* STATUS INBOX (MESSAGES 1) ". Outlook.com, emersion/go-imap#540, 2023;
  // "* CAPABILITY IMAP4rev1 ", imap.exmail.qq.com, emersion/go-imap#571, 2024.
  bool extra_space = true;

  ExtensionQuirks extensions;
};

} // namespace mailmoor::imap
