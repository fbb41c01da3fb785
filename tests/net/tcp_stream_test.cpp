#include "net/tcp_stream.h"

#include "net/net_fixture.h"

#include <array>
#include <fcntl.h>
#include <string>

namespace mailmoor::net {
namespace {

using runtime::Task;

class TcpStreamTest : public NetTest {
 protected:
  TcpStreamTest() {
    std::array<int, 2> pair{};
    EXPECT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, pair.data()), 0);
    stream_ = std::make_unique<TcpStream>(loop_, UniqueFd(pair[0]), "peer:1");
    theirs_ = UniqueFd(pair[1]);
  }
  std::unique_ptr<TcpStream> stream_;
  UniqueFd theirs_;
};

TEST_F(TcpStreamTest, reads_to_the_end) {
  ASSERT_TRUE(Peer(theirs_.get()).write("hello"));
  theirs_.reset();
  EXPECT_EQ(*await(read_all(*stream_)), "hello");
}

TEST_F(TcpStreamTest, writes_more_than_the_socket_holds) {
  const std::string much(2'000'000, 'x');
  std::string arrived;
  std::jthread reader([&arrived, &much, this] {
    const int flags = ::fcntl(theirs_.get(), F_GETFL);
    ::fcntl(theirs_.get(), F_SETFL, flags & ~O_NONBLOCK);
    Peer peer(theirs_.get());
    while (arrived.size() < much.size())
      arrived += peer.read();
  });
  EXPECT_TRUE(await(stream_->write_all(bytes_of(much))));
  reader.join();
  EXPECT_TRUE(arrived == much);
}

TEST_F(TcpStreamTest, writing_to_a_peer_that_is_gone_is_an_error_and_no_signal) {
  theirs_.reset();
  const Status status = await(stream_->write_all(bytes_of("NOOP\r\n")));
  ASSERT_FALSE(status);
  EXPECT_EQ(status.error().code, "connection_lost");
  EXPECT_TRUE(status.error().what.contains("peer:1"));
}

Task<void> read_bytewise(Stream& stream, int& count) {
  std::array<std::byte, 1> one{};
  while (true) {
    const Result<std::size_t> read = co_await stream.read_some(one);
    if (!read || *read == 0) co_return;
    ++count;
  }
}

// A server that always has more to say does not keep the others from their turn.
TEST_F(TcpStreamTest, a_flood_leaves_turns_to_others) {
  const std::string flood(10'000, 'x');
  ASSERT_TRUE(Peer(theirs_.get()).write(flood));
  theirs_.reset();
  int count = 0;
  int at_first_turn = 0;
  runtime::Wakeup other([&] { at_first_turn = count; });
  loop_.schedule(other);
  runtime::TaskRunner<void> reader;
  reader.start(read_bytewise(*stream_, count), [] {});
  loop_.run_until([&reader] { return !reader.is_running(); });
  EXPECT_EQ(count, 10'000);
  EXPECT_GT(at_first_turn, 0);
  EXPECT_LE(at_first_turn, kReadsInARow);
}

} // namespace
} // namespace mailmoor::net
