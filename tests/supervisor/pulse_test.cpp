#include "supervisor/pulse.h"

#include "support/world.h"

namespace mailmoor::supervisor {
namespace {

using namespace std::chrono_literals;

TEST(Pulse, IdlePool_IsAliveForGood) {
  testing::World world;
  Pulse pulse(world.loop, world.files_pool);
  pulse.start();
  for (int i = 0; i < 100; ++i) {
    world.pass(7s);
    EXPECT_TRUE(pulse.is_alive());
  }
}

TEST(Pulse, StuckThread_IsNoticedAfterTwoMinutesAndForgivenAfterwards) {
  testing::World world;
  Pulse pulse(world.loop, world.files_pool);
  testing::Plug stuck(world.files_pool);
  pulse.start();
  world.clock.advance(119s);
  world.loop.run_ready();
  EXPECT_TRUE(pulse.is_alive());
  world.clock.advance(1s);
  world.loop.run_ready();
  EXPECT_FALSE(pulse.is_alive());
  stuck.pull();
  EXPECT_TRUE(world.until([&] { return pulse.is_alive(); }));
}

TEST(Pulse, MachineThatSlept_IsNoStuckThread) {
  testing::World world;
  Pulse pulse(world.loop, world.files_pool);
  pulse.start();
  world.run_ready();
  world.clock.advance(8h);
  EXPECT_TRUE(pulse.is_alive()) << "before the beat that is due has run";
  world.run_ready();
  EXPECT_TRUE(pulse.is_alive());
}

} // namespace
} // namespace mailmoor::supervisor
