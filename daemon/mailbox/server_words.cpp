#include "mailbox/server_words.h"

#include "util/ascii.h"
#include "util/concat.h"
#include "util/printable.h"

#include <algorithm>
#include <charconv>
#include <chrono>
#include <optional>
#include <utility>

namespace mailmoor::mailbox {
namespace {

using std::chrono::milliseconds;

// "Request is throttled. Suggested Backoff Time: 299961 milliseconds" (Exchange Online).
[[nodiscard]] std::optional<milliseconds> suggested_back_off(std::string_view text) {
  constexpr std::string_view kMark = "backoff time";
  const auto found = std::ranges::search(text, kMark, [](char a, char b) { return ascii_lower(a) == b; });
  if (found.empty()) return std::nullopt;
  std::string_view rest(found.end(), text.end());
  rest.remove_prefix(std::min(rest.find_first_of("0123456789"), rest.size()));
  std::int64_t value = 0;
  const auto [end, error] = std::from_chars(rest.data(), rest.data() + rest.size(), value);
  if (error != std::errc() || value < 0) return std::nullopt;
  // Nothing longer than a day has been seen; a larger number is a mistake of theirs or ours.
  return std::min(milliseconds(value), milliseconds(std::chrono::hours(24)));
}

// What holds for the whole mailbox, whatever was asked. Empty: nothing known in these words.
[[nodiscard]] std::optional<Error> mailbox_wide(std::string_view text, const std::optional<imap::ResponseCode>& code,
                                                std::string_view what) {
  const auto says = [text](std::string_view words) { return contains_ignoring_case(text, words); };
  const auto coded = [&code](std::string_view atom) { return code && code->atom == atom; };
  if (says("throttled") && !coded("THROTTLED")) {
    Error error(ErrorKind::kMailbox, "throttled", std::string(what));
    error.imposed_wait = suggested_back_off(text);
    return error;
  }
  if (coded("OVERQUOTA") || says("bandwidth limits")) {
    Error error(ErrorKind::kMailbox, "throttled", std::string(what));
    error.imposed_wait = std::chrono::hours(1); // Gmail names no time and locks for up to a day
    return error;
  }
  if (says("authenticated but not connected"))
    return Error(
        ErrorKind::kMailbox, "not_connected", std::string(what),
        "if it lasts: check that IMAP is enabled for the mailbox, that the user may open it, and the app's scopes");
  if (says("too many") && says("connections"))
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
  if (auto known = mailbox_wide(completed.text, completed.code, what)) return *std::move(known);
  return {
      ErrorKind::kOperator, "auth_rejected", what,
      "check that the user name is the mailbox's own address, that IMAP is enabled for it, and that the sign-in was "
      "for this user and this server"};
}

Error command_refused(const imap::Completed& completed, std::string_view command) {
  const std::string what = concat(command, " was answered with ", answer_text(completed));
  if (auto known = mailbox_wide(completed.text, completed.code, what)) return *std::move(known);
  return {ErrorKind::kMailbox, "command_refused", what};
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
  return {ErrorKind::kHost, "session_closed", what};
}

} // namespace mailmoor::mailbox
