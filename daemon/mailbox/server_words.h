// What a mail server's words mean for trying again: one reader for tagged answers and BYE. Pure.
// Texts are matched tolerantly, ignoring case: they are the servers' own and change.
#pragma once

#include "imap/response.h"
#include "util/result.h"

#include <optional>
#include <string_view>

namespace mailmoor::mailbox {

// The answer to a login. kOperator "auth_rejected" unless the words say something passing; an expired token is refused.
[[nodiscard]] Error login_refused(const imap::Completed& completed, std::string_view user);
// The answer to a command on the mailbox as a whole (LIST, IDLE …), or the first one after a login: kMailbox; kBug when
// it was BAD and the words say nothing passing.
[[nodiscard]] Error command_refused(const imap::Completed& completed, std::string_view command);
// The answer to a command on one folder (EXAMINE, FETCH): kFolder unless it concerns the whole mailbox.
[[nodiscard]] Error folder_refused(const imap::Completed& completed, std::string_view command);
// BYE, or the end of the connection. "token_expired" (kMailbox) is not a fault: connect again with a new token; nor is
// "session_expired" (kHost) after a session of some length.
[[nodiscard]] Error session_ended(const imap::Bye& bye);

// What ended the stream: of a line that is no IMAP ("unexpected_line") what it says, where that is known. Exchange says
// "Server Unavailable. 15" between two responses, without a tag.
[[nodiscard]] Error stream_ended(const Error& error);

// The pause in the answer to whatever command: every one of these errors that has an imposed_wait. Empty: none.
[[nodiscard]] std::optional<Error> pause_in(const imap::Completed& completed);
// Whether a successful answer asks us to slow down: Gmail's "OK … [THROTTLED]". It is no error.
[[nodiscard]] bool asks_to_slow_down(const imap::Completed& completed);

} // namespace mailmoor::mailbox
