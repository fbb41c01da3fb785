#include "net/deflate_stream.h"

#include "net/net_fixture.h"

#include <algorithm>
#include <deque>
#include <string>

#include <zlib.h>

namespace mailmoor::net {
namespace {

// What is read from it was put in before; what is written to it stays.
class MemoryStream final : public Stream {
 public:
  std::deque<std::string> to_read; // each is one read; after the last comes the end
  std::string written;

  runtime::Task<Result<std::size_t>> read_some(std::span<std::byte> into) override {
    if (to_read.empty()) co_return std::size_t{0};
    std::string& next = to_read.front();
    const std::size_t count = std::min(into.size(), next.size());
    std::ranges::copy(bytes_of(next).first(count), into.begin());
    next.erase(0, count);
    if (next.empty()) to_read.pop_front();
    co_return count;
  }
  runtime::Task<Status> write_all(std::span<const std::byte> bytes) override {
    written.append(reinterpret_cast<const char*>(bytes.data()), bytes.size());
    co_return Status();
  }
};

// The other end, with a window of the largest size.
class Packer {
 public:
  Packer() { EXPECT_EQ(Z_OK, deflateInit2(&codec_, 9, Z_DEFLATED, -15, 9, Z_DEFAULT_STRATEGY)); }
  ~Packer() { deflateEnd(&codec_); }
  Packer(const Packer&) = delete;
  Packer& operator=(const Packer&) = delete;
  [[nodiscard]] std::string pack(std::string text, int flush = Z_SYNC_FLUSH) {
    std::string out(text.size() + 1000, '\0');
    codec_.next_in = reinterpret_cast<Bytef*>(text.data());
    codec_.avail_in = static_cast<uInt>(text.size());
    codec_.next_out = reinterpret_cast<Bytef*>(out.data());
    codec_.avail_out = static_cast<uInt>(out.size());
    ::deflate(&codec_, flush);
    EXPECT_EQ(0U, codec_.avail_in);
    out.resize(out.size() - codec_.avail_out);
    return out;
  }

 private:
  z_stream codec_{};
};

class Unpacker {
 public:
  Unpacker() { EXPECT_EQ(Z_OK, inflateInit2(&codec_, -15)); }
  ~Unpacker() { inflateEnd(&codec_); }
  Unpacker(const Unpacker&) = delete;
  Unpacker& operator=(const Unpacker&) = delete;
  [[nodiscard]] std::string unpack(std::string packed) {
    std::string out(1'000'000, '\0');
    codec_.next_in = reinterpret_cast<Bytef*>(packed.data());
    codec_.avail_in = static_cast<uInt>(packed.size());
    codec_.next_out = reinterpret_cast<Bytef*>(out.data());
    codec_.avail_out = static_cast<uInt>(out.size());
    EXPECT_EQ(Z_OK, ::inflate(&codec_, Z_SYNC_FLUSH));
    out.resize(out.size() - codec_.avail_out);
    return out;
  }

 private:
  z_stream codec_{};
};

class DeflateStreamTest : public NetTest {
 protected:
  void start(std::string_view early = {}) {
    auto below = std::make_unique<MemoryStream>();
    below_ = below.get();
    stream_ = std::make_unique<DeflateStream>(loop_, std::move(below), early);
  }
  MemoryStream* below_ = nullptr;
  std::unique_ptr<DeflateStream> stream_;
};

TEST_F(DeflateStreamTest, Read_HoweverItIsCut_ComesWhole) {
  Packer packer;
  const std::string packed = packer.pack("* 1 EXISTS\r\n") + packer.pack("* 2 EXISTS\r\n* OK still here\r\n");
  for (const std::size_t early : {std::size_t{0}, std::size_t{1}, packed.size() / 2, packed.size()}) {
    start(packed.substr(0, early));
    for (const char byte : packed.substr(early))
      below_->to_read.emplace_back(1, byte);
    EXPECT_EQ("* 1 EXISTS\r\n* 2 EXISTS\r\n* OK still here\r\n", await(read_all(*stream_))) << early;
  }
}

TEST_F(DeflateStreamTest, Read_MoreEarlyBytesThanARecord_ComeWhole) {
  std::string noise(40'000, '\0'); // that does not shrink
  std::uint32_t state = 1;
  for (char& byte : noise)
    byte = static_cast<char>((state = state * 1664525 + 1013904223) >> 24);
  Packer packer;
  start(packer.pack(noise));
  EXPECT_TRUE(noise == *await(read_all(*stream_)));
}

runtime::Task<void> read_in_pieces(Stream& stream, std::string& all, int& count) {
  std::string piece(1000, '\0');
  while (true) {
    auto reading = stream.read_some(std::as_writable_bytes(std::span(piece)));
    const Result<std::size_t> read = co_await reading;
    if (!read || *read == 0) co_return;
    all.append(piece, 0, *read);
    ++count;
  }
}

// One record can stand for megabytes.
TEST_F(DeflateStreamTest, Read_LittleThatStandsForMuch_LeavesTurnsToOthers) {
  const std::string much(1'000'000, 'x');
  Packer packer;
  start();
  below_->to_read.push_back(packer.pack(much));
  std::string all;
  int count = 0;
  int at_first_turn = 0;
  runtime::Wakeup other([&] { at_first_turn = count; });
  loop_.schedule(other);
  runtime::TaskRunner<void> reader;
  reader.start(read_in_pieces(*stream_, all, count), [] {});
  loop_.run_until([&reader] { return !reader.is_running(); });
  EXPECT_TRUE(all == much);
  EXPECT_GT(at_first_turn, 0);
  EXPECT_LE(at_first_turn, kReadsInARow);
}

TEST_F(DeflateStreamTest, Read_WhatIsNotDeflate_IsAnError) {
  start();
  below_->to_read.emplace_back("* BYE this is plain text\r\n");
  const Result<std::string> read = await(read_all(*stream_));
  ASSERT_FALSE(read);
  EXPECT_EQ("corrupt_compression", read.error().code);
  EXPECT_TRUE(read.error().remedy.contains("compress: off"));
}

TEST_F(DeflateStreamTest, Read_TheMarkOfTheEnd_IsTheEnd) {
  Packer packer;
  start();
  below_->to_read.push_back(packer.pack("* BYE\r\n", Z_FINISH));
  below_->to_read.emplace_back("and what comes after it");
  EXPECT_EQ("* BYE\r\n", await(read_all(*stream_)));
}

TEST_F(DeflateStreamTest, Read_CutInTheMiddle_GivesWhatCameAndTheEnd) {
  Packer packer;
  const std::string packed = packer.pack("* 1 EXISTS\r\n");
  start();
  below_->to_read.push_back(packed + packer.pack("* 2 EXISTS\r\n").substr(0, 2));
  const Result<std::string> read = await(read_all(*stream_));
  ASSERT_TRUE(read);
  EXPECT_TRUE(read->starts_with("* 1 EXISTS\r\n") && !read->contains("* 2 EXISTS")) << *read;
}

TEST_F(DeflateStreamTest, Write_EachCommand_CanBeReadAtOnce) {
  start();
  Unpacker unpacker;
  for (const std::string& command : {std::string("A1 NOOP\r\n"), std::string("A2 UID FETCH 1:9 (UID)\r\n"),
                                     "A3 LIST \"\" \"" + std::string(100'000, '%') + "\"\r\n"}) {
    below_->written.clear();
    ASSERT_TRUE(await(stream_->write_all(bytes_of(command))));
    EXPECT_TRUE(command == unpacker.unpack(below_->written)) << command.size();
  }
}

} // namespace
} // namespace mailmoor::net
