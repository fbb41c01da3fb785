// One request on a connection of libmicrohttpd: collects the body, has an endpoint serve it, and sends the answer or
// the stream. While there is nothing to send the connection sleeps, and this watches whether the client goes away.
//   receiving → serving → sending
// Made and destroyed by HttpServer, from libmicrohttpd's callbacks. Loop thread only.
#pragma once

#include "control/endpoints.h"
#include "control/exchange.h"
#include "control/loop_port.h"
#include "control/route.h"
#include "util/secret.h"

#include <sys/types.h>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>

struct MHD_Connection;

namespace mailmoor::control {

inline constexpr std::size_t kMaxBody = 64 * 1024; // bytes; the largest is a password

class HttpRequest final {
 public:
  // `woken` is called after a sleeping connection was resumed: libmicrohttpd must be run again.
  HttpRequest(MHD_Connection& connection, LoopPort& loop, Endpoints::Request request, std::function<void()> woken);
  HttpRequest(const HttpRequest&) = delete;
  HttpRequest& operator=(const HttpRequest&) = delete;
  ~HttpRequest() = default;

  // Takes a piece of the body and wipes it where it stood, since it may be a password. False: the client does not stop
  // talking and shall be cut off.
  [[nodiscard]] bool take_body(char* bytes, std::size_t size);
  // The request is complete, or its connection has been woken: sends what there is, or sleeps. False: cut off.
  [[nodiscard]] bool proceed(const Endpoints& endpoints);
  // Ends what the client waits for, with `problem` where nothing was sent yet.
  void abandon(const Problem& problem) { exchange_->abandon(problem); }

 private:
  static ssize_t read_stream(void* self, std::uint64_t position, char* out, std::size_t size) noexcept;

  [[nodiscard]] bool start_stream();
  void sleep();
  void wake();
  void check_client();

  MHD_Connection& connection_;
  LoopPort& loop_;
  std::function<void()> woken_;
  Endpoints::Request request_;
  std::size_t received_ = 0;
  bool is_served_ = false;
  bool is_asleep_ = false;
  std::shared_ptr<Exchange> exchange_; // ours alone; the fleet's callbacks hold weak pointers to it
  std::unique_ptr<LoopPort::Handle> client_watch_;
};

// Sends a complete answer. False: it could not be queued.
[[nodiscard]] bool send_answer(MHD_Connection& connection, const Answer& answer);

} // namespace mailmoor::control
