#include "mailbox/server_words.h"

#include "mailbox/back_off.h"
#include "util/ascii.h"
#include "util/concat.h"
#include "util/printable.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <chrono>
#include <optional>
#include <utility>

namespace mailmoor::mailbox {
namespace {

using std::chrono::milliseconds;

// Where a server says that it is too much and not for how long.
constexpr milliseconds kThrottledFor = std::chrono::minutes(1);
// Nothing longer than a day has been seen; a larger number is a mistake of theirs or ours.
constexpr milliseconds kLongestWait = std::chrono::hours(24);

// The number behind `mark` (in lower case) and its unit.
[[nodiscard]] std::optional<milliseconds> wait_after(std::string_view mark, std::string_view text) {
  const auto found = std::ranges::search(text, mark, [](char a, char b) { return ascii_lower(a) == b; });
  if (found.empty()) return std::nullopt;
  std::string_view rest(found.end(), text.end());
  rest.remove_prefix(std::min(rest.find_first_of("0123456789"), rest.size()));
  std::int64_t value = 0;
  const auto [end, error] = std::from_chars(rest.data(), rest.data() + rest.size(), value);
  if (error == std::errc::result_out_of_range) return kLongestWait;
  if (error != std::errc()) return std::nullopt;
  rest.remove_prefix(static_cast<std::size_t>(end - rest.data()));
  while (rest.starts_with(' '))
    rest.remove_prefix(1);
  const std::string unit = to_lower_ascii(rest.substr(0, 3));
  std::int64_t factor = 1; // milliseconds, as seen
  if (unit == "sec") factor = 1000;
  if (unit == "min") factor = 60'000;
  return value >= kLongestWait.count() / factor ? kLongestWait : milliseconds(value * factor);
}

// "Request is throttled. Suggested Backoff Time: 299961 milliseconds" (Exchange Online), which was also seen to say
// "come back in 50 min".
[[nodiscard]] std::optional<milliseconds> suggested_back_off(std::string_view text) {
  if (const auto wait = wait_after("backoff time", text)) return wait;
  return wait_after("come back in", text);
}

[[nodiscard]] Error throttled(std::string_view what, milliseconds wait) {
  Error error(ErrorKind::kMailbox, "throttled", std::string(what));
  error.imposed_wait = wait;
  return error;
}

// What holds for the whole mailbox, whatever was asked. Empty: nothing known in these words.
[[nodiscard]] std::optional<Error> mailbox_wide(std::string_view text, const std::optional<imap::ResponseCode>& code,
                                                std::string_view what) {
  const auto says = [text](std::string_view words) { return contains_ignoring_case(text, words); };
  const auto coded = [&code](std::string_view atom) { return code && code->atom == atom; };
  // Not "throttled" alone: it may be the name of a folder.
  if (says("backoff time") || says("is throttled") || coded("THROTTLED") || wait_after("come back in", text))
    return throttled(what, suggested_back_off(text).value_or(kThrottledFor));
  if (coded("OVERQUOTA") || says("bandwidth limits")) {
    Error over(ErrorKind::kMailbox, "over_quota", std::string(what));
    over.imposed_wait = over_quota_wait(1);
    return over;
  }
  if (says("authenticated but not connected"))
    return Error(ErrorKind::kMailbox, "not_connected", std::string(what),
                 "if it lasts: check that IMAP is enabled for the mailbox, that the user may open it, and the app's "
                 "scopes");
  // Gmail: "Too many simultaneous connections"; Dovecot: "[UNAVAILABLE] Maximum number of connections from user+IP".
  if ((says("too many") || says("maximum number of")) && says("connections"))
    return Error(ErrorKind::kMailbox, "too_many_connections", std::string(what),
                 "close other mail programs of this account, or lower `connections`");
  if (says("accesstokenexpired")) return Error(ErrorKind::kMailbox, "token_expired", std::string(what));
  if (coded("UNAVAILABLE") || coded("SERVERBUG") || coded("INUSE") || coded("LIMIT") || says("server unavailable") ||
      says("invalid state"))
    return Error(ErrorKind::kMailbox, "server_unavailable", std::string(what));
  return std::nullopt;
}

[[nodiscard]] std::string answer_text(const imap::Completed& completed) {
  const std::string_view status = completed.status == imap::CompletionStatus::kNo ? "NO" : "BAD";
  std::string code;
  if (completed.code)
    code =
        concat("[", completed.code->atom, completed.code->argument.empty() ? "" : " ", completed.code->argument, "] ");
  std::string text = concat(status, " ", code, completed.text);
  if (!completed.command.empty()) text += concat(" (sent: ", completed.command, ")");
  return printable(text);
}

} // namespace

Error login_refused(const imap::Completed& completed, std::string_view user) {
  const std::string what = concat("the server refused the login of ", user, ": ", answer_text(completed),
                                  completed.sasl_error.empty() ? "" : " ", printable(completed.sasl_error));
  // An expired token in the answer to a login is a refused one: it takes a new one, not a new connection.
  if (auto known = mailbox_wide(completed.text, completed.code, what); known && known->code != "token_expired")
    return *std::move(known);
  if (contains_ignoring_case(completed.text, "basic authentication is disabled"))
    return {ErrorKind::kOperator, "auth_rejected", what,
            "this server takes no passwords: sign in with OAuth2 (give the mailbox an `app`)"};
  return {
      ErrorKind::kOperator, "auth_rejected", what,
      "check that the user name is the mailbox's own address, that IMAP is enabled for it, and that the sign-in was "
      "for this user and this server"};
}

// BAD means that we said something wrong: sending it again soon earns another BAD, and ten of them a disconnect.
Error command_refused(const imap::Completed& completed, std::string_view command) {
  const std::string what = concat(command, " was answered with ", answer_text(completed));
  if (auto known = mailbox_wide(completed.text, completed.code, what)) return *std::move(known);
  // RFC 5530 §3: these do not pass by waiting.
  constexpr std::array kNeedsSomeone = {"AUTHENTICATIONFAILED", "AUTHORIZATIONFAILED", "EXPIRED",
                                        "PRIVACYREQUIRED",      "CONTACTADMIN",        "NOPERM"};
  if (completed.code && std::ranges::find(kNeedsSomeone, completed.code->atom) != kNeedsSomeone.end())
    return {ErrorKind::kOperator, "command_refused", what,
            "the server says that waiting does not help: ask who runs it what this account may do"};
  const bool bad = completed.status == imap::CompletionStatus::kBad;
  return {bad ? ErrorKind::kBug : ErrorKind::kMailbox, "command_refused", what};
}

Error folder_refused(const imap::Completed& completed, std::string_view command) {
  const std::string what = concat(command, " was answered with ", answer_text(completed));
  auto known = mailbox_wide(completed.text, completed.code, what);
  // "Server Unavailable. 15" may hit one folder for good while the others work.
  if (known && known->code != "server_unavailable") return *std::move(known);
  return {ErrorKind::kFolder, "folder_refused", what};
}

Error session_ended(const imap::Bye& bye) {
  const std::string what = concat("the server closed the session: ", printable(bye.text));
  if (auto known = mailbox_wide(bye.text, bye.code, what)) return *std::move(known);
  const auto says = [&bye](std::string_view words) { return contains_ignoring_case(bye.text, words); };
  // Exchange's 13 is idle or had its time, its 14 is angry; Gmail; Dovecot.
  if (says("is closed. 13") || says("session expired") || says("for inactivity"))
    return {ErrorKind::kHost, "session_expired", what};
  return {ErrorKind::kHost, "session_closed", what};
}

Error stream_ended(const Error& error) {
  if (error.code != "unexpected_line") return error;
  auto known = mailbox_wide(error.what, std::nullopt, error.what);
  // Only the words that were seen there: it may as well be a piece of somebody's letter.
  return known && known->code == "server_unavailable" ? *std::move(known) : error;
}

std::optional<Error> pause_in(const imap::Completed& completed) {
  if (completed.status == imap::CompletionStatus::kOk) return std::nullopt;
  auto known = mailbox_wide(completed.text, completed.code, concat("the server answered ", answer_text(completed)));
  if (known && known->imposed_wait) return known;
  return std::nullopt;
}

bool asks_to_slow_down(const imap::Completed& completed) {
  if (completed.status != imap::CompletionStatus::kOk) return false;
  return (completed.code && completed.code->atom == "THROTTLED") ||
         contains_ignoring_case(completed.text, "[throttled]");
}

} // namespace mailmoor::mailbox
