#include "control/server.h"

#include "control/endpoints.h"
#include "control/http_request.h"
#include "control/listen_socket.h"
#include "control/microhttpd_pump.h"
#include "control/peer.h"
#include "control/route.h"
#include "log/log.h"
#include "util/concat.h"

#include <microhttpd.h>

#include <algorithm>
#include <charconv>
#include <cstring>
#include <unordered_map>

namespace mailmoor::control {

namespace {

// Everyone who may connect at all is trusted with the mailboxes; the limits keep a runaway script from taking the
// daemon's descriptors and memory.
constexpr unsigned kMaxConnections = 128;
constexpr unsigned kIdleSeconds = 30;                // without a byte either way; sleeping requests are exempt
constexpr std::size_t kConnectionMemory = 32 * 1024; // bytes for headers and buffers of one connection

class HttpServer final : public Server {
 public:
  HttpServer(LoopPort& loop, supervisor::Operations& operations, ServerOptions options, ListenSocket socket,
             AccessPolicy policy)
      : loop_(loop), endpoints_(operations, std::move(options.parts)), policy_(policy), socket_(std::move(socket)),
        pump_(loop) {}
  ~HttpServer() override;

  [[nodiscard]] Status start();

 private:
  static MHD_Result on_request(void* self, MHD_Connection* connection, const char* path, const char* method,
                               const char* version, const char* body, std::size_t* body_size, void** state) noexcept;
  static void on_completed(void* self, MHD_Connection* connection, void** state,
                           MHD_RequestTerminationCode reason) noexcept;
  static std::size_t keep_escaped(void* self, MHD_Connection* connection, char* text) noexcept;

  [[nodiscard]] bool begin(MHD_Connection& connection, const char* path, const char* method, void** state);
  [[nodiscard]] std::expected<Route, Problem> admit(MHD_Connection& connection, const char* path, const char* method);

