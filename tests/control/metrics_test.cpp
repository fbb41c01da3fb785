#include "control/metrics.h"

#include "control/open_metrics.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

namespace mailmoor::control {
namespace {

using testing::HasSubstr;
using testing::Not;

FleetMetrics numbers() {
  FleetMetrics metrics;
  metrics.version = "1.2.3";
  metrics.connections = 7;
  metrics.errors = {{"host", 3}, {"bug", 0}};
  metrics.loop_lag.observe(0.0005);
  metrics.loop_lag.observe(0.05); // a bound belongs to its bucket
  metrics.loop_lag.observe(60);
  MailboxMetrics& alice = metrics.mailboxes.emplace_back();
  alice.name = "alice";
  alice.state = MailboxState::kThrottled;
  alice.last_sync = UnixTime(std::chrono::seconds(1'800'000'000));
  alice.throttled_until = UnixTime(std::chrono::seconds(1'800'000'300));
  alice.behind = 4;
  alice.poison = 1;
  alice.delivered = 42;
  alice.octets = 18'446'744'073'709'551'615U;
  MailboxMetrics& bob = metrics.mailboxes.emplace_back();
  bob.name = "bob";
  bob.state = MailboxState::kNeedsLogin;
  return metrics;
}

TEST(OpenMetrics, Family_IsSpelledAsTheFormatWants) {
  OpenMetrics out;
  out.family("a_seconds", OpenMetrics::Type::kGauge, "Say \"a\" \\ b\nc.", "seconds");
  out.sample({{"x", "1\"\\\n"}, {"y", ""}}, 5);
  out.family("b", OpenMetrics::Type::kCounter, "B.");
  out.sample({}, 1);
  EXPECT_EQ(std::move(out).finish(), "# TYPE a_seconds gauge\n"
                                     "# UNIT a_seconds seconds\n"
                                     "# HELP a_seconds Say \\\"a\\\" \\\\ b\\nc.\n"
                                     "a_seconds{x=\"1\\\"\\\\\\n\",y=\"\"} 5\n"
                                     "# TYPE b counter\n"
                                     "# HELP b B.\n"
                                     "b_total 1\n"
                                     "# EOF\n");
}

TEST(Metrics, EveryPromisedName_IsThere) {
  const std::string text = to_open_metrics(numbers());
  for (const char* line : {"mailmoor_mailbox_state{mailbox=\"alice\",state=\"throttled\"} 1\n",
                           "mailmoor_mailbox_state{mailbox=\"alice\",state=\"idle\"} 0\n",
                           "mailmoor_last_sync_timestamp_seconds{mailbox=\"alice\"} 1800000000\n",
                           "mailmoor_messages_behind{mailbox=\"alice\"} 4\n",
                           "mailmoor_login_needed{mailbox=\"alice\"} 0\n",
                           "mailmoor_login_needed{mailbox=\"bob\"} 1\n",
                           "mailmoor_throttled_until_timestamp_seconds{mailbox=\"alice\"} 1800000300\n",
                           "mailmoor_messages_delivered_total{mailbox=\"alice\"} 42\n",
                           "mailmoor_bytes_received_total{mailbox=\"alice\"} 18446744073709551615\n",
                           "mailmoor_poison_messages{mailbox=\"alice\"} 1\n",
                           "mailmoor_errors_total{kind=\"host\"} 3\n",
                           "mailmoor_errors_total{kind=\"bug\"} 0\n",
                           "mailmoor_connections 7\n",
                           "mailmoor_loop_lag_seconds_bucket{le=\"0.001\"} 1\n",
                           "mailmoor_loop_lag_seconds_bucket{le=\"0.05\"} 2\n",
                           "mailmoor_loop_lag_seconds_bucket{le=\"10.0\"} 2\n",
                           "mailmoor_loop_lag_seconds_bucket{le=\"+Inf\"} 3\n",
                           "mailmoor_loop_lag_seconds_count 3\n",
                           "mailmoor_loop_lag_seconds_sum 60.0505\n",
                           "mailmoor_build_info{version=\"1.2.3\"} 1\n"})
    EXPECT_THAT(text, HasSubstr(line));
  EXPECT_THAT(text, HasSubstr("# TYPE mailmoor_messages_delivered counter\n"));
  EXPECT_TRUE(text.ends_with("\n# EOF\n"));
}

TEST(Metrics, TimeThatIsNotKnown_HasNoSample) {
  const std::string text = to_open_metrics(numbers());
  EXPECT_THAT(text, Not(HasSubstr("mailmoor_last_sync_timestamp_seconds{mailbox=\"bob\"}")));
  EXPECT_THAT(text, Not(HasSubstr("mailmoor_token_expiry_timestamp_seconds{")));
  EXPECT_THAT(text, HasSubstr("# TYPE mailmoor_token_expiry_timestamp_seconds gauge\n"));
}

} // namespace
} // namespace mailmoor::control
