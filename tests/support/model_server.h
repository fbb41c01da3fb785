// An IMAP server in memory that keeps to the book: UIDs, mod-sequences, expunges that each session learns in its turn.
// What it offers is chosen by `capabilities`: CONDSTORE, ENABLE QRESYNC, LIST-STATUS, IDLE are done as RFC 7162, 5819
// and 2177 say, X-GM-EXT-1 as Gmail does it. Lives on the test's own loop; folders are changed by the test at any time.
//
//   ModelServer server(world.loop);
//   server.deliver("INBOX", body, date, FlagLetters::parse("S"));
//   server.limit_bytes(500, /*closes=*/true);     // the line is cut after 500 more bytes
//   server.before_command = [](std::size_t n) {}; // the n-th command of all sessions is about to be answered
#pragma once

#include "model/flag_letters.h"
#include "model/uid_set.h"
#include "support/http_server.h"
#include "support/tls_peer.h"
#include "util/concat.h"
#include "util/time_text.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace mailmoor::testing {

class ModelServer final {
 public:
  struct Message {
    std::string body;
    UnixTime date;
    FlagLetters flags;
    std::uint64_t mod_seq = 0;
    bool withheld = false; // listed, and not handed out
    std::uint64_t gmail_id = 0;
  };
  struct Folder {
    std::uint32_t validity = 0;
    std::uint32_t next = 1;
    std::uint64_t mod_seq = 1;
    std::map<std::uint32_t, Message> messages = {};       // by UID
    std::map<std::uint32_t, std::uint64_t> vanished = {}; // UID → mod-sequence
  };
  using FolderPtr = std::shared_ptr<Folder>; // owners: the server and each session that has it open

  explicit ModelServer(runtime::Loop& loop) : loop_(loop), listener_(loop), tasks_(loop) {
    reset();
    tasks_.spawn(serve());
  }

  // Only INBOX, empty; all sessions live on with what they have open.
  void reset() {
    folders.clear();
    capabilities = {};
    next_validity_ = 100;
    next_gmail_id_ = ~std::uint64_t{0};
    create("INBOX");
    commands.clear();
    answer_ends.clear();
    strange.clear();
    before_command = {};
    limit_.reset();
    limit_reached_ = false;
    sent_ = 0;
  }

  std::map<std::string, FolderPtr> folders; // by name on the wire; the delimiter is "/"
  std::string capabilities;                 // besides IMAP4rev1 and the login
  std::vector<std::string> commands;        // of all sessions, without tags and credentials
  std::vector<std::size_t> answer_ends;     // bytes_sent() after each answer
  std::vector<std::string> strange;         // commands that a client that only reads has no use for
  std::function<void(std::size_t)> before_command;

  void create(const std::string& name) {
    if (!folders.contains(name)) folders[name] = std::make_shared<Folder>(Folder{.validity = next_validity_++});
  }
  std::uint32_t deliver(const std::string& name, std::string body, UnixTime date, FlagLetters flags) {
    return put(name, {std::move(body), date, flags, 0, false, next_gmail_id_--});
  }
  // The same message in another folder, or once more in this one.
  std::uint32_t put(const std::string& name, Message message) {
    Folder& folder = *folders.at(name);
    message.mod_seq = ++folder.mod_seq;
    message.withheld = false;
    folder.messages[folder.next] = std::move(message);
    return folder.next++;
  }
  void expunge(const std::string& name, std::uint32_t uid) {
    Folder& folder = *folders.at(name);
    if (folder.messages.erase(uid) != 0) folder.vanished[uid] = ++folder.mod_seq;
  }
  void flag(const std::string& name, std::uint32_t uid, FlagLetters flags) {
    Folder& folder = *folders.at(name);
    Message& message = folder.messages.at(uid);
    message.flags = flags;
    message.mod_seq = ++folder.mod_seq;
  }
  // Another UIDVALIDITY, every UID anew; who has the folder open sees the old one until it is opened again.
  void renumber(const std::string& name) {
    auto renewed = std::make_shared<Folder>(Folder{.validity = next_validity_++});
    for (auto& [uid, message] : folders.at(name)->messages) {
      renewed->messages[renewed->next] = message;
      renewed->messages[renewed->next++].mod_seq = ++renewed->mod_seq;
    }
    folders[name] = std::move(renewed);
  }

  // After so many more bytes of all sessions together the server falls silent, or closes that session.
  void limit_bytes(std::size_t bytes, bool closes) {
    limit_ = bytes;
    limit_closes_ = closes;
    limit_reached_ = false;
  }
  void lift_limit() { limit_.reset(); }
  [[nodiscard]] bool limit_reached() const { return limit_reached_; }
  [[nodiscard]] std::size_t bytes_sent() const { return sent_; }
  [[nodiscard]] bool offers(std::string_view capability) const {
    return concat(' ', capabilities, ' ').contains(concat(' ', capability, ' '));
  }

