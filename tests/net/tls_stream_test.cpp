#include "net/tls_stream.h"

#include "net/net_fixture.h"

#include <array>
#include <atomic>
#include <csignal>
#include <future>
#include <span>
#include <string>
#include <vector>

namespace mailmoor::net {
namespace {

using runtime::Task;
using std::chrono::milliseconds;
using std::chrono::seconds;

class TlsStreamTest : public NetTest {
 protected:
  using SecureResult = Result<std::unique_ptr<Stream>>;

  void identify(CertificateWish wish) { server_ = server_context(issue(wish, &authority_)); }
  // What comes of a handshake with a peer that shows the identity set.
  [[nodiscard]] SecureResult shake_hands(std::string host, SharedTrust trust) {
    Server server([this](int socket) {
      Peer peer(socket, server_.get());
      if (peer.accept()) peer.await_end();
    });
    auto tcp = connect(server.port());
    return await(secure(tls_, std::move(trust), std::move(tcp), std::move(host)));
  }
  void expect_untrusted(const SecureResult& result, std::string_view because) {
    ASSERT_FALSE(result);
    EXPECT_EQ(result.error().kind, ErrorKind::kHost);
    EXPECT_EQ(result.error().code, "tls_untrusted");
    EXPECT_TRUE(result.error().what.contains(because)) << result.error().what;
  }
  // A stream to a peer that does `then` after the handshake.
  [[nodiscard]] std::unique_ptr<Stream> stream_to(std::function<void(Peer&, int)> then) {
    peer_ = std::make_unique<Server>([this, then = std::move(then)](int socket) {
      Peer peer(socket, server_.get());
      if (peer.accept()) then(peer, socket);
    });
    auto tcp = connect(peer_->port());
    shrink_buffers(tcp->fd());
    auto stream = await(secure(tls_, trust_, std::move(tcp), "mail.test"));
    if (stream) return *std::move(stream);
    ADD_FAILURE() << stream.error().what;
    return nullptr;
  }

