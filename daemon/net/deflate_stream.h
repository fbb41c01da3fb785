// A stream whose bytes go compressed both ways over another one: raw DEFLATE (RFC 1951), as COMPRESS=DEFLATE has it
// (RFC 4978). Owned by the connection, and owns the stream below. Loop thread only.
#pragma once

#include "net/stream.h"
#include "runtime/loop.h"

#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace mailmoor::net {

class DeflateStream final : public Stream {
 public:
  // `early`: compressed bytes that were read from `below` already.
  DeflateStream(runtime::Loop& loop, std::unique_ptr<Stream> below, std::string_view early);
  ~DeflateStream() override;

  // Errors besides those of the stream below: kHost "corrupt_compression".
  [[nodiscard]] runtime::Task<Result<std::size_t>> read_some(std::span<std::byte> into) override;
  // Flushed, so that the peer can read all of it at once.
  [[nodiscard]] runtime::Task<Status> write_all(std::span<const std::byte> bytes) override;

  [[nodiscard]] std::optional<TlsFacts> tls_facts() const override { return below_->tls_facts(); }

 private:
  struct Codecs;

  // What of the input there is for now; 0 when more is to be read.
  [[nodiscard]] Result<std::size_t> inflate_some(std::span<std::byte> into);
  [[nodiscard]] std::string deflate_all(std::span<const std::byte> bytes);

  runtime::Loop& loop_;
  std::unique_ptr<Stream> below_;
  std::unique_ptr<Codecs> codecs_;
  std::vector<std::byte> input_; // compressed; the codec points to what is left of it
  bool output_was_full_ = false; // there may be more without another byte of input
  bool ended_ = false;           // the compressed stream has ended by its own mark
  int reads_in_a_row_ = 0;
};

} // namespace mailmoor::net
