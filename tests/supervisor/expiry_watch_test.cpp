#include "supervisor/expiry_watch.h"

#include "support/world.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace mailmoor::supervisor {
namespace {

using namespace std::chrono_literals;
using std::chrono::days;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

class ExpiryWatchTest : public ::testing::Test {
 protected:
  void start(std::vector<Expiring> expiring) {
    watch.emplace(world.services, [this](log::Priority priority, const log::Fields& fields, std::string_view message) {
      said.push_back(concat(log::priority_name(priority), " ", fields.catalog->name, ": ", message));
    });
    watch->watch(std::move(expiring));
    world.run_ready();
  }
  [[nodiscard]] Expiring ending_in(std::chrono::seconds time, std::string what = "certificate") const {
    return {"contoso", std::move(what), world.now() + time};
  }
  [[nodiscard]] std::vector<std::string> take() { return std::exchange(said, {}); }

  testing::World world;
  std::vector<std::string> said;
  std::optional<ExpiryWatch> watch;
};

TEST(ExpiryStage, Edges_AreTheDaysThemselves) {
  const UnixTime end{1'800'000'000s};
  EXPECT_EQ(expiry_stage(end, end - days(30) - 1s), ExpiryStage::kFar);
  EXPECT_EQ(expiry_stage(end, end - days(30)), ExpiryStage::kMonth);
  EXPECT_EQ(expiry_stage(end, end - days(14) - 1s), ExpiryStage::kMonth);
  EXPECT_EQ(expiry_stage(end, end - days(14)), ExpiryStage::kFortnight);
  EXPECT_EQ(expiry_stage(end, end - days(3) - 1s), ExpiryStage::kFortnight);
  EXPECT_EQ(expiry_stage(end, end - days(3)), ExpiryStage::kDays);
  EXPECT_EQ(expiry_stage(end, end - 1s), ExpiryStage::kDays);
  EXPECT_EQ(expiry_stage(end, end), ExpiryStage::kOver);
  EXPECT_EQ(expiry_stage(end, end + days(400)), ExpiryStage::kOver);
}

TEST_F(ExpiryWatchTest, WholeLife_SaysEachStageOnce) {
  start({ending_in(days(40))});
  std::vector<std::string> heard;
  for (int day = 0; day < 45; ++day) {
    for (const std::string& line : take())
      heard.push_back(concat("day ", day, ": ", line.substr(0, line.find(':'))));
    for (int hour = 0; hour < 24; ++hour)
      world.pass(1h);
  }
  EXPECT_THAT(heard, ElementsAre("day 10: warning credential_expires", "day 26: warning credential_expires",
                                 "day 37: warning credential_expires", "day 40: err credential_expired"));
}

TEST_F(ExpiryWatchTest, Messages_NameAppKindDayAndWhatToDo) {
  const UnixTime end = world.now() + days(14);
  start({{"contoso", "client_secret", end}});
  const auto soon = take();
  ASSERT_EQ(soon.size(), 1U);
  EXPECT_THAT(soon[0], HasSubstr(concat("the client_secret of app contoso ends on ", to_rfc3339(end).substr(0, 10),
                                        ", in 14 days; ")));
  EXPECT_THAT(soon[0], HasSubstr("mailmoorctl reload"));
  start({{"contoso", "certificate", world.now() - 1s}});
  const auto over = take();
  ASSERT_EQ(over.size(), 1U);
  EXPECT_THAT(over[0], HasSubstr("err credential_expired: the certificate of app contoso ended on "));
}

TEST_F(ExpiryWatchTest, Restart_SaysNothingTwice) {
  const Expiring certificate = ending_in(days(10));
  start({certificate});
  EXPECT_EQ(take().size(), 1U);
  start({certificate});
  EXPECT_THAT(take(), IsEmpty());
  world.clock.advance(days(8));
  start({certificate}); // two days are left
  EXPECT_EQ(take().size(), 1U);
}

TEST_F(ExpiryWatchTest, NewCertificate_StartsAfresh) {
  start({ending_in(days(2))});
  EXPECT_EQ(take().size(), 1U);
  watch->watch({ending_in(days(365))});
  world.run_ready();
  EXPECT_THAT(take(), IsEmpty());
  watch->watch({ending_in(days(20))});
  world.run_ready();
  EXPECT_EQ(take().size(), 1U);
}

TEST_F(ExpiryWatchTest, SecretAndCertificate_AreApart) {
  start({ending_in(days(10), "client_secret"), ending_in(days(10))});
  EXPECT_EQ(take().size(), 2U);
}

} // namespace
} // namespace mailmoor::supervisor
