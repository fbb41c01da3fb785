#include "net/version.h"

#include <curl/curl.h>
#include <openssl/crypto.h>

namespace mailmoor::net {

std::string libcurl_version() {
  return curl_version_info(CURLVERSION_NOW)->version;
}

std::string openssl_version() {
  return OpenSSL_version(OPENSSL_VERSION_STRING);
}

} // namespace mailmoor::net
