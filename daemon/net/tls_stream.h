// TLS over a connected socket: one shared SSL_CTX, TLS 1.2 or newer, the peer always verified against its name.
// Loop thread only.
#pragma once

#include "net/tcp_stream.h"
#include "net/trust.h"

#include <memory>
#include <string>

struct ssl_ctx_st;
struct ssl_st;

namespace mailmoor::net {

// What all TLS streams of the process share. Made once; outlives every stream.
class TlsContext final {
 public:
  TlsContext();
  ~TlsContext();
  TlsContext(const TlsContext&) = delete;
  TlsContext& operator=(const TlsContext&) = delete;
  [[nodiscard]] ssl_ctx_st* get() const noexcept { return context_; }

 private:
  ssl_ctx_st* context_;
};

class TlsStream final : public Stream {
 public:
  ~TlsStream() override;

  [[nodiscard]] runtime::Task<Result<std::size_t>> read_some(std::span<std::byte> into) override;
  [[nodiscard]] runtime::Task<Status> write_all(std::span<const std::byte> bytes) override;

 private:
  friend class Dialer;
  friend runtime::Task<Result<std::unique_ptr<Stream>>> secure(const TlsContext&, SharedTrust,
                                                               std::unique_ptr<TcpStream>, std::string);
  TlsStream(std::unique_ptr<TcpStream> tcp, ssl_st* ssl) noexcept;

  // Waits for what OpenSSL wants after `result`; an error when it cannot go on. kEnd: the peer closed the stream.
  enum class Next { kRetry, kEnd };
  [[nodiscard]] runtime::Task<Result<Next>> after(int result, const char* doing);

  std::unique_ptr<TcpStream> tcp_;
  ssl_st* ssl_;
};

// The handshake, and the proof that the peer is `host` (RFC 9525). The time limit is the caller's.
// Errors: kHost "tls_untrusted" with what OpenSSL found, "tls_failed".
[[nodiscard]] runtime::Task<Result<std::unique_ptr<Stream>>> secure(const TlsContext& context, SharedTrust trust,
                                                                    std::unique_ptr<TcpStream> tcp, std::string host);

} // namespace mailmoor::net
