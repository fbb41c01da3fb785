#include "supervisor/notifier.h"

#include "util/concat.h"
#include "util/unique_fd.h"

#include <cstdlib>
#include <cstring>
#include <gmock/gmock.h>
#include <string>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>
#include <vector>

namespace mailmoor::supervisor {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

// systemd's end of the line.
class NotifierTest : public ::testing::Test {
 protected:
  void SetUp() override {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    const std::string name = concat("mailmoor-notify-", ::getpid()); // abstract: nothing to clean up
    std::memcpy(address.sun_path + 1, name.data(), name.size());
    const auto size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + 1 + name.size());
    socket_ = UniqueFd(::socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
    ASSERT_EQ(0, ::bind(socket_.get(), reinterpret_cast<const sockaddr*>(&address), size));
    ::setenv("NOTIFY_SOCKET", concat("@", name).c_str(), 1);
  }
  void TearDown() override {
    for (const char* name : {"NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID"})
      ::unsetenv(name);
  }
  [[nodiscard]] std::vector<std::string> told() const {
    std::vector<std::string> messages;
    char buffer[4096];
    for (ssize_t size = 0; (size = ::recv(socket_.get(), buffer, sizeof buffer, 0)) >= 0;)
      messages.emplace_back(buffer, static_cast<std::size_t>(size));
    return messages;
  }
  UniqueFd socket_;
};

TEST_F(NotifierTest, Ready_CarriesTheStatus) {
  Notifier notifier;
  notifier.ready("3 mailboxes");
  EXPECT_THAT(told(), ElementsAre("READY=1\nSTATUS=3 mailboxes"));
}

TEST_F(NotifierTest, Status_IsToldWhenItChanges) {
  Notifier notifier;
  notifier.ready("one");
  notifier.status("one");
  notifier.status("two");
  notifier.status("two");
  notifier.status("one");
  EXPECT_THAT(told(), ElementsAre("READY=1\nSTATUS=one", "STATUS=two", "STATUS=one"));
}

TEST_F(NotifierTest, Reload_NamesItsMoment) {
  Notifier notifier;
  notifier.reloading();
  const auto messages = told();
  ASSERT_EQ(1U, messages.size());
  ASSERT_THAT(messages[0], ::testing::StartsWith("RELOADING=1\nMONOTONIC_USEC="));
  const auto told_at = std::strtoll(messages[0].c_str() + std::strlen("RELOADING=1\nMONOTONIC_USEC="), nullptr, 10);
  timespec now{};
  ::clock_gettime(CLOCK_MONOTONIC, &now);
  const auto microseconds = static_cast<long long>(now.tv_sec) * 1'000'000 + now.tv_nsec / 1000;
  EXPECT_LE(told_at, microseconds);
  EXPECT_GT(told_at, microseconds - 60'000'000);
}

TEST_F(NotifierTest, StoppingAndWatchdog_AreSystemdsWords) {
  Notifier notifier;
  notifier.watchdog();
  notifier.stopping();
  const auto messages = told();
  ASSERT_EQ(2U, messages.size());
  EXPECT_EQ("WATCHDOG=1", messages[0]);
  EXPECT_THAT(messages[1], HasSubstr("STOPPING=1\n"));
}

TEST_F(NotifierTest, WatchdogInterval_IsSystemds) {
  EXPECT_FALSE(Notifier().watchdog_interval());
  ::setenv("WATCHDOG_USEC", "30000000", 1);
  EXPECT_EQ(std::chrono::seconds(30), Notifier().watchdog_interval());
  ::setenv("WATCHDOG_PID", concat(::getpid() + 1).c_str(), 1);
  EXPECT_FALSE(Notifier().watchdog_interval()) << "meant for another process";
}

TEST_F(NotifierTest, NotUnderSystemd_IsSilent) {
  ::unsetenv("NOTIFY_SOCKET");
  Notifier notifier;
  notifier.ready("x");
  notifier.watchdog();
  notifier.stopping();
  EXPECT_THAT(told(), IsEmpty());
}

} // namespace
} // namespace mailmoor::supervisor
