// What is kept of TLS handshakes, so that the next connection to the same peer needs no certificate (RFC 8446 §2.2,
// RFC 5077): of a fleet's hundreds of connections to one host the first few verify it. One session for each peer and
// trust, for an hour at most and never longer than the certificate is good for: then the peer is verified anew.
// Owned by the TlsContext, outlives every stream. Loop thread only.
#pragma once

#include "net/trust.h"

#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <utility>

struct ssl_ctx_st;
struct ssl_session_st;
struct ssl_st;

namespace mailmoor::net {

// kFull: with the peer's certificate. kMayResume: a peer whose certificate was verified not long ago proves that it is
// the same.
enum class Handshake { kFull, kMayResume };

class TlsSessions final {
 public:
  using Time = std::chrono::steady_clock::time_point;
  using Now = std::function<Time()>;
  // `context`: of all connections.
  TlsSessions(ssl_ctx_st* context, Now now);
  TlsSessions(const TlsSessions&) = delete;
  TlsSessions& operator=(const TlsSessions&) = delete;
  ~TlsSessions() = default;

  // A peer as it is verified: `name` is the host's name that its certificate must have, and where it was dialled.
  struct Peer {
    SharedTrust trust;
    std::string name;
    // Set by watch():
    TlsSessions* sessions = nullptr;
    Time began{}; // the handshake, from which the hour counts: a session may be granted much later
  };
  // What the peer grants on this connection is kept. `peer` outlives `ssl`.
  void watch(ssl_st* ssl, Peer& peer);
  // The coming handshake of `ssl` may go on where an earlier one with this peer left off.
  void offer(ssl_st* ssl, const Peer& peer);
  // After a handshake that failed: the next one is a full one.
  void forget(const Peer& peer) { kept_.erase(key_of(peer)); }

 private:
  struct Free {
    void operator()(ssl_session_st* session) const noexcept;
  };
  struct Kept {
    std::unique_ptr<ssl_session_st, Free> session;
    std::weak_ptr<const Trust> trust; // gone with a reload; its address may be another one's then
    Time verified;
  };
  using Key = std::pair<const Trust*, std::string>;
  [[nodiscard]] static Key key_of(const Peer& peer) { return {peer.trust.get(), peer.name}; }
  static int on_granted(ssl_st* ssl, ssl_session_st* session) noexcept;
  void keep(const Peer& peer, ssl_session_st* session);

  Now now_;
  std::map<Key, Kept> kept_;
};

} // namespace mailmoor::net
