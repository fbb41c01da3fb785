#include "mailbox/connection.h"

#include "log/log.h"
#include "mailbox/server_words.h"
#include "net/deflate_stream.h"
#include "util/concat.h"
#include "util/printable.h"

#include <array>
#include <span>
#include <utility>
#include <variant>

namespace mailmoor::mailbox {
namespace {

// What TLS has ready at a time.
constexpr std::size_t kBufferSize = 16UL * 1024;
constexpr std::size_t kSmallBufferSize = 2048;
// From here on a server counts as far away. In one building or data centre it is a tenth of that, and zlib, at either
// end, slower than the line.
constexpr std::chrono::milliseconds kFarAway(5);
constexpr runtime::Duration kLogoutPatience = std::chrono::seconds(2);

[[nodiscard]] imap::Quirks quirks_of(const std::string& host) {
  imap::Quirks quirks;
  quirks.extensions = imap::extension_quirks(host);
  return quirks;
}

} // namespace

Connection::Connection(const Services& services, ConnectionSettings settings)
    : services_(services), settings_(std::move(settings)), peer_(concat(settings_.host, ":", settings_.port)),
      session_(imap::Limits(), quirks_of(settings_.host)), buffer_(kBufferSize), last_input_(services.loop.now()) {}

void Connection::fit_buffer() {
  const std::size_t size = wants_small_buffer_ ? kSmallBufferSize : kBufferSize;
  if (buffer_.size() != size) buffer_ = std::vector<std::byte>(size);
}

Error Connection::broken(const Error& error) const {
  // The server's own words say more than the end of the stream.
  Error said = bye_ ? session_ended(*bye_) : stream_ended(error);
  // A throttled BAD may be followed by "BYE Connection closed. 14".
  return pause_ && pause_->imposed_wait > said.imposed_wait ? *pause_ : said;
}

runtime::Task<Status> Connection::open() {
  auto connecting = connect();
  Error too_late(ErrorKind::kHost, "connect_timeout",
                 concat("no IMAP session with ", peer_, " within the connect timeout"));
  Status connected = co_await runtime::with_timeout<void>(services_.loop, settings_.connect_timeout,
                                                          std::move(too_late), std::move(connecting));
  co_return connected;
}

runtime::Task<Status> Connection::connect() {
  auto dialing = dial();
  const Status dialled = co_await dialing;
  if (!dialled) co_return dialled;
  auto securing = secure();
  const Status secured = co_await securing;
  if (!secured) co_return secured;
  auto meeting = meet();
  const Status met = co_await meeting;
  co_return met;
}

runtime::Task<Status> Connection::dial() {
  net::DialTarget target;
  target.host = settings_.host;
  target.port = settings_.port;
  target.proxy = settings_.proxy;
  target.connect_timeout = settings_.connect_timeout;
  auto dialing = services_.dialer.dial(std::move(target));
  Result<std::unique_ptr<net::TcpStream>> tcp = co_await dialing;
  if (!tcp) co_return pass(std::move(tcp).error());
  plain_ = *std::move(tcp);
  peer_address_ = plain_->peer_address();
  round_trip_ = plain_->round_trip();
  co_return Status();
}

runtime::Task<Status> Connection::secure() {
  if (settings_.tls == TlsMode::kStartTls) {
    auto greeting = greet();
    const Status greeted = co_await greeting;
    if (!greeted) co_return greeted;
    auto starting = start_tls();
    const Status started = co_await starting;
    if (!started) co_return started;
  }
  auto securing = net::secure(services_.tls, settings_.trust, std::move(plain_), settings_.host, settings_.handshake);
  Result<std::unique_ptr<net::Stream>> secured = co_await securing;
  if (!secured) co_return pass(std::move(secured).error());
  stream_ = *std::move(secured);
  if (settings_.tls == TlsMode::kStartTls) session_.tls_started();
  co_return Status();
}

runtime::Task<Status> Connection::meet() {
  if (settings_.tls == TlsMode::kImplicit) {
    auto greeting = greet();
    const Status greeted = co_await greeting;
    if (!greeted) co_return greeted;
  }
  auto asking = ask_capabilities();
  const Status asked = co_await asking;
  co_return asked;
}

std::optional<net::TlsFacts> Connection::tls_facts() const {
  return stream_ ? stream_->tls_facts() : std::nullopt;
}

runtime::Task<Status> Connection::greet() {
  while (true) {
    imap::Event event = session_.next();
    if (std::holds_alternative<imap::NeedInput>(event)) {
      auto filling = fill();
      const Status filled = co_await filling;
      if (!filled) co_return filled;
    } else if (const auto* greeting = std::get_if<imap::Greeting>(&event)) {
      // Anybody on the way could have said PREAUTH to keep the session in the clear.
      if (greeting->preauthenticated)
        co_return fail(ErrorKind::kMailbox, "unexpected_preauth", concat(peer_, " says that we are logged in already"),
                       "use a server that lets the client log in");
      greeting_ = greeting->text;
      co_return Status();
    } else if (const auto* bye = std::get_if<imap::Bye>(&event)) {
      co_return std::unexpected(session_ended(*bye));
    } else if (auto* failed = std::get_if<imap::Failed>(&event)) {
      co_return pass(std::move(failed->error).within(peer_));
    }
  }
}

runtime::Task<Status> Connection::start_tls() {
  auto asking = ask_capabilities();
  const Status asked = co_await asking;
  if (!asked) co_return asked;
  if (!session_.capabilities().has("STARTTLS"))
    co_return fail(ErrorKind::kHost, "no_starttls", concat(peer_, " does not offer STARTTLS"),
                   "use `tls: implicit` (port 993), or let the server offer it; there is no session without TLS");
  auto starting = complete(session_.starttls());
  const Result<imap::Completed> completed = co_await starting;
  if (!completed) co_return pass(completed.error());
  if (completed->status != imap::CompletionStatus::kOk)
    co_return std::unexpected(command_refused(*completed, "STARTTLS"));
  writer_.cancel();
  co_return Status();
}

runtime::Task<Status> Connection::ask_capabilities() {
  if (session_.capabilities().known()) co_return Status();
  auto asking = complete(session_.capability());
  const Result<imap::Completed> completed = co_await asking;
  if (!completed) co_return pass(completed.error());
  if (completed->status != imap::CompletionStatus::kOk)
    co_return std::unexpected(command_refused(*completed, "CAPABILITY"));
  co_return Status();
}

runtime::Task<Status> Connection::log_in(const Login& login) {
  const auto mechanism = imap::choose_mechanism(session_.capabilities(), login.is_token, !login.is_token);
  if (!mechanism)
    co_return fail(ErrorKind::kOperator, "no_login_method",
                   concat(peer_, " offers no way to log in with ", login.is_token ? "an OAuth2 token" : "a password"),
                   login.is_token ? "use `password` for this server, or enable XOAUTH2 on it"
                                  : "this server takes no passwords: sign in with OAuth2 (give the mailbox an `app`)");
  const imap::SaslLogin sasl{*mechanism, login.user, login.secret, settings_.host, settings_.port};
  const Result<imap::CommandId> id = session_.authenticate(sasl);
  if (!id) co_return pass(id.error());
  auto authenticating = complete(*id);
  const Result<imap::Completed> completed = co_await authenticating;
  if (!completed) co_return pass(completed.error());
  if (completed->status != imap::CompletionStatus::kOk)
    co_return std::unexpected(login_refused(*completed, login.user));
  // Exchange does not send its capabilities with the OK, and has others after it.
  auto asking = ask_capabilities();
  const Status asked = co_await asking;
  if (!asked) co_return asked;
  auto introducing = introduce();
  const Status introduced = co_await introducing;
  co_return introduced;
}

runtime::Task<Status> Connection::introduce() {
  if (!session_.capabilities().has("ID")) co_return Status();
  const std::array<std::pair<std::string_view, std::string_view>, 2> fields = {
      std::pair<std::string_view, std::string_view>("name", "Mailmoor"),
      std::pair<std::string_view, std::string_view>("version", services_.version)};
  const imap::CommandId id = session_.id(fields);
  if (session_.can_examine_ahead()) co_return Status(); // goes out with the next command; nothing depends on the answer
  // Exchange counts what it refuses, and where it refuses this it refuses all.
  auto waiting = complete(id);
  const Result<imap::Completed> answered = co_await waiting;
  if (!answered) co_return pass(answered.error());
  if (answered->status == imap::CompletionStatus::kBad) co_return std::unexpected(command_refused(*answered, "ID"));
  co_return Status();
}

bool Connection::wants_compression() const {
  if (!session_.capabilities().has("COMPRESS=DEFLATE")) return false;
  if (settings_.compression == Compression::kAuto) return round_trip_ && *round_trip_ >= kFarAway;
  return settings_.compression == Compression::kOn;
}

runtime::Task<Status> Connection::compress() {
  if (!wants_compression() || std::exchange(asked_to_compress_, true)) co_return Status();
  auto asking = complete(session_.compress());
  const Result<imap::Completed> completed = co_await asking;
  if (!completed) co_return pass(completed.error());
  if (completed->status != imap::CompletionStatus::kOk) co_return Status();
  writer_.cancel(); // has nothing left to write
  stream_ = std::make_unique<net::DeflateStream>(services_.loop, std::move(stream_), session_.take_compressed());
  session_.compression_started();
  co_return Status();
}

runtime::Task<Result<imap::Completed>> Connection::list(bool with_status, Listener listener) {
  const bool with_return = session_.can_list_return();
  auto asking = complete(session_.list_all(with_status), listener);
  Result<imap::Completed> completed = co_await asking;
  if (!completed || !with_return || session_.can_list_return()) co_return completed;
  auto asking_plainly = complete(session_.list_all(), listener); // RETURN is offered, and was refused
  completed = co_await asking_plainly;
  co_return completed;
}

runtime::Task<void> Connection::log_out(GoodBye good_bye) {
  if (pause_) co_return; // nothing is sent in it
  const imap::CommandId id = session_.logout();
  flush();
  const bool is_said = session_.output().empty() && !writer_.is_running();
  if (is_said && good_bye == GoodBye::kSaid) co_return;
  auto leaving = complete(id);
  Error too_late(ErrorKind::kHost, "io_timeout", "no answer to LOGOUT");
  static_cast<void>(co_await runtime::with_timeout<imap::Completed>(services_.loop, kLogoutPatience,
                                                                    std::move(too_late), std::move(leaving)));
}

void Connection::flush() {
  if (writer_.is_running() || session_.output().empty()) return;
  // A failed write is not reported here: reading from the same broken connection says so.
  writer_.start(write(), [](Status) {});
}

runtime::Task<Status> Connection::write() {
  net::Stream& stream = stream_ ? *stream_ : static_cast<net::Stream&>(*plain_);
  while (!session_.output().empty()) {
    const Secret chunk(session_.output());
    session_.output_sent(chunk.size());
    auto writing = stream.write_all(std::as_bytes(std::span(chunk.reveal())));
    const Status written = co_await writing;
    if (!written) co_return written;
  }
  co_return Status();
}

runtime::Task<Status> Connection::fill(runtime::Duration limit) {
  flush();
  fit_buffer();
  net::Stream& stream = stream_ ? *stream_ : static_cast<net::Stream&>(*plain_);
  auto reading = stream.read_some(buffer_);
  Error silent(
      ErrorKind::kHost, "io_timeout",
      concat(peer_, " said nothing for ", std::chrono::duration_cast<std::chrono::seconds>(limit).count(), " s"));
  const Result<std::size_t> count =
      co_await runtime::with_timeout<std::size_t>(services_.loop, limit, std::move(silent), std::move(reading));
  if (!count) co_return std::unexpected(broken(count.error()));
  if (*count == 0) {
    const Error closed(ErrorKind::kHost, "connection_lost", concat(peer_, " closed the connection"));
    co_return std::unexpected(broken(closed));
  }
  last_input_ = services_.loop.now();
  if (on_received_) on_received_(*count);
  session_.receive(std::span(buffer_).first(*count));
  co_return Status();
}

imap::Event Connection::next() {
  imap::Event event = session_.next();
  if (const auto* bye = std::get_if<imap::Bye>(&event)) bye_ = *bye;
  if (const auto* completed = std::get_if<imap::Completed>(&event)) hear(*completed);
  if (auto* failed = std::get_if<imap::Failed>(&event)) failed->error = broken(failed->error);
  if (on_event_) on_event_(event);
  return event;
}

void Connection::hear(const imap::Completed& completed) {
  if (asks_to_slow_down(completed) && on_slow_down_) on_slow_down_();
  if (auto pause = pause_in(completed)) pause_ = std::move(pause);
}

runtime::Task<Result<imap::Completed>> Connection::complete(imap::CommandId id, Listener listener) {
  while (true) {
    if (pause_) co_return std::unexpected(*pause_); // nothing is sent in it
    imap::Event event = next();
    if (std::holds_alternative<imap::NeedInput>(event)) {
      auto filling = fill();
      const Status filled = co_await filling;
      if (!filled) co_return pass(filled.error());
      continue;
    }
    if (auto* completed = std::get_if<imap::Completed>(&event); completed != nullptr && completed->id == id)
      co_return std::move(*completed);
    if (auto* failed = std::get_if<imap::Failed>(&event)) co_return pass(std::move(failed->error).within(peer_));
    if (listener) listener(event);
  }
}

} // namespace mailmoor::mailbox
