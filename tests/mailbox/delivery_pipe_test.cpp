#include "mailbox/delivery_pipe.h"
#include "maildir/delivery_fixture.h"
#include "support/world.h"

#include <deque>
#include <gmock/gmock.h>
#include <optional>
#include <string>
#include <vector>

namespace mailmoor::mailbox {
namespace {

using maildir::disk_body;
using maildir::ForgetfulFileOps;
using maildir::identity;
using maildir::uids;
using maildir::wire_body;
using ::testing::IsEmpty;
using ::testing::SizeIs;

constexpr std::size_t kPiece = 256UL * 1024;
constexpr std::size_t kRead = 64UL * 1024;

class PipeTest : public ::testing::Test {
 protected:
  void SetUp() override { pipe.emplace(world.services, maildir::open(disk).value()); }

  void put(std::string_view bytes) { pipe->append(std::as_bytes(std::span(bytes))); }
  void message(std::uint32_t number) {
    const std::string body = wire_body(number);
    pipe->begin();
    put(std::string_view(body).substr(0, 5));
    put(std::string_view(body).substr(5));
    pipe->finish(identity(number));
  }
  // One batch: these messages, and its end.
  void batch(std::string_view numbers) {
    uids(numbers).for_each([this](Uid number) { message(number.value()); });
    pipe->end_batch();
  }
  // Everything on disk and reported.
  void drain() { EXPECT_TRUE(world.finish(done(pipe->drain()))); }
  [[nodiscard]] std::vector<maildir::CommitReport> reports() {
    std::vector<maildir::CommitReport> taken;
    while (auto report = pipe->take_report())
      taken.push_back(*std::move(report));
    return taken;
  }
  void destroy() {
    pipe.reset();
    world.run_ready();
  }
  [[nodiscard]] static runtime::Task<bool> done(runtime::Task<void> task) {
    co_await task;
    co_return true;
  }
  [[nodiscard]] auto in_new() const { return disk.files("/mail/alice/new"); }
  [[nodiscard]] auto in_tmp() const { return disk.files("/mail/alice/tmp"); }

