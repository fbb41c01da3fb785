// A fleet of a thousand mailboxes on a tenant of Exchange Online, in simulated time; see is_long().
#include "fleet/fleet_rig.h"

#include <iostream>

namespace mailmoor::testing {
namespace {

using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;
using Box = SimulatedTenant::Box;

[[nodiscard]] std::string message(std::size_t number) {
  return concat("Subject: ", number, "\r\n\r\nhello\r\n");
}

// The longest time between two visits of `box` in which neither it was paused nor its `since` had not come.
[[nodiscard]] milliseconds longest_gap(const Box& box, runtime::WallTime since, runtime::WallTime until) {
  std::vector<runtime::WallTime> marks = box.visits;
  marks.push_back(until);
  milliseconds longest{};
  runtime::WallTime last = since;
  for (const runtime::WallTime mark : marks) {
    runtime::WallTime from = last;
    for (const auto& [begin, end] : box.pauses)
      if (begin < mark) from = std::max(from, end);
    longest = std::max(longest, mark - from);
    last = mark;
  }
  return longest;
}

// Mail arrives for everybody, each ten minutes or so.
void run_with_mail(FleetRig& rig, runtime::Duration span, std::mt19937_64& random) {
  const auto steps = span / seconds(10);
  for (auto step = 0; step < steps; ++step) {
    for (auto& [user, box] : rig.tenant.boxes)
      if (random() % 60 == 0) box.deliver(message(box.inbox.size() + 1));
    rig.run_for(seconds(10));
  }
}

void expect_all_mail(FleetRig& rig) {
  std::size_t wrong = 0;
  for (const auto& [user, box] : rig.tenant.boxes)
    if (rig.delivered(user.substr(0, user.find('@'))) != box.inbox.size()) ++wrong;
  EXPECT_EQ(0U, wrong) << "mailboxes do not have each message once";
}

void expect_visits(const FleetRig& rig, runtime::WallTime since, milliseconds bound) {
  milliseconds worst{};
  std::size_t late = 0;
  for (const auto& [user, box] : rig.tenant.boxes) {
    const milliseconds gap = longest_gap(box, since, rig.tenant.now());
    worst = std::max(worst, gap);
    if (gap > bound) ++late;
  }
  EXPECT_EQ(0U, late) << "mailboxes were not visited within " << bound.count() << " ms";
  std::cout << "longest time without a visit: " << worst.count() / 1000 << " s of " << bound.count() / 1000 << " s\n";
}

void expect_good_manners(const FleetRig& rig) {
  EXPECT_TRUE(rig.tenant.inside_pauses.empty())
      << rig.tenant.inside_pauses.size() << ", the first one: " << rig.tenant.inside_pauses.front();
  EXPECT_TRUE(rig.tenant.strange.empty()) << rig.tenant.strange.front();
  EXPECT_LE(rig.tenant.busiest_minute(), static_cast<std::size_t>(rig.options.logins_per_minute));
  EXPECT_LE(rig.tenant.most_sessions, static_cast<std::size_t>(rig.options.connections));
  std::cout << rig.tenant.logins.size() << " logins, " << rig.tenant.busiest_minute() << " in the busiest minute, "
            << rig.tenant.commands << " commands, " << rig.tenant.most_sessions << " sessions at most\n";
}

// Each tenth mailbox is told to wait, again and again, at a random command, for as long as Exchange was seen to say.
void throttle_a_tenth(FleetRig& rig, std::mt19937_64& random) {
  for (auto& [user, box] : rig.tenant.boxes)
    box.is_unlucky = random() % 10 == 0;
  rig.tenant.throttles = [&random](Box& box) -> std::optional<milliseconds> {
    if (!box.is_unlucky || random() % 30 != 0) return std::nullopt;
    return milliseconds(89'117 + random() % (299'961 - 89'117));
  };
}

// The bound is documented under `limits` in mailmoor.yaml(5).
[[nodiscard]] milliseconds bound_of(const RigOptions& options) {
  const auto round = seconds(61) * options.mailboxes / options.logins_per_minute;
  return std::chrono::duration_cast<milliseconds>(options.poll * 1.05) + round + minutes(1);
}

TEST(Fleet, MailboxesOnTenantThatThrottlesATenth_AllAreVisitedAndNoPauseIsBroken) {
  FleetRig rig({});
  std::mt19937_64 random(1);
  throttle_a_tenth(rig, random);
  const runtime::WallTime began = rig.tenant.now();
  rig.start();
  const minutes half = is_long() ? minutes(35) : minutes(8);
  run_with_mail(rig, half, random);
  rig.restart();
  run_with_mail(rig, half, random);
  expect_good_manners(rig);
  expect_visits(rig, began, bound_of(rig.options));
  rig.tenant.throttles = [](Box&) { return std::nullopt; };
  rig.run_for(minutes(20));
  expect_all_mail(rig);
}

// 1,000 mailboxes with 200 connections cannot all listen for news: they take turns.
TEST(Fleet, FewerConnectionsThanMailboxes_AllAreVisitedWithinTheBound) {
  FleetRig rig({.mailboxes = is_long() ? 1000 : 30, .connections = is_long() ? 200 : 6});
  std::mt19937_64 random(2);
  const runtime::WallTime began = rig.tenant.now();
  rig.start();
  run_with_mail(rig, is_long() ? minutes(40) : minutes(15), random);
  expect_good_manners(rig);
  expect_visits(rig, began, bound_of(rig.options));
  rig.run_for(minutes(20));
  expect_all_mail(rig);
}

TEST(Fleet, BackfillOfEachConnection_DoesNotKeepOthersFromNewMail) {
  if (!is_long()) GTEST_SKIP() << "12,000 messages: MAILMOOR_TEST_LONG=1";
  FleetRig rig({.mailboxes = 30, .connections = 3, .poll = minutes(2)});
  rig.tenant.body_delay = seconds(25);
  for (const char* const busy : {"u10000@example.com", "u10001@example.com", "u10002@example.com"})
    for (std::size_t number = 1; number <= 4000; ++number)
      rig.tenant.boxes[busy].inbox.push_back(message(number));
  const runtime::WallTime began = rig.tenant.now();
  rig.start();
  rig.run_for(minutes(4));
  const auto visited = [&rig] {
    return std::ranges::count_if(rig.tenant.boxes, [](const auto& entry) { return !entry.second.visits.empty(); });
  };
  EXPECT_EQ(3, visited()) << "the three have their turn";
  rig.run_for(minutes(3));
  EXPECT_EQ(30, visited());
  rig.run_for(minutes(50));
  expect_good_manners(rig);
  expect_visits(rig, began, bound_of(rig.options) + minutes(5) + minutes(5));
  rig.run_for(hours(1));
  expect_all_mail(rig);
}

TEST(Fleet, AppWithFewerConnections_KeepsToThem) {
  const int limit = is_long() ? 10 : 5;
  FleetRig rig({.mailboxes = 6 * limit, .connections_per_app = limit});
  std::mt19937_64 random(3);
  const runtime::WallTime began = rig.tenant.now();
  rig.start();
  run_with_mail(rig, minutes(30), random);
  EXPECT_EQ(static_cast<std::size_t>(limit), rig.tenant.most_sessions);
  expect_good_manners(rig);
  expect_visits(rig, began, bound_of(rig.options));
  rig.run_for(minutes(10));
  expect_all_mail(rig);
}

// The machine is suspended for a night; the network comes back a while after it.
TEST(Fleet, MachineSleepsForEightHours_TokensComeFirstAndMailFlowsAtOnce) {
  FleetRig rig({.mailboxes = is_long() ? 1000 : 30, .grant = config::Grant::kDelegated});
  rig.start();
  rig.run_for(minutes(15));
  ASSERT_EQ(rig.tenant.boxes.size(), rig.tenant.open_sessions());
  const std::size_t tokens = rig.tenant.token_answers.size();
  rig.net.fall_silent();
  rig.world.clock.suspend(hours(8));
  rig.tenant.log_out_the_dead();
  for (auto& [user, box] : rig.tenant.boxes)
    box.deliver(message(1));
  const std::size_t dials = rig.net.dials;
  rig.run_for(seconds(40));
  EXPECT_LE(rig.net.dials - dials, 40U) << "without a network the server is tried for, not stormed";
  const std::size_t logins = rig.tenant.logins.size();
  rig.net.is_up = true;
  rig.run_for(seconds(5));
  EXPECT_GE(rig.tenant.bodies, 3U) << "mail flows again";
  ASSERT_GT(rig.tenant.token_answers.size(), tokens);
  ASSERT_GT(rig.tenant.logins.size(), logins);
  EXPECT_LT(rig.tenant.token_answers[tokens], rig.tenant.logins[logins]) << "a new token comes before each login";
  EXPECT_LE(rig.tenant.logins.size() - logins, 40U);
  rig.run_for(minutes(12));
  expect_good_manners(rig);
  EXPECT_EQ(0U, rig.tenant.tokens_refused);
  EXPECT_LE(rig.tenant.token_answers.size() - tokens, rig.tenant.boxes.size() * 11 / 10);
  expect_all_mail(rig);
}

// `compress: auto`: what it takes to pack and unpack is worth it where the server is far away, by the time that it took
// to answer the dialling. One that will not is no fault.
TEST(Fleet, CompressionByItself_IsAskedForOfServersThatAreFarAwayOnly) {
  for (const auto& [latency, is_far] :
       {std::pair(std::chrono::microseconds(20), false), // one way
        std::pair(std::chrono::microseconds(2499), false), std::pair(std::chrono::microseconds(2500), true),
        std::pair(std::chrono::microseconds(40'000), true)}) {
    SCOPED_TRACE(latency.count());
    FleetRig rig({.mailboxes = 3});
    rig.net.latency = latency;
    rig.tenant.more_capabilities = " COMPRESS=DEFLATE";
    for (auto& [user, box] : rig.tenant.boxes)
      box.deliver(message(1));
    rig.start();
    rig.run_for(minutes(2));
    EXPECT_EQ(is_far ? rig.tenant.logins.size() : 0U, rig.tenant.asked_to_compress);
    EXPECT_EQ(3U, rig.tenant.logins.size());
    expect_all_mail(rig);
  }
}

// Somebody sets the clock.
TEST(Fleet, WallClockJumps_NobodyIsLockedOutAndNothingIsStormed) {
  for (const milliseconds jump : {milliseconds(hours(8)), milliseconds(-hours(8))}) {
    FleetRig rig({.mailboxes = is_long() ? 200 : 30});
    rig.start();
    rig.run_for(minutes(5));
    rig.world.clock.jump_wall(jump);
    const std::size_t logins = rig.tenant.logins.size();
    for (auto& [user, box] : rig.tenant.boxes)
      box.deliver(message(1));
    rig.run_for(minutes(1));
    EXPECT_LE(rig.tenant.logins.size() - logins, 120U);
    rig.run_for(minutes(15));
    EXPECT_EQ(0U, rig.tenant.tokens_refused);
    expect_all_mail(rig);
  }
}

} // namespace
} // namespace mailmoor::testing
