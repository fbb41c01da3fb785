#include "net/http_client.h"

#include "net/curl_error.h"
#include "util/ascii.h"
#include "util/concat.h"
#include "util/loopback_host.h"

#include <memory>
#include <new>
#include <optional>
#include <string_view>

#include <openssl/ssl.h>

namespace mailmoor::net {
namespace {

constexpr std::size_t kMaxHeaderBytes = 64UL * 1024;

struct SlistCloser {
  void operator()(curl_slist* list) const noexcept { curl_slist_free_all(list); }
};
using Slist = std::unique_ptr<curl_slist, SlistCloser>;

struct UrlCloser {
  void operator()(CURLU* url) const noexcept { curl_url_cleanup(url); }
};
using Url = std::unique_ptr<CURLU, UrlCloser>;

[[nodiscard]] std::string part_of(CURLU* url, CURLUPart part) {
  char* text = nullptr;
  if (curl_url_get(url, part, &text, 0) != CURLUE_OK) return {};
  std::string out = text;
  curl_free(text);
  return out;
}

struct Target {
  std::string host;
  bool is_https = false;
};

// Whom `url` means; empty when it is no URL, or one that would show secrets to the network. The configuration does not
// let such through, but a server's metadata may name any.
[[nodiscard]] std::optional<Target> target_of(const std::string& url) {
  const Url parsed(curl_url());
  if (!parsed || curl_url_set(parsed.get(), CURLUPART_URL, url.c_str(), 0) != CURLUE_OK) return std::nullopt;
  const std::string scheme = part_of(parsed.get(), CURLUPART_SCHEME);
  Target target;
  target.host = part_of(parsed.get(), CURLUPART_HOST);
  target.is_https = scheme == "https";
  if (target.is_https || (scheme == "http" && (is_loopback_host(target.host) || target.host == "[::1]"))) return target;
  return std::nullopt;
}

struct Sink {
  HttpAnswer answer;
  std::size_t max_answer;
  std::size_t header_bytes = 0;
};

// Both callbacks refuse what is too much with CURLE_WRITE_ERROR.
std::size_t on_body(char* bytes, std::size_t, std::size_t count, void* user) noexcept {
  auto& sink = *static_cast<Sink*>(user);
  if (count > sink.max_answer - sink.answer.body.size()) return 0;
  sink.answer.body.append({bytes, count});
  return count;
}

std::size_t on_header(char* bytes, std::size_t, std::size_t count, void* user) noexcept {
  auto& sink = *static_cast<Sink*>(user);
  sink.header_bytes += count;
  if (sink.header_bytes > kMaxHeaderBytes) return 0;
  const std::string_view line(bytes, count);
  // What came before belongs to a proxy's answer or an interim one (RFC 9110 §15.2).
  if (line.starts_with("HTTP/")) sink.answer.headers.clear();
  const std::size_t colon = line.find(':');
  if (colon == std::string_view::npos) return count;
  const std::string_view value = line.substr(colon + 1);
  const std::size_t first = value.find_first_not_of(" \t\r\n");
  const std::size_t last = value.find_last_not_of(" \t\r\n");
  std::string& kept = sink.answer.headers[to_lower_ascii(line.substr(0, colon))];
  kept = first == std::string_view::npos ? "" : value.substr(first, last - first + 1);
  return count;
}

[[nodiscard]] Slist header_list(const HttpRequest& request) {
  Slist list;
  for (const auto& [name, value] : request.headers) {
    curl_slist* const grown = curl_slist_append(list.get(), concat(name, ": ", value).c_str());
    if (grown == nullptr) throw std::bad_alloc();
    static_cast<void>(list.release());
    list.reset(grown);
  }
  return list;
}

CURLcode use_trust(CURL*, void* context, void* trust) noexcept {
  X509_STORE* const store = static_cast<const Trust*>(trust)->store();
  // The answer is a token: OpenSSL does not keep it in its buffer.
  SSL_CTX_set_options(static_cast<SSL_CTX*>(context), SSL_OP_CLEANSE_PLAINTEXT);
  return SSL_CTX_set1_verify_cert_store(static_cast<SSL_CTX*>(context), store) == 1 ? CURLE_OK : CURLE_SSL_CERTPROBLEM;
}

// Whether libcurl will verify the peer against `trust`, and nothing else. Its own authorities are put away; were the
// callback not to come, no peer would be believed.
[[nodiscard]] bool verify_peer(CURL* easy, const Trust& trust) {
  curl_easy_setopt(easy, CURLOPT_SSLVERSION, static_cast<long>(CURL_SSLVERSION_TLSv1_2));
  curl_easy_setopt(easy, CURLOPT_SSL_VERIFYPEER, 1L);
  curl_easy_setopt(easy, CURLOPT_SSL_VERIFYHOST, 2L);
  curl_easy_setopt(easy, CURLOPT_CAINFO, nullptr);
  curl_easy_setopt(easy, CURLOPT_CAPATH, nullptr);
  curl_easy_setopt(easy, CURLOPT_SSL_CTX_DATA, &trust);
  return curl_easy_setopt(easy, CURLOPT_SSL_CTX_FUNCTION, &use_trust) == CURLE_OK;
}

// Each request has a connection of its own. On a kept one libcurl would send a POST again when it finds the
// connection dead, which for a rotating refresh token looks like theft; and neither a kept connection nor a resumed
// TLS session would be verified against this request's trust.
void isolate(CURL* easy) {
  curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, static_cast<long>(CURL_HTTP_VERSION_1_1)); // nothing to share
  curl_easy_setopt(easy, CURLOPT_FRESH_CONNECT, 1L);
  curl_easy_setopt(easy, CURLOPT_FORBID_REUSE, 1L);
  curl_easy_setopt(easy, CURLOPT_SSL_SESSIONID_CACHE, 0L);
}

void describe(CURL* easy, const HttpRequest& request, curl_slist* headers, Sink& sink) {
  curl_easy_setopt(easy, CURLOPT_URL, request.url.c_str());
  curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
  curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 0L);
  curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, static_cast<long>(request.connect_timeout.count()));
  curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, static_cast<long>(request.total_timeout.count()));
  curl_easy_setopt(easy, CURLOPT_HTTPHEADER, headers);
  curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, &on_body);
  curl_easy_setopt(easy, CURLOPT_WRITEDATA, &sink);
  curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, &on_header);
  curl_easy_setopt(easy, CURLOPT_HEADERDATA, &sink);
  if (!request.post) return;
  curl_easy_setopt(easy, CURLOPT_POST, 1L);
  curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE, static_cast<long>(request.body.size()));
  // A null pointer would mean: read it from standard input.
  curl_easy_setopt(easy, CURLOPT_POSTFIELDS, request.body.empty() ? "" : request.body.reveal().data());
}

} // namespace

