#include "log/fault_log.h"

#include "util/concat.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace mailmoor::log {
namespace {

using std::chrono::seconds;
using testing::ElementsAre;
using testing::IsEmpty;

const UnixTime kStart{seconds(1'700'000'000)};

class Faults : public testing::Test {
 protected:
  std::vector<std::string> take() { return std::exchange(lines_, {}); }

  std::vector<std::string> lines_;
  FaultLog faults_{[this](Priority priority, const Fields& fields, std::string_view message) {
    lines_.push_back(
        concat(priority_name(priority), ' ', fields.mailbox, '/', fields.folder, ' ', fields.error, ": ", message));
  }};
};

const Fields kBusy{.mailbox = "alice", .error = "server_busy"};

TEST_F(Faults, LastingFault_IsWrittenOnce) {
  EXPECT_TRUE(faults_.raise(Priority::kWarning, kBusy, "busy", kStart));
  for (int i = 1; i < 1000; ++i)
    EXPECT_FALSE(faults_.raise(Priority::kWarning, kBusy, "busy", kStart + seconds(i * 60)));
  EXPECT_THAT(take(), ElementsAre("warning alice/ server_busy: busy"));
}

TEST_F(Faults, End_IsWrittenOnceWithItsLength) {
  for (int i = 0; i < 5; ++i)
    faults_.raise(Priority::kWarning, kBusy, "busy", kStart);
  take();
  faults_.clear("alice", "", "server_busy", kStart + seconds(3600));
  faults_.clear("alice", "", "server_busy", kStart + seconds(3600));
  EXPECT_THAT(take(), ElementsAre("notice alice/ server_busy: over after 60 min and 5 tries: busy"));
  EXPECT_EQ(faults_.size(), 0U);
}

TEST_F(Faults, ChangedText_IsWrittenButNotMoreOftenThanTheInterval) {
  faults_.raise(Priority::kWarning, kBusy, "busy 1", kStart);
  EXPECT_FALSE(faults_.raise(Priority::kWarning, kBusy, "busy 2", kStart + seconds(1)));
  EXPECT_TRUE(faults_.raise(Priority::kWarning, kBusy, "busy 3", kStart + FaultLog::kChangeInterval));
  EXPECT_FALSE(faults_.raise(Priority::kWarning, kBusy, "busy 3", kStart + FaultLog::kChangeInterval * 3));
  EXPECT_THAT(take(), ElementsAre("warning alice/ server_busy: busy 1", "warning alice/ server_busy: busy 3"));
}

TEST_F(Faults, GettingWorse_IsWrittenAtOnce) {
  faults_.raise(Priority::kWarning, kBusy, "busy", kStart);
  EXPECT_TRUE(faults_.raise(Priority::kErr, kBusy, "busy", kStart + seconds(1)));
  EXPECT_FALSE(faults_.raise(Priority::kWarning, kBusy, "busy", kStart + seconds(2)));
}

TEST_F(Faults, OtherMailboxFolderOrCode_IsAnotherFault) {
  EXPECT_TRUE(faults_.raise(Priority::kWarning, kBusy, "x", kStart));
  EXPECT_TRUE(faults_.raise(Priority::kWarning, {.mailbox = "bob", .error = "server_busy"}, "x", kStart));
  EXPECT_TRUE(
      faults_.raise(Priority::kWarning, {.mailbox = "alice", .folder = "INBOX", .error = "server_busy"}, "x", kStart));
  EXPECT_TRUE(faults_.raise(Priority::kWarning, {.mailbox = "alice", .error = "disk_full"}, "x", kStart));
  EXPECT_EQ(faults_.size(), 4U);
}

TEST_F(Faults, ClearAll_EndsEveryCodeOfThatPlaceOnly) {
  faults_.raise(Priority::kWarning, {.mailbox = "alice", .error = "a"}, "x", kStart);
  faults_.raise(Priority::kWarning, {.mailbox = "alice", .error = "b"}, "y", kStart);
  faults_.raise(Priority::kWarning, {.mailbox = "alice", .folder = "INBOX", .error = "c"}, "z", kStart);
  faults_.raise(Priority::kWarning, {.mailbox = "alice2", .error = "d"}, "z", kStart);
  take();
  faults_.clear_all("alice", "", kStart + seconds(1));
  EXPECT_THAT(take(), ElementsAre("notice alice/ a: over after 1 s and 1 try: x",
                                  "notice alice/ b: over after 1 s and 1 try: y"));
  EXPECT_EQ(faults_.size(), 2U);
}

TEST_F(Faults, RaisedAgainAfterItsEnd_IsWritten) {
  faults_.raise(Priority::kWarning, kBusy, "busy", kStart);
  faults_.clear_all("alice", "", kStart);
  EXPECT_TRUE(faults_.raise(Priority::kWarning, kBusy, "busy", kStart));
}

TEST_F(Faults, Forget_SaysNothing) {
  faults_.raise(Priority::kWarning, kBusy, "busy", kStart);
  faults_.raise(Priority::kWarning, {.mailbox = "alice", .folder = "INBOX", .error = "c"}, "z", kStart);
  take();
  faults_.forget("alice");
  EXPECT_THAT(take(), IsEmpty());
  EXPECT_EQ(faults_.size(), 0U);
}

TEST_F(Faults, MoreThanTheLimit_AreWrittenButNotRemembered) {
  for (std::size_t i = 0; i < FaultLog::kMaxFaults; ++i) {
    const std::string name = std::to_string(i);
    faults_.raise(Priority::kInfo, {.mailbox = name, .error = "e"}, "x", kStart);
  }
  EXPECT_TRUE(faults_.raise(Priority::kInfo, {.mailbox = "one more", .error = "e"}, "x", kStart));
  EXPECT_TRUE(faults_.raise(Priority::kInfo, {.mailbox = "one more", .error = "e"}, "x", kStart));
  EXPECT_EQ(faults_.size(), FaultLog::kMaxFaults);
}

} // namespace
} // namespace mailmoor::log
