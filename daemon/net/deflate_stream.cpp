#include "net/deflate_stream.h"

#include "runtime/wait.h"
#include "util/concat.h"

#include <algorithm>
#include <cassert>
#include <limits>
#include <new>

#include <zlib.h>

namespace mailmoor::net {
namespace {

constexpr std::size_t kInputSize = 16UL * 1024; // a TLS record
// What we write are commands of a few dozen bytes: a window of 1 KiB and the smallest tables, 10 KiB instead of 256.
// What we read was packed with the server's window, which may be the largest.
constexpr int kWriteWindowBits = -10;
constexpr int kReadWindowBits = -15;
constexpr int kMemoryLevel = 1;

[[nodiscard]] Bytef* writable(std::byte* bytes) noexcept {
  return reinterpret_cast<Bytef*>(bytes);
}

[[nodiscard]] uInt fitting(std::size_t size) noexcept {
  return static_cast<uInt>(std::min<std::size_t>(size, std::numeric_limits<uInt>::max()));
}

} // namespace

struct DeflateStream::Codecs {
  Codecs() {
    if (inflateInit2(&inflater, kReadWindowBits) != Z_OK) throw std::bad_alloc();
    if (deflateInit2(&deflater, Z_DEFAULT_COMPRESSION, Z_DEFLATED, kWriteWindowBits, kMemoryLevel,
                     Z_DEFAULT_STRATEGY) == Z_OK)
      return;
    inflateEnd(&inflater);
    throw std::bad_alloc();
  }
  ~Codecs() {
    inflateEnd(&inflater);
    deflateEnd(&deflater);
  }
  Codecs(const Codecs&) = delete;
  Codecs& operator=(const Codecs&) = delete;

  z_stream inflater{};
  z_stream deflater{};
};

DeflateStream::DeflateStream(runtime::Loop& loop, std::unique_ptr<Stream> below, std::string_view early)
    : loop_(loop), below_(std::move(below)), codecs_(std::make_unique<Codecs>()),
      input_(std::max(kInputSize, early.size())) {
  std::ranges::copy(std::as_bytes(std::span(early)), input_.begin());
  codecs_->inflater.next_in = writable(input_.data());
  codecs_->inflater.avail_in = fitting(early.size());
}

DeflateStream::~DeflateStream() = default;

runtime::Task<Result<std::size_t>> DeflateStream::read_some(std::span<std::byte> into) {
  assert(!into.empty());
  // A few bytes may stand for a megabyte that needs no read below, where turns are given.
  if (++reads_in_a_row_ > kReadsInARow) {
    reads_in_a_row_ = 0;
    co_await runtime::yield_to_loop(loop_);
  }
  while (!ended_) {
    const Result<std::size_t> count = inflate_some(into);
    if (!count || *count != 0) co_return count;
    if (ended_) break;
    auto reading = below_->read_some(input_);
    const Result<std::size_t> read = co_await reading;
    if (!read || *read == 0) co_return read;
    codecs_->inflater.next_in = writable(input_.data());
    codecs_->inflater.avail_in = fitting(*read);
  }
  co_return std::size_t{0};
}

Result<std::size_t> DeflateStream::inflate_some(std::span<std::byte> into) {
  z_stream& codec = codecs_->inflater;
  if (codec.avail_in == 0 && !output_was_full_) return 0;
  codec.next_out = writable(into.data());
  codec.avail_out = fitting(into.size());
  const uInt room = codec.avail_out;
  const int outcome = ::inflate(&codec, Z_SYNC_FLUSH);
  output_was_full_ = codec.avail_out == 0;
  ended_ = outcome == Z_STREAM_END;
  if (outcome != Z_OK && outcome != Z_STREAM_END && outcome != Z_BUF_ERROR) // the last: nothing to do yet
    return fail(ErrorKind::kHost, "corrupt_compression",
                concat("what the server sent compressed cannot be read: ",
                       codec.msg != nullptr ? codec.msg : "DEFLATE data expected"),
                "if it comes again: set `compress: off` for the mailbox");
  return room - codec.avail_out;
}

std::string DeflateStream::deflate_all(std::span<const std::byte> bytes) {
  z_stream& codec = codecs_->deflater;
  std::string out;
  codec.next_in = writable(const_cast<std::byte*>(bytes.data())); // zlib only reads it
  codec.avail_in = fitting(bytes.size());
  do {
    const std::size_t before = out.size();
    out.resize(before + deflateBound(&codec, codec.avail_in) + 16);
    codec.next_out = reinterpret_cast<Bytef*>(out.data()) + before;
    codec.avail_out = fitting(out.size() - before);
    ::deflate(&codec, Z_SYNC_FLUSH); // Z_BUF_ERROR when there is nothing left to flush: no error
    out.resize(out.size() - codec.avail_out);
  } while (codec.avail_in != 0 || codec.avail_out == 0);
  return out;
}

runtime::Task<Status> DeflateStream::write_all(std::span<const std::byte> bytes) {
  assert(bytes.size() <= std::numeric_limits<uInt>::max());
  const std::string packed = deflate_all(bytes);
  auto writing = below_->write_all(std::as_bytes(std::span(packed)));
  const Status written = co_await writing;
  co_return written;
}

} // namespace mailmoor::net