  ForgetfulFileOps disk;
  testing::World world{&disk};
  std::optional<DeliveryPipe> pipe;
};

TEST_F(PipeTest, Batches_AreReportedInOrder) {
  batch("1,3");
  batch("5");
  batch("7,9,11");
  drain();
  const auto told = reports();
  ASSERT_THAT(told, SizeIs(3));
  EXPECT_EQ(uids("1,3"), told[0].delivered);
  EXPECT_EQ(uids("5"), told[1].delivered);
  EXPECT_EQ(uids("7,9,11"), told[2].delivered);
  EXPECT_THAT(in_new(), SizeIs(6));
  for (const auto& [name, bytes] : in_new())
    EXPECT_THAT(name, ::testing::HasSubstr("V14U"));
  EXPECT_THAT(in_tmp(), IsEmpty());
}

TEST_F(PipeTest, Bytes_ArriveWholeAndInOrder) {
  std::string body;
  for (int i = 0; body.size() < 3 * kPiece; ++i)
    body += concat("line ", i, "\r\n");
  pipe->begin();
  for (std::size_t at = 0; at < body.size(); at += kRead - 7) {
    put(std::string_view(body).substr(at, kRead - 7));
    EXPECT_TRUE(world.finish(done(pipe->make_room())));
  }
  pipe->finish(identity(1));
  pipe->end_batch();
  drain();
  std::erase(body, '\r');
  ASSERT_THAT(in_new(), SizeIs(1));
  EXPECT_EQ(body, in_new().begin()->second);
}

TEST_F(PipeTest, NothingWaits_ButMakeRoomAndDrain) {
  const std::size_t before = disk.steps();
  batch("1,3,5");
  world.run_ready();
  EXPECT_EQ(before, disk.steps());
  EXPECT_TRUE(world.finish(done(pipe->make_room()))) << "and that only when there is much";
  world.run_ready();
  EXPECT_EQ(before, disk.steps());
}

TEST_F(PipeTest, SlowDisk_StopsTheReaderAfterTwoPieces) {
  testing::Plug slow(world.files_pool);
  const std::string read(kRead, 'x');
  runtime::TaskRunner<bool> runner;
  std::size_t held = 0;
  bool has_room = true;
  pipe->begin();
  while (has_room && held < 10 * kPiece) {
    put(read);
    held += read.size();
    has_room = false;
    runner.start(done(pipe->make_room()), [&has_room](bool) { has_room = true; });
    world.loop.run_ready();
  }
  EXPECT_FALSE(has_room);
  EXPECT_EQ(2 * kPiece, held);
  slow.pull();
  EXPECT_TRUE(world.until([&] { return has_room; }));
}

TEST_F(PipeTest, SlowDisk_StopsManyEmptyMessagesToo) {
  testing::Plug slow(world.files_pool);
  runtime::TaskRunner<bool> runner;
  std::uint32_t count = 0;
  bool has_room = true;
  while (has_room && count < 10'000) {
    pipe->begin();
    pipe->finish(identity(2 * ++count + 1));
    has_room = false;
    runner.start(done(pipe->make_room()), [&has_room](bool) { has_room = true; });
    world.loop.run_ready();
  }
  EXPECT_EQ(1024U, count); // two steps each, two pieces of 1024 steps
  slow.pull();
  EXPECT_TRUE(world.until([&] { return has_room; }));
}

TEST_F(PipeTest, Drop_LeavesNothingAndDisturbsNobody) {
  message(1);
  pipe->begin();
  put("half of it");
  pipe->drop();
  message(3);
  pipe->end_batch();
  drain();
  const auto told = reports();
  ASSERT_THAT(told, SizeIs(1));
  EXPECT_EQ(uids("1,3"), told[0].delivered);
  EXPECT_FALSE(told[0].error);
  EXPECT_THAT(in_tmp(), IsEmpty());
}

TEST_F(PipeTest, EmptyBatch_IsReportedEmpty) {
  pipe->end_batch();
  drain();
  const auto told = reports();
  ASSERT_THAT(told, SizeIs(1));
  EXPECT_TRUE(told[0].delivered.empty());
  EXPECT_FALSE(told[0].error);
}

TEST_F(PipeTest, LargeBatch_IsMadeDurableInBetween) {
  const std::string megabyte(1024 * 1024, 'x');
  for (std::uint32_t number = 1; number <= 33; number += 2) {
    pipe->begin();
    put(megabyte);
    EXPECT_TRUE(world.finish(done(pipe->make_room())));
    pipe->finish(identity(number));
  }
  drain();
  EXPECT_THAT(reports(), IsEmpty()) << "the batch has not ended";
  EXPECT_THAT(in_new(), SizeIs(16));
  pipe->end_batch();
  drain();
  const auto told = reports();
  ASSERT_THAT(told, SizeIs(1));
  EXPECT_EQ(17U, told[0].delivered.size());
}

// The disk fails at each step in turn: what is told to be delivered is there, what is not has a reason, the batch after
// it goes well, and nothing is left over.
TEST_F(PipeTest, DiskFailsAtAnyStep_TheTruthIsTold) {
  bool failed_somewhere = false;
  for (std::size_t step = 1; step < 100; ++step) {
    ForgetfulFileOps failing;
    testing::World other(&failing);
    DeliveryPipe line(other.services, maildir::open(failing).value());
    const auto send = [&line](std::uint32_t number) {
      const std::string body = wire_body(number);
      line.begin();
      line.append(std::as_bytes(std::span(body)));
      line.finish(identity(number));
    };
    failing.fail_at(step);
    const std::size_t begun = failing.steps();
    for (const std::uint32_t number : {1U, 2U, 3U})
      send(number);
    line.end_batch();
    EXPECT_TRUE(other.finish(done(line.drain())));
    const bool did_fail = failing.steps() >= begun + step;
    const auto first = line.take_report();
    ASSERT_TRUE(first);
    EXPECT_EQ(first->error.has_value(), first->delivered != uids("1:3"));
    if (first->error) {
      EXPECT_EQ("disk_full", first->error->code);
    }
    send(5);
    line.end_batch();
    EXPECT_TRUE(other.finish(done(line.drain())));
    const auto second = line.take_report();
    ASSERT_TRUE(second);
    if (did_fail) {
      EXPECT_EQ(uids("5"), second->delivered);
    }
    std::size_t present = failing.files("/mail/alice/new").size() + failing.files("/mail/alice/cur").size();
    EXPECT_GE(present, first->delivered.size() + second->delivered.size());
    EXPECT_THAT(failing.files("/mail/alice/tmp"), IsEmpty());
    failed_somewhere |= first->error.has_value();
    if (!did_fail) {
      EXPECT_TRUE(failed_somewhere);
      return;
    }
  }
  FAIL() << "a batch of three should not take a hundred steps";
}

TEST_F(PipeTest, DestroyedInTheMiddle_LeavesNothingInTmp) {
  message(1);
  pipe->begin();
  put(std::string(kPiece, 'x'));
  EXPECT_TRUE(world.finish(done(pipe->make_room())));
  world.run_ready();
  EXPECT_THAT(in_tmp(), SizeIs(2)) << "one complete, one half";
  destroy();
  EXPECT_THAT(in_tmp(), IsEmpty());
  EXPECT_THAT(in_new(), IsEmpty());
}

TEST_F(PipeTest, DestroyedWhileWorkIsQueued_DoesNotWaitForIt) {
  testing::Plug slow(world.files_pool);
  batch("1,3");
  runtime::TaskRunner<bool> runner;
  runner.start(done(pipe->drain()), [](bool) {});
  world.loop.run_ready();
  runner.cancel();
  pipe.reset();
  slow.pull();
  world.run_ready();
  EXPECT_THAT(in_tmp(), IsEmpty());
  EXPECT_THAT(in_new(), IsEmpty());
}

} // namespace
} // namespace mailmoor::mailbox
