// The control API: HTTP/1.1 on a Unix socket, served by libmicrohttpd from the loop thread (no thread of its own).
//
//   GET  /health                             200 while the watchdog would be fed, else 503
//   GET  /metrics                            OpenMetrics text
//   GET  /v1/status                          every mailbox
//   GET  /v1/version                         versions of the daemon and its parts
//   GET  /v1/mailboxes/NAME                  one mailbox
//   GET  /v1/mailboxes/NAME/folders          its folders, chosen or not, and why
//   POST /v1/mailboxes/NAME/sync[?wait=1]    202 started; with wait=1 200 when the pass is complete
//   POST /v1/mailboxes/NAME/pause | resume   200
//   POST /v1/mailboxes/NAME/logout           200 when the store has forgotten the tokens
//   POST /v1/mailboxes/NAME/password         200 when it is stored; the body is the password, byte for byte
//   POST /v1/mailboxes/NAME/login[?flow=device|browser|paste][&redirect_port=N]
//                                            200, application/x-ndjson: one login event a line until signed in or
//                                            failed; going away abandons the login. Without flow the one that the
//                                            server offers; browser needs the port where the client listens
//   POST /v1/login                           the body is the address with which a browser came back from a sign-in;
//                                            200 with the event of the login that it completed
//   POST /v1/mailboxes/NAME/doctor           200, application/x-ndjson: one check a line, then "finished"; going away
//                                            ends the examination
//   POST /v1/reload                          200 with what changed; 422 with `errors`
//
// A POST to a mailbox answers with the mailbox as it is afterwards, as GET /v1/mailboxes/NAME does.
// Everything else is an RFC 9457 problem document (control/problem.h). Loop thread only.
#pragma once

#include "control/loop_port.h"
#include "supervisor/operations.h"
#include "util/result.h"
#include "util/unique_fd.h"

#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace mailmoor::control {

struct ServerOptions {
  std::string socket_path{};      // made here and removed at the end; not used when `handed_over` is open
  UniqueFd handed_over{};         // a listening Unix socket from systemd (sd_listen_fds(3))
  std::string group = "mailmoor"; // may use the socket beside root and the daemon's own user; ignored when absent
  std::vector<std::pair<std::string, std::string>> parts{}; // for /v1/version: library, version
};

class Server {
 public:
  // Blocking file and user-database calls, so: before the loop runs. `loop` and `operations` must outlive the server.
  // Errors are kOperator: another daemon answers on the socket, or it cannot be made.
  [[nodiscard]] static Result<std::unique_ptr<Server>> open_blocking(LoopPort& loop, supervisor::Operations& operations,
                                                                     ServerOptions options);
  // Answers what still waits with "stopping", closes every connection, removes the socket file if it was made here.
  virtual ~Server() = default;
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

 protected:
  Server() = default;
};

} // namespace mailmoor::control
