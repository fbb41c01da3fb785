// TLS over a connected socket: one shared SSL_CTX, TLS 1.2 or newer, the peer always verified against its name.
// Loop thread only.
#pragma once

#include "net/tcp_stream.h"
#include "net/tls_sessions.h"
#include "net/trust.h"
#include "runtime/fd_watcher.h"

#include <memory>
#include <string>

struct ssl_ctx_st;
struct ssl_st;

namespace mailmoor::net {

// What all TLS streams of the process share. Made once; outlives every stream. Makes the process ignore SIGPIPE, since
// OpenSSL writes with write(2): a peer that is gone would end us.
class TlsContext final {
 public:
  explicit TlsContext(TlsSessions::Now now = [] { return std::chrono::steady_clock::now(); });
  ~TlsContext();
  TlsContext(const TlsContext&) = delete;
  TlsContext& operator=(const TlsContext&) = delete;
  [[nodiscard]] ssl_ctx_st* get() const noexcept { return context_; }
  [[nodiscard]] TlsSessions& sessions() noexcept { return sessions_; }

 private:
  ssl_ctx_st* context_;
  TlsSessions sessions_;
};

class TlsStream final : public Stream {
 public:
  ~TlsStream() override;

  [[nodiscard]] runtime::Task<Result<std::size_t>> read_some(std::span<std::byte> into) override;
  [[nodiscard]] runtime::Task<Status> write_all(std::span<const std::byte> bytes) override;
  [[nodiscard]] std::optional<TlsFacts> tls_facts() const override;

 private:
  friend runtime::Task<Result<std::unique_ptr<Stream>>> secure(TlsContext&, SharedTrust, std::unique_ptr<TcpStream>,
                                                               std::string, Handshake);
  TlsStream(std::unique_ptr<TcpStream> tcp, ssl_st* ssl, TlsSessions::Peer peer) noexcept;

  // What has to happen before the call that returned `result` can go on; kEnd: the peer closed the stream.
  enum class Next { kReadable, kWritable, kEnd };
  [[nodiscard]] Result<Next> after(int result, const char* doing) const;
  [[nodiscard]] runtime::FdWatcher::Ready until(Next next) noexcept;
  [[nodiscard]] Error handshake_error(const Result<Next>& next, const std::string& host,
                                      const std::string& verdict) const;

  std::unique_ptr<TcpStream> tcp_;
  TlsSessions::Peer peer_;
  ssl_st* ssl_;
  int reads_in_a_row_ = 0;
  bool writing_ = false; // a write waits, or was cancelled in its wait: OpenSSL would mix another one's bytes with it
};

// The handshake, and the proof that the peer is `host` (RFC 9525). The time limit is the caller's.
// Errors: kHost "tls_untrusted" with what OpenSSL found, "tls_failed", "connection_lost".
[[nodiscard]] runtime::Task<Result<std::unique_ptr<Stream>>> secure(TlsContext& context, SharedTrust trust,
                                                                    std::unique_ptr<TcpStream> tcp, std::string host,
                                                                    Handshake handshake = Handshake::kFull);

} // namespace mailmoor::net
