#include "cli/login_view.h"

#include "cli/relative_time.h"
#include "cli/table.h"
#include "util/concat.h"
#include "util/printable.h"

#include <algorithm>
#include <span>
#include <utility>

namespace mailmoor::cli {

namespace {

std::string within(const LoginEvent& event, UnixTime now) {
  if (!event.expires_at || *event.expires_at <= now) return {};
  return concat(" (within ", short_duration(*event.expires_at - now), ')');
}

std::string describe_prompt(const LoginEvent& event, UnixTime now) {
  const std::string mailbox = printable(event.mailbox);
  std::string text;
  switch (event.flow) {
  case LoginFlow::kAny:
  case LoginFlow::kDevice:
    text = concat(mailbox, ": open ", printable(event.verification_uri), " and enter ", printable(event.user_code),
                  within(event, now), '\n');
    if (!event.verification_uri_complete.empty())
      text += concat("    or open ", printable(event.verification_uri_complete), '\n');
    break;
  case LoginFlow::kBrowser:
    text = concat(mailbox, ": open this in a browser on this host and sign in", within(event, now), ":\n    ",
                  printable(event.authorization_url), '\n');
    break;
  case LoginFlow::kPaste:
    text = concat(mailbox, ": open this in any browser and sign in", within(event, now),
                  "; then paste here the address\n    of the page at the end, which the browser cannot open:\n    ",
                  printable(event.authorization_url), '\n');
    break;
  }
  if (!event.note.empty()) text += concat("    (", printable(event.note), ")\n");
  return text;
}

std::string names_of(const std::vector<std::string>& mailboxes) {
  std::string out;
  for (const std::string& mailbox : mailboxes)
    out += concat(out.empty() ? "" : ", ", printable(mailbox));
  return out;
}

} // namespace

std::string describe(const LoginEvent& event, const std::vector<std::string>& also, UnixTime now) {
  const std::string mailbox = printable(event.mailbox);
  switch (event.kind) {
  case LoginEvent::Kind::kPrompt: {
    std::string text = describe_prompt(event, now);
    if (!also.empty()) text += concat("    (the same sign-in serves ", names_of(also), ")\n");
    return text;
  }
  case LoginEvent::Kind::kSignedIn:
    return concat(mailbox, ": signed in", also.empty() ? "" : concat(", and so ", names_of(also)), '\n');
  case LoginEvent::Kind::kFailed: {
    std::string text = concat(mailbox, ": not signed in: ", printable(event.error), '\n');
    if (!event.remedy.empty()) text += concat("    → ", printable(event.remedy), '\n');
    return text;
  }
  }
  return {};
}

std::string browser_hint(std::uint16_t port, bool can_paste) {
  return concat("The browser is expected back on port ", port, " of this host. For a browser elsewhere: ssh -L ", port,
                ":localhost:", port, " to here first",
                can_paste ? ",\nor paste here the address at which it ends up.\n" : ".\n");
}

std::string LoginBoard::progress() const {
  std::string text = concat(signed_in_, " of ", total_, " signed in");
  if (failed_ != 0) text += concat(", ", failed_, " failed");
  return text;
}

// Back to the first line of what was drawn, and clear from there (ECMA-48 CUU, ED).
std::string LoginBoard::erased() {
  return drawn_lines_ == 0 ? std::string() : concat("\x1b[", std::exchange(drawn_lines_, 0), "A\x1b[J");
}

std::string LoginBoard::drawn(Screen screen) {
  if (prompts_.empty()) return {};
  // What is drawn must fit on the screen, or it could not be drawn over: the title, a line for the others, the progress
  // and the cursor's line take four.
  const std::size_t room = std::max<std::size_t>(screen.height, 6) - 4;
  const std::size_t shown = std::min(prompts_.size(), room);
  Table table({{.title = "MAILBOX"}, {.title = "ENTER"}, {.title = "AT"}});
  for (const LoginEvent& prompt : std::span(prompts_).first(shown)) {
    const bool by_code = prompt.flow == LoginFlow::kDevice;
    table.add_row({printable(prompt.mailbox), by_code ? printable(prompt.user_code) : "(sign in)",
                   by_code ? printable(prompt.verification_uri) : "its address above"});
  }
  std::string board = table.render(screen.width);
  if (shown < prompts_.size()) board += concat("… and ", prompts_.size() - shown, " more when there is room\n");
  board += concat(progress(), '\n');
  // A line that is wider than the terminal takes two of its lines: then drawing over it would eat what is above.
  for (std::size_t at = 0; at < board.size();) {
    const std::size_t end = board.find('\n', at);
    const std::size_t columns = display_width(std::string_view(board).substr(at, end - at));
    drawn_lines_ += 1 + (columns == 0 ? 0 : (columns - 1) / std::max<std::size_t>(screen.width, 1));
    at = end + 1;
  }
  return board;
}

std::string LoginBoard::show(const LoginEvent& event, const std::vector<std::string>& also, UnixTime now,
                             Screen screen) {
  std::string out = erased();
  std::erase_if(prompts_, [&event](const LoginEvent& prompt) { return prompt.mailbox == event.mailbox; });
  if (event.kind == LoginEvent::Kind::kPrompt) prompts_.push_back(event);
  if (event.kind == LoginEvent::Kind::kSignedIn) ++signed_in_;
  if (event.kind == LoginEvent::Kind::kFailed) ++failed_;
  if (event.kind != LoginEvent::Kind::kPrompt || event.flow != LoginFlow::kDevice) out += describe(event, also, now);
  return out + drawn(screen);
}

std::string LoginBoard::show(std::string_view text, Screen screen) {
  std::string out = erased();
  out += text;
  return out + drawn(screen);
}

} // namespace mailmoor::cli
