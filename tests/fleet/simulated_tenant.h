// A tenant of Exchange Online in memory: many mailboxes, one session for each line, tokens that end, and words of
// throttling for whom the test likes. It keeps the books that a fleet is judged by: when each mailbox was visited and
// logged in to, and what was asked inside a pause that it had imposed.
//
//   SimulatedTenant tenant(net, clock);
//   tenant.boxes["u1@example.com"].deliver(body);
//   tenant.throttles = [&](Box& box) { return box.is_unlucky && chance(0.1) ? std::optional(90'000ms) : std::nullopt;
//   };
#pragma once

#include "fleet/simulated_net.h"
#include "model/uid_set.h"
#include "util/base64.h"
#include "util/concat.h"

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace mailmoor::testing {

class SimulatedTenant final {
 public:
  struct Session;
  struct Box {
    std::vector<std::string> inbox; // the body with UID n is at n - 1
    bool is_unlucky = false;
    std::vector<runtime::WallTime> visits; // a list of all folders was asked for and given: a pass begins
    std::vector<std::pair<runtime::WallTime, runtime::WallTime>> pauses;
    std::set<Session*> sessions; // logged in
    std::size_t most_sessions = 0;

    void deliver(std::string body) {
      inbox.push_back(std::move(body));
      for (Session* session : sessions)
        session->tell_news();
    }
  };
  struct Session {
    Session(SimulatedTenant& tenant_in, SharedLine line_in)
        : tenant(tenant_in), line(std::move(line_in)), opened_at(tenant_in.now()) {}
    Session(const Session&) = delete;
    Session& operator=(const Session&) = delete;
    ~Session() {
      if (box != nullptr) box->sessions.erase(this);
    }
    void tell_news() {
      if (!idle_tag.empty()) line->say(concat("* ", box->inbox.size(), " EXISTS\r\n"));
    }

    SimulatedTenant& tenant;
    SharedLine line;
    runtime::WallTime opened_at;
    runtime::WallTime token_ends{};
    Box* box = nullptr; // once logged in
    std::string received, idle_tag;
  };

  SimulatedTenant(SimulatedNet& net, const runtime::Clock& clock) : net_(net), clock_(clock) {
    net.accept = [this](const SharedLine& line) { accept(line); };
    net.answer = [this](const net::HttpRequest& request) {
      return new_token(request.body.reveal().find("grant_type=refresh_token") != std::string_view::npos);
    };
  }
  SimulatedTenant(const SimulatedTenant&) = delete;
  SimulatedTenant& operator=(const SimulatedTenant&) = delete;

  std::map<std::string, Box> boxes; // by user
  // Asked before each command of one who is logged in, and at the login: how long the mailbox is to wait.
  std::function<std::optional<std::chrono::milliseconds>(Box&)> throttles = [](Box&) { return std::nullopt; };

  std::string more_capabilities;
  runtime::Duration body_delay{}; // of each answer that holds messages

  std::vector<runtime::WallTime> logins;        // tried, with whatever end
  std::vector<runtime::WallTime> token_answers; // of the token endpoint
  std::vector<std::string> inside_pauses;       // what was asked although it was not to
  std::vector<std::string> strange;             // commands that a client that only reads has no use for
  std::size_t asked_to_compress = 0;            // and did not
  std::size_t tokens_refused = 0;               // at a login
  std::size_t tokens_ended = 0;                 // sessions cut for that
  std::size_t bodies = 0;                       // handed out
  std::size_t commands = 0;
  std::size_t most_sessions = 0; // at once, of all mailboxes

  [[nodiscard]] runtime::WallTime now() const { return clock_.wall_now(); }
  [[nodiscard]] std::size_t open_sessions() const { return sessions_.size(); }
  // As each server does in half an hour or so.
  void log_out_the_dead() {
    std::erase_if(sessions_, [](const auto& entry) { return entry.first->is_dead(); });
  }
  // A daemon that is started anew knows nothing of the logins before.
  void begin_run() { runs_.push_back(logins.size()); }
  // The most logins in any minute of one run, both its ends included.
  [[nodiscard]] std::size_t busiest_minute() const {
    std::size_t most = 0, from = 0;
    for (std::size_t to = 0; to < logins.size(); ++to) {
      if (std::ranges::find(runs_, to) != runs_.end()) from = to;
      while (logins[to] - logins[from] > std::chrono::minutes(1))
        ++from;
      most = std::max(most, to - from + 1);
    }
    return most;
  }

 private:
  [[nodiscard]] net::HttpAnswer new_token(bool of_a_person) {
    token_answers.push_back(now());
    const std::string token = concat("token-", token_answers.size());
    token_ends_[token] = now() + std::chrono::seconds(3599);
    net::HttpAnswer answer;
    answer.status = 200;
    answer.headers["content-type"] = "application/json";
    const std::string refresh = concat(R"(,"refresh_token":"refresh-)", token_answers.size(), '"');
    answer.body = Secret(concat(R"({"token_type":"Bearer","expires_in":3599,"access_token":")", token, '"',
                                of_a_person ? refresh : "", '}'));
    return answer;
  }

  void accept(const SharedLine& line) {
    Session& session = *sessions_.emplace(line.get(), std::make_unique<Session>(*this, line)).first->second;
    most_sessions = std::max(most_sessions, sessions_.size());
    line->on_input = [this, &session](std::string_view bytes) { receive(session, bytes); };
    line->on_gone = [this, key = line.get()] { sessions_.erase(key); };
    line->say("* OK The Microsoft Exchange IMAP4 service is ready. [TQBPAE8AUgA=]\r\n");
  }

  void receive(Session& session, std::string_view bytes) {
    session.received += bytes;
    for (std::size_t end = 0; (end = session.received.find("\r\n")) != std::string::npos;) {
      const std::string line = session.received.substr(0, end);
      session.received.erase(0, end + 2);
      const std::string text = answer(session, line);
      session.line->say(text, line.contains("BODY.PEEK[]") ? body_delay : runtime::Duration::zero());
    }
  }

  [[nodiscard]] std::string answer(Session& session, const std::string& line) {
    ++commands;
    if (line == "DONE") {
      if (session.box != nullptr && is_inside_pause(*session.box, now())) inside_pauses.push_back(line);
      return concat(std::exchange(session.idle_tag, {}), " OK IDLE completed.\r\n");
    }
    const std::size_t space = line.find(' ');
    const std::string tag = line.substr(0, space);
    const std::string command = line.substr(space + 1);
    if (command.starts_with("AUTHENTICATE XOAUTH2 ")) return log_in(session, tag, command.substr(21));
    if (session.box == nullptr || command == "LOGOUT") return plain_answer(session, tag, command);
    Box& box = *session.box;
    if (is_inside_pause(box, now())) inside_pauses.push_back(command);
    if (now() >= session.token_ends) {
      ++tokens_ended;
      session.line->say("* BYE Session invalidated - AccessTokenExpired\r\n");
      session.line->close();
      return {};
    }
    if (const auto wait = throttles(box)) return throttle(session, tag, *wait);
    return plain_answer(session, tag, command);
  }

  // What was on its way when the pause began could not know of it.
  [[nodiscard]] bool is_inside_pause(const Box& box, runtime::WallTime at) const {
    if (box.pauses.empty()) return false;
    const auto& [begin, end] = box.pauses.back();
    return at >= begin + net_.latency && at < end;
  }

  // Exchange's own words, in each of the forms that were seen; whatever comes after it on this line is refused.
  [[nodiscard]] std::string throttle(Session& session, const std::string& tag, std::chrono::milliseconds wait) {
    Box& box = *session.box;
    box.pauses.emplace_back(now(), now() + wait);
    const std::string words =
        concat("Request is throttled. Suggested Backoff Time: ", wait.count(), " milliseconds\r\n");
    if (box.pauses.size() % 2 != 0) return concat(tag, " NO ", words);
    session.line->say(concat(tag, " BAD ", words, "* BYE Connection closed. 14\r\n"));
    session.line->close();
    return {};
  }

  [[nodiscard]] std::string log_in(Session& session, const std::string& tag, std::string_view response) {
    logins.push_back(now());
    // "user=" user ^A "auth=Bearer " token ^A ^A
    const std::string text = base64_decode(response).value_or("");
    const auto between = [&text](std::string_view mark) -> std::string {
      const std::size_t at = text.find(mark);
      if (at == std::string::npos) return {};
      const std::size_t from = at + mark.size();
      return text.substr(from, text.find('\1', from) - from);
    };
    const auto box = boxes.find(between("user="));
    const auto ends = token_ends_.find(between("auth=Bearer "));
    if (box == boxes.end() || ends == token_ends_.end() || now() >= ends->second) {
      ++tokens_refused;
      return concat(tag, " NO AUTHENTICATE failed.\r\n");
    }
    // What was said on this line before counts, too.
    if (is_inside_pause(box->second, session.opened_at) || is_inside_pause(box->second, now()))
      inside_pauses.emplace_back("AUTHENTICATE");
    session.box = &box->second;
    session.token_ends = ends->second;
    session.box->sessions.insert(&session);
    session.box->most_sessions = std::max(session.box->most_sessions, session.box->sessions.size());
    if (const auto wait = throttles(*session.box)) return throttle(session, tag, *wait);
    return concat(tag, " OK AUTHENTICATE completed.\r\n");
  }

  [[nodiscard]] std::string plain_answer(Session& session, const std::string& tag, const std::string& command) {
    const auto is = [&command](std::string_view start) { return command.starts_with(start); };
    const std::string ok = concat(tag, " OK completed.\r\n");
    if (is("CAPABILITY"))
      return concat(
          "* CAPABILITY IMAP4 IMAP4rev1 AUTH=PLAIN AUTH=XOAUTH2 SASL-IR UIDPLUS MOVE ID UNSELECT CHILDREN IDLE "
          "NAMESPACE LITERAL+",
          more_capabilities, "\r\n", ok);
    if (is("COMPRESS ")) {
      ++asked_to_compress;
      return concat(tag, " NO not today\r\n");
    }
    if (is("LOGOUT")) return concat("* BYE Microsoft Exchange Server IMAP4 server signing off.\r\n", ok);
    if (is("ID ") || is("NOOP")) return ok;
    if (session.box == nullptr) return concat(tag, " BAD Command received in Invalid state.\r\n");
    Box& box = *session.box;
    if (is("LIST ")) {
      box.visits.push_back(now());
      return concat("* LIST (\\HasNoChildren) \"/\" INBOX\r\n", ok);
    }
    if (is("EXAMINE "))
      return concat("* ", box.inbox.size(), " EXISTS\r\n* OK [UIDVALIDITY 14] v\r\n* OK [UIDNEXT ",
                    box.inbox.size() + 1, "] n\r\n", tag, " OK [READ-ONLY] EXAMINE completed.\r\n");
    if (is("UID FETCH ")) return concat(fetch(box, command.substr(10)), ok);
    if (is("IDLE")) {
      session.idle_tag = tag;
      return "+ IDLE accepted, awaiting DONE command.\r\n";
    }
    strange.push_back(command);
    return concat(tag, " BAD Command Error. 12\r\n");
  }

  [[nodiscard]] std::string fetch(const Box& box, const std::string& arguments) {
    std::string set = arguments.substr(0, arguments.find(' '));
    if (set.ends_with('*')) set.replace(set.size() - 1, 1, "4294967295");
    const UidSet wanted = UidSet::parse(set).value_or(UidSet());
    std::string text;
    for (const UidRange& range : wanted.ranges())
      for (std::size_t uid = range.first; uid <= range.last && uid <= box.inbox.size(); ++uid) {
        text += concat("* ", uid, " FETCH (UID ", uid, " FLAGS ()");
        const std::string& body = box.inbox[uid - 1];
        if (arguments.contains("INTERNALDATE"))
          text += concat(" INTERNALDATE \"14-Nov-2023 22:13:20 +0000\" RFC822.SIZE ", body.size());
        if (arguments.contains("BODY.PEEK[]")) {
          text += concat(" BODY[] {", body.size(), "}\r\n", body);
          ++bodies;
        }
        text += ")\r\n";
      }
    return text;
  }

  SimulatedNet& net_;
  const runtime::Clock& clock_;
  std::map<std::string, runtime::WallTime> token_ends_;
  std::vector<std::size_t> runs_;                            // the first login of each
  std::map<const Line*, std::unique_ptr<Session>> sessions_; // after the mailboxes that they point to
};

} // namespace mailmoor::testing
