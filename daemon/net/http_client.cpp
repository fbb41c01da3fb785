#include "net/http_client.h"

#include "net/curl_error.h"
#include "util/ascii.h"
#include "util/concat.h"

#include <memory>
#include <string_view>

namespace mailmoor::net {
namespace {

constexpr std::size_t kMaxHeaders = 100;

struct SlistCloser {
  void operator()(curl_slist* list) const noexcept { curl_slist_free_all(list); }
};
using Slist = std::unique_ptr<curl_slist, SlistCloser>;

struct Sink {
  HttpAnswer answer;
  std::size_t max_answer;
};

std::size_t on_body(char* bytes, std::size_t, std::size_t count, void* user) noexcept {
  auto& sink = *static_cast<Sink*>(user);
  if (sink.answer.body.size() + count > sink.max_answer) return 0; // CURLE_WRITE_ERROR
  sink.answer.body.append({bytes, count});
  return count;
}

std::size_t on_header(char* bytes, std::size_t, std::size_t count, void* user) noexcept {
  auto& headers = static_cast<Sink*>(user)->answer.headers;
  const std::string_view line(bytes, count);
  const std::size_t colon = line.find(':');
  if (colon == std::string_view::npos || headers.size() >= kMaxHeaders) return count;
  std::string_view value = line.substr(colon + 1);
  while (!value.empty() && (value.front() == ' ' || value.front() == '\t'))
    value.remove_prefix(1);
  while (!value.empty() && (value.back() == '\r' || value.back() == '\n' || value.back() == ' '))
    value.remove_suffix(1);
  headers[to_lower_ascii(line.substr(0, colon))] = value;
  return count;
}

[[nodiscard]] Slist header_list(const HttpRequest& request) {
  Slist list;
  for (const auto& [name, value] : request.headers) {
    curl_slist* const grown = curl_slist_append(list.get(), concat(name, ": ", value).c_str());
    if (grown == nullptr) break;
    static_cast<void>(list.release());
    list.reset(grown);
  }
  return list;
}

void trust_peer(CURL* easy, const Trust& trust) {
  curl_easy_setopt(easy, CURLOPT_SSLVERSION, static_cast<long>(CURL_SSLVERSION_TLSv1_2));
  curl_easy_setopt(easy, CURLOPT_SSL_VERIFYPEER, 1L);
  curl_easy_setopt(easy, CURLOPT_SSL_VERIFYHOST, 2L);
  // With CAPATH set libcurl 7.88 parses the whole bundle again for every connection.
  curl_easy_setopt(easy, CURLOPT_CAPATH, nullptr);
  if (!trust.bundle_pem().empty()) {
    curl_blob blob{const_cast<char*>(trust.bundle_pem().data()), trust.bundle_pem().size(), CURL_BLOB_COPY};
    curl_easy_setopt(easy, CURLOPT_CAINFO_BLOB, &blob);
  } else if (!trust.bundle_path().empty()) {
    curl_easy_setopt(easy, CURLOPT_CAINFO, trust.bundle_path().c_str());
  }
}

[[nodiscard]] std::string host_of(const std::string& url) {
  const std::size_t start = url.find("://");
  if (start == std::string::npos) return url;
  return url.substr(start + 3, url.find_first_of("/?#", start + 3) - start - 3);
}

} // namespace

runtime::Task<Result<HttpAnswer>> HttpClient::send(HttpRequest request) {
  const CurlEasy easy(curl_easy_init());
  const std::string host = host_of(request.url);
  if (!easy) co_return fail(ErrorKind::kHost, "connect_failed", concat("cannot prepare a request to ", host));
  CURL* const handle = easy.get();
  const Slist headers = header_list(request);
  Sink sink;
  sink.max_answer = request.max_answer;
  curl_easy_setopt(handle, CURLOPT_URL, request.url.c_str());
  curl_easy_setopt(handle, CURLOPT_PROTOCOLS_STR, "http,https");
  curl_easy_setopt(handle, CURLOPT_FOLLOWLOCATION, 0L);
  curl_easy_setopt(handle, CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(handle, CURLOPT_PROXY, request.proxy.c_str());
  curl_easy_setopt(handle, CURLOPT_CONNECTTIMEOUT_MS, static_cast<long>(request.connect_timeout.count()));
  curl_easy_setopt(handle, CURLOPT_TIMEOUT_MS, static_cast<long>(request.total_timeout.count()));
  curl_easy_setopt(handle, CURLOPT_HTTPHEADER, headers.get());
  curl_easy_setopt(handle, CURLOPT_WRITEFUNCTION, &on_body);
  curl_easy_setopt(handle, CURLOPT_WRITEDATA, &sink);
  curl_easy_setopt(handle, CURLOPT_HEADERFUNCTION, &on_header);
  curl_easy_setopt(handle, CURLOPT_HEADERDATA, &sink);
  if (request.post) {
    curl_easy_setopt(handle, CURLOPT_POST, 1L);
    curl_easy_setopt(handle, CURLOPT_POSTFIELDSIZE, static_cast<long>(request.body.size()));
    curl_easy_setopt(handle, CURLOPT_POSTFIELDS, request.body.reveal().data());
  }
  if (request.trust) trust_peer(handle, *request.trust);
  CurlMulti::Transfer transfer = multi_.perform(handle);
  const CURLcode code = co_await transfer;
  if (code != CURLE_OK) co_return std::unexpected(curl_error(handle, code, concat("a request to ", host)));
  long status = 0;
  curl_easy_getinfo(handle, CURLINFO_RESPONSE_CODE, &status);
  sink.answer.status = static_cast<int>(status);
  co_return std::move(sink.answer);
}

} // namespace mailmoor::net
