#include "control/http_request.h"

#include "util/concat.h"

#include <microhttpd.h>
#include <sys/socket.h>

#include <cerrno>
#include <utility>

namespace mailmoor::control {

namespace {

constexpr std::string_view kStreamContentType = "application/x-ndjson";
constexpr std::size_t kStreamBlock = 4096; // bytes asked for at once; a login event has about 200

struct ResponseDeleter {
  void operator()(MHD_Response* response) const noexcept { MHD_destroy_response(response); }
};
using Response = std::unique_ptr<MHD_Response, ResponseDeleter>;

bool queue(MHD_Connection& connection, int status, std::string_view content_type, const Response& response) {
  return response &&
         MHD_add_response_header(response.get(), MHD_HTTP_HEADER_CONTENT_TYPE, std::string(content_type).c_str()) ==
             MHD_YES &&
         MHD_queue_response(&connection, static_cast<unsigned>(status), response.get()) == MHD_YES;
}

} // namespace

bool send_answer(MHD_Connection& connection, const Answer& answer) {
  // libmicrohttpd copies the bytes; its parameter is not const for historical reasons.
  const Response response(MHD_create_response_from_buffer(answer.body.size(), const_cast<char*>(answer.body.data()),
                                                          MHD_RESPMEM_MUST_COPY));
  return queue(connection, answer.status, answer.content_type, response);
}

HttpRequest::HttpRequest(MHD_Connection& connection, LoopPort& loop, Endpoints::Request request,
                         std::function<void()> woken)
    : connection_(connection), loop_(loop), woken_(std::move(woken)), request_(std::move(request)),
      exchange_(std::make_shared<Exchange>([this] { wake(); })) {}

bool HttpRequest::take_body(char* bytes, std::size_t size) {
  received_ += size;
  if (received_ <= kMaxBody) request_.body.append({bytes, size});
  wipe_memory(bytes, size);
  // Somewhat more is read and dropped, so that the client gets to see the answer.
  return received_ <= 16 * kMaxBody;
}

bool HttpRequest::proceed(const Endpoints& endpoints) {
  if (!std::exchange(is_served_, true)) {
    if (received_ > kMaxBody)
      exchange_->answer(make_problem(413, "body_too_large", concat("the body is larger than ", kMaxBody, " bytes")));
    else
      endpoints.serve(std::move(request_), exchange_);
  }
  if (const auto& answer = exchange_->answered()) return send_answer(connection_, *answer);
  if (exchange_->is_streaming()) return start_stream();
  sleep();
  return true;
}

bool HttpRequest::start_stream() {
  const Response response(
      MHD_create_response_from_callback(MHD_SIZE_UNKNOWN, kStreamBlock, &HttpRequest::read_stream, this, nullptr));
  return queue(connection_, MHD_HTTP_OK, kStreamContentType, response);
}

ssize_t HttpRequest::read_stream(void* self, std::uint64_t /*position*/, char* out, std::size_t size) noexcept {
  auto& request = *static_cast<HttpRequest*>(self);
  if (const std::size_t taken = request.exchange_->take(out, size); taken != 0) return static_cast<ssize_t>(taken);
  if (request.exchange_->is_over()) return MHD_CONTENT_READER_END_OF_STREAM;
  request.sleep();
  return 0;
}

// libmicrohttpd does not look at a suspended connection, so this does.
void HttpRequest::sleep() {
  MHD_suspend_connection(&connection_);
  is_asleep_ = true;
  const auto* const info = MHD_get_connection_info(&connection_, MHD_CONNECTION_INFO_CONNECTION_FD);
  client_watch_ = loop_.watch_readable(info->connect_fd, [this] { check_client(); });
}

void HttpRequest::wake() {
  if (!std::exchange(is_asleep_, false)) return;
  client_watch_.reset();
  MHD_resume_connection(&connection_);
  woken_();
}

void HttpRequest::check_client() {
  const auto* const info = MHD_get_connection_info(&connection_, MHD_CONNECTION_INFO_CONNECTION_FD);
  char next = 0;
  const ssize_t size = ::recv(info->connect_fd, &next, 1, MSG_PEEK | MSG_DONTWAIT);
  if (size > 0)
    client_watch_.reset(); // the next request comes early: it can wait, and so it must not keep the loop busy
  else if (size == 0 || (errno != EAGAIN && errno != EINTR))
    abandon(make_problem(503, "client_gone", "the client closed the connection"));
}

} // namespace mailmoor::control
