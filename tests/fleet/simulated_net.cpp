// Linked in place of daemon/net/dialer.cpp, tls_stream.cpp and http_client.cpp: see simulated_net.h.
#include "fleet/simulated_net.h"

#include "net/dialer.h"
#include "net/tls_stream.h"
#include "util/concat.h"
#include "util/unique_fd.h"

#include <openssl/ssl.h>
#include <sys/eventfd.h>
#include <utility>

namespace mailmoor::testing {

class LineEnd final : public net::Stream {
 public:
  explicit LineEnd(SharedLine line) : line_(std::move(line)) {}
  ~LineEnd() override {
    if (!line_->is_dead_ && line_->on_gone) line_->on_gone();
  }

  runtime::Task<Result<std::size_t>> read_some(std::span<std::byte> into) override {
    while (line_->arrived_.empty() && !line_->is_closed_) {
      line_->readable_.reset();
      co_await line_->readable_.wait_until(runtime::MonoTime::max());
    }
    const std::size_t count = line_->arrived_.copy(reinterpret_cast<char*>(into.data()), into.size());
    line_->arrived_.erase(0, count);
    co_return count;
  }
  runtime::Task<Status> write_all(std::span<const std::byte> bytes) override {
    // The line is kept by us: what the server does with this may end the session that it belongs to.
    if (!line_->is_dead_ && line_->on_input)
      line_->on_input(std::string_view(reinterpret_cast<const char*>(bytes.data()), bytes.size()));
    co_return Status();
  }

 private:
  SharedLine line_;
};

namespace {

[[nodiscard]] Error no_name(const std::string& host) {
  return {ErrorKind::kHost, "dns_failed", concat("cannot find the address of ", host)};
}

} // namespace
} // namespace mailmoor::testing

namespace mailmoor::net {

using testing::SimulatedNet;

// What is handed over is a descriptor that nobody reads: secure() puts the line in its place.
runtime::Task<Result<std::unique_ptr<TcpStream>>> Dialer::dial(DialTarget target) {
  SimulatedNet& net = *SimulatedNet::current;
  ++net.dials;
  co_await runtime::sleep_for(loop_, 2 * net.latency);
  if (!net.is_up) co_return std::unexpected(testing::no_name(target.host));
  UniqueFd nothing(::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC));
  const auto round_trip = std::chrono::duration_cast<std::chrono::microseconds>(2 * net.latency);
  co_return std::make_unique<TcpStream>(loop_, std::move(nothing), concat(target.host, ":", target.port), round_trip);
}

TlsContext::TlsContext(TlsSessions::Now now)
    : context_(SSL_CTX_new(TLS_client_method())), sessions_(context_, std::move(now)) {}
TlsContext::~TlsContext() {
  SSL_CTX_free(context_);
}

runtime::Task<Result<std::unique_ptr<Stream>>> secure(TlsContext&, SharedTrust, std::unique_ptr<TcpStream> tcp,
                                                      std::string, Handshake) {
  SimulatedNet& net = *SimulatedNet::current;
  auto line = std::make_shared<testing::Line>(tcp->loop(), net.latency);
  tcp.reset();
  if (net.lines.size() > 10'000) std::erase_if(net.lines, [](const auto& each) { return each.expired(); });
  net.lines.push_back(line);
  net.accept(line);
  co_return std::make_unique<testing::LineEnd>(std::move(line));
}

runtime::Task<Result<HttpAnswer>> HttpClient::send(HttpRequest request) {
  SimulatedNet& net = *SimulatedNet::current;
  co_await runtime::sleep_for(net.loop, 4 * net.latency);
  if (!net.is_up) co_return std::unexpected(testing::no_name(request.url));
  co_return net.answer(request);
}

} // namespace mailmoor::net
