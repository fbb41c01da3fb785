// One IMAP connection: the wire under an imap::Session. Opens it, logs in, and moves bytes both ways.
// Owned by the mailbox that opened it; destroying it closes the connection. Loop thread only.
#pragma once

#include "imap/response.h"
#include "imap/session.h"
#include "mailbox/services.h"
#include "net/stream.h"
#include "net/tls_sessions.h"
#include "net/trust.h"
#include "runtime/run_task.h"
#include "runtime/task.h"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace mailmoor::mailbox {

enum class TlsMode { kImplicit, kStartTls };
// kAuto: where the server is far away, so that the line may well be slower than zlib.
enum class Compression { kAuto, kOff, kOn };

struct ConnectionSettings {
  std::string host;
  std::uint16_t port = 993;
  TlsMode tls = TlsMode::kImplicit;
  net::SharedTrust trust;
  net::Handshake handshake = net::Handshake::kMayResume;
  std::string proxy;
  Compression compression = Compression::kAuto;
  std::chrono::milliseconds connect_timeout = std::chrono::seconds(30);
  std::chrono::milliseconds io_timeout = std::chrono::seconds(60); // a silent connection is given up, IDLE excepted
};

struct Login {
  std::string user;
  Secret secret;
  bool is_token = true; // else a password
};

class Connection final {
 public:
  Connection(const Services& services, ConnectionSettings settings);
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  // Dials, secures, reads the greeting, does STARTTLS and learns the capabilities. Errors: kHost, kMailbox.
  [[nodiscard]] runtime::Task<Status> open();
  // The steps of open(), in this order, for who wants to know how each went; the time limit is the caller's. With
  // STARTTLS the greeting is read by secure().
  [[nodiscard]] runtime::Task<Status> dial();
  [[nodiscard]] runtime::Task<Status> secure();
  [[nodiscard]] runtime::Task<Status> meet();
  // Errors: as login_refused().
  [[nodiscard]] runtime::Task<Status> log_in(const Login& login);
  // Before much is asked for: lets all that follows go compressed, where that is wanted and was not asked for before.
  // Costs a round trip. A refusal is no error.
  [[nodiscard]] runtime::Task<Status> compress();
  // Says good-bye; nothing in a pause. kAnswered: waits shortly for the answer, so that a server that counts
  // connections has this one no more when it is asked for the next. kSaid: waits only where the line does not take the
  // word at once. Never fails.
  enum class GoodBye { kAnswered, kSaid };
  [[nodiscard]] runtime::Task<void> log_out(GoodBye good_bye = GoodBye::kAnswered);

  [[nodiscard]] imap::Session& session() noexcept { return session_; }
  // session().next(); remembers a BYE, which says more than the end of the stream that follows, and a pause that any
  // answer imposed, which says more than either.
  [[nodiscard]] imap::Event next();
  // The pause that the server imposed, in an answer here or, by heed(), elsewhere: nothing is to be sent any more.
  [[nodiscard]] const std::optional<Error>& pause() const noexcept { return pause_; }
  void heed(Error pause) { pause_ = std::move(pause); }
  // Called at each successful answer that asks us to slow down.
  void on_slow_down(std::function<void()> told) { on_slow_down_ = std::move(told); }
  // Called with each event that next() gives, before whoever asks for it sees it.
  void on_event(std::function<void(const imap::Event&)> told) { on_event_ = std::move(told); }
  // Called with the octets of each piece that arrives.
  void on_received(std::function<void(std::size_t)> told) { on_received_ = std::move(told); }

  // REQUIRES: session().next() has said NeedInput. Sends what is queued and reads more. Errors: kHost
  // "connection_lost", "io_timeout" after `limit`.
  [[nodiscard]] runtime::Task<Status> fill(runtime::Duration limit);
  [[nodiscard]] runtime::Task<Status> fill() { return fill(settings_.io_timeout); }

  using Listener = std::function<void(imap::Event&)>;
  // Runs until `id` is complete; every other event goes to `listener`. The error of a BYE, of the stream, or the pause
  // that the answer to an earlier command imposed: then nothing is sent.
  [[nodiscard]] runtime::Task<Result<imap::Completed>> complete(imap::CommandId id, Listener listener = {});
  // imap::Session::list_all(), once more without what the server refuses of it: `listener` hears the list once.
  [[nodiscard]] runtime::Task<Result<imap::Completed>> list(bool with_status, Listener listener);

  // While waiting in IDLE a small buffer does: from the next fill() on, as what came before is still being read.
  void use_small_buffer(bool small) noexcept { wants_small_buffer_ = small; }
  [[nodiscard]] const std::string& peer() const noexcept { return peer_; }
  // The address that answered (a proxy's, where there is one); empty before dial().
  [[nodiscard]] const std::string& peer_address() const noexcept { return peer_address_; }
  // The text of the greeting; empty before meet() (secure(), with STARTTLS).
  [[nodiscard]] const std::string& greeting() const noexcept { return greeting_; }
  // Empty before secure().
  [[nodiscard]] std::optional<net::TlsFacts> tls_facts() const;
  [[nodiscard]] runtime::MonoTime last_input() const noexcept { return last_input_; }

 private:
  [[nodiscard]] runtime::Task<Status> connect();
  [[nodiscard]] runtime::Task<Status> greet();
  [[nodiscard]] runtime::Task<Status> start_tls();
  [[nodiscard]] runtime::Task<Status> ask_capabilities();
  [[nodiscard]] runtime::Task<Status> introduce();
  [[nodiscard]] bool wants_compression() const;
  // Starts sending what is queued, without waiting.
  void flush();
  [[nodiscard]] runtime::Task<Status> write();
  void fit_buffer();
  [[nodiscard]] Error broken(const Error& error) const;
  void hear(const imap::Completed& completed);

  const Services& services_;
  ConnectionSettings settings_;
  std::string peer_;
  std::string peer_address_;
  std::string greeting_;
  imap::Session session_;
  std::optional<imap::Bye> bye_;
  std::optional<Error> pause_;
  std::function<void()> on_slow_down_;
  std::function<void(std::size_t)> on_received_;
  std::function<void(const imap::Event&)> on_event_;
  std::vector<std::byte> buffer_; // the session looks into it until it has said NeedInput
  bool wants_small_buffer_ = false;
  runtime::MonoTime last_input_;
  bool asked_to_compress_ = false;
  std::optional<std::chrono::microseconds> round_trip_; // when it was dialled
  std::unique_ptr<net::TcpStream> plain_;               // until TLS takes it over
  std::unique_ptr<net::Stream> stream_;
  runtime::TaskRunner<Status> writer_; // goes before the stream
};

} // namespace mailmoor::mailbox
