#include "net/curl_error.h"

#include "util/concat.h"

namespace mailmoor::net {

Error curl_error(CURL* easy, CURLcode code, const std::string& doing) {
  long os_errno = 0;
  curl_easy_getinfo(easy, CURLINFO_OS_ERRNO, &os_errno);
  const std::string reason = os_errno != 0 && code == CURLE_COULDNT_CONNECT ? errno_text(static_cast<int>(os_errno))
                                                                            : curl_easy_strerror(code);
  std::string what = concat(doing, " failed: ", reason);
  switch (static_cast<int>(code)) {
  case CURLE_COULDNT_RESOLVE_HOST:
    return {ErrorKind::kHost, "dns_failed", std::move(what)};
  case CURLE_COULDNT_RESOLVE_PROXY:
  case CURLE_PROXY:
    return {ErrorKind::kHost, "proxy_failed", std::move(what), "check `proxy:` in the configuration"};
  case CURLE_OPERATION_TIMEDOUT:
    return {ErrorKind::kHost, "connect_timeout", std::move(what)};
  case CURLE_PEER_FAILED_VERIFICATION:
  case CURLE_SSL_CACERT_BADFILE:
    return {ErrorKind::kHost, "tls_untrusted", std::move(what),
            "if this server has its own certificate authority, give that authority's certificate as ca_file"};
  case CURLE_SSL_CONNECT_ERROR:
    return {ErrorKind::kHost, "tls_failed", std::move(what)};
  case CURLE_FILESIZE_EXCEEDED:
  case CURLE_WRITE_ERROR:
    return {ErrorKind::kHost, "answer_too_large", std::move(what)};
  default:
    return {ErrorKind::kHost, "connect_failed", std::move(what)};
  }
}

} // namespace mailmoor::net
