#include "net/tls_stream.h"

#include "util/concat.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <climits>
#include <memory>
#include <new>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <utility>

namespace mailmoor::net {
namespace {

[[nodiscard]] std::string openssl_text() {
  std::array<char, 256> text{};
  const unsigned long code = ERR_get_error();
  if (code == 0) return "unknown TLS error";
  if (const char* reason = ERR_reason_error_string(code)) {
    ERR_clear_error();
    return reason;
  }
  ERR_error_string_n(code, text.data(), text.size());
  ERR_clear_error();
  return text.data();
}

// SSL_set_tlsext_host_name() without the old-style cast of OpenSSL's macro.
[[nodiscard]] bool set_server_name(SSL* ssl, std::string host) {
  return SSL_ctrl(ssl, SSL_CTRL_SET_TLSEXT_HOSTNAME, TLSEXT_NAMETYPE_host_name, host.data()) == 1;
}

// Whether the name was set: DNS names are also sent as SNI; addresses are matched against the certificate's IPs.
[[nodiscard]] bool expect_peer(SSL* ssl, const std::string& host) {
  X509_VERIFY_PARAM* const param = SSL_get0_param(ssl);
  X509_VERIFY_PARAM_set_hostflags(param, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
  if (X509_VERIFY_PARAM_set1_ip_asc(param, host.c_str()) == 1) return true;
  ERR_clear_error();
  return X509_VERIFY_PARAM_set1_host(param, host.c_str(), host.size()) == 1 && set_server_name(ssl, host);
}

[[nodiscard]] Error handshake_error(const SSL* ssl, const std::string& peer, const std::string& host) {
  const long verdict = SSL_get_verify_result(ssl);
  if (verdict != X509_V_OK) {
    ERR_clear_error();
    return {ErrorKind::kHost, "tls_untrusted",
            concat("the certificate of ", peer, " was refused for the name ", host, ": ",
                   X509_verify_cert_error_string(verdict)),
            "if this server has its own certificate authority, give that authority's certificate as ca_file; "
            "if its certificate carries another name, connect to that name"};
  }
  return {ErrorKind::kHost, "tls_failed", concat("TLS handshake with ", peer, " failed: ", openssl_text())};
}

} // namespace

TlsContext::TlsContext() : context_(SSL_CTX_new(TLS_client_method())) {
  if (context_ == nullptr) throw std::bad_alloc();
  SSL_CTX_set_min_proto_version(context_, TLS1_2_VERSION);
  SSL_CTX_set_verify(context_, SSL_VERIFY_PEER, nullptr);
  SSL_CTX_set_options(context_, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION);
  // RELEASE_BUFFERS: an idle connection keeps no read and write buffers (about 34 KB each connection).
  SSL_CTX_set_mode(context_,
                   SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
  SSL_CTX_set_session_cache_mode(context_, SSL_SESS_CACHE_OFF);
}

TlsContext::~TlsContext() {
  SSL_CTX_free(context_);
}

TlsStream::TlsStream(std::unique_ptr<TcpStream> tcp, ssl_st* ssl) noexcept : tcp_(std::move(tcp)), ssl_(ssl) {}

TlsStream::~TlsStream() {
  // close_notify, if the socket takes it; nobody waits for the answer.
  SSL_shutdown(ssl_);
  ERR_clear_error();
  SSL_free(ssl_);
}

runtime::Task<Result<TlsStream::Next>> TlsStream::after(int result, const char* doing) {
  const int saved_errno = errno;
  switch (SSL_get_error(ssl_, result)) {
  case SSL_ERROR_WANT_READ:
    co_await tcp_->watcher().readable();
    co_return Next::kRetry;
  case SSL_ERROR_WANT_WRITE:
    co_await tcp_->watcher().writable();
    co_return Next::kRetry;
  case SSL_ERROR_ZERO_RETURN:
    co_return Next::kEnd;
  case SSL_ERROR_SYSCALL: {
    ERR_clear_error();
    std::string text = concat("connection to ", tcp_->peer(), " broke while ", doing, ": ",
                              saved_errno == 0 ? "closed by the peer" : errno_text(saved_errno));
    co_return fail(ErrorKind::kHost, "connection_lost", std::move(text));
  }
  default: {
    // Servers that close without close_notify end here; framing tells whether something was cut off.
    if (ERR_GET_REASON(ERR_peek_error()) == SSL_R_UNEXPECTED_EOF_WHILE_READING) {
      ERR_clear_error();
      co_return Next::kEnd;
    }
    std::string text = concat("TLS with ", tcp_->peer(), " failed while ", doing, ": ", openssl_text());
    co_return fail(ErrorKind::kHost, "tls_failed", std::move(text));
  }
  }
}

runtime::Task<Result<std::size_t>> TlsStream::read_some(std::span<std::byte> into) {
  const int limit = static_cast<int>(std::min<std::size_t>(into.size(), INT_MAX));
  while (true) {
    errno = 0;
    ERR_clear_error();
    const int count = SSL_read(ssl_, into.data(), limit);
    if (count > 0) co_return static_cast<std::size_t>(count);
    const Result<Next> next = co_await after(count, "reading");
    if (!next) co_return pass(next.error());
    if (*next == Next::kEnd) co_return std::size_t{0};
  }
}

runtime::Task<Status> TlsStream::write_all(std::span<const std::byte> bytes) {
  while (!bytes.empty()) {
    errno = 0;
    ERR_clear_error();
    const int count = SSL_write(ssl_, bytes.data(), static_cast<int>(std::min<std::size_t>(bytes.size(), INT_MAX)));
    if (count > 0) {
      bytes = bytes.subspan(static_cast<std::size_t>(count));
      continue;
    }
    const Result<Next> next = co_await after(count, "writing");
    if (!next) co_return pass(next.error());
    if (*next == Next::kEnd)
      co_return fail(ErrorKind::kHost, "connection_lost", concat(tcp_->peer(), " closed the connection"));
  }
  co_return Status();
}

runtime::Task<Result<std::unique_ptr<Stream>>> secure(const TlsContext& context, SharedTrust trust,
                                                      std::unique_ptr<TcpStream> tcp, std::string host) {
  const std::string peer = tcp->peer();
  SSL* const ssl = SSL_new(context.get());
  if (ssl == nullptr) co_return fail(ErrorKind::kHost, "tls_failed", concat("no memory for TLS with ", peer));
  std::unique_ptr<TlsStream> stream(new TlsStream(std::move(tcp), ssl));
  SSL_set1_verify_cert_store(ssl, trust->store());
  if (!expect_peer(ssl, host) || SSL_set_fd(ssl, stream->tcp_->fd()) != 1)
    co_return fail(ErrorKind::kHost, "tls_failed", concat("cannot prepare TLS with ", peer, ": ", openssl_text()));
  while (true) {
    errno = 0;
    ERR_clear_error();
    const int result = SSL_connect(ssl);
    if (result == 1) break;
    const int wanted = SSL_get_error(ssl, result);
    if (wanted != SSL_ERROR_WANT_READ && wanted != SSL_ERROR_WANT_WRITE) {
      Error error = handshake_error(ssl, peer, host);
      SSL_set_quiet_shutdown(ssl, 1);
      co_return std::unexpected(std::move(error));
    }
    const Result<TlsStream::Next> next = co_await stream->after(result, "shaking hands");
    if (!next) co_return pass(next.error());
  }
  // Belt and braces: SSL_VERIFY_PEER has aborted the handshake already if this fails.
  if (SSL_get_verify_result(ssl) != X509_V_OK) co_return std::unexpected(handshake_error(ssl, peer, host));
  co_return std::unique_ptr<Stream>(std::move(stream));
}

} // namespace mailmoor::net
