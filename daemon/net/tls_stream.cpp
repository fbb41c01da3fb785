#include "net/tls_stream.h"

#include "net/tls_verdict.h"
#include "runtime/wait.h"
#include "util/concat.h"
#include "util/scope_exit.h"

#include <algorithm>
#include <cassert>
#include <cerrno>
#include <climits>
#include <csignal>
#include <memory>
#include <new>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <utility>

namespace mailmoor::net {
namespace {

[[nodiscard]] std::string openssl_text() {
  const char* const reason = ERR_reason_error_string(ERR_peek_error());
  return reason != nullptr ? reason : "unknown TLS error";
}

// SSL_set_tlsext_host_name() without the old-style cast of OpenSSL's macro.
[[nodiscard]] bool set_server_name(SSL* ssl, std::string host) {
  return SSL_ctrl(ssl, SSL_CTRL_SET_TLSEXT_HOSTNAME, TLSEXT_NAMETYPE_host_name, host.data()) == 1;
}

// Whether the name was set: DNS names are also sent as SNI; addresses are matched against the certificate's IPs.
[[nodiscard]] bool expect_peer(SSL* ssl, const std::string& host) {
  X509_VERIFY_PARAM* const param = SSL_get0_param(ssl);
  // RFC 9525 §2, §6.3: only whole-label wildcards, and the subject's common name says nothing.
  X509_VERIFY_PARAM_set_hostflags(param, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS | X509_CHECK_FLAG_NEVER_CHECK_SUBJECT);
  if (X509_VERIFY_PARAM_set1_ip_asc(param, host.c_str()) == 1) return true;
  ERR_clear_error();
  return X509_VERIFY_PARAM_set1_host(param, host.c_str(), host.size()) == 1 && set_server_name(ssl, host);
}

// What a call leaves behind must be its own: errno and OpenSSL's queue hold what others left.
void forget_errors() {
  errno = 0;
  ERR_clear_error();
}

[[nodiscard]] SSL_CTX* new_context() {
  SSL_CTX* const context = SSL_CTX_new(TLS_client_method());
  if (context == nullptr) throw std::bad_alloc();
  return context;
}

[[nodiscard]] int clamped(std::size_t size) {
  return static_cast<int>(std::min<std::size_t>(size, INT_MAX));
}

} // namespace

TlsContext::TlsContext(TlsSessions::Now now) : context_(new_context()), sessions_(context_, std::move(now)) {
  std::signal(SIGPIPE, SIG_IGN);
  SSL_CTX_set_min_proto_version(context_, TLS1_2_VERSION);
  SSL_CTX_set_verify(context_, SSL_VERIFY_PEER, nullptr);
  SSL_CTX_set_options(context_, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION);
  // RELEASE_BUFFERS: an idle connection keeps no read and write buffers (about 34 KB each connection).
  SSL_CTX_set_mode(context_,
                   SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
  // Without it each record takes two read(2), one for its five octets of header. 16 KiB are read ahead at most.
  SSL_CTX_set_read_ahead(context_, 1);
}

TlsContext::~TlsContext() {
  SSL_CTX_free(context_);
}

TlsStream::TlsStream(std::unique_ptr<TcpStream> tcp, ssl_st* ssl, TlsSessions::Peer peer) noexcept
    : tcp_(std::move(tcp)), peer_(std::move(peer)), ssl_(ssl) {}

TlsStream::~TlsStream() {
  // close_notify, if the socket takes it; nobody waits for the answer.
  if (SSL_is_init_finished(ssl_) == 1) SSL_shutdown(ssl_);
  SSL_free(ssl_);
  ERR_clear_error();
}

Result<TlsStream::Next> TlsStream::after(int result, const char* doing) const {
  const int error_number = errno;
  switch (SSL_get_error(ssl_, result)) {
  case SSL_ERROR_WANT_READ: return Next::kReadable;
  case SSL_ERROR_WANT_WRITE: return Next::kWritable;
  case SSL_ERROR_ZERO_RETURN: return Next::kEnd;
  case SSL_ERROR_SYSCALL:
    return fail(ErrorKind::kHost, "connection_lost",
                concat("connection to ", tcp_->peer(), " broke while ", doing, ": ",
                       error_number == 0 ? "closed by the peer" : errno_text(error_number)));
  default:
    // Servers that close without close_notify end here; framing tells whether something was cut off.
    if (ERR_GET_REASON(ERR_peek_error()) == SSL_R_UNEXPECTED_EOF_WHILE_READING) return Next::kEnd;
    return fail(ErrorKind::kHost, "tls_failed",
                concat("TLS with ", tcp_->peer(), " failed while ", doing, ": ", openssl_text()));
  }
}

std::optional<TlsFacts> TlsStream::tls_facts() const {
  return tls_facts_of(ssl_);
}

runtime::FdWatcher::Ready TlsStream::until(Next next) noexcept {
  return next == Next::kWritable ? tcp_->watcher().writable() : tcp_->watcher().readable();
}

Error TlsStream::handshake_error(const Result<Next>& next, const std::string& host, const std::string& verdict) const {
  if (SSL_get_verify_result(ssl_) != X509_V_OK) return untrusted_peer(ssl_, tcp_->peer(), host, verdict);
  if (!next) return next.error();
  return {ErrorKind::kHost, "connection_lost", concat(tcp_->peer(), " closed the connection in the TLS handshake"),
          "check that the server speaks TLS on this port"};
}

runtime::Task<Result<std::size_t>> TlsStream::read_some(std::span<std::byte> into) {
  assert(!into.empty());
  if (++reads_in_a_row_ > kReadsInARow) {
    reads_in_a_row_ = 0;
    co_await runtime::yield_to_loop(tcp_->loop());
  }
  std::size_t got = 0;
  while (true) {
    forget_errors();
    const int count = SSL_read(ssl_, into.data() + got, clamped(into.size() - got));
    if (count > 0) got += static_cast<std::size_t>(count);
    // Small records that came together go on together. What ends them shows in the next call.
    if (count > 0 && got < into.size() && SSL_has_pending(ssl_) == 1) continue;
    if (got != 0) co_return got;
    const Result<Next> next = after(count, "reading");
    if (!next) co_return pass(next.error());
    if (*next == Next::kEnd) co_return std::size_t{0};
    reads_in_a_row_ = 0;
    co_await until(*next);
  }
}

runtime::Task<Status> TlsStream::write_all(std::span<const std::byte> bytes) {
  if (writing_)
    co_return fail(ErrorKind::kHost, "connection_lost", concat("a write to ", tcp_->peer(), " was not finished"));
  while (!bytes.empty()) {
    forget_errors();
    const int count = SSL_write(ssl_, bytes.data(), clamped(bytes.size()));
    if (count > 0) {
      bytes = bytes.subspan(static_cast<std::size_t>(count));
      continue;
    }
    const Result<Next> next = after(count, "writing");
    if (!next) co_return pass(next.error());
    if (*next == Next::kEnd)
      co_return fail(ErrorKind::kHost, "connection_lost", concat(tcp_->peer(), " closed the connection"));
    writing_ = true;
    co_await until(*next);
    writing_ = false;
  }
  co_return Status();
}

runtime::Task<Result<std::unique_ptr<Stream>>>
secure(TlsContext& context, SharedTrust trust, std::unique_ptr<TcpStream> tcp, std::string host, Handshake handshake) {
  SSL* const ssl = SSL_new(context.get());
  if (ssl == nullptr) co_return fail(ErrorKind::kHost, "tls_failed", concat("no memory for TLS with ", tcp->peer()));
  TlsSessions::Peer peer;
  peer.trust = trust;
  peer.name = concat(host, " at ", tcp->peer());
  std::unique_ptr<TlsStream> stream(new TlsStream(std::move(tcp), ssl, std::move(peer)));
  const TcpStream& below = *stream->tcp_;
  if (SSL_set1_verify_cert_store(ssl, trust->store()) != 1 || !expect_peer(ssl, host) ||
      SSL_set_fd(ssl, below.fd()) != 1)
    co_return fail(ErrorKind::kHost, "tls_failed",
                   concat("cannot prepare TLS with ", below.peer(), " for the name ", host, ": ", openssl_text()));
  ScopeExit failed([&context, &stream] { context.sessions().forget(stream->peer_); });
  context.sessions().watch(ssl, stream->peer_);
  if (handshake == Handshake::kMayResume) context.sessions().offer(ssl, stream->peer_);
  std::string verdict;
  watch_verdict(ssl, &verdict);
  while (true) {
    forget_errors();
    const int result = SSL_connect(ssl);
    if (result == 1) break;
    const Result<TlsStream::Next> next = stream->after(result, "shaking hands");
    if (!next || *next == TlsStream::Next::kEnd)
      co_return std::unexpected(stream->handshake_error(next, host, verdict));
    co_await stream->until(*next);
  }
  watch_verdict(ssl, nullptr);
  failed.release();
  co_return std::unique_ptr<Stream>(std::move(stream));
}

} // namespace mailmoor::net
