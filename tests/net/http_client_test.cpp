#include "net/http_client.h"

#include "net/net_fixture.h"

#include <atomic>
#include <functional>
#include <future>
#include <string>
#include <vector>

namespace mailmoor::net {
namespace {

using std::chrono::milliseconds;

// Answers requests, as many as a client sends on one connection; an answer without a length ends with the connection.
class HttpServer final {
 public:
  using Answer = std::function<std::string(const std::string& request)>;
  explicit HttpServer(Answer answer, SSL_CTX* tls = nullptr)
      : answer_(std::move(answer)), tls_(tls), server_([this](int socket) { serve(socket); }) {}

  [[nodiscard]] std::string url(std::string_view host = "127.0.0.1") const {
    return concat(tls_ != nullptr ? "https://" : "http://", host, ":", server_.port(), "/token");
  }
  [[nodiscard]] std::vector<std::string> requests() {
    const std::scoped_lock lock(mutex_);
    return requests_;
  }
  [[nodiscard]] std::size_t clients() { return server_.clients(); }

 private:
  void serve(int socket) {
    Peer peer(socket, tls_);
    if (!peer.accept()) return;
    while (true) {
      const std::string request = read_request(peer);
      if (request.empty()) return;
      {
        const std::scoped_lock lock(mutex_);
        requests_.push_back(request);
      }
      const std::string answer = answer_(request);
      peer.write(answer);
      if (!is_complete(answer)) return peer.close_notify();
    }
  }
  [[nodiscard]] static std::string read_request(Peer& peer) {
    std::string request = peer.read_until("\r\n\r\n");
    if (!request.contains("\r\n\r\n")) return {};
    while (!is_complete(request) && !request.starts_with("GET")) {
      const std::string more = peer.read();
      if (more.empty()) break;
      request += more;
    }
    return request;
  }
  [[nodiscard]] static bool is_complete(const std::string& message) {
    const std::size_t length = message.rfind("Content-Length: ");
    const std::size_t head = message.find("\r\n\r\n", std::min(length, message.size()));
    return head != std::string::npos && message.size() == head + 4 + std::stoul(message.substr(length + 16));
  }
  Answer answer_;
  SSL_CTX* tls_;
  std::mutex mutex_;
  std::vector<std::string> requests_;
  Server server_;
};

[[nodiscard]] HttpServer::Answer always(std::string answer) {
  return [answer = std::move(answer)](const std::string&) { return answer; };
}

constexpr const char* kOk = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}";

class HttpClientTest : public NetTest {
 protected:
  [[nodiscard]] Result<HttpAnswer> get(const std::string& url, SharedTrust trust = nullptr) {
    HttpRequest request;
    request.url = url;
    request.trust = std::move(trust);
    return await(client_.send(std::move(request)));
  }
  void expect_error(const Result<HttpAnswer>& answer, std::string_view code) {
    ASSERT_FALSE(answer);
    EXPECT_EQ(answer.error().kind, ErrorKind::kHost);
    EXPECT_EQ(answer.error().code, code) << answer.error().what;
    EXPECT_TRUE(answer.error().what.contains("127.0.0.1") || answer.error().what.contains(".test"))
        << answer.error().what;
  }
  HttpClient client_{multi_};
};

TEST_F(HttpClientTest, every_status_is_an_answer) {
  for (const int status : {200, 204, 302, 400, 401, 404, 429, 500, 503}) {
    HttpServer server(always(concat("HTTP/1.1 ", status, " X\r\nContent-Length: 0\r\n\r\n")));
    const auto answer = get(server.url());
    ASSERT_TRUE(answer) << answer.error().what;
    EXPECT_EQ(answer->status, status);
  }
}

TEST_F(HttpClientTest, headers_have_lower_case_names_and_the_last_wins) {
  HttpServer server(always("HTTP/1.1 429 Slow Down\r\nRetry-After:  120 \t\r\nX-TWO: first\r\nx-two: second\r\n"
                           "Empty:\r\nContent-Length: 4\r\n\r\nbody"));
  const auto answer = get(server.url());
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->headers.at("retry-after"), "120");
  EXPECT_EQ(answer->headers.at("x-two"), "second");
  EXPECT_EQ(answer->headers.at("empty"), "");
  EXPECT_EQ(answer->body.reveal(), "body");
}

TEST_F(HttpClientTest, headers_of_an_interim_answer_are_forgotten) {
  HttpServer server(always("HTTP/1.1 103 Early Hints\r\nRetry-After: 9\r\n\r\n"
                           "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"));
  const auto answer = get(server.url());
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->status, 200);
  EXPECT_FALSE(answer->headers.contains("retry-after"));
}

