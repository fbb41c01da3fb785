#include "net/tls_sessions.h"

#include <openssl/ssl.h>
#include <openssl/x509.h>

namespace mailmoor::net {
namespace {

constexpr std::chrono::hours kLongest(1);
// Peers; more than a configuration names.
constexpr std::size_t kMaxKept = 256;

[[nodiscard]] int peer_index() {
  static const int index = SSL_get_ex_new_index(0, nullptr, nullptr, nullptr, nullptr);
  return index;
}

[[nodiscard]] bool is_certificate_good(SSL_SESSION* session) {
  const X509* const certificate = SSL_SESSION_get0_peer(session);
  return certificate != nullptr && X509_cmp_current_time(X509_get0_notAfter(certificate)) > 0;
}

} // namespace

void TlsSessions::Free::operator()(ssl_session_st* session) const noexcept {
  SSL_SESSION_free(session);
}

TlsSessions::TlsSessions(ssl_ctx_st* context, Now now) : now_(std::move(now)) {
  // OpenSSL's own cache has no names, and keeps no session of TLS 1.3 after its first use.
  SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
  SSL_CTX_sess_set_new_cb(context, &TlsSessions::on_granted);
}

void TlsSessions::watch(ssl_st* ssl, Peer& peer) {
  peer.sessions = this;
  peer.began = now_();
  SSL_set_ex_data(ssl, peer_index(), &peer);
}

void TlsSessions::offer(ssl_st* ssl, const Peer& peer) {
  const auto kept = kept_.find(key_of(peer));
  if (kept == kept_.end()) return;
  const bool is_good = !kept->second.trust.expired() && now_() - kept->second.verified < kLongest &&
                       SSL_SESSION_is_resumable(kept->second.session.get()) == 1 &&
                       is_certificate_good(kept->second.session.get());
  if (!is_good) {
    kept_.erase(kept);
    return;
  }
  // A copy: OpenSSL spoils a session that a connection was made with.
  const std::unique_ptr<ssl_session_st, Free> copy(SSL_SESSION_dup(kept->second.session.get()));
  if (copy) SSL_set_session(ssl, copy.get());
}

// In SSL_connect() with TLS 1.2, in a later SSL_read() with TLS 1.3: the peer is verified by then.
int TlsSessions::on_granted(ssl_st* ssl, ssl_session_st* session) noexcept {
  const auto* const peer = static_cast<const Peer*>(SSL_get_ex_data(ssl, peer_index()));
  // One that goes on from another one's proves nothing new about the peer: the hour is not counted from it.
  if (peer != nullptr && SSL_session_reused(ssl) == 0) peer->sessions->keep(*peer, session);
  return 0; // the reference stays OpenSSL's
}

void TlsSessions::keep(const Peer& peer, ssl_session_st* session) {
  if (SSL_SESSION_is_resumable(session) != 1) return;
  if (kept_.size() >= kMaxKept) kept_.clear();
  kept_[key_of(peer)] = {std::unique_ptr<ssl_session_st, Free>(SSL_SESSION_dup(session)), peer.trust, peer.began};
}

} // namespace mailmoor::net
