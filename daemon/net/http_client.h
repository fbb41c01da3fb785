// HTTPS requests by libcurl multi, for the OAuth endpoints. The peer is always verified; redirects are not followed,
// so that a token request never goes where it was not meant to; a request is sent once or not at all.
// Loop thread only.
#pragma once

#include "net/curl_multi.h"
#include "net/trust.h"
#include "runtime/task.h"
#include "util/result.h"
#include "util/secret.h"

#include <chrono>
#include <cstddef>
#include <map>
#include <string>
#include <utility>
#include <vector>

namespace mailmoor::net {

struct HttpRequest {
  std::string url; // https://, or http:// to a loopback address
  std::vector<std::pair<std::string, std::string>> headers;
  bool post = false;
  Secret body;       // application/x-www-form-urlencoded
  SharedTrust trust; // REQUIRES: not empty for https
  std::string proxy; // "http://…", "socks5h://…", or empty: none; not used for a loopback address over http
  std::chrono::milliseconds connect_timeout = std::chrono::seconds(30);
  std::chrono::milliseconds total_timeout = std::chrono::seconds(60);
  std::size_t max_answer = 1024UL * 1024; // bytes; a longer answer is an error
};

struct HttpAnswer {
  int status = 0;
  std::map<std::string, std::string> headers; // lower-case names; the last of several wins
  Secret body;
};

class HttpClient final {
 public:
  explicit HttpClient(CurlMulti& multi) noexcept : multi_(multi) {}

  // Any answer is a success here, whatever its status. Errors name the host: kApp "insecure_url"; kHost "dns_failed",
  // "connect_failed", "connect_timeout", "proxy_failed", "tls_untrusted", "tls_failed", "io_timeout",
  // "connection_lost", "answer_too_large".
  [[nodiscard]] runtime::Task<Result<HttpAnswer>> send(HttpRequest request);

 private:
  CurlMulti& multi_;
};

} // namespace mailmoor::net