TEST_F(HttpClientTest, the_body_has_a_limit) {
  HttpServer server(always(concat("HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n", std::string(1000, 'x'))));
  for (const std::size_t limit : {1000U, 999U}) {
    HttpRequest request;
    request.url = server.url();
    request.max_answer = limit;
    const auto answer = await(client_.send(std::move(request)));
    if (limit == 1000) {
      ASSERT_TRUE(answer);
      EXPECT_EQ(answer->body.size(), 1000U);
    } else {
      expect_error(answer, "answer_too_large");
    }
  }
}

TEST_F(HttpClientTest, the_headers_have_a_limit) {
  std::string many;
  for (int i = 0; i < 5000; ++i)
    many += concat("X-", i, ": ", std::string(20, 'x'), "\r\n");
  HttpServer server(always(concat("HTTP/1.1 200 OK\r\n", many, "Content-Length: 0\r\n\r\n")));
  expect_error(get(server.url()), "answer_too_large");
}

TEST_F(HttpClientTest, redirects_are_not_followed) {
  HttpServer other(always(kOk));
  HttpServer server(always(concat("HTTP/1.1 307 Moved\r\nLocation: ", other.url(), "\r\nContent-Length: 0\r\n\r\n")));
  const auto answer = get(server.url());
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->status, 307);
  EXPECT_EQ(other.clients(), 0U);
}

TEST_F(HttpClientTest, what_is_not_https_stays_on_this_machine) {
  for (const char* url : {"http://login.test/token?code=secret", "ftp://127.0.0.1/", "file:///etc/passwd", "login.test",
                          "", "http://127.0.0.1.login.test/", "http://localhost@login.test/"}) {
    const auto answer = get(url);
    ASSERT_FALSE(answer) << url;
    EXPECT_EQ(answer.error().code, "insecure_url") << url;
    EXPECT_FALSE(answer.error().what.contains("secret"));
  }
}

TEST_F(HttpClientTest, loopback_may_be_plain) {
  HttpServer server(always(kOk));
  EXPECT_TRUE(get(server.url("localhost")));
  EXPECT_TRUE(get(server.url("127.0.0.1")));
}

TEST_F(HttpClientTest, the_body_is_sent_byte_by_byte) {
  HttpServer server(always(kOk));
  const std::string body("grant_type=refresh_token&a=%2B+b\0c\r\n\xff", 38);
  HttpRequest request;
  request.url = server.url();
  request.post = true;
  request.body = Secret(body);
  request.headers = {{"Accept", "application/json"}};
  ASSERT_TRUE(await(client_.send(std::move(request))));
  const std::string seen = server.requests().at(0);
  EXPECT_TRUE(seen.starts_with("POST /token HTTP/1.1\r\n")) << seen;
  EXPECT_TRUE(seen.contains("\r\nContent-Type: application/x-www-form-urlencoded\r\n")) << seen;
  EXPECT_TRUE(seen.contains("\r\nAccept: application/json\r\n")) << seen;
  EXPECT_EQ(seen.substr(seen.find("\r\n\r\n") + 4), body);
}

TEST_F(HttpClientTest, a_post_may_be_empty) {
  HttpServer server(always(kOk));
  HttpRequest request;
  request.url = server.url();
  request.post = true;
  ASSERT_TRUE(await(client_.send(std::move(request))));
  EXPECT_TRUE(server.requests().at(0).contains("Content-Length: 0\r\n"));
}

TEST_F(HttpClientTest, a_silent_server_runs_out_of_time) {
  Server silent([](int socket) { Peer(socket).await_end(); });
  HttpRequest request;
  request.url = concat("http://127.0.0.1:", silent.port(), "/");
  request.total_timeout = milliseconds(30);
  expect_error(await(client_.send(std::move(request))), "io_timeout");
}

TEST_F(HttpClientTest, a_connection_cut_in_the_body) {
  HttpServer server(always("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{\"access_token\""));
  expect_error(get(server.url()), "connection_lost");
}

TEST_F(HttpClientTest, a_connection_cut_before_the_answer) {
  HttpServer server(always(""));
  expect_error(get(server.url()), "connection_lost");
  EXPECT_EQ(server.clients(), 1U) << "a request is not sent twice";
}

TEST_F(HttpClientTest, cancelled_in_flight) {
  std::promise<void> asked;
  std::promise<void> closed;
  Server server([&](int socket) {
    Peer peer(socket);
    static_cast<void>(peer.read_until("\r\n\r\n"));
    peer.write("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf");
    asked.set_value();
    peer.await_end();
    closed.set_value();
  });
  HttpRequest request;
  request.url = concat("http://127.0.0.1:", server.port(), "/");
  runtime::TaskRunner<Result<HttpAnswer>> runner;
  runner.start(client_.send(std::move(request)), [](auto) { FAIL() << "a cancelled request has ended"; });
  auto answered = asked.get_future();
  loop_.run_until([&answered] { return answered.wait_for(milliseconds(1)) == std::future_status::ready; });
  loop_.run_ready();
  runner.cancel();
  EXPECT_EQ(closed.get_future().wait_for(std::chrono::seconds(20)), std::future_status::ready);
  loop_.run_ready();
}

