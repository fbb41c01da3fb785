#include "supervisor/admission.h"

#include "runtime/run_task.h"

#include <gtest/gtest.h>
#include <list>

namespace mailmoor::supervisor {
namespace {

class AdmissionTest : public ::testing::Test {
 protected:
  // Somebody who takes a place, and keeps it.
  struct Guest {
    explicit Guest(runtime::Semaphore& place) {
      runner.start(take(place), [this](runtime::Semaphore::Permit granted) { permit = std::move(granted); });
    }
    static runtime::Task<runtime::Semaphore::Permit> take(runtime::Semaphore& place) {
      runtime::Semaphore::Permit permit = co_await place.acquire();
      co_return permit;
    }
    runtime::Semaphore::Permit permit;
    runtime::TaskRunner<runtime::Semaphore::Permit> runner;
  };
  [[nodiscard]] static config::Mailbox mailbox(std::string host, std::string app) {
    config::Mailbox mailbox;
    mailbox.host = std::move(host);
    mailbox.app = std::move(app);
    return mailbox;
  }
  runtime::ManualClock clock;
  runtime::Loop loop{clock};
  runtime::Semaphore connections{loop, 100};
  Admission admission{loop, connections};
  std::list<Guest> guests;
};

TEST_F(AdmissionTest, NoLimitsOfTheirOwn_MailboxesNeedNoOtherPlace) {
  admission.set_limits({});
  EXPECT_TRUE(admission.berths_of(mailbox("imap.example", "app")).empty());
}

TEST_F(AdmissionTest, SameHostAndApp_ShareTheirPlaces) {
  config::Limits limits;
  limits.connections_per_host = 2;
  limits.connections_per_app = 1;
  admission.set_limits(limits);
  const Admission::Berths one = admission.berths_of(mailbox("imap.example", "app"));
  ASSERT_EQ(2U, one.size());
  EXPECT_EQ(1U, one[0].places->free_permits()) << "the app, which is narrower, comes first";
  EXPECT_EQ("connections_per_app", one[0].limit);
  EXPECT_EQ(2U, one[1].places->free_permits());
  EXPECT_EQ("connections_per_host", one[1].limit);
  EXPECT_TRUE(one == admission.berths_of(mailbox("imap.example", "app")));
  EXPECT_NE(one[0].places, admission.berths_of(mailbox("imap.example", "other"))[0].places);
  EXPECT_EQ(one[1].places, admission.berths_of(mailbox("imap.example", "other"))[1].places);
  EXPECT_EQ(1U, admission.berths_of(mailbox("imap.example", "")).size()) << "a password needs no app";
}

TEST_F(AdmissionTest, FullHost_ConcernsItsOwnMailboxesOnly) {
  config::Limits limits;
  limits.connections_per_host = 1;
  admission.set_limits(limits);
  const Admission::Berths full = admission.berths_of(mailbox("full.example", ""));
  const Admission::Berths other = admission.berths_of(mailbox("other.example", ""));
  guests.emplace_back(*full[0].places);
  EXPECT_FALSE(admission.somebody_waits());
  guests.emplace_back(*full[0].places);
  EXPECT_TRUE(admission.somebody_waits());
  EXPECT_TRUE(admission.somebody_waits_for(full));
  EXPECT_FALSE(admission.somebody_waits_for(other));
}

TEST_F(AdmissionTest, ManyInLineForTheirLogin_NoMoreAreAskedFor) {
  config::Limits limits;
  limits.connections = 100;
  limits.logins_per_minute = 60; // and ten at once
  admission.set_limits(limits);
  EXPECT_EQ(10U, admission.room());
  std::list<runtime::TaskRunner<void>> logins;
  for (int i = 0; i < 14; ++i)
    logins.emplace_back().start(admission.pace().admit(), [] {});
  EXPECT_EQ(6U, admission.room()) << "four wait";
  for (int i = 0; i < 14; ++i)
    logins.emplace_back().start(admission.pace().admit(), [] {});
  EXPECT_EQ(0U, admission.room());
}

TEST_F(AdmissionTest, FewConnections_HalfOfThemStayAtWork) {
  config::Limits limits;
  limits.connections = 4;
  admission.set_limits(limits);
  EXPECT_EQ(2U, admission.room());
  limits.connections = 1;
  admission.set_limits(limits);
  EXPECT_EQ(1U, admission.room());
}

} // namespace
} // namespace mailmoor::supervisor
