// What a server sends compressed, any octets. Input: one octet that says how it is cut and how large the reader's
// buffer is, one that says how much of it was read with the answer to COMPRESS, then the compressed octets.
// Must hold however it is cut: what is read is what zlib alone makes of the whole; where that cannot go on there is an
// error, and nothing but what came before it was given. What stands for more than 4 MiB is read that far.
#include "net/deflate_stream.h"
#include "runtime/clock.h"
#include "runtime/run_task.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include <zlib.h>

namespace mailmoor::net {
namespace {

constexpr std::size_t kEnough = std::size_t{4} * 1024 * 1024;

void must(bool holds) {
  if (!holds) std::abort();
}

struct Reading {
  std::string octets; // kEnough of them at most
  bool failed = false;
};

class Pieces final : public Stream {
 public:
  Pieces(std::string_view octets, std::size_t size) : left_(octets), size_(size) {}
  runtime::Task<Result<std::size_t>> read_some(std::span<std::byte> into) override {
    const std::size_t count = left_.copy(reinterpret_cast<char*>(into.data()), std::min(into.size(), size_));
    left_.remove_prefix(count);
    co_return count;
  }
  runtime::Task<Status> write_all(std::span<const std::byte> /*bytes*/) override { co_return Status(); }

 private:
  std::string_view left_;
  std::size_t size_;
};

runtime::Task<Reading> read(Stream& stream, std::size_t room) {
  Reading reading;
  // Exactly as large as the reader says, so that writing past it is seen.
  const auto buffer = std::make_unique<std::byte[]>(room);
  while (reading.octets.size() < kEnough) {
    auto some = stream.read_some(std::span(buffer.get(), room));
    const Result<std::size_t> count = co_await some;
    reading.failed = !count;
    if (!count || *count == 0) break;
    must(*count <= room);
    reading.octets.append(reinterpret_cast<const char*>(buffer.get()), *count);
  }
  co_return reading;
}

Reading read_by_zlib(std::string_view packed) {
  z_stream codec{};
  must(inflateInit2(&codec, -15) == Z_OK);
  Reading reading;
  std::string piece(65536, '\0');
  codec.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(packed.data()));
  codec.avail_in = static_cast<uInt>(packed.size());
  int outcome = Z_OK;
  while (outcome == Z_OK && reading.octets.size() < kEnough) {
    codec.next_out = reinterpret_cast<Bytef*>(piece.data());
    codec.avail_out = static_cast<uInt>(piece.size());
    outcome = ::inflate(&codec, Z_SYNC_FLUSH);
    reading.octets.append(piece, 0, piece.size() - codec.avail_out);
  }
  reading.failed = outcome != Z_OK && outcome != Z_STREAM_END && outcome != Z_BUF_ERROR;
  inflateEnd(&codec);
  return reading;
}

} // namespace
} // namespace mailmoor::net

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace mailmoor;
  if (size < 2) return 0;
  const std::string_view packed(reinterpret_cast<const char*>(data) + 2, size - 2);
  const std::size_t piece = 1 + data[0] % 64;
  const std::size_t room = data[0] < 64 ? 1 + data[0] : 64 * data[0];
  const std::string_view early = packed.substr(0, data[1]);

  static const runtime::SystemClock clock;
  static runtime::Loop loop(clock);
  net::DeflateStream stream(loop, std::make_unique<net::Pieces>(packed.substr(early.size()), piece), early);
  std::optional<net::Reading> got;
  runtime::TaskRunner<net::Reading> runner;
  runner.start(net::read(stream, room), [&got](net::Reading reading) { got.emplace(std::move(reading)); });
  loop.run_until([&got] { return got.has_value(); });

  const net::Reading wanted = net::read_by_zlib(packed);
  const std::size_t both = std::min(got->octets.size(), wanted.octets.size());
  net::must(std::string_view(got->octets).substr(0, both) == std::string_view(wanted.octets).substr(0, both));
  if (both < net::kEnough) {
    net::must(got->failed == wanted.failed);
    net::must(got->octets.size() == wanted.octets.size() || (got->failed && got->octets.size() == both));
  }
  return 0;
}
