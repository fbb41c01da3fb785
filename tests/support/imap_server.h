// A small IMAP server on loopback with TLS and folders in memory, for tests that want to have a say in each answer.
// Lives on the test's own loop.
//
//   ImapServer server(world.loop);
//   server.folders["INBOX"].deliver(body);
//   server.answer = [](const std::string& command) -> std::optional<std::string> {…};  // {}: as a good server would
#pragma once

#include "model/uid_set.h"
#include "support/http_server.h"
#include "support/tls_peer.h"
#include "util/concat.h"

#include <algorithm>
#include <cstdint>
#include <functional>
#include <limits>
#include <list>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace mailmoor::testing {

class ImapServer final {
 public:
  struct Folder {
    std::uint32_t validity = 14;
    std::uint32_t next = 1;
    std::map<std::uint32_t, std::string> messages = {};
    std::set<std::uint32_t> withheld = {};                 // listed, and not handed out
    std::map<std::uint32_t, std::string> flags = {};       // "\\Seen \\Flagged"; those without have none
    std::map<std::uint32_t, std::string> dates = {};       // INTERNALDATE; those without have one and the same
    std::map<std::uint32_t, std::uint64_t> gmail_ids = {}; // X-GM-MSGID; those without have none
    std::uint32_t deliver(std::string body) {
      messages.emplace(next, std::move(body));
      return next++;
    }
  };

  explicit ImapServer(runtime::Loop& loop) : loop_(loop), listener_(loop), tasks_(loop) { tasks_.spawn(serve()); }

  std::map<std::string, Folder> folders = {{"INBOX", {}}};
  std::string capabilities = "IMAP4rev1 SASL-IR AUTH=PLAIN AUTH=XOAUTH2 IDLE ID";
  std::string greeting = "* OK ready\r\n";
  // The whole answer to a command ("EXAMINE \"INBOX\""), with %t for its tag; one that ends with %close is the last
  // word of the connection. Empty: as a good server would.
  std::function<std::optional<std::string>(const std::string& command)> answer =
      [](const std::string&) -> std::optional<std::string> { return {}; };

  std::vector<std::string> commands;               // all of all connections, without tags and credentials
  std::multimap<std::string, std::string> waiting; // command → what had been sent behind it, as it came
  int connections = 0;
  int dones = 0;           // DONE: how many IDLEs were ended by the client
  std::string behind_idle; // said with the OK that ends an IDLE, behind it

  [[nodiscard]] std::uint16_t port() const { return listener_.port(); }
  [[nodiscard]] std::string authority_pem() const { return net::pem_of(authority_); }
  [[nodiscard]] std::size_t open_connections() const { return peers_.size(); }
  [[nodiscard]] bool is_idling() const { return idling_ != 0; }
  [[nodiscard]] std::size_t asked(std::string_view start) const {
    return static_cast<std::size_t>(
        std::ranges::count_if(commands, [start](const std::string& command) { return command.starts_with(start); }));
  }
  // On every connection, unasked.
  void tell(const std::string& text) {
    for (TlsPeer* peer : peers_)
      peer->tell(text);
  }

 private:
  [[nodiscard]] runtime::Task<void> serve() {
    while (true) {
      auto accepting = listener_.accept();
      std::unique_ptr<net::TcpStream> tcp = co_await accepting;
      ++connections;
      tasks_.spawn(converse(std::move(tcp)));
    }
  }

  // Keeps a peer in the list while it converses.
  struct Presence {
    Presence(std::list<TlsPeer*>& list_in, TlsPeer& peer_in) : list(list_in), peer(&peer_in) { list.push_back(peer); }
    Presence(const Presence&) = delete;
    Presence& operator=(const Presence&) = delete;
    ~Presence() { list.remove(peer); }
    std::list<TlsPeer*>& list;
    TlsPeer* peer;
  };

  [[nodiscard]] runtime::Task<void> converse(std::unique_ptr<net::TcpStream> tcp) {
    TlsPeer peer(loop_, std::move(tcp), context_.get());
    const Presence presence(peers_, peer);
    auto securing = peer.accept();
    const bool secured = co_await securing;
    if (!secured) co_return;
    auto greeting_it = peer.write(greeting);
    const bool greeted = co_await greeting_it;
    if (!greeted || greeting.starts_with("* BYE")) co_return;
    std::string selected;
    while (true) {
      auto reading = peer.read_line();
      std::string line = co_await reading;
      if (line.empty()) co_return;
      if (line.ends_with("+}")) { // a name that cannot be quoted, as a literal that is the command's last word
        auto reading_on = peer.read_line();
        const std::string literal = co_await reading_on;
        line.resize(line.rfind('{'));
        line += literal;
      }
      const std::size_t space = line.find(' ');
      const std::string tag = line.substr(0, space);
      const std::string command = line.substr(space + 1);
      waiting.emplace(command, peer.waiting());
      commands.push_back(command.substr(0, command.starts_with("AUTHENTICATE") ? command.rfind(' ') : command.size()));
      std::string text = answer(command).value_or("%default");
      if (text == "%default") text = good_answer(command);
      if (command.starts_with("EXAMINE") && text.contains("%t OK")) selected = name_in(command);
      if (text == "%fetch") text = fetch(folders[selected], command.substr(10));
      const bool ends = text.ends_with("%close") || (command == "LOGOUT" && !text.empty());
      if (text.ends_with("%close")) text.resize(text.size() - 6);
      for (std::size_t at = 0; (at = text.find("%t", at)) != std::string::npos;)
        text.replace(at, 2, tag);
      const bool idles = command == "IDLE" && (text.starts_with("+") || text.contains("\n+"));
      if (idles) ++idling_;
      auto writing = peer.write(text);
      const bool written = co_await writing;
      if (idles) {
        auto reading_on = peer.read_line();
        const std::string done = co_await reading_on;
        --idling_;
        if (done != "DONE") co_return;
        ++dones;
        auto ending = peer.write(concat(tag, " OK idled\r\n", std::exchange(behind_idle, {})));
        static_cast<void>(co_await ending);
      }
      if (!written || ends) co_return;
    }
  }

