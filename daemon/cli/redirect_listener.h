// Waits on loopback for the browser to come back from a sign-in page (RFC 8252 §7.3), for as long as the command runs
// that made it.
//
// It lives in mailmoorctl and not in the daemon because the browser is the operator's: on the same host, or at the
// other end of their `ssh -L`. The daemon opens no TCP port, its sandbox stays as it is, and what arrives here goes to
// it as text, just as a person could have pasted it. So no secret comes here: the code is worth nothing without the
// verifier, which never leaves the daemon, and whether the state is right is decided there.
//
// Answers only GET / with a code or an error and a state; anything else gets a page that says so. Few connections,
// small requests, a time limit on each. Owned by the login command; its one thread only.
#pragma once

#include "cli/result_page.h"
#include "util/result.h"

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace mailmoor::cli {

class RedirectListener {
 public:
  // Shows the page to the browser that waits; once, and not from inside the call that gave it. Does nothing when the
  // browser or the listener has gone.
  using Respond = std::function<void(const ResultPage&)>;
  // `target`: path and query as the browser sent them.
  using OnRedirect = std::function<void(std::string target, Respond respond)>;

  // On an ephemeral port of 127.0.0.1 and, where there is one, of ::1, since "localhost" may mean either.
  // Errors: kOperator "cannot_listen".
  [[nodiscard]] static Result<std::unique_ptr<RedirectListener>> open(OnRedirect on_redirect);

  // Browsers that still wait are told that the command has ended. Sends what is under way, for a second at most.
  virtual ~RedirectListener() = default;
  RedirectListener(const RedirectListener&) = delete;
  RedirectListener& operator=(const RedirectListener&) = delete;

  [[nodiscard]] virtual std::uint16_t port() const noexcept = 0;
  // serve() is to be called when one of them is readable, after a Respond, and every second or so.
  [[nodiscard]] virtual std::vector<int> descriptors() const = 0;
  virtual void serve() = 0;

 protected:
  RedirectListener() = default;
};

} // namespace mailmoor::cli
