// The way to the server and what is behind the login.
#include "mailbox/examination.h"

#include "mailbox/listing.h"
#include "mailbox/password.h"
#include "mailbox/server_words.h"
#include "runtime/name_lookup.h"
#include "util/concat.h"
#include "util/printable.h"

#include <algorithm>
#include <array>
#include <utility>

namespace mailmoor::mailbox {
namespace {

using Outcome = CheckResult::Outcome;
using std::chrono::seconds;

constexpr runtime::Duration kNamesPatience = seconds(20); // the resolver's own limit is 5 s a server, twice
constexpr runtime::Duration kAdmissionPatience = seconds(60);
constexpr runtime::Duration kAccountPatience = seconds(120); // each command also has the io timeout
constexpr std::chrono::days kRenewSoon{14};
constexpr std::size_t kNamesShown = 12; // of folders

[[nodiscard]] Error too_slow(std::string what) {
  return {ErrorKind::kHost, "io_timeout", std::move(what)};
}

[[nodiscard]] std::string pause_text(UnixTime until) {
  return concat("the server imposed a pause until ", to_rfc3339(until), "; nothing is sent before");
}

[[nodiscard]] std::string listed(const std::vector<std::string>& words, std::string_view separator) {
  std::string out;
  for (const std::string& word : words)
    out += concat(out.empty() ? std::string_view() : separator, word);
  return out;
}

} // namespace

Examination::Examination(const Services& services, ExaminationSettings settings, Mailbox& life, OauthClient* client,
                         TokenKeeper* keeper, Mailbox::Admission admit, Sink sink)
    : services_(services), settings_(std::move(settings)), life_(life), client_(client), keeper_(keeper),
      admit_(std::move(admit)), sink_(std::move(sink)) {}

void Examination::tell(std::string check, Outcome outcome, std::string found, std::string remedy) {
  CheckResult result;
  result.mailbox = settings_.mailbox;
  result.check = std::move(check);
  result.outcome = outcome;
  result.found = std::move(found);
  result.remedy = std::move(remedy);
  sink_(result);
}

void Examination::fail_with(std::string check, const Error& error) {
  CheckResult result;
  result.mailbox = settings_.mailbox;
  result.check = std::move(check);
  result.outcome = Outcome::kFailed;
  result.found = error.what;
  result.remedy = error.remedy;
  result.needs_login = error.code == "login_needed" || error.code == "password_needed";
  sink_(result);
}

void Examination::refused(std::string check, Error error) {
  if (error.imposed_wait) {
    life_.heed_pause(error);
    return tell(std::move(check), Outcome::kSkipped, concat(error.what, ": the mailbox waits as long as it was told"));
  }
  if (keeper_ != nullptr && (error.code == "auth_rejected" || error.code == "not_connected")) {
    error.remedy = oauth::refused_login_remedy(facts_, findings_, settings_.token);
    if (error.remedy.empty()) error.remedy = "correct what is wrong with the token, see above";
  }
  fail_with(std::move(check), error);
}

runtime::Task<void> Examination::run() {
  co_await runtime::yield_to_loop(services_.loop); // never from inside the call that started this
  auto asking = ask_token_endpoint();
  co_await asking;
  tell_clock();
  // Before the connection: a server does not wait long for a login.
  auto getting = get_token();
  co_await getting;
  auto reaching = reach_server();
  const bool reached = co_await reaching;
  tell_token_endpoint();
  tell_token();
  if (reached) {
    auto looking = examine_account();
    co_await looking;
  } else {
    for (const char* check : {"login", "inbox", "folders"})
      skip(check, "no session with the server");
  }
  connection_.reset();
  auto reading = examine_disk();
  co_await reading;
}

runtime::Task<bool> Examination::look_up_names() {
  const std::string& host = settings_.connection.host;
  if (!settings_.connection.proxy.empty()) {
    skip("names", concat("the proxy ", settings_.connection.proxy, " looks the name up"));
    co_return true;
  }
  const auto look_up = [](runtime::Loop& loop, std::string name) -> runtime::Task<Result<runtime::NameLookup::Answer>> {
    runtime::NameLookup::Answer answer = co_await runtime::NameLookup(loop, std::move(name));
    co_return answer;
  };
  auto looking = look_up(services_.loop, host);
  const Result<runtime::NameLookup::Answer> found = co_await runtime::with_timeout<runtime::NameLookup::Answer>(
      services_.loop, kNamesPatience, too_slow("no name server answers"), std::move(looking));
  const std::string why = found ? found->error : found.error().what;
  if (!found || found->addresses.empty()) {
    tell("names", Outcome::kFailed, concat("no address for ", host, ": ", why.empty() ? "none was given" : why),
         "see that `host` is spelled right and that this machine's name servers answer (resolvectl query)");
    co_return false;
  }
  std::vector<std::string> families[2];
  for (const std::string& address : found->addresses)
    families[address.find(':') != std::string::npos ? 1 : 0].push_back(address);
  std::string text = host;
  if (!families[0].empty()) text += concat("; IPv4: ", listed(families[0], ", "));
  if (!families[1].empty()) text += concat("; IPv6: ", listed(families[1], ", "));
  good("names", std::move(text));
  co_return true;
}

runtime::Task<bool> Examination::connect() {
  const runtime::MonoTime began = services_.loop.now();
  auto dialing = connection_->dial();
  Error too_late(ErrorKind::kHost, "connect_timeout", concat("no answer from ", connection_->peer()));
  const Status dialled = co_await runtime::with_timeout<void>(services_.loop, settings_.connection.connect_timeout,
                                                              std::move(too_late), std::move(dialing));
  if (!dialled) {
    Error error = dialled.error();
    if (error.remedy.empty())
      error.remedy = concat("see that the server listens on port ", settings_.connection.port,
                            " and that no firewall is in between");
    fail_with("connect", error);
    co_return false;
  }
  const auto took = std::chrono::duration_cast<std::chrono::milliseconds>(services_.loop.now() - began);
  const std::string_view way = settings_.connection.proxy.empty() ? " answers at " : " answers by the proxy at ";
  good("connect", concat(connection_->peer(), way, connection_->peer_address(), " within ", took.count(), " ms"));
  co_return true;
}

runtime::Task<bool> Examination::shake_hands() {
  auto securing = connection_->secure();
  const Status secured = co_await runtime::with_timeout<void>(
      services_.loop, settings_.connection.connect_timeout,
      too_slow(concat(connection_->peer(), " does not finish the TLS handshake")), std::move(securing));
  if (!secured) {
    Error error = secured.error();
    if (error.remedy.empty())
      error.remedy = concat("see that the server speaks TLS 1.2 or newer on port ", settings_.connection.port,
                            settings_.connection.tls == TlsMode::kImplicit ? " (with STARTTLS: `tls: starttls`)" : "");
    fail_with("tls", error);
    co_return false;
  }
  tell_tls();
  co_return true;
}

void Examination::tell_tls() {
  const std::optional<net::TlsFacts> facts = connection_->tls_facts();
  if (!facts) return good("tls", "secured");
  std::string text = concat(facts->version, ", ", facts->cipher, "; chain: ", listed(facts->chain, " < "));
  if (!facts->ends_at) return good("tls", std::move(text));
  const auto days = std::chrono::duration_cast<std::chrono::days>(*facts->ends_at - services_.now());
  text += concat("; ends in ", days.count(), " days (", to_rfc3339(*facts->ends_at), ")");
  if (days >= kRenewSoon) return good("tls", std::move(text));
  tell("tls", Outcome::kDoubtful, std::move(text), "the server's administrator should renew its certificate");
}

runtime::Task<bool> Examination::greet() {
  auto meeting = connection_->meet();
  const Status met = co_await runtime::with_timeout<void>(services_.loop, settings_.connection.connect_timeout,
                                                          too_slow(concat(connection_->peer(), " does not greet")),
                                                          std::move(meeting));
  if (!met) {
    refused("greeting", met.error());
    co_return false;
  }
  const auto mechanism =
      imap::choose_mechanism(connection_->session().capabilities(), keeper_ != nullptr, keeper_ == nullptr);
  if (mechanism) {
    tell_capabilities();
    co_return true;
  }
  tell("greeting", Outcome::kFailed,
       concat(connection_->peer(), " offers no way to log in with ",
              keeper_ != nullptr ? "an OAuth2 token" : "a password",
              "; it offers: ", printable(listed(connection_->session().capabilities().words(), " "))),
       keeper_ != nullptr ? "use `password` for this server, or enable XOAUTH2 on it"
                          : "this server takes no passwords: sign in with OAuth2 (give the mailbox an `app`)");
  co_return false;
}

void Examination::tell_capabilities() {
  const imap::Capabilities& offered = connection_->session().capabilities();
  std::vector<std::string> mechanisms;
  std::vector<std::string> others;
  for (const std::string& word : offered.words()) {
    if (word.starts_with("AUTH="))
      mechanisms.push_back(word.substr(5));
    else
      others.push_back(word);
  }
  good("greeting", printable(concat("\"", connection_->greeting().substr(0, 160), "\"; SASL: ",
                                    mechanisms.empty() ? "none" : listed(mechanisms, " "), "; ", listed(others, " "))));
}

runtime::Task<bool> Examination::reach_server() {
  auto looking = look_up_names();
  const bool found = co_await looking;
  const auto pause = life_.imposed_pause();
  std::array<const char*, 3> steps = {"connect", "tls", "greeting"};
  std::size_t done = 0;
  std::string why = found ? "" : "the name of the server has no address";
  if (pause) why = pause_text(*pause);
  if (why.empty()) {
    auto admitting = admitted();
    const Status admitted_now = co_await runtime::with_timeout<void>(
        services_.loop, kAdmissionPatience, too_slow("other logins take up limits.logins_per_minute; try again later"),
        std::move(admitting));
    if (!admitted_now) why = admitted_now.error().what;
    if (const auto met = life_.imposed_pause()) why = pause_text(*met); // while we waited
  }
  if (why.empty()) {
    ConnectionSettings asked = settings_.connection;
    asked.handshake = net::Handshake::kFull; // what its certificate is worth now
    connection_.emplace(services_, std::move(asked));
    auto connecting = connect();
    bool goes_on = co_await connecting;
    done = 1;
    if (goes_on) {
      auto securing = shake_hands();
      goes_on = co_await securing;
      done = 2;
    }
    if (goes_on) {
      auto greeting = greet();
      goes_on = co_await greeting;
      done = 3;
    }
    if (goes_on) co_return true;
    why = concat("the check \"", steps[done - 1], "\" failed");
  }
  for (; done < steps.size(); ++done)
    skip(steps[done], why);
  co_return false;
}

// So that with_timeout() can hold it.
runtime::Task<Status> Examination::admitted() {
  auto admitting = admit_();
  co_await admitting;
  co_return Status();
}

runtime::Task<Result<Login>> Examination::credentials() {
  Login login;
  login.user = settings_.user;
  login.is_token = keeper_ != nullptr;
  if (keeper_ != nullptr) {
    if (!token_) co_return fail(ErrorKind::kMailbox, "no_token", "there is no token to log in with");
    if (!*token_) co_return pass(token_->error());
    login.secret = (*token_)->secret.clone();
    co_return login;
  }
  auto reading = read_password(services_, settings_.mailbox, settings_.read_password_blocking);
  Result<Secret> password = co_await reading;
  if (!password) co_return pass(std::move(password).error());
  login.secret = *std::move(password);
  co_return login;
}

runtime::Task<void> Examination::examine_account() {
  auto logging_in = log_in();
  const bool logged_in = co_await logging_in;
  if (!logged_in) {
    for (const char* check : {"inbox", "folders"})
      skip(check, "not logged in");
    co_return;
  }
  auto opening = open_inbox();
  const bool opened = co_await opening;
  if (!opened) {
    skip("folders", "the check \"inbox\" failed");
    co_return;
  }
  auto listing = list_folders();
  const bool listed_all = co_await listing;
  if (!listed_all) co_return; // without a good-bye: it may have been asked to be quiet
  auto leaving = connection_->log_out();
  co_await leaving;
}

// The mailbox's own session may have met a pause meanwhile.
bool Examination::is_paused(const char* check) {
  const auto pause = life_.imposed_pause();
  if (!pause) return false;
  skip(check, pause_text(*pause));
  return true;
}

runtime::Task<bool> Examination::log_in() {
  auto asking = credentials();
  const Result<Login> login = co_await asking;
  if (!login) {
    if (keeper_ != nullptr)
      skip("login", "there is no token to log in with");
    else
      fail_with("login", login.error());
    co_return false;
  }
  if (is_paused("login")) co_return false;
  auto logging_in = connection_->log_in(*login);
  const Status logged_in = co_await runtime::with_timeout<void>(
      services_.loop, kAccountPatience, too_slow("no answer to the login"), std::move(logging_in));
  if (!logged_in) {
    refused("login", logged_in.error());
    co_return false;
  }
  good("login", printable(concat("as ", settings_.user, keeper_ != nullptr ? " by token" : " by password",
                                 "; now: ", listed(connection_->session().capabilities().words(), " "))));
  co_return true;
}

runtime::Task<bool> Examination::open_inbox() {
  if (is_paused("inbox")) co_return false;
  auto examining = connection_->complete(connection_->session().examine(FolderName::inbox()));
  const Result<imap::Completed> completed = co_await runtime::with_timeout<imap::Completed>(
      services_.loop, kAccountPatience, too_slow("no answer to EXAMINE INBOX"), std::move(examining));
  if (!completed) {
    refused("inbox", completed.error());
    co_return false;
  }
  const auto& selected = connection_->session().selected();
  if (completed->status != imap::CompletionStatus::kOk || !selected) {
    const Error error = folder_refused(*completed, "EXAMINE INBOX");
    refused("inbox", error);
    co_return error.kind == ErrorKind::kFolder; // the others may be open all the same
  }
  good("inbox", concat("may be read; ", selected->state.messages, " messages"));
  co_return true;
}

runtime::Task<bool> Examination::list_folders() {
  if (is_paused("folders")) co_return false;
  Listing found;
  auto listing = connection_->list(/*with_status=*/false, [&found](imap::Event& event) { found.hear(event); });
  const Result<imap::Completed> completed = co_await runtime::with_timeout<imap::Completed>(
      services_.loop, kAccountPatience, too_slow("no answer to LIST"), std::move(listing));
  if (!completed) {
    refused("folders", completed.error());
    co_return false;
  }
  if (completed->status != imap::CompletionStatus::kOk) {
    refused("folders", command_refused(*completed, "LIST"));
    co_return false;
  }
  if (const Status checked = found.check(); !checked) {
    refused("folders", checked.error());
    co_return false;
  }
  const std::vector<sync::FolderChoice> choices = sync::choose_folders(std::move(found.folders), settings_.folders);
  std::vector<std::string> chosen;
  for (const sync::FolderChoice& choice : choices)
    if (choice.chosen) chosen.push_back(printable(choice.name.utf8()));
  std::string text = concat(chosen.size(), " of ", choices.size(), " folders are chosen");
  if (chosen.empty()) {
    tell("folders", Outcome::kDoubtful, std::move(text), "see `folders` of the mailbox: nothing would be mirrored");
    co_return true;
  }
  const std::size_t more = chosen.size() - std::min(chosen.size(), kNamesShown);
  chosen.resize(chosen.size() - more);
  text += concat(": ", listed(chosen, ", "), more != 0 ? concat(" and ", more, " more") : "");
  good("folders", std::move(text));
  co_return true;
}

} // namespace mailmoor::mailbox
