// A whole session against a hostile server. The first octet says how the stream is cut, the second in which state the
// session meets it. How the stream is cut must change neither events nor what we write; a body has the octets it
// announced; no event is larger than the limits allow.
#include "../imap/trace.h"
#include "model/message_id.h"

#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

namespace {

using namespace mailmoor;
using namespace mailmoor::imap;

struct Outcome {
  std::vector<std::string> events;
  std::string output;
  bool operator==(const Outcome&) const = default;
};

const Limits kLimits{
    .line = 2000, .literal = 200, .response = 4000, .depth = 8, .fetch_items = 8, .labels = 5, .body = 5000};

// Commands in flight of every kind, by the bits of `state`.
void prepare(Session& session, unsigned state) {
  std::vector<std::string> ignored;
  const bool qresync = (state & 32) != 0;
  if (qresync)
    feed(session, "* PREAUTH [CAPABILITY IMAP4rev1 LITERAL- ENABLE CONDSTORE QRESYNC LIST-STATUS] hi\r\n", 0, ignored);
  else if ((state & 64) != 0)
    feed(session, "* PREAUTH [CAPABILITY IMAP4rev1 LITERAL- IDLE NOTIFY] hi\r\n", 0, ignored);
  else if ((state & 1) == 0)
    feed(session, "* PREAUTH [CAPABILITY IMAP4rev1 LITERAL-] hi\r\n", 0, ignored);
  if (qresync) (void)session.enable_qresync();
  if ((state & 2) != 0) session.examine(FolderName::from_wire("a\"b", '/'));
  if (session.can_notify()) session.notify_of_all(/*flag_changes=*/true);
  session.noop();
  session.uid_fetch_bodies(*UidSet::parse("1:9"));
  session.uid_fetch_identities(*UidSet::parse("1:9"));
  if ((state & 64) != 0) session.uid_fetch_gmail_summaries(*UidSet::parse("1:9"), /*with_labels=*/true);
  switch (state >> 2 & 7) {
  case 0: session.idle(); break;
  case 1:
    session.idle();
    session.done();
    break;
  case 2: (void)session.authenticate({SaslMechanism::kXoauth2, "u", Secret("tok"), "h"}); break;
  case 3: (void)session.authenticate({SaslMechanism::kOauthbearer, "u", Secret("tok"), "h"}); break;
  case 4: session.starttls(); break;
  case 5: (void)session.login("u", Secret("p\"w")); break;
  case 6: session.list_all(/*with_status=*/true); break;
  default: session.logout(); break;
  }
  session.status(FolderName::from_wire("c\\d", '/'));
}

Outcome run(std::string_view wire, unsigned state, std::size_t chunk) {
  Session session(kLimits);
  prepare(session, state);
  Outcome outcome;
  feed(session, wire, chunk, outcome.events);
  outcome.output = take_output(session);
  return outcome;
}

// BodyBegin … size=n, then n octets, then BodyEnd; or the stream ends first.
void check_bodies(const std::vector<std::string>& events) {
  for (std::size_t i = 0; i < events.size(); ++i) {
    if (!events[i].starts_with("BodyBegin ")) continue;
    const auto size = std::stoull(events[i].substr(events[i].rfind('=') + 1));
    std::size_t next = i + 1;
    std::size_t bytes = 0;
    if (next < events.size() && events[next].starts_with("BodyBytes ")) bytes = events[next++].size() - 10;
    if (bytes > size) std::abort();
    if (next < events.size() && (events[next] != "BodyEnd" || bytes != size)) std::abort();
  }
}

// The Message-ID of a message does not depend on how it comes.
void check_message_id(std::string_view message, std::size_t chunk) {
  MessageIdScanner whole, cut;
  whole.append(message);
  for (std::size_t at = 0; at < message.size(); at += chunk)
    cut.append(message.substr(at, chunk));
  if (whole.fingerprint() != cut.fingerprint() || whole.is_done() != cut.is_done()) std::abort();
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 2) return 0;
  const std::string_view wire(reinterpret_cast<const char*>(data) + 2, size - 2);
  check_message_id(wire, data[0] % 7 + 1);
  const Outcome whole = run(wire, data[1], 0);
  if (whole != run(wire, data[1], 1 + data[0] % 16)) std::abort();
  check_bodies(whole.events);
  for (const std::string& event : whole.events)
    if (event.size() > kLimits.body + 3 * kLimits.response) std::abort();
  return 0;
}
