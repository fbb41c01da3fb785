// What each endpoint does: asks the fleet, and answers the exchange. Loop thread only.
#pragma once

#include "control/exchange.h"
#include "control/route.h"
#include "supervisor/operations.h"
#include "util/secret.h"

#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace mailmoor::control {

class Endpoints final {
 public:
  // `operations` must outlive this object, not the exchanges.
  Endpoints(supervisor::Operations& operations, std::vector<std::pair<std::string, std::string>> parts)
      : operations_(operations), parts_(std::move(parts)) {}

  struct Request {
    Route route{};
    bool wait = false; // sync: answer when the pass is complete
    VerifyRequest verify{};
    std::string flow{};          // login: how; empty: as the server offers it
    std::string redirect_port{}; // login: where the client listens for the browser
    Secret body{};
  };

  // Answers at once, or starts a stream, or will answer later.
  void serve(Request request, const std::shared_ptr<Exchange>& exchange) const;

 private:
  using ExchangePointer = std::shared_ptr<Exchange>;

  void read(const Route& route, const ExchangePointer& exchange) const;
  void act(Request request, const ExchangePointer& exchange) const;
  void sync(const std::string& mailbox, bool wait, const ExchangePointer& exchange) const;
  void login(const Request& request, const ExchangePointer& exchange) const;
  void answer_login(Secret redirected, const ExchangePointer& exchange) const;
  void examine(const std::string& mailbox, const ExchangePointer& exchange) const;
  void verify(const Request& request, const ExchangePointer& exchange) const;
  // The lines are sent by the operation that was started, or else why it was not is the answer.
  void keep_stream(const std::string& mailbox, Result<std::unique_ptr<supervisor::Subscription>> started,
                   Exchange& exchange) const;
  void rotate_key(Secret provided, const ExchangePointer& exchange) const;
  void reload(const ExchangePointer& exchange) const;
  // Answers with the mailbox as it is after the operation, or with what went wrong.
  void answer_outcome(const std::string& mailbox, const Status& outcome, Exchange& exchange, int status = 200) const;
  [[nodiscard]] std::function<void(Status)> answer_later(std::string mailbox, const ExchangePointer& exchange) const;

  supervisor::Operations& operations_;
  std::vector<std::pair<std::string, std::string>> parts_;
};

} // namespace mailmoor::control