  // Of EXAMINE.
  [[nodiscard]] static std::string name_in(const std::string& command) {
    std::string name = command.substr(8);
    return name.starts_with('"') ? name.substr(1, name.rfind('"') - 1) : name;
  }
  [[nodiscard]] std::string good_answer(const std::string& command) {
    const auto is = [&command](std::string_view start) { return command.starts_with(start); };
    if (is("CAPABILITY")) return concat("* CAPABILITY ", capabilities, "\r\n%t OK done\r\n");
    if (is("LIST")) return list();
    if (is("EXAMINE")) return examine(name_in(command));
    if (is("STATUS")) return status(command);
    if (is("UID FETCH")) return "%fetch";
    if (is("IDLE")) return "+ idling\r\n";
    if (is("LOGOUT")) return "* BYE see you\r\n%t OK done\r\n";
    return "%t OK done\r\n";
  }
  [[nodiscard]] std::string list() const {
    std::string text;
    for (const auto& [name, folder] : folders)
      text += concat("* LIST () \"/\" {", name.size(), "}\r\n", name, "\r\n");
    return text + "%t OK done\r\n";
  }
  [[nodiscard]] std::string examine(const std::string& name) const {
    const auto folder = folders.find(name);
    if (folder == folders.end()) return "%t NO [NONEXISTENT] no such folder\r\n";
    return concat("* ", folder->second.messages.size(), " EXISTS\r\n* OK [UIDVALIDITY ", folder->second.validity,
                  "] v\r\n* OK [UIDNEXT ", folder->second.next, "] n\r\n%t OK [READ-ONLY] done\r\n");
  }
  [[nodiscard]] std::string status(const std::string& command) const {
    const std::size_t end = command.rfind('"');
    const auto folder = folders.find(end < 8 ? "" : command.substr(8, end - 8));
    if (folder == folders.end()) return "%t NO [NONEXISTENT] no such folder\r\n";
    return concat("* STATUS \"", folder->first, "\" (MESSAGES ", folder->second.messages.size(), " UIDNEXT ",
                  folder->second.next, " UIDVALIDITY ", folder->second.validity, ")\r\n%t OK done\r\n");
  }
  [[nodiscard]] static std::string fetch(const Folder& folder, const std::string& arguments) {
    std::string set = arguments.substr(0, arguments.find(' '));
    if (set.ends_with('*')) set.replace(set.size() - 1, 1, "4294967295");
    const UidSet wanted = UidSet::parse(set).value_or(UidSet());
    const bool bodies = arguments.contains("BODY.PEEK[]");
    std::string text;
    int seq = 0;
    for (const auto& [uid, body] : folder.messages) {
      ++seq;
      if (!wanted.contains(*Uid::from(uid)) || (bodies && folder.withheld.contains(uid))) continue;
      const auto flags = folder.flags.find(uid);
      const auto date = folder.dates.find(uid);
      text += concat("* ", seq, " FETCH (UID ", uid, " FLAGS (", flags == folder.flags.end() ? "" : flags->second, ")");
      if (arguments.contains("INTERNALDATE"))
        text += concat(" INTERNALDATE \"", date == folder.dates.end() ? "14-Nov-2023 22:13:20 +0000" : date->second,
                       "\" RFC822.SIZE ", body.size());
      const auto id = folder.gmail_ids.find(uid);
      if (arguments.contains("X-GM-MSGID") && id != folder.gmail_ids.end()) text += concat(" X-GM-MSGID ", id->second);
      if (arguments.contains("HEADER.FIELDS")) {
        const std::string header = concat(message_id_line(body), "\r\n");
        text += concat(" BODY[HEADER.FIELDS (MESSAGE-ID)] {", header.size(), "}\r\n", header);
      }
      if (bodies) text += concat(" BODY[] {", body.size(), "}\r\n", body);
      text += ")\r\n";
    }
    return text + "%t OK done\r\n";
  }

  // With its line end; empty where there is none.
  [[nodiscard]] static std::string message_id_line(const std::string& body) {
    const std::size_t start = body.starts_with("Message-ID:") ? 0 : body.find("\nMessage-ID:");
    if (start == std::string::npos || start > body.find("\r\n\r\n")) return {};
    const std::size_t at = start == 0 ? 0 : start + 1;
    return body.substr(at, body.find('\n', at) - at + 1);
  }

  runtime::Loop& loop_;
  net::Identity authority_ = net::make_authority();
  net::Identity identity_ = net::issue({.names = "IP:127.0.0.1"}, &authority_);
  net::ServerContext context_ = net::server_context(identity_);
  Listener listener_;
  std::list<TlsPeer*> peers_;
  int idling_ = 0;
  runtime::TaskSet tasks_;
};

} // namespace mailmoor::testing