  LoopPort& loop_;
  Endpoints endpoints_;
  AccessPolicy policy_;
  ListenSocket socket_;
  MHD_Daemon* daemon_ = nullptr;
  std::unordered_map<HttpRequest*, std::unique_ptr<HttpRequest>> requests_;
  MicrohttpdPump pump_;
};

bool is_body_announced_too_large(MHD_Connection& connection) {
  const char* const text = MHD_lookup_connection_value(&connection, MHD_HEADER_KIND, MHD_HTTP_HEADER_CONTENT_LENGTH);
  if (text == nullptr) return false;
  std::uint64_t size = 0;
  const auto [stop, error] = std::from_chars(text, text + std::strlen(text), size);
  return error != std::errc() || size > kMaxBody;
}

std::string argument(MHD_Connection& connection, const char* name) {
  const char* const value = MHD_lookup_connection_value(&connection, MHD_GET_ARGUMENT_KIND, name);
  return value != nullptr ? value : "";
}

Status HttpServer::start() {
  daemon_ =
      MHD_start_daemon(MHD_USE_EPOLL | MHD_ALLOW_SUSPEND_RESUME, 0, nullptr, nullptr, &HttpServer::on_request, this,
                       MHD_OPTION_LISTEN_SOCKET, socket_.release_descriptor(), MHD_OPTION_CONNECTION_LIMIT,
                       kMaxConnections, MHD_OPTION_CONNECTION_TIMEOUT, kIdleSeconds, MHD_OPTION_CONNECTION_MEMORY_LIMIT,
                       kConnectionMemory, MHD_OPTION_NOTIFY_COMPLETED, &HttpServer::on_completed, this,
                       MHD_OPTION_UNESCAPE_CALLBACK, &HttpServer::keep_escaped, nullptr, MHD_OPTION_END);
  if (daemon_ == nullptr)
    return fail(ErrorKind::kOperator, "control_socket_failed",
                concat("libmicrohttpd does not start: ", errno_text(errno)), "raise the limit of open files");
  pump_.start(*daemon_);
  return {};
}

HttpServer::~HttpServer() {
  if (daemon_ == nullptr) return;
  for (auto& [key, request] : requests_)
    request->abandon(make_problem(503, "stopping", "the daemon is stopping", "ask again when it has started"));
  pump_.stop(); // suspended connections must be awake before the daemon may be stopped; also sends the last answers
  MHD_stop_daemon(daemon_); // closes the listening socket and all connections
}

// Route decodes each segment itself.
std::size_t HttpServer::keep_escaped(void* /*self*/, MHD_Connection* /*connection*/, char* text) noexcept {
  return std::strlen(text);
}

std::expected<Route, Problem> HttpServer::admit(MHD_Connection& connection, const char* path, const char* method) {
  const auto* const info = MHD_get_connection_info(&connection, MHD_CONNECTION_INFO_CONNECTION_FD);
  const auto peer = peer_of(info->connect_fd);
  if (!peer) return std::unexpected(problem_from(peer.error()));
  if (!policy_.allows(*peer)) {
    log::write(log::Priority::kWarning, {.event = "control_refused"},
               concat("refused user id ", peer->uid, " (process ", peer->pid, ") on the control socket"));
    return std::unexpected(make_problem(403, "not_allowed", concat("user id ", peer->uid, " may not use this socket"),
                                        "run as root or join the group mailmoor, then log in again"));
  }
  auto route = parse_route(method, path);
  if (!route) return route;
  if (is_body_announced_too_large(connection))
    return std::unexpected(make_problem(413, "body_too_large", concat("the body is larger than ", kMaxBody, " bytes")));
  if (is_posted(route->endpoint))
    log::write(log::Priority::kInfo, {.mailbox = route->mailbox, .event = "control"},
               concat("user id ", peer->uid, " asked: POST ", path));
  return route;
}

bool HttpServer::begin(MHD_Connection& connection, const char* path, const char* method, void** state) {
  auto route = admit(connection, path, method);
  if (!route) return send_answer(connection, answer_from(route.error()));
  Endpoints::Request asked;
  asked.route = std::move(*route);
  asked.wait = argument(connection, "wait") == "1";
  asked.verify.deep = argument(connection, "deep") == "1";
  asked.verify.repair = argument(connection, "repair") == "1";
  asked.verify.fetch_removed = argument(connection, "fetch_removed") == "1";
  asked.flow = argument(connection, "flow");
  asked.redirect_port = argument(connection, "redirect_port");
  auto request = std::make_unique<HttpRequest>(connection, loop_, std::move(asked), [this] { pump_.run_soon(); });
  *state = request.get();
  requests_.emplace(request.get(), std::move(request));
  return true;
}

MHD_Result HttpServer::on_request(void* self, MHD_Connection* connection, const char* path, const char* method,
                                  const char* /*version*/, const char* body, std::size_t* body_size,
                                  void** state) noexcept {
  auto& server = *static_cast<HttpServer*>(self);
  if (*state == nullptr) return server.begin(*connection, path, method, state) ? MHD_YES : MHD_NO;
  auto& request = *static_cast<HttpRequest*>(*state);
  if (*body_size == 0) return request.proceed(server.endpoints_) ? MHD_YES : MHD_NO;
  // The bytes lie in the connection's own read buffer and are not looked at again.
  const bool taken = request.take_body(const_cast<char*>(body), std::exchange(*body_size, 0));
  return taken ? MHD_YES : MHD_NO;
}

void HttpServer::on_completed(void* self, MHD_Connection* /*connection*/, void** state,
                              MHD_RequestTerminationCode /*reason*/) noexcept {
  static_cast<HttpServer*>(self)->requests_.erase(static_cast<HttpRequest*>(*state));
  *state = nullptr;
}

} // namespace

Result<std::unique_ptr<Server>> Server::open_blocking(LoopPort& loop, supervisor::Operations& operations,
                                                      ServerOptions options) {
  const AccessPolicy policy = access_policy_blocking(options.group);
  auto socket = options.handed_over.is_open() ? ListenSocket::adopt(std::move(options.handed_over))
                                              : ListenSocket::create_blocking(options.socket_path, policy.group);
  if (!socket) return pass(std::move(socket).error());
  auto server = std::make_unique<HttpServer>(loop, operations, std::move(options), std::move(*socket), policy);
  if (auto started = server->start(); !started) return pass(std::move(started).error());
  return server;
}

} // namespace mailmoor::control
