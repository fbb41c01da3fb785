#include "net/curl_error.h"

#include "util/concat.h"

#include <utility>

namespace mailmoor::net {
namespace {

[[nodiscard]] std::string reason(const CurlMulti::Transfer& transfer, CURLcode code) {
  long os_errno = 0;
  curl_easy_getinfo(transfer.easy(), CURLINFO_OS_ERRNO, &os_errno);
  if (code == CURLE_WRITE_ERROR) return "the answer is too large"; // our own callbacks refuse nothing else
  if (code == CURLE_COULDNT_CONNECT && os_errno != 0) return errno_text(static_cast<int>(os_errno));
  return transfer.error_text(code);
}

// A proxy that takes the connection and then refuses to go on with it.
[[nodiscard]] bool refused_by_proxy(CURL* easy) {
  long status = 0;
  curl_easy_getinfo(easy, CURLINFO_HTTP_CONNECTCODE, &status);
  return status != 0 && status / 100 != 2;
}

[[nodiscard]] bool is_connected(CURL* easy) {
  curl_off_t microseconds = 0;
  curl_easy_getinfo(easy, CURLINFO_CONNECT_TIME_T, &microseconds);
  return microseconds != 0;
}

} // namespace

Error curl_error(const CurlMulti::Transfer& transfer, CURLcode code, const std::string& doing, bool by_proxy) {
  std::string what = concat(doing, " failed: ", reason(transfer, code));
  const bool unreachable = code == CURLE_COULDNT_CONNECT; // that is the proxy, where there is one
  if (code == CURLE_COULDNT_RESOLVE_PROXY || code == CURLE_PROXY || refused_by_proxy(transfer.easy()) ||
      (by_proxy && unreachable))
    return {ErrorKind::kHost, "proxy_failed", concat("the proxy: ", what), "check `proxy` in the configuration"};
  switch (static_cast<int>(code)) {
  case CURLE_COULDNT_RESOLVE_HOST: return {ErrorKind::kHost, "dns_failed", std::move(what)};
  case CURLE_OPERATION_TIMEDOUT:
    return {ErrorKind::kHost, is_connected(transfer.easy()) ? "io_timeout" : "connect_timeout", std::move(what)};
  case CURLE_PEER_FAILED_VERIFICATION:
    return {ErrorKind::kHost, "tls_untrusted", std::move(what),
            "if this server has its own certificate authority, give that authority's certificate as ca_file"};
  case CURLE_SSL_CONNECT_ERROR: return {ErrorKind::kHost, "tls_failed", std::move(what)};
  case CURLE_WRITE_ERROR: return {ErrorKind::kHost, "answer_too_large", std::move(what)};
  case CURLE_PARTIAL_FILE:
  case CURLE_GOT_NOTHING:
  case CURLE_SEND_ERROR:
  case CURLE_RECV_ERROR: return {ErrorKind::kHost, "connection_lost", std::move(what)};
  default: return {ErrorKind::kHost, "connect_failed", std::move(what)};
  }
}

} // namespace mailmoor::net