  [[nodiscard]] std::uint16_t port() const { return listener_.port(); }
  [[nodiscard]] std::string authority_pem() const { return net::pem_of(authority_); }

 private:
  // What one session has been told.
  struct View {
    std::string name;
    FolderPtr folder;
    std::vector<std::uint32_t> uids;             // by sequence number
    std::map<std::uint32_t, std::uint64_t> told; // UID → mod-sequence of the flags that it knows
    bool condstore = false, qresync = false;
    bool refused = false; // the last EXAMINE: what was sent behind it finds no folder open
    std::string idle_tag;
  };

  [[nodiscard]] runtime::Task<void> serve() {
    while (true) {
      auto accepting = listener_.accept();
      std::unique_ptr<net::TcpStream> tcp = co_await accepting;
      tasks_.spawn(converse(std::move(tcp)));
    }
  }

  [[nodiscard]] runtime::Task<void> converse(std::unique_ptr<net::TcpStream> tcp) {
    TlsPeer peer(loop_, std::move(tcp), context_.get());
    auto securing = peer.accept();
    const bool secured = co_await securing;
    if (!secured) co_return;
    View view;
    std::string text = "* OK ready\r\n";
    bool is_whole = true;
    while (true) {
      is_whole = is_whole && meter(text);
      auto writing = peer.write(std::move(text));
      const bool written = co_await writing;
      if (!written || (!is_whole && limit_closes_)) co_return;
      auto reading = peer.read_line();
      std::string line = co_await reading;
      if (line.empty()) co_return;
      text = is_whole ? answer(view, line) : std::string();
    }
  }

  // False: the rest of `text` is cut off.
  [[nodiscard]] bool meter(std::string& text) {
    const bool is_whole = !limit_ || text.size() < *limit_;
    if (!is_whole) {
      text.resize(*limit_);
      limit_.reset();
      limit_reached_ = true;
    } else if (limit_) {
      *limit_ -= text.size();
    }
    sent_ += text.size();
    answer_ends.push_back(sent_);
    return is_whole;
  }

  [[nodiscard]] std::string answer(View& view, const std::string& line) {
    if (line == "DONE") return concat(updates(view), std::exchange(view.idle_tag, {}), " OK idled\r\n");
    const std::size_t space = line.find(' ');
    const std::string tag = line.substr(0, space);
    const std::string command = line.substr(space + 1);
    commands.push_back(command.substr(0, command.starts_with("AUTHENTICATE") ? command.rfind(' ') : command.size()));
    if (before_command) before_command(commands.size());
    const auto is = [&command](std::string_view start) { return command.starts_with(start); };
    const std::string ok = concat(tag, " OK done\r\n");
    if (is("CAPABILITY"))
      return concat("* CAPABILITY IMAP4rev1 SASL-IR AUTH=PLAIN", capabilities.empty() ? "" : " ", capabilities, "\r\n",
                    ok);
    if (is("AUTHENTICATE") || is("NOOP")) return concat(updates(view), ok);
    if (is("ENABLE QRESYNC")) return enable(view, ok);
    if (is("LIST ")) return concat(updates(view), list(view, command.contains("STATUS (")), ok);
    if (is("STATUS ")) return status(view, command, tag);
    if (is("EXAMINE ")) return examine(view, command, tag);
    if (is("UID FETCH ") && view.folder != nullptr) return concat(fetch(view, command.substr(10)), updates(view), ok);
    if (is("UID FETCH ") && view.refused) return concat(tag, " BAD No mailbox selected\r\n");
    if (is("IDLE")) {
      view.idle_tag = tag;
      return "+ idling\r\n";
    }
    if (is("LOGOUT")) return concat("* BYE see you\r\n", ok);
    strange.push_back(command);
    return concat(tag, " BAD not for you\r\n");
  }

  [[nodiscard]] std::string enable(View& view, const std::string& ok) const {
    view.qresync = view.condstore = offers("QRESYNC");
    return concat(view.qresync ? "* ENABLED QRESYNC\r\n" : "* ENABLED\r\n", ok);
  }

