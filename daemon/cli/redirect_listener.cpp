#include "cli/redirect_listener.h"

#include "util/concat.h"
#include "util/unique_fd.h"

#include <arpa/inet.h>
#include <microhttpd.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <map>
#include <optional>
#include <string_view>
#include <utility>

namespace mailmoor::cli {

namespace {

constexpr unsigned kMaxConnections = 16; // a browser opens a few; nobody else has business here
constexpr unsigned kIdleSeconds = 30;
constexpr std::size_t kConnectionMemory = 48 * 1024; // bytes; a code may have 8 kB, cookies of localhost come on top
constexpr int kPortTries = 10;

// One request. Kept by the listener; a Respond holds it weakly.
struct Visit {
  MHD_Connection* connection = nullptr;
  std::string target;
  bool is_met = false; // the first call for a request only announces it
  bool is_suspended = false;
  std::optional<ResultPage> page;
};

// Path "/" and the parameters of RFC 6749 §4.1.2 by name; the daemon judges what is in them.
bool is_redirect(std::string_view target) {
  if (!target.starts_with("/?")) return false;
  const std::string query = concat('&', target.substr(2));
  return query.contains("&state=") && (query.contains("&code=") || query.contains("&error="));
}

ResultPage wrong_page(std::string_view target) {
  if (target == "/" || target.starts_with("/?"))
    return {.heading = "No sign-in in this address",
            .text = "mailmoorctl waits here for a browser that comes back from a sign-in page, and this address brings "
                    "neither a code nor an error.",
            .remedy = "Open the link that mailmoorctl printed, and sign in there."};
  return {.heading = "Nothing here", .text = "mailmoorctl only waits here for a sign-in to come back.", .remedy = {}};
}

UniqueFd listen_on(const sockaddr* address, socklen_t size) {
  UniqueFd socket(::socket(address->sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  constexpr int kOn = 1;
  if (!socket.is_open()) return socket;
  if (address->sa_family == AF_INET6) ::setsockopt(socket.get(), IPPROTO_IPV6, IPV6_V6ONLY, &kOn, sizeof kOn);
  if (::bind(socket.get(), address, size) != 0 || ::listen(socket.get(), static_cast<int>(kMaxConnections)) != 0)
    socket.reset();
  return socket;
}

UniqueFd listen_v4(std::uint16_t& port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  UniqueFd socket = listen_on(reinterpret_cast<const sockaddr*>(&address), sizeof address);
  socklen_t size = sizeof address;
  if (socket.is_open() && ::getsockname(socket.get(), reinterpret_cast<sockaddr*>(&address), &size) == 0)
    port = ntohs(address.sin_port);
  return socket;
}

UniqueFd listen_v6(std::uint16_t port) {
  sockaddr_in6 address{};
  address.sin6_family = AF_INET6;
  address.sin6_addr = in6addr_loopback;
  address.sin6_port = htons(port);
  return listen_on(reinterpret_cast<const sockaddr*>(&address), sizeof address);
}

struct Sockets {
  UniqueFd v4, v6; // v6 is closed on a host without ::1
  std::uint16_t port = 0;
};

Result<Sockets> open_sockets() {
  Sockets sockets;
  for (int i = 0; i < kPortTries; ++i) {
    sockets.v4 = listen_v4(sockets.port);
    if (!sockets.v4.is_open()) break;
    sockets.v6 = listen_v6(sockets.port);
    // Another one's port: a browser that takes "localhost" for ::1 would go there.
    if (!sockets.v6.is_open() && errno == EADDRINUSE) continue;
    return sockets;
  }
  return fail(ErrorKind::kOperator, "cannot_listen",
              concat("cannot listen on 127.0.0.1 for the browser: ", errno_text(errno)),
              "sign in with --flow paste, which needs no listener");
}

class HttpListener final : public RedirectListener {
 public:
  explicit HttpListener(OnRedirect on_redirect) : on_redirect_(std::move(on_redirect)) {}
  ~HttpListener() override;

  [[nodiscard]] Status start();
  [[nodiscard]] std::uint16_t port() const noexcept override { return port_; }
  [[nodiscard]] std::vector<int> descriptors() const override;
  void serve() override;

 private:
  static void* on_target(void* self, const char* target, MHD_Connection* connection) noexcept;
  static MHD_Result on_request(void* self, MHD_Connection* connection, const char* path, const char* method,
                               const char* version, const char* body, std::size_t* body_size, void** state) noexcept;
  static void on_completed(void* self, MHD_Connection* connection, void** state,
                           MHD_RequestTerminationCode reason) noexcept;

  static void on_connection(void* self, MHD_Connection* connection, void** state,
                            MHD_ConnectionNotificationCode what) noexcept;

  [[nodiscard]] Status start_on(UniqueFd socket);
  [[nodiscard]] MHD_Result meet(Visit& visit, std::string_view method);
  [[nodiscard]] bool is_sending() const;

  OnRedirect on_redirect_;
  std::uint16_t port_ = 0;
  std::vector<MHD_Daemon*> daemons_;
  std::map<Visit*, std::shared_ptr<Visit>> visits_;
};

bool send_page(MHD_Connection& connection, unsigned status, const ResultPage& page) {
  const std::string text = render(page);
  // libmicrohttpd copies the bytes; its parameter is not const for historical reasons.
  MHD_Response* const response =
      MHD_create_response_from_buffer(text.size(), const_cast<char*>(text.data()), MHD_RESPMEM_MUST_COPY);
  if (response == nullptr) return false;
  constexpr std::array kHeaders = {std::pair("Content-Type", "text/html; charset=utf-8"),
                                   std::pair("Content-Security-Policy", kPagePolicy),
                                   std::pair("Cache-Control", "no-store"), // RFC 9700 §4.3: the address has a code
                                   std::pair("Referrer-Policy", "no-referrer"),
                                   std::pair("X-Content-Type-Options", "nosniff"),
                                   std::pair("Connection", "close")};
  bool is_fine = true;
  for (const auto& [name, value] : kHeaders)
    is_fine = is_fine && MHD_add_response_header(response, name, value) == MHD_YES;
  is_fine = is_fine && MHD_queue_response(&connection, status, response) == MHD_YES;
  MHD_destroy_response(response);
  return is_fine;
}

void show(Visit& visit, const ResultPage& page) {
  if (visit.page) return;
  visit.page = page;
  if (std::exchange(visit.is_suspended, false)) MHD_resume_connection(visit.connection);
}

Status HttpListener::start_on(UniqueFd socket) {
  MHD_Daemon* const daemon =
      MHD_start_daemon(MHD_USE_EPOLL | MHD_ALLOW_SUSPEND_RESUME, 0, nullptr, nullptr, &HttpListener::on_request, this,
                       MHD_OPTION_LISTEN_SOCKET, socket.get(), MHD_OPTION_CONNECTION_LIMIT, kMaxConnections,
                       MHD_OPTION_CONNECTION_TIMEOUT, kIdleSeconds, MHD_OPTION_CONNECTION_MEMORY_LIMIT,
                       kConnectionMemory, MHD_OPTION_URI_LOG_CALLBACK, &HttpListener::on_target, this,
                       MHD_OPTION_NOTIFY_COMPLETED, &HttpListener::on_completed, this, MHD_OPTION_NOTIFY_CONNECTION,
                       &HttpListener::on_connection, this, MHD_OPTION_END);
  if (daemon == nullptr)
    return fail(ErrorKind::kOperator, "cannot_listen", concat("libmicrohttpd does not start: ", errno_text(errno)),
                "sign in with --flow paste, which needs no listener");
  static_cast<void>(socket.release()); // libmicrohttpd closes it
  daemons_.push_back(daemon);
  return {};
}

Status HttpListener::start() {
  Result<Sockets> sockets = open_sockets();
  if (!sockets) return pass(std::move(sockets).error());
  port_ = sockets->port;
  if (Status started = start_on(std::move(sockets->v4)); !started) return started;
  return sockets->v6.is_open() ? start_on(std::move(sockets->v6)) : Status();
}

HttpListener::~HttpListener() {
  for (const auto& [key, visit] : visits_)
    if (visit->is_suspended)
      show(*visit, {.mood = ResultPage::Mood::kBad,
                    .heading = "Not signed in",
                    .text = "mailmoorctl was stopped before the sign-in was complete.",
                    .remedy = "Run it again, and open the new link."});
  const auto give_up_at = std::chrono::steady_clock::now() + std::chrono::seconds(1);
  while (is_sending() && std::chrono::steady_clock::now() < give_up_at) {
    std::vector<pollfd> ready;
    for (const int fd : descriptors())
      ready.push_back({fd, POLLIN, 0});
    serve();
    ::poll(ready.data(), ready.size(), /*timeout_ms=*/50);
  }
  for (MHD_Daemon* const daemon : daemons_)
    MHD_stop_daemon(daemon); // closes the listening socket and all connections
}

bool HttpListener::is_sending() const {
  for (const auto& [key, visit] : visits_)
    if (visit->page) return true;
  return false;
}

std::vector<int> HttpListener::descriptors() const {
  std::vector<int> out;
  for (MHD_Daemon* const daemon : daemons_)
    out.push_back(MHD_get_daemon_info(daemon, MHD_DAEMON_INFO_EPOLL_FD)->epoll_fd);
  return out;
}

void HttpListener::serve() {
  constexpr int kRuns = 4; // accept, read, answer, close
  for (MHD_Daemon* const daemon : daemons_)
    for (int i = 0; i < kRuns; ++i)
      MHD_run(daemon);
}

// libmicrohttpd gives path and query undecoded here only.
void* HttpListener::on_target(void* self, const char* target, MHD_Connection* connection) noexcept {
  auto& listener = *static_cast<HttpListener*>(self);
  auto visit = std::make_shared<Visit>();
  visit->connection = connection;
  visit->target = target;
  Visit* const key = visit.get();
  listener.visits_.emplace(key, std::move(visit));
  return key;
}

MHD_Result HttpListener::on_request(void* self, MHD_Connection* connection, const char* /*path*/, const char* method,
                                    const char* /*version*/, const char* /*body*/, std::size_t* body_size,
                                    void** state) noexcept {
  auto& visit = *static_cast<Visit*>(*state);
  if (*body_size != 0) { // of a POST, which is refused once it is complete
    *body_size = 0;
    return MHD_YES;
  }
  if (!std::exchange(visit.is_met, true)) return MHD_YES;
  if (visit.page) return send_page(*connection, MHD_HTTP_OK, *visit.page) ? MHD_YES : MHD_NO;
  return static_cast<HttpListener*>(self)->meet(visit, method);
}

MHD_Result HttpListener::meet(Visit& visit, std::string_view method) {
  if (method != MHD_HTTP_METHOD_GET || !is_redirect(visit.target)) {
    const unsigned status = method == MHD_HTTP_METHOD_GET ? MHD_HTTP_NOT_FOUND : MHD_HTTP_METHOD_NOT_ALLOWED;
    return send_page(*visit.connection, status, wrong_page(visit.target)) ? MHD_YES : MHD_NO;
  }
  MHD_suspend_connection(visit.connection);
  visit.is_suspended = true;
  on_redirect_(std::move(visit.target), [weak = std::weak_ptr(visits_.at(&visit))](const ResultPage& page) {
    if (const auto alive = weak.lock()) show(*alive, page);
  });
  return MHD_YES;
}

void HttpListener::on_completed(void* self, MHD_Connection* /*connection*/, void** state,
                                MHD_RequestTerminationCode /*reason*/) noexcept {
  static_cast<HttpListener*>(self)->visits_.erase(static_cast<Visit*>(*state));
  *state = nullptr;
}

// A request that broke off before it was complete is not told as completed.
void HttpListener::on_connection(void* self, MHD_Connection* connection, void** /*state*/,
                                 MHD_ConnectionNotificationCode what) noexcept {
  if (what != MHD_CONNECTION_NOTIFY_CLOSED) return;
  std::erase_if(static_cast<HttpListener*>(self)->visits_,
                [connection](const auto& entry) { return entry.second->connection == connection; });
}

} // namespace

Result<std::unique_ptr<RedirectListener>> RedirectListener::open(OnRedirect on_redirect) {
  auto listener = std::make_unique<HttpListener>(std::move(on_redirect));
  if (Status started = listener->start(); !started) return pass(std::move(started).error());
  return listener;
}

} // namespace mailmoor::cli