  Identity authority_ = make_authority();
  SharedTrust trust_ = trust_in(authority_);
  ServerContext server_ = server_context(issue({}, &authority_));
  TlsContext tls_;
  std::unique_ptr<Server> peer_;
};

TEST_F(TlsStreamTest, a_peer_vouched_for_by_the_extra_authority) {
  EXPECT_TRUE(shake_hands("mail.test", trust_));
  EXPECT_TRUE(shake_hands("MAIL.Test", trust_));
}

TEST_F(TlsStreamTest, an_authority_that_nobody_knows) {
  expect_untrusted(shake_hands("mail.test", *Trust::load_blocking("")), "unable to get local issuer certificate");
}

TEST_F(TlsStreamTest, an_authority_that_only_another_mailbox_knows) {
  expect_untrusted(shake_hands("mail.test", trust_in(make_authority("another"))), "unable to get local issuer");
}

TEST_F(TlsStreamTest, a_self_signed_certificate) {
  server_ = server_context(issue({}));
  expect_untrusted(shake_hands("mail.test", trust_), "self-signed certificate");
}

TEST_F(TlsStreamTest, another_name) {
  expect_untrusted(shake_hands("mail.example", trust_), "hostname mismatch");
  expect_untrusted(shake_hands("sub.mail.test", trust_), "hostname mismatch");
}

TEST_F(TlsStreamTest, wildcards_stand_for_one_whole_label) {
  identify({.names = "DNS:*.mail.test"});
  EXPECT_TRUE(shake_hands("imap.mail.test", trust_));
  expect_untrusted(shake_hands("mail.test", trust_), "hostname mismatch");
  expect_untrusted(shake_hands("a.imap.mail.test", trust_), "hostname mismatch");
  identify({.names = "DNS:i*.mail.test"});
  expect_untrusted(shake_hands("imap.mail.test", trust_), "hostname mismatch");
}

// RFC 9525 §2.
TEST_F(TlsStreamTest, a_name_in_the_subject_only) {
  identify({.names = "", .common_name = "mail.test"});
  expect_untrusted(shake_hands("mail.test", trust_), "hostname mismatch");
}

TEST_F(TlsStreamTest, an_address_in_the_certificate) {
  identify({.names = "IP:127.0.0.1,IP:::1"});
  EXPECT_TRUE(shake_hands("127.0.0.1", trust_));
  EXPECT_TRUE(shake_hands("::1", trust_));
  expect_untrusted(shake_hands("127.0.0.2", trust_), "IP address mismatch");
}

TEST_F(TlsStreamTest, an_address_written_as_a_name) {
  identify({.names = "DNS:127.0.0.1"});
  expect_untrusted(shake_hands("127.0.0.1", trust_), "IP address mismatch");
}

TEST_F(TlsStreamTest, a_certificate_out_of_its_time) {
  identify({.from = std::chrono::hours(-48), .until = std::chrono::hours(-24)});
  expect_untrusted(shake_hands("mail.test", trust_), "certificate has expired");
  identify({.from = std::chrono::hours(24), .until = std::chrono::hours(48)});
  expect_untrusted(shake_hands("mail.test", trust_), "certificate is not yet valid");
}

TEST_F(TlsStreamTest, each_refusal_has_its_own_remedy) {
  const auto remedy = [this](const std::string& host, SharedTrust trust) {
    const SecureResult result = shake_hands(host, std::move(trust));
    return result ? std::string() : concat(result.error().what, " | ", result.error().remedy);
  };
  const std::string unknown = remedy("mail.test", *Trust::load_blocking(""));
  EXPECT_TRUE(unknown.contains("issued by ") && unknown.contains("ca_file")) << unknown;
  identify({.names = "DNS:imap.test,DNS:*.mail.test"});
  const std::string name = remedy("mail.test", trust_);
  EXPECT_TRUE(name.contains("it is for imap.test, *.mail.test") && !name.contains("ca_file")) << name;
  identify({.from = std::chrono::hours(-48), .until = std::chrono::hours(-24)});
  const std::string ended = remedy("mail.test", trust_);
  EXPECT_TRUE(ended.contains(" ended 2") && ended.contains("new certificate") && !ended.contains("ca_file")) << ended;
}

TEST_F(TlsStreamTest, what_was_agreed_on_can_be_told) {
  const SecureResult result = shake_hands("mail.test", trust_);
  ASSERT_TRUE(result);
  const auto facts = (*result)->tls_facts();
  ASSERT_TRUE(facts);
  EXPECT_EQ(facts->version, "TLSv1.3");
  EXPECT_FALSE(facts->cipher.empty());
  EXPECT_EQ(facts->chain.size(), 2U);
  ASSERT_TRUE(facts->ends_at);
  const auto left = *facts->ends_at - std::chrono::floor<seconds>(std::chrono::system_clock::now());
  EXPECT_TRUE(left > std::chrono::hours(1) && left <= std::chrono::hours(24)) << left.count();
}

TEST_F(TlsStreamTest, protocols_older_than_1_2_are_refused) {
  SSL_CTX_set_security_level(server_.get(), 0);
  SSL_CTX_set_min_proto_version(server_.get(), TLS1_VERSION);
  SSL_CTX_set_max_proto_version(server_.get(), TLS1_1_VERSION);
  const SecureResult result = shake_hands("mail.test", trust_);
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code, "tls_failed");
}

TEST_F(TlsStreamTest, protocol_1_2_is_fine) {
  SSL_CTX_set_max_proto_version(server_.get(), TLS1_2_VERSION);
  EXPECT_TRUE(shake_hands("mail.test", trust_));
}

TEST_F(TlsStreamTest, the_name_is_sent_to_the_server) {
  static std::atomic<bool> matched;
  matched = false;
  SSL_CTX_callback_ctrl(server_.get(), SSL_CTRL_SET_TLSEXT_SERVERNAME_CB, reinterpret_cast<void (*)()>(+[](SSL* ssl) {
                          const char* name = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name);
                          matched = name != nullptr && std::string_view(name) == "mail.test";
                          return SSL_TLSEXT_ERR_OK;
                        }));
  EXPECT_TRUE(shake_hands("mail.test", trust_));
  EXPECT_TRUE(matched);
}

TEST_F(TlsStreamTest, a_peer_that_speaks_no_tls) {
  Server server([](int socket) {
    Peer peer(socket);
    peer.write("* OK ready\r\n");
    peer.await_end();
  });
  const auto result = await(secure(tls_, trust_, connect(server.port()), "mail.test"));
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code, "tls_failed");
}