  // Of the folder that is open a server may tell what the session has seen of it (RFC 9051 §6.3.11).
  [[nodiscard]] std::string list(const View& view, bool with_status) const {
    std::string text;
    for (const auto& [name, folder] : folders) {
      text += concat("* LIST () \"/\" \"", name, "\"\r\n");
      if (!with_status) continue;
      text += status_row(view, name, folder);
    }
    return text;
  }
  [[nodiscard]] std::string status_row(const View& view, const std::string& name, const FolderPtr& folder) const {
    const std::size_t messages = view.folder == folder ? view.uids.size() : folder->messages.size();
    std::string text = concat("* STATUS \"", name, "\" (MESSAGES ", messages, " UIDNEXT ", folder->next,
                              " UIDVALIDITY ", folder->validity);
    if (offers("CONDSTORE")) text += concat(" HIGHESTMODSEQ ", folder->mod_seq);
    return text + ")\r\n";
  }
  [[nodiscard]] std::string status(const View& view, const std::string& command, const std::string& tag) const {
    const std::string name = command.substr(8, command.find('"', 8) - 8);
    const auto found = folders.find(name);
    if (found == folders.end()) return concat(tag, " NO [NONEXISTENT] no such folder\r\n");
    return concat(status_row(view, name, found->second), tag, " OK done\r\n");
  }

  [[nodiscard]] std::string examine(View& view, const std::string& command, const std::string& tag) const {
    const std::size_t end = command.find('"', 9);
    const std::string name = command.substr(9, end - 9);
    const std::string parameters = command.substr(end + 1);
    std::string text = view.folder != nullptr && view.qresync ? "* OK [CLOSED] closed\r\n" : "";
    view.folder.reset();
    const auto found = folders.find(name);
    view.refused = found == folders.end();
    if (view.refused) return concat(text, tag, " NO [NONEXISTENT] no such folder\r\n");
    view.condstore |= parameters.contains("CONDSTORE") || parameters.contains("QRESYNC");
    view.name = name;
    view.folder = found->second;
    view.uids.clear();
    view.told.clear();
    const Folder& folder = *view.folder;
    for (const auto& [uid, message] : folder.messages) {
      view.uids.push_back(uid);
      view.told[uid] = message.mod_seq;
    }
    text += concat("* FLAGS (\\Answered \\Flagged \\Deleted \\Seen \\Draft $Forwarded)\r\n* ", view.uids.size(),
                   " EXISTS\r\n* OK [UIDVALIDITY ", folder.validity, "] v\r\n* OK [UIDNEXT ", folder.next, "] n\r\n");
    if (offers("CONDSTORE")) text += concat("* OK [HIGHESTMODSEQ ", folder.mod_seq, "] m\r\n");
    if (const std::size_t at = parameters.find("QRESYNC ("); at != std::string::npos)
      text += changes(view, parameters.substr(at + 9));
    return concat(text, tag, " OK [READ-ONLY] done\r\n");
  }

  // qresync: "<uidvalidity> <mod-sequence>)"; nothing where the UIDVALIDITY is another one (RFC 7162 §3.2.5.1).
  [[nodiscard]] static std::string changes(const View& view, std::string_view qresync) {
    const std::uint64_t validity = number(qresync);
    const std::uint64_t since = number(qresync.substr(qresync.find(' ') + 1));
    if (validity != view.folder->validity) return {};
    UidSet gone;
    for (const auto& [uid, mod_seq] : view.folder->vanished)
      if (mod_seq > since) gone.insert(*Uid::from(uid));
    std::string text = gone.empty() ? "" : concat("* VANISHED (EARLIER) ", gone.to_string(), "\r\n");
    for (std::size_t at = 0; at < view.uids.size(); ++at)
      if (view.folder->messages.at(view.uids[at]).mod_seq > since) text += flags_row(view, at) + ")\r\n";
    return text;
  }

  [[nodiscard]] static std::uint64_t number(std::string_view text) {
    std::uint64_t value = 0;
    std::from_chars(text.data(), text.data() + text.size(), value);
    return value;
  }

  [[nodiscard]] static std::string flags_text(FlagLetters flags) {
    constexpr std::array<std::string_view, 6> kNames = {"\\Draft",    "\\Flagged", "$Forwarded",
                                                        "\\Answered", "\\Seen",    "\\Deleted"};
    std::string text;
    for (const char letter : flags.to_string())
      text += concat(text.empty() ? "" : " ", kNames[std::string_view("DFPRST").find(letter)]);
    return text;
  }
  // Without the end.
  [[nodiscard]] static std::string flags_row(const View& view, std::size_t at) {
    const Message& message = view.folder->messages.at(view.uids[at]);
    std::string text = concat("* ", at + 1, " FETCH (UID ", view.uids[at], " FLAGS (", flags_text(message.flags), ")");
    if (view.condstore) text += concat(" MODSEQ (", message.mod_seq, ")");
    return text;
  }

