#include "log/entry.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace mailmoor::log {
namespace {

using std::chrono::milliseconds;
using testing::ElementsAre;

const std::chrono::sys_time<milliseconds> kTime{milliseconds(1'700'000'000'042)};

Entry make_entry(Priority priority, const Fields& fields, std::string_view message) {
  return {priority, fields, message, kTime};
}

TEST(TextLine, OnlyAMessage_HasTimePriorityAndMessage) {
  const Fields none;
  EXPECT_EQ(text_line(make_entry(Priority::kNotice, none, "started")),
            "time=2023-11-14T22:13:20.042Z priority=notice message=started\n");
}

TEST(TextLine, AllFields_ComeInFixedOrder) {
  const Fields all{.mailbox = "alice",
                   .folder = "Sent Items",
                   .event = "throttled",
                   .error = "server_busy",
                   .uid = 7,
                   .retry_at = UnixTime(std::chrono::seconds(1'700'000'060)),
                   .catalog = &events::kThrottled};
  EXPECT_EQ(text_line(make_entry(Priority::kWarning, all, "wait 60 s")),
            "time=2023-11-14T22:13:20.042Z priority=warning mailbox=alice folder=\"Sent Items\" uid=7 event=throttled "
            "error=server_busy retry_at=2023-11-14T22:14:20Z message_id=0dc08f420f7b4869969566d7be3a7311 "
            "message=\"wait 60 s\"\n");
}

TEST(TextLine, ControlCharactersFromAServer_AreEscaped) {
  const Fields hostile{.folder = "a\nb\x1b[2J"};
  const std::string line = text_line(make_entry(Priority::kErr, hostile, "x\r\ny \"q\" \\ \xff \xe2\x80\xae"));
  EXPECT_EQ(line, "time=2023-11-14T22:13:20.042Z priority=err folder=a\\nb\\x1b[2J "
                  "message=\"x\\r\\ny \\\"q\\\" \\\\ \\xff \\u202e\"\n");
}

TEST(TextLine, CatalogWithoutEvent_NamesTheEvent) {
  const Fields fields{.catalog = &events::kStopped};
  EXPECT_NE(text_line(make_entry(Priority::kNotice, fields, "bye")).find(" event=stopped "), std::string::npos);
}

TEST(JournalFields, AllFields_HaveTheNamesOfTheContract) {
  const Fields all{.mailbox = "alice",
                   .folder = "INBOX",
                   .event = "sync",
                   .error = "server_busy",
                   .uid = 7,
                   .retry_at = UnixTime(std::chrono::seconds(1'700'000'060)),
                   .catalog = &events::kThrottled};
  EXPECT_THAT(journal_fields(make_entry(Priority::kWarning, all, "two\nlines")),
              ElementsAre("MESSAGE=two\nlines", "PRIORITY=4", "SYSLOG_IDENTIFIER=mailmoord", "MAILMOOR_MAILBOX=alice",
                          "MAILMOOR_FOLDER=INBOX", "MAILMOOR_UID=7", "MAILMOOR_EVENT=sync",
                          "MAILMOOR_ERROR=server_busy", "MAILMOOR_RETRY_AT=2023-11-14T22:14:20Z",
                          "MESSAGE_ID=0dc08f420f7b4869969566d7be3a7311"));
}

TEST(JournalFields, EmptyFields_AreLeftOut) {
  const Fields none;
  EXPECT_THAT(journal_fields(make_entry(Priority::kErr, none, "x")),
              ElementsAre("MESSAGE=x", "PRIORITY=3", "SYSLOG_IDENTIFIER=mailmoord"));
}

TEST(JournalFields, Priorities_AreSyslogs) {
  const Fields none;
  const auto priority_of = [&none](Priority p) { return journal_fields(make_entry(p, none, "x")).at(1); };
  EXPECT_EQ(priority_of(Priority::kNotice), "PRIORITY=5");
  EXPECT_EQ(priority_of(Priority::kInfo), "PRIORITY=6");
  EXPECT_EQ(priority_of(Priority::kDebug), "PRIORITY=7");
}

} // namespace
} // namespace mailmoor::log