TEST_F(TlsStreamTest, a_peer_that_hangs_up_in_the_handshake) {
  for (const bool hard : {false, true}) {
    Server server([hard](int socket) {
      Peer peer(socket);
      static_cast<void>(peer.read());
      if (hard) peer.reset_when_closed();
    });
    const auto result = await(secure(tls_, trust_, connect(server.port()), "mail.test"));
    ASSERT_FALSE(result);
    EXPECT_EQ(result.error().code, "connection_lost") << result.error().what;
  }
}

TEST_F(TlsStreamTest, cancelling_the_handshake) {
  Server server([](int socket) { Peer(socket).await_end(); });
  auto tcp = connect(server.port());
  {
    runtime::TaskRunner<SecureResult> runner;
    runner.start(secure(tls_, trust_, std::move(tcp), "mail.test"), [](SecureResult) { FAIL(); });
    loop_.run_ready();
    EXPECT_TRUE(runner.is_running());
  }
  loop_.run_ready();
}

TEST_F(TlsStreamTest, reads_until_close_notify) {
  auto stream = stream_to([](Peer& peer, int) {
    peer.write("hello");
    peer.close_notify();
  });
  const auto all = await(read_all(*stream));
  ASSERT_TRUE(all) << all.error().what;
  EXPECT_EQ(*all, "hello");
}

// Framing above tells whether something was cut off.
TEST_F(TlsStreamTest, reads_until_the_peer_closes_without_close_notify) {
  auto stream = stream_to([](Peer& peer, int) { peer.write("hello"); });
  const auto all = await(read_all(*stream));
  ASSERT_TRUE(all) << all.error().what;
  EXPECT_EQ(*all, "hello");
}

TEST_F(TlsStreamTest, records_that_came_together_are_read_together) {
  std::promise<void> sent;
  auto stream = stream_to([&sent](Peer& peer, int) {
    for (const char* const record : {"one ", "two ", "three"})
      peer.write(record);
    sent.set_value();
    peer.await_end();
  });
  ASSERT_NE(stream, nullptr);
  sent.get_future().wait();
  std::array<std::byte, 64> buffer{};
  EXPECT_EQ(await(stream->read_some(std::span(buffer).first(6))).value(), 6U);
  EXPECT_EQ(await(stream->read_some(buffer)).value(), 7U) << "the rest of the second, and the third";
}

TEST_F(TlsStreamTest, a_reset_is_an_error) {
  auto stream = stream_to([](Peer& peer, int) { peer.reset_when_closed(); });
  const auto all = await(read_all(*stream));
  ASSERT_FALSE(all);
  EXPECT_EQ(all.error().code, "connection_lost");
}

Task<Status> write_until_it_fails(Stream& stream, std::string_view bytes) {
  while (true) {
    const Status status = co_await stream.write_all(bytes_of(bytes));
    if (!status) co_return status;
  }
}

TEST_F(TlsStreamTest, writing_to_a_peer_that_is_gone_is_an_error_and_no_signal) {
  std::signal(SIGPIPE, SIG_DFL);
  const TlsContext another; // sets what it needs
  auto stream = stream_to([](Peer& peer, int) { peer.reset_when_closed(); });
  for (int i = 0; i < 2; ++i) { // the second would be answered with SIGPIPE
    const auto status = await(write_until_it_fails(*stream, "NOOP\r\n"));
    ASSERT_FALSE(status);
    EXPECT_EQ(status.error().kind, ErrorKind::kHost);
  }
}

[[nodiscard]] std::string noise(std::size_t size, unsigned seed) {
  std::string out(size, '\0');
  for (char& byte : out) {
    seed = seed * 1664525U + 1013904223U;
    byte = static_cast<char>(seed >> 24);
  }
  return out;
}

Task<void> store_all(Stream& stream, std::size_t size, std::string& into) {
  std::string buffer(16384, '\0');
  while (into.size() < size) {
    const Result<std::size_t> count = co_await stream.read_some(std::as_writable_bytes(std::span(buffer)));
    if (!count || *count == 0) co_return;
    into.append(buffer, 0, *count);
  }
}

