#include "control/metrics_server.h"

#include "control/http_request.h"
#include "control/metrics.h"
#include "control/microhttpd_pump.h"
#include "control/open_metrics.h"
#include "control/problem.h"
#include "util/concat.h"
#include "util/unique_fd.h"

#include <arpa/inet.h>
#include <microhttpd.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <cerrno>
#include <cstring>
#include <string_view>
#include <utility>

namespace mailmoor::control {
namespace {

constexpr unsigned kMaxConnections = 16; // one monitoring system, perhaps two, and a person
constexpr unsigned kIdleSeconds = 10;
constexpr std::size_t kConnectionMemory = 8 * 1024; // bytes for the request's headers

struct SocketAddress {
  sockaddr_storage storage{};
  socklen_t size = 0;
};

[[nodiscard]] std::optional<SocketAddress> parse(const std::string& address, std::uint16_t port) {
  SocketAddress out;
  auto& ipv4 = reinterpret_cast<sockaddr_in&>(out.storage);
  auto& ipv6 = reinterpret_cast<sockaddr_in6&>(out.storage);
  if (::inet_pton(AF_INET, address.c_str(), &ipv4.sin_addr) == 1) {
    ipv4.sin_family = AF_INET;
    ipv4.sin_port = htons(port);
    out.size = sizeof ipv4;
  } else if (::inet_pton(AF_INET6, address.c_str(), &ipv6.sin6_addr) == 1) {
    ipv6.sin6_family = AF_INET6;
    ipv6.sin6_port = htons(port);
    out.size = sizeof ipv6;
  } else {
    return std::nullopt;
  }
  return out;
}

// Zero: it listens; else an errno value.
[[nodiscard]] int listen_on(UniqueFd& socket, SocketAddress& address) {
  auto* const generic = reinterpret_cast<sockaddr*>(&address.storage);
  socket = UniqueFd(::socket(address.storage.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (!socket.is_open()) return errno;
  const int on = 1;
  // A restart must not wait for old connections; "::1" and "127.0.0.1" are two addresses.
  ::setsockopt(socket.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  if (address.storage.ss_family == AF_INET6) ::setsockopt(socket.get(), IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on);
  if (::bind(socket.get(), generic, address.size) != 0 || ::listen(socket.get(), kMaxConnections) != 0) return errno;
  return ::getsockname(socket.get(), generic, &address.size) == 0 ? 0 : errno;
}

class HttpMetricsServer final : public MetricsServer {
 public:
  HttpMetricsServer(LoopPort& loop, const supervisor::Operations& operations, std::uint16_t port)
      : operations_(operations), port_(port), pump_(loop) {}
  ~HttpMetricsServer() override {
    if (daemon_ == nullptr) return;
    pump_.stop();
    MHD_stop_daemon(daemon_);
  }

  [[nodiscard]] bool start(UniqueFd socket) {
    daemon_ = MHD_start_daemon(MHD_USE_EPOLL, 0, nullptr, nullptr, &HttpMetricsServer::on_request, this,
                               MHD_OPTION_LISTEN_SOCKET, socket.release(), MHD_OPTION_CONNECTION_LIMIT, kMaxConnections,
                               MHD_OPTION_CONNECTION_TIMEOUT, kIdleSeconds, MHD_OPTION_CONNECTION_MEMORY_LIMIT,
                               kConnectionMemory, MHD_OPTION_END);
    if (daemon_ != nullptr) pump_.start(*daemon_);
    return daemon_ != nullptr;
  }
  [[nodiscard]] std::uint16_t port() const noexcept override { return port_; }

 private:
  static MHD_Result on_request(void* self, MHD_Connection* connection, const char* path, const char* method,
                               const char* /*version*/, const char* /*body*/, std::size_t* body_size,
                               void** state) noexcept {
    const auto& server = *static_cast<const HttpMetricsServer*>(self);
    if (*body_size != 0) return MHD_NO; // nobody sends one: hang up
    const std::string_view asked(method);
    // libmicrohttpd wants a GET answered at the second call, when the request is known to be complete.
    if (*state == nullptr && (asked == MHD_HTTP_METHOD_GET || asked == MHD_HTTP_METHOD_HEAD)) {
      *state = self;
      return MHD_YES;
    }
    return send_answer(*connection, server.answer_to(asked, path)) ? MHD_YES : MHD_NO;
  }

  [[nodiscard]] Answer answer_to(std::string_view method, std::string_view path) const {
    if (path != "/metrics") return answer_from(make_problem(404, "not_found", "there is only /metrics here"));
    if (method != MHD_HTTP_METHOD_GET && method != MHD_HTTP_METHOD_HEAD)
      return answer_from(make_problem(405, "method_not_allowed", "use GET here"));
    return {.status = 200,
            .content_type = std::string(kMetricsContentType),
            .body = to_open_metrics(operations_.metrics())};
  }

  const supervisor::Operations& operations_;
  std::uint16_t port_;
  MHD_Daemon* daemon_ = nullptr;
  MicrohttpdPump pump_;
};

} // namespace

Result<std::unique_ptr<MetricsServer>> MetricsServer::open(LoopPort& loop, const supervisor::Operations& operations,
                                                           const std::string& address, std::uint16_t port) {
  const auto failed = [&address, port](const std::string& why) {
    return fail(ErrorKind::kOperator, "metrics_failed",
                concat("cannot serve metrics on ", address, " port ", port, ": ", why),
                "choose another address or port for `metrics: listen`, or free that one");
  };
  auto where = parse(address, port);
  if (!where) return failed("this is no numeric address");
  UniqueFd socket;
  if (const int error = listen_on(socket, *where); error != 0) return failed(errno_text(error));
  const std::uint16_t bound = where->storage.ss_family == AF_INET
                                  ? ntohs(reinterpret_cast<const sockaddr_in&>(where->storage).sin_port)
                                  : ntohs(reinterpret_cast<const sockaddr_in6&>(where->storage).sin6_port);
  auto server = std::make_unique<HttpMetricsServer>(loop, operations, bound);
  if (!server->start(std::move(socket))) return failed(concat("libmicrohttpd does not start: ", errno_text(errno)));
  return server;
}

} // namespace mailmoor::control
