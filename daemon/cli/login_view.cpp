#include "cli/login_view.h"

#include "cli/relative_time.h"
#include "cli/table.h"
#include "util/concat.h"
#include "util/printable.h"

#include <algorithm>

namespace mailmoor::cli {

std::string describe(const LoginEvent& event, UnixTime now) {
  const std::string mailbox = printable(event.mailbox);
  switch (event.kind) {
  case LoginEvent::Kind::kPrompt: {
    std::string text =
        concat(mailbox, ": open ", printable(event.verification_uri), " and enter ", printable(event.user_code));
    if (event.expires_at && *event.expires_at > now)
      text += concat(" (within ", short_duration(*event.expires_at - now), ")");
    if (!event.verification_uri_complete.empty())
      text += concat("\n    or open ", printable(event.verification_uri_complete));
    return text + '\n';
  }
  case LoginEvent::Kind::kSignedIn: return concat(mailbox, ": signed in\n");
  case LoginEvent::Kind::kFailed: {
    std::string text = concat(mailbox, ": not signed in: ", printable(event.error), '\n');
    if (!event.remedy.empty()) text += concat("    → ", printable(event.remedy), '\n');
    return text;
  }
  }
  return {};
}

std::string LoginBoard::show(const LoginEvent& event, UnixTime now, std::size_t width) {
  std::string out;
  // Back to the first line of what was drawn, and clear from there (ECMA-48 CUU, ED).
  if (drawn_lines_ != 0) out = concat("\x1b[", drawn_lines_, "A\x1b[J");
  std::erase_if(prompts_, [&event](const LoginEvent& prompt) { return prompt.mailbox == event.mailbox; });
  if (event.kind == LoginEvent::Kind::kPrompt)
    prompts_.push_back(event);
  else
    out += describe(event, now);
  drawn_lines_ = 0;
  if (prompts_.empty()) return out;
  Table table({{.title = "MAILBOX"}, {.title = "ENTER"}, {.title = "AT"}});
  for (const LoginEvent& prompt : prompts_)
    table.add_row({printable(prompt.mailbox), printable(prompt.user_code), printable(prompt.verification_uri)});
  const std::string board = table.render(width);
  // A line that is wider than the terminal takes two of its lines: then drawing over it would eat what is above.
  for (std::size_t at = 0; at < board.size();) {
    const std::size_t end = board.find('\n', at);
    const std::size_t columns = display_width(std::string_view(board).substr(at, end - at));
    drawn_lines_ += 1 + (columns == 0 ? 0 : (columns - 1) / std::max<std::size_t>(width, 1));
    at = end + 1;
  }
  return out + board;
}

} // namespace mailmoor::cli
