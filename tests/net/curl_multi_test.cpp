#include "net/curl_multi.h"

#include "net/net_fixture.h"

#include <memory>
#include <string>

namespace mailmoor::net {
namespace {

using runtime::Task;

class CurlMultiTest : public NetTest {
 protected:
  Server server_{[](int socket) {
    Peer peer(socket);
    static_cast<void>(peer.read_until("\r\n\r\n"));
    peer.write("HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: keep-alive\r\n\r\n{}");
    peer.await_end();
  }};
};

std::size_t drop(char*, std::size_t, std::size_t count, void*) {
  return count;
}

Task<CURLcode> fetch(CurlMulti& multi, std::string url) {
  const CurlEasy easy(curl_easy_init());
  curl_easy_setopt(easy.get(), CURLOPT_URL, url.c_str());
  curl_easy_setopt(easy.get(), CURLOPT_WRITEFUNCTION, &drop);
  CurlMulti::Transfer transfer = multi.perform(easy.get());
  const CURLcode code = co_await transfer;
  co_return code;
}

TEST_F(CurlMultiTest, goes_with_connections_kept_open) {
  auto multi = std::make_unique<CurlMulti>(loop_);
  EXPECT_EQ(await(fetch(*multi, concat("http://127.0.0.1:", server_.port()))), CURLE_OK);
  multi.reset();
  loop_.run_ready();
}

TEST_F(CurlMultiTest, goes_before_the_loop_has_seen_its_last_events) {
  auto multi = std::make_unique<CurlMulti>(loop_);
  {
    runtime::TaskRunner<CURLcode> runner;
    runner.start(fetch(*multi, concat("http://127.0.0.1:", server_.port())), [](CURLcode) { FAIL(); });
  } // cancelled before libcurl's first timer
  multi.reset();
  loop_.run_ready();
}

TEST_F(CurlMultiTest, transfers_are_cancelled_while_others_go_on) {
  runtime::TaskRunner<CURLcode> cancelled;
  cancelled.start(fetch(multi_, concat("http://127.0.0.1:", server_.port())), [](CURLcode) { FAIL(); });
  Server other([](int socket) {
    Peer peer(socket);
    static_cast<void>(peer.read_until("\r\n\r\n"));
    peer.write("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}");
  });
  runtime::TaskRunner<CURLcode> kept;
  std::optional<CURLcode> code;
  kept.start(fetch(multi_, concat("http://127.0.0.1:", other.port())), [&](CURLcode result) { code = result; });
  cancelled.cancel();
  loop_.run_until([&code] { return code.has_value(); });
  EXPECT_EQ(code, CURLE_OK);
}

TEST_F(CurlMultiTest, an_invalid_url_ends_at_once) {
  EXPECT_EQ(await(fetch(multi_, "http://")), CURLE_URL_MALFORMAT);
}

} // namespace
} // namespace mailmoor::net