class HttpsTest : public HttpClientTest {
 protected:
  Identity authority_ = make_authority();
  ServerContext tls_ = server_context(issue({.names = "DNS:login.test"}, &authority_));
  HttpServer server_{always(kOk), tls_.get()};
};

TEST_F(HttpsTest, a_peer_vouched_for_by_the_extra_authority) {
  const auto answer = get(server_.url("login.test"), trust_in(authority_));
  ASSERT_TRUE(answer) << answer.error().what;
  EXPECT_EQ(answer->status, 200);
}

TEST_F(HttpsTest, an_authority_that_nobody_knows) {
  const auto answer = get(server_.url("login.test"), *Trust::load_blocking(""));
  expect_error(answer, "tls_untrusted");
  EXPECT_TRUE(answer.error().what.contains("unable to get local issuer certificate")) << answer.error().what;
  EXPECT_TRUE(server_.requests().empty());
}

TEST_F(HttpsTest, another_name) {
  expect_error(get(server_.url("mail.test"), trust_in(authority_)), "tls_untrusted");
  EXPECT_TRUE(server_.requests().empty());
}

TEST_F(HttpsTest, a_certificate_out_of_its_time) {
  const ServerContext expired = server_context(issue(
      {.names = "DNS:login.test", .from = std::chrono::hours(-48), .until = std::chrono::hours(-24)}, &authority_));
  HttpServer server(always(kOk), expired.get());
  expect_error(get(server.url("login.test"), trust_in(authority_)), "tls_untrusted");
}

TEST_F(HttpsTest, protocols_older_than_1_2_are_refused) {
  SSL_CTX_set_security_level(tls_.get(), 0);
  SSL_CTX_set_min_proto_version(tls_.get(), TLS1_VERSION);
  SSL_CTX_set_max_proto_version(tls_.get(), TLS1_1_VERSION);
  expect_error(get(server_.url("login.test"), trust_in(authority_)), "tls_failed");
}

TEST_F(HttpsTest, without_a_trust_nothing_is_sent) {
  const auto answer = get(server_.url("login.test"));
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().kind, ErrorKind::kBug);
  EXPECT_EQ(server_.clients(), 0U);
}

// A connection or a TLS session that one app's trust has let in is no way round another one's.
TEST_F(HttpsTest, each_request_is_verified_against_its_own_trust) {
  HttpServer kept(always(kOk), tls_.get());
  ASSERT_TRUE(get(kept.url("login.test"), trust_in(authority_)));
  expect_error(get(kept.url("login.test"), trust_in(make_authority("another"))), "tls_untrusted");
  ASSERT_TRUE(get(kept.url("login.test"), trust_in(authority_)));
  EXPECT_EQ(kept.requests().size(), 2U);
  EXPECT_EQ(kept.clients(), 3U);
}

TEST_F(HttpsTest, through_a_proxy_whose_headers_are_not_the_servers) {
  std::string asked;
  Server proxy([this, &asked](int socket) {
    Peer peer(socket);
    asked = peer.read_until("\r\n\r\n");
    peer.write("HTTP/1.1 200 Connection established\r\nRetry-After: 9\r\n\r\n");
    Peer inside(socket, tls_.get());
    if (!inside.accept()) return;
    static_cast<void>(inside.read_until("\r\n\r\n"));
    inside.write(kOk);
    inside.close_notify();
  });
  HttpRequest request;
  request.url = "https://login.test/token";
  request.trust = trust_in(authority_);
  request.proxy = concat("http://127.0.0.1:", proxy.port());
  const auto answer = await(client_.send(std::move(request)));
  ASSERT_TRUE(answer) << answer.error().what;
  EXPECT_TRUE(asked.starts_with("CONNECT login.test:443 ")) << asked;
  EXPECT_EQ(answer->status, 200);
  EXPECT_FALSE(answer->headers.contains("retry-after"));
}

TEST_F(HttpsTest, a_plain_request_to_this_machine_avoids_the_proxy) {
  HttpServer plain(always(kOk));
  HttpRequest request;
  request.url = plain.url();
  request.proxy = "http://nonexistent.invalid:3128";
  EXPECT_TRUE(await(client_.send(std::move(request))));
}

} // namespace
} // namespace mailmoor::net