  [[nodiscard]] static std::string fetch(View& view, const std::string& arguments) {
    std::string set = arguments.substr(0, arguments.find(' '));
    if (set.ends_with(":*")) set.replace(set.size() - 1, 1, "4294967295");
    const UidSet wanted = UidSet::parse(set).value_or(UidSet());
    const bool bodies = arguments.contains("BODY.PEEK[]");
    const std::size_t modifier = arguments.find("CHANGEDSINCE ");
    const std::uint64_t since =
        modifier == std::string::npos ? 0 : number(std::string_view(arguments).substr(modifier + 13));
    std::string text;
    for (std::size_t at = 0; at < view.uids.size(); ++at) {
      const std::uint32_t uid = view.uids[at];
      const auto found = view.folder->messages.find(uid);
      if (found == view.folder->messages.end() || !wanted.contains(*Uid::from(uid))) continue;
      const Message& message = found->second;
      if ((modifier != std::string::npos && message.mod_seq <= since) || (bodies && message.withheld)) continue;
      view.told[uid] = message.mod_seq;
      text += flags_row(view, at);
      if (arguments.contains("INTERNALDATE"))
        text += concat(" INTERNALDATE \"", internal_date(message.date), "\" RFC822.SIZE ", message.body.size());
      if (arguments.contains("X-GM-MSGID")) text += concat(" X-GM-MSGID ", message.gmail_id);
      if (arguments.contains("HEADER.FIELDS (MESSAGE-ID)")) {
        const std::string header = concat(message_id_line(message.body), "\r\n");
        text += concat(" BODY[HEADER.FIELDS (MESSAGE-ID)] {", header.size(), "}\r\n", header);
      }
      if (bodies) text += concat(" BODY[] {", message.body.size(), "}\r\n", message.body);
      text += ")\r\n";
    }
    return text;
  }
  // With its line end; empty where there is none.
  [[nodiscard]] static std::string message_id_line(const std::string& body) {
    const std::size_t at = body.find("Message-ID:");
    return at == std::string::npos ? "" : body.substr(at, body.find('\n', at) - at + 1);
  }
  [[nodiscard]] static std::string internal_date(UnixTime time) {
    constexpr std::array<std::string_view, 12> kMonths = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                                          "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
    const auto days = std::chrono::floor<std::chrono::days>(time);
    const std::chrono::year_month_day day(days);
    const std::chrono::hh_mm_ss clock(time - days);
    const auto two = [](auto value) { return concat(value < 10 ? "0" : "", value); };
    return concat(two(static_cast<unsigned>(day.day())), '-', kMonths[static_cast<unsigned>(day.month()) - 1], '-',
                  static_cast<int>(day.year()), ' ', two(clock.hours().count()), ':', two(clock.minutes().count()), ':',
                  two(clock.seconds().count()), " +0000");
  }

  // What has happened to the open folder since the session was last told.
  [[nodiscard]] static std::string updates(View& view) {
    if (view.folder == nullptr) return {};
    std::string text;
    UidSet gone;
    for (std::size_t at = 0; at < view.uids.size();) {
      if (view.folder->messages.contains(view.uids[at])) {
        ++at;
        continue;
      }
      gone.insert(*Uid::from(view.uids[at]));
      view.told.erase(view.uids[at]);
      view.uids.erase(view.uids.begin() + static_cast<std::ptrdiff_t>(at));
      if (!view.qresync) text += concat("* ", at + 1, " EXPUNGE\r\n"); // RFC 7162 §3.2.10: then VANISHED instead
    }
    if (view.qresync && !gone.empty()) text += concat("* VANISHED ", gone.to_string(), "\r\n");
    const std::size_t known = view.uids.size();
    for (auto next = view.folder->messages.upper_bound(view.uids.empty() ? 0 : view.uids.back());
         next != view.folder->messages.end(); ++next) {
      view.uids.push_back(next->first);
      view.told[next->first] = next->second.mod_seq;
    }
    if (view.uids.size() != known) text += concat("* ", view.uids.size(), " EXISTS\r\n");
    for (std::size_t at = 0; at < known; ++at) {
      const std::uint64_t mod_seq = view.folder->messages.at(view.uids[at]).mod_seq;
      if (std::exchange(view.told[view.uids[at]], mod_seq) != mod_seq) text += flags_row(view, at) + ")\r\n";
    }
    return text;
  }

  runtime::Loop& loop_;
  net::Identity authority_ = net::make_authority();
  net::Identity identity_ = net::issue({.names = "IP:127.0.0.1"}, &authority_);
  net::ServerContext context_ = net::server_context(identity_);
  Listener listener_;
  std::uint32_t next_validity_ = 100;
  std::uint64_t next_gmail_id_ = 0;
  std::optional<std::size_t> limit_;
  bool limit_closes_ = false, limit_reached_ = false;
  std::size_t sent_ = 0;
  runtime::TaskSet tasks_;
};

} // namespace mailmoor::testing