runtime::Task<Result<HttpAnswer>> HttpClient::send(HttpRequest request) {
  const std::optional<Target> target = target_of(request.url);
  if (!target)
    co_return fail(
        ErrorKind::kApp, "insecure_url",
        concat("a request to ", request.url.substr(0, request.url.find('?')), " is not sent: it is not https"),
        "use a server whose endpoints are https");
  const CurlEasy easy(curl_easy_init());
  const bool can_verify = easy && (!target->is_https || (request.trust && verify_peer(easy.get(), *request.trust)));
  if (!can_verify)
    co_return fail(ErrorKind::kBug, "connect_failed", concat("cannot prepare a request to ", target->host));
  const Slist headers = header_list(request);
  Sink sink;
  sink.max_answer = request.max_answer;
  describe(easy.get(), request, headers.get(), sink);
  isolate(easy.get());
  // What is not encrypted stays on this machine.
  const std::string proxy = target->is_https ? request.proxy : "";
  curl_easy_setopt(easy.get(), CURLOPT_PROXY, proxy.c_str());
  curl_easy_setopt(easy.get(), CURLOPT_NOPROXY, ""); // else $no_proxy speaks too
  CurlMulti::Transfer transfer = multi_.perform(easy.get());
  const CURLcode code = co_await transfer;
  if (code != CURLE_OK)
    co_return std::unexpected(curl_error(transfer, code, concat("a request to ", target->host), !proxy.empty()));
  long status = 0;
  curl_easy_getinfo(easy.get(), CURLINFO_RESPONSE_CODE, &status);
  sink.answer.status = static_cast<int>(status);
  co_return std::move(sink.answer);
}

} // namespace mailmoor::net
