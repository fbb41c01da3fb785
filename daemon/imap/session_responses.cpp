// What the server said: from whole responses to events.
#include "imap/session.h"

#include "util/concat.h"

#include <type_traits>

namespace mailmoor::imap {
namespace {

[[nodiscard]] CompletionStatus completion_status(StatusResponse::Kind kind) noexcept {
  switch (kind) {
  case StatusResponse::Kind::kOk: return CompletionStatus::kOk;
  case StatusResponse::Kind::kNo: return CompletionStatus::kNo;
  case StatusResponse::Kind::kBad:
  case StatusResponse::Kind::kBye:
  case StatusResponse::Kind::kPreauth: break;
  }
  return CompletionStatus::kBad;
}

// A tagged line knows OK, NO and BAD only.
[[nodiscard]] bool ends_a_command(StatusResponse::Kind kind) noexcept {
  return kind != StatusResponse::Kind::kBye && kind != StatusResponse::Kind::kPreauth;
}

} // namespace

void Session::on_response(std::string_view response) {
  if (!greeted_)
    on_greeting(response);
  else if (response.starts_with('*'))
    on_untagged(response.starts_with("* ") ? response.substr(2) : response.substr(1));
  else if (response.starts_with("+ ") || (response == "+" && quirks_.bare_continuation))
    on_continuation(response.substr(response.size() == 1 ? 1 : 2));
  else
    on_tagged(response);
}

// greeting = "*" SP (resp-cond-auth / resp-cond-bye) CRLF
void Session::on_greeting(std::string_view response) {
  auto status = response.starts_with("* ") ? parse_status_response(response.substr(2), quirks_) : std::nullopt;
  const bool refused = status && status->kind == StatusResponse::Kind::kBye;
  const bool preauthenticated = status && status->kind == StatusResponse::Kind::kPreauth;
  if (!refused && !preauthenticated && (!status || status->kind != StatusResponse::Kind::kOk))
    return fail_with(ErrorKind::kHost, "no_greeting", concat("this is no IMAP greeting: ", loggable(response)));
  greeted_ = true;
  add_extension_quirks(quirks_.extensions, status->text.text);
  if (refused) return on_status(*std::move(status));
  apply_code(status->text.code);
  emit(Greeting{preauthenticated, std::move(status->text.text), std::move(status->text.code)});
  pump();
}

void Session::on_untagged(std::string_view text) {
  Untagged response = parse_untagged(text, limits_, quirks_);
  std::visit(
      [this, text](auto& value) {
        using T = std::remove_cvref_t<decltype(value)>;
        if constexpr (std::is_same_v<T, StatusResponse>) {
          on_status(std::move(value));
        } else if constexpr (std::is_same_v<T, CapabilityList>) {
          hear_capabilities(value.words);
        } else if constexpr (std::is_same_v<T, EnabledList>) {
          Capabilities enabled;
          enabled.replace(value.words);
          qresync_enabled_ = qresync_enabled_ || enabled.has("QRESYNC");
        } else if constexpr (std::is_same_v<T, Unreadable>) {
          if (value == Unreadable::kTooDeep)
            return fail_with(ErrorKind::kMailbox, "limit_exceeded", concat("lists too deep in: ", loggable(text)));
          emit(Unparsed{loggable(text)});
        } else if constexpr (!std::is_same_v<T, Ignored>) {
          if constexpr (std::is_same_v<T, Exists>) value.before = selection_.exists(value.count);
          if constexpr (std::is_same_v<T, Expunged>) selection_.expunged(1);
          if constexpr (std::is_same_v<T, Vanished>) selection_.expunged(value.earlier ? 0 : value.uids.size());
          emit(std::move(value));
        }
      },
      response);
}

void Session::on_status(StatusResponse status) {
  apply_code(status.text.code);
  if (status.kind == StatusResponse::Kind::kBye) {
    commands_.stop();
    emit(Bye{std::move(status.text.text), std::move(status.text.code)});
  } else if (status.kind == StatusResponse::Kind::kPreauth) {
    emit(Unparsed{concat("PREAUTH ", loggable(status.text.text))}); // a greeting only
  } else {
    emit(ServerText{completion_status(status.kind), std::move(status.text.text), std::move(status.text.code)});
  }
}

// response-tagged = tag SP resp-cond-state CRLF
void Session::on_tagged(std::string_view line) {
  const std::size_t space = line.find(' ');
  const std::string_view tag = line.substr(0, space);
  auto command = commands_.complete(tag);
  if (command) {
    auto status =
        space == std::string_view::npos ? std::nullopt : parse_status_response(line.substr(space + 1), quirks_);
    return complete(*std::move(command), std::move(status), line);
  }
  // The server ended IDLE by itself while our DONE was on the way, and takes DONE for a tag.
  if (tag == "DONE") return emit(Unparsed{loggable(line)});
  // "Server Unavailable. 15" (Exchange, between responses), or an answer to what was never asked: where the stream
  // stands is no longer known.
  fail_with(ErrorKind::kMailbox, "unexpected_line", concat("the server sent a line that is no IMAP: ", loggable(line)));
}

void Session::complete(Command command, std::optional<StatusResponse> status, std::string_view line) {
  const bool malformed = !status || !ends_a_command(status->kind);
  const CompletionStatus outcome = malformed ? CompletionStatus::kBad : completion_status(status->kind);
  const bool ok = outcome == CompletionStatus::kOk;
  if (!malformed) apply_code(status->text.code);
  switch (command.kind) {
  case CommandKind::kPlain:
  case CommandKind::kIdle: break;
  case CommandKind::kExamine:
  case CommandKind::kExamineAhead:
    if (!command.began)
      return fail_with(ErrorKind::kMailbox, "protocol_violation",
                       "the server opened a folder before it had answered what was asked before");
    ok ? selection_.opened() : selection_.reset();
    if (!ok) commands_.void_sent();
    break;
  case CommandKind::kLogin:
  case CommandKind::kAuthenticate: // RFC 9051 §6.2.2: what was said before the login is void
    if (ok && !capabilities_fresh_) capabilities_.reset();
    break;
  case CommandKind::kStartTls: // RFC 9051 §6.2.1: so is what was said in plain text
    if (!ok) break;
    awaiting_tls_ = true;
    commands_.stop();
    capabilities_.reset();
    selection_.reset();
    break;
  case CommandKind::kCompress:
    if (!ok) break;
    awaiting_compression_ = true;
    commands_.stop();
    break;
  case CommandKind::kLogout: commands_.stop(); break;
  }
  Completed completed(command.id, outcome);
  completed.malformed = malformed;
  completed.text = malformed ? loggable(line) : std::move(status->text.text);
  if (!malformed) completed.code = std::move(status->text.code);
  completed.sasl_error = std::move(command.sasl_error);
  if (outcome == CompletionStatus::kBad) {
    learn_from(command, completed);
    completed.command = std::move(command.text.for_log);
  }
  if (command.presumed == Presumed::kNotify && !ok) give_up(command.presumed); // whatever it says why
  emit(std::move(completed));
  pump();
}

void Session::learn_from(const Command& command, const Completed& completed) {
  if (!command.is_known_by_its_text() || command.is_void) return;
  refusals_.note(command.text.for_log, completed);
  if (refusals_.answer_to(command.text.for_log)) give_up(command.presumed);
}

// The server does not have it after all, whatever it offers.
void Session::give_up(Presumed presumed) noexcept {
  switch (presumed) {
  case Presumed::kNothing: break;
  case Presumed::kListReturn: quirks_.extensions.no_list_return = true; break;
  case Presumed::kGmailItems: quirks_.extensions.no_gmail_items = true; break;
  case Presumed::kNotify: quirks_.extensions.no_notify = true; break;
  }
}

// continue-req = "+" SP (resp-text / base64) CRLF
void Session::on_continuation(std::string_view text) {
  switch (commands_.on_continuation(text)) {
  case CommandQueue::Continuation::kTaken: return pump();
  case CommandQueue::Continuation::kIdleStarted: return emit(IdleStarted{*commands_.idling()});
  case CommandQueue::Continuation::kUnexpected: return emit(Unparsed{concat("+ ", loggable(text))});
  case CommandQueue::Continuation::kViolation:
    return fail_with(ErrorKind::kMailbox, "protocol_violation", "a challenge after AUTHENTICATE was cancelled");
  }
}

void Session::apply_code(const std::optional<ResponseCode>& code) {
  if (!code) return;
  if (code->atom == "NOTIFICATIONOVERFLOW") quirks_.extensions.no_notify = true; // RFC 5465 §5.8
  if (code->atom == "CAPABILITY")
    hear_capabilities(code->argument);
  else if (selection_.is_renumbered_by(*code))
    fail_with(ErrorKind::kMailbox, "protocol_violation",
              concat("the server changed the UIDVALIDITY of the folder that is open to ", loggable(code->argument)));
  else
    selection_.apply(*code);
}

void Session::hear_capabilities(std::string_view words) {
  capabilities_.replace(words);
  capabilities_fresh_ = true;
}

} // namespace mailmoor::imap