Task<void> send_all(Stream& stream, const std::string& bytes, bool& sent) {
  const Status status = co_await stream.write_all(bytes_of(bytes));
  sent = status.has_value();
}

// Sends and receives in pieces of different sizes, so that each side has to wait for the other in both directions.
[[nodiscard]] std::string exchange(Peer& peer, std::string_view to_send, std::size_t to_receive) {
  std::string arrived;
  while (!to_send.empty() || arrived.size() < to_receive) {
    const std::size_t piece = std::min<std::size_t>(to_send.size(), 50'000);
    if (!peer.write(to_send.substr(0, piece))) return arrived;
    to_send.remove_prefix(piece);
    const std::size_t want = to_send.empty() ? to_receive : std::min(to_receive, arrived.size() + 40'000);
    while (arrived.size() < want) {
      const std::string more = peer.read();
      if (more.empty()) return arrived;
      arrived += more;
    }
  }
  return arrived;
}

TEST_F(TlsStreamTest, ten_megabytes_each_way_at_the_same_time) {
  const std::string ours = noise(10'000'000, 1);
  const std::string theirs = noise(10'000'000, 2);
  std::promise<std::string> arrived_there;
  auto stream = stream_to([&](Peer& peer, int socket) {
    shrink_buffers(socket);
    arrived_there.set_value(exchange(peer, theirs, ours.size()));
  });
  std::string arrived_here;
  bool sent = false;
  runtime::TaskSet tasks(loop_);
  tasks.spawn(store_all(*stream, theirs.size(), arrived_here));
  tasks.spawn(send_all(*stream, ours, sent));
  loop_.run_until([&tasks] { return tasks.empty(); });
  EXPECT_TRUE(sent);
  EXPECT_TRUE(arrived_here == theirs);
  EXPECT_TRUE(arrived_there.get_future().get() == ours);
}

TEST_F(TlsStreamTest, a_cancelled_read_loses_nothing) {
  std::promise<void> cancelled;
  auto stream = stream_to([&cancelled](Peer& peer, int) {
    cancelled.get_future().wait();
    peer.write("hello");
    peer.close_notify();
  });
  {
    runtime::TaskRunner<Result<std::string>> reader;
    reader.start(read_all(*stream), [](auto) { FAIL(); });
    loop_.run_ready();
    EXPECT_TRUE(reader.is_running());
  }
  cancelled.set_value();
  EXPECT_EQ(*await(read_all(*stream)), "hello");
}

TEST_F(TlsStreamTest, after_a_cancelled_write_nothing_is_written) {
  std::promise<void> done;
  auto stream = stream_to([until = done.get_future().share()](Peer&, int) { until.wait(); }); // reads nothing
  const std::string much = noise(20'000'000, 3);
  bool sent = false;
  {
    runtime::TaskRunner<void> writer;
    writer.start(send_all(*stream, much, sent), [] {});
    EXPECT_TRUE(writer.is_running());
  }
  const auto status = await(stream->write_all(bytes_of(much)));
  ASSERT_FALSE(status);
  EXPECT_EQ(status.error().code, "connection_lost");
  EXPECT_FALSE(sent);
  done.set_value();
}

Task<Result<std::size_t>> read_into(Stream& stream, std::string& buffer) {
  const Result<std::size_t> count = co_await stream.read_some(std::as_writable_bytes(std::span(buffer)));
  co_return count;
}

TEST_F(TlsStreamTest, a_silent_peer_runs_into_the_callers_limit) {
  auto stream = stream_to([](Peer& peer, int) { peer.await_end(); });
  std::string buffer(100, '\0');
  const auto limited = [](runtime::Loop& loop, Stream& from, std::string& into) -> Task<Result<std::size_t>> {
    Error silent(ErrorKind::kHost, "io_timeout", "silent");
    auto reading = read_into(from, into);
    Result<std::size_t> count =
        co_await runtime::with_timeout<std::size_t>(loop, milliseconds(20), std::move(silent), std::move(reading));
    co_return count;
  };
  const auto count = await(limited(loop_, *stream, buffer));
  ASSERT_FALSE(count);
  EXPECT_EQ(count.error().code, "io_timeout");
}

} // namespace
} // namespace mailmoor::net
