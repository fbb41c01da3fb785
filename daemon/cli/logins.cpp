#include "cli/logins.h"

#include "cli/signal_watch.h"
#include "control/wire.h"
#include "util/concat.h"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <iterator>
#include <utility>

namespace mailmoor::cli {

namespace {

// RFC 8628 §3.5: no new codes for a person who is not there. Six hours of Entra's.
constexpr int kMaxRenewals = 24;
// Between the lines of one paste nothing waits so long; a person between two pastes does.
constexpr std::chrono::milliseconds kPasteGap{300};

LoginEvent failed(const std::string& mailbox, const std::string& error, const std::string& remedy,
                  const std::string& code) {
  LoginEvent event;
  event.mailbox = mailbox;
  event.error = error;
  event.remedy = remedy;
  event.code = code;
  return event;
}

std::string login_path(const std::string& mailbox, LoginFlow flow, const RedirectListener* listener) {
  std::string path = DaemonClient::mailbox_path(mailbox, "login");
  char mark = '?';
  if (flow != LoginFlow::kAny) path += concat(std::exchange(mark, '&'), "flow=", control::login_flow_name(flow));
  if (listener != nullptr) path += concat(mark, "redirect_port=", listener->port());
  return path;
}

// What the daemon says of an address that the login it may belong to outlives.
bool is_about_the_address(const control::Problem& problem) {
  return problem.code.starts_with("redirect_");
}

ResultPage page_for(const Answer& answer) {
  if (!answer)
    return {.mood = ResultPage::Mood::kBad,
            .heading = "Not signed in",
            .text = answer.error().detail,
            .remedy = answer.error().remedy};
  const auto event = control::login_event_from_json(*answer);
  return {.mood = ResultPage::Mood::kGood,
          .heading = "Signed in",
          .text = event ? concat("Mailmoor may now read the mail of ", event->mailbox, '.') : "Mailmoor is signed in.",
          .remedy = "You can close this page."};
}

} // namespace

Logins::Logins(const Context& context, std::vector<LoginGroup> groups)
    : context_(context), requests_(context.client.socket_path(), kWindow), board_(groups.size()) {
  for (LoginGroup& group : groups)
    logins_.push_back({.group = std::move(group)});
}

Exit Logins::run() {
  const SignalWatch signals; // goes last: a signal takes effect when all is told
  if (const Exit exit = listen_if_wanted(); exit != Exit::kDone) return exit;
  requests_.watch(signals.descriptor(), [this] { interrupted_ = true; });
  for (Login& login : logins_)
    begin(login);
  while (!is_done() && !interrupted_)
    advance();
  if (interrupted_) tell_interrupted();
  if (listener_) {
    for (const int fd : listener_->descriptors())
      requests_.forget(fd);
    listener_.reset(); // closed after use; sends the last page
  }
  if (logins_.size() > 1 && !context_.invocation.json) context_.console.out(board_.progress() + '\n');
  return worst_;
}

// Where the flow is left open, only where a browser of this host can be looked at.
Exit Logins::listen_if_wanted() {
  const LoginFlow flow = context_.invocation.flow;
  const bool is_wanted = flow == LoginFlow::kBrowser || (flow == LoginFlow::kAny && context_.console.has_desktop());
  if (!is_wanted) return Exit::kDone;
  auto opened = RedirectListener::open(
      [this](const std::string& target, const RedirectListener::Respond& respond) { on_browser(target, respond); });
  if (!opened) return flow == LoginFlow::kBrowser ? report(context_, opened.error()) : Exit::kDone;
  listener_ = *std::move(opened);
  for (const int fd : listener_->descriptors())
    requests_.watch(fd, [this] { listener_->serve(); });
  return Exit::kDone;
}

void Logins::begin(Login& login) {
  login.request = requests_.add({.path = login_path(login.group.mailbox, context_.invocation.flow, listener_.get()),
                                 .on_line = [this, &login](std::string_view line) { on_line(login, line); },
                                 .on_end = [this, &login](const Answer& answer) { on_end(login, answer); },
                                 .body = {}});
}

void Logins::on_line(Login& login, std::string_view line) {
  const auto event = control::login_event_from_json(line);
  if (!event)
    return end(login, failed(login.group.mailbox, event.error().what, event.error().remedy, event.error().code),
               Exit::kFailed);
  if (event->kind == LoginEvent::Kind::kPrompt) return on_prompt(login, *event);
  if (is_renewed(login, *event)) return;
  end(login, *event, event->kind == LoginEvent::Kind::kSignedIn ? Exit::kDone : Exit::kFailed);
}

void Logins::on_end(Login& login, const Answer& answer) {
  if (login.has_ended) return;
  const std::string& mailbox = login.group.mailbox;
  if (!answer)
    return end(login, failed(mailbox, answer.error().detail, answer.error().remedy, answer.error().code),
               exit_for(answer.error()));
  end(login, failed(mailbox, "the daemon broke the login off", "see that it runs, then try again", "login_broken_off"),
      Exit::kFailed);
}

void Logins::on_prompt(Login& login, const LoginEvent& event) {
  login.waits_for_paste = event.flow == LoginFlow::kPaste;
  const bool is_browser = event.flow == LoginFlow::kBrowser && listener_ != nullptr;
  const bool can_paste = context_.console.is_interactive();
  if (is_browser && !std::exchange(has_hinted_, true)) say(browser_hint(listener_->port(), can_paste));
  show(login, event);
  if (login.waits_for_paste || (is_browser && can_paste)) watch_input();
  if (login.waits_for_paste) end_of_input();
}

// Among many, a person gets to the last ones when their codes have run out.
bool Logins::is_renewed(Login& login, const LoginEvent& event) {
  const bool ran_out = event.code == "login_code_expired" || event.code == "login_link_expired";
  if (!ran_out || logins_.size() == 1 || login.renewals++ == kMaxRenewals) return false;
  requests_.drop(login.request);
  begin(login);
  return true;
}

void Logins::end(Login& login, LoginEvent event, Exit exit) {
  if (std::exchange(login.has_ended, true)) return;
  if (std::exchange(login.waits_for_paste, false)) ++ended_pastes_;
  worst_ = worse(worst_, exit);
  event.mailbox = login.group.mailbox;
  show(login, event);
  if (context_.invocation.json && event.kind == LoginEvent::Kind::kSignedIn) {
    for (const std::string& other : login.group.others) {
      event.mailbox = other;
      show(login, event);
    }
  }
  end_of_input();
}

void Logins::show(const Login& login, const LoginEvent& event) {
  const auto width = context_.console.width();
  if (context_.invocation.json)
    context_.console.out(control::to_json(event) + '\n');
  else if (width && logins_.size() > 1)
    context_.console.out(board_.show(event, login.group.others, current_time(),
                                     {.width = *width, .height = context_.console.height().value_or(24)}));
  else {
    static_cast<void>(board_.show(event, {}, current_time(), {})); // counts
    context_.console.out(describe(event, login.group.others, current_time()));
  }
}

void Logins::say(const std::string& text) {
  if (context_.invocation.json) return;
  const auto width = context_.console.width();
  if (width && logins_.size() > 1)
    context_.console.out(board_.show(text, {.width = *width, .height = context_.console.height().value_or(24)}));
  else
    context_.console.out(text);
}

void Logins::watch_input() {
  if (input_ended_ || std::exchange(watches_input_, true)) return;
  requests_.watch(context_.console.input(), [this] { read_input(); });
}

void Logins::read_input() {
  std::array<char, 4096> buffer{};
  const ssize_t size = ::read(context_.console.input(), buffer.data(), buffer.size());
  if (size < 0 && (errno == EINTR || errno == EAGAIN)) return;
  if (size <= 0) {
    requests_.forget(context_.console.input());
    input_ended_ = true;
    hand_in_pasted(pasted_.take_rest());
    end_of_input();
    return;
  }
  last_pasted_ = std::chrono::steady_clock::now();
  pasted_.add({buffer.data(), static_cast<std::size_t>(size)});
  hand_in_pasted(pasted_.take_whole());
}

void Logins::hand_in_pasted(const std::vector<std::string>& addresses) {
  for (const std::string& address : addresses) {
    ++handed_in_;
    requests_.add({.path = "/v1/login",
                   .on_line = nullptr,
                   .on_end =
                       [this](const Answer& answer) {
                         --handed_in_;
                         // How the login itself ends, its own stream tells, sooner or later than this.
                         if (answer || !is_about_the_address(answer.error()))
                           ++taken_;
                         else
                           report(context_, answer.error());
                         end_of_input();
                       },
                   .body = Secret(address)});
  }
}

void Logins::on_browser(const std::string& target, const RedirectListener::Respond& respond) {
  requests_.add({.path = "/v1/login",
                 .on_line = nullptr,
                 .on_end = [respond](const Answer& answer) { respond(page_for(answer)); },
                 .body = Secret(target)});
}

// Whoever waits for an address to be pasted waits in vain, once all that were there have met their logins.
void Logins::end_of_input() {
  if (!input_ended_ || handed_in_ != 0 || taken_ > ended_pastes_) return;
  for (Login& login : logins_) {
    if (!login.waits_for_paste) continue;
    requests_.drop(login.request);
    end(login,
        failed(login.group.mailbox, "standard input ended before the address was there that the browser came back with",
               "run it on a terminal, or write the address to its standard input", "no_redirect"),
        Exit::kFailed);
  }
}

void Logins::advance() {
  const bool is_pasting = pasted_.has_line();
  requests_.advance(is_pasting ? kPasteGap : std::chrono::milliseconds(1000));
  if (pasted_.has_line() && std::chrono::steady_clock::now() - last_pasted_ >= kPasteGap)
    hand_in_pasted(pasted_.take_lines());
  if (listener_) listener_->serve();
}

bool Logins::is_done() const {
  return requests_.is_empty() && std::ranges::all_of(logins_, &Login::has_ended);
}

void Logins::tell_interrupted() {
  const auto open = std::ranges::count_if(logins_, [](const Login& login) { return !login.has_ended; });
  worst_ = worse(worst_, Exit::kNeedsLogin);
  if (context_.invocation.json) return;
  context_.console.err(concat("\nmailmoorctl: interrupted; what is signed in stays so, ", open, " open\n",
                              "  → mailmoorctl login --all-pending goes on with the others\n"));
}

} // namespace mailmoor::cli
