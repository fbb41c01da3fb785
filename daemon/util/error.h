// What went wrong, as a value. The kind is the retry decision (who has to wait or act); the code is a short
// stable word for logs and JSON; the text is for people. Plain data, any thread.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace mailmoor {

// Persisted in state.db by name (error_kind_name), never by number.
enum class ErrorKind {
  kMessage,  // this message only: retried on its own schedule, its folder goes on
  kFolder,   // this folder only: the mailbox goes on with the next one
  kMailbox,  // this mailbox's session: back off, then connect again
  kHost,     // the server or the way to it: back off; says nothing about the account
  kApp,      // the OAuth client registration: every mailbox of the app waits
  kOperator, // a person must act (sign in, fix the configuration, grant a right); retried only slowly
  kBug,      // Mailmoor broke its own rule or the peer broke the protocol beyond recovery
};

[[nodiscard]] std::string_view error_kind_name(ErrorKind kind) noexcept;

struct Error {
  ErrorKind kind = ErrorKind::kBug;
  std::string code;   // e.g. "auth_rejected"; [a-z0-9_]+, stable: it is the MAILMOOR_ERROR field
  std::string what;   // what was seen, with host, path or folder; no cause that was not seen; no secrets
  std::string remedy; // one line of what the reader should do; empty when Mailmoor deals with it alone
  // A wait that the peer imposed. Obeyed to the millisecond (P9); empty when it imposed none.
  std::optional<std::chrono::milliseconds> imposed_wait;

  Error(ErrorKind kind_in, std::string code_in, std::string what_in, std::string remedy_in = {})
      : kind(kind_in), code(std::move(code_in)), what(std::move(what_in)), remedy(std::move(remedy_in)) {}

  // Puts `context` before the text: "context: what".
  [[nodiscard]] Error within(std::string_view context) &&;
};

// The text of an errno value, thread-safe, e.g. "No space left on device".
[[nodiscard]] std::string errno_text(int error_number);

} // namespace mailmoor
