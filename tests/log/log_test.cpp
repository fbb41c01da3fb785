#include "log/log.h"

#include "log/destination.h"
#include "log/entry.h"
#include "util/concat.h"
#include "util/unique_fd.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <string>
#include <thread>
#include <vector>

namespace mailmoor::log {
namespace {

// Puts a file in the place of stderr for as long as it lives.
class CapturedStderr final {
 public:
  CapturedStderr() : file_(::memfd_create("stderr", MFD_CLOEXEC)), saved_(::dup(STDERR_FILENO)) {
    ::dup2(file_.get(), STDERR_FILENO);
  }
  ~CapturedStderr() { ::dup2(saved_.get(), STDERR_FILENO); }

  [[nodiscard]] std::string text() const {
    std::string out(1 << 20, '\0');
    const ssize_t size = ::pread(file_.get(), out.data(), out.size(), 0);
    out.resize(static_cast<std::size_t>(std::max<ssize_t>(size, 0)));
    return out;
  }

 private:
  UniqueFd file_;
  UniqueFd saved_;
};

std::string stream_name(int fd) {
  struct stat status{};
  ::fstat(fd, &status);
  return concat(status.st_dev, ':', status.st_ino);
}

class Log : public testing::Test {
 protected:
  ~Log() override { close(); }
  CapturedStderr captured_;
};

TEST_F(Log, BeforeOpen_NothingIsEnabledOrWritten) {
  EXPECT_FALSE(enabled(Priority::kErr));
  write(Priority::kErr, {}, "lost");
  EXPECT_EQ(captured_.text(), "");
}

TEST_F(Log, LevelNotice_DropsInfo) {
  open({.level = Priority::kNotice, .destination = Destination::kText});
  EXPECT_TRUE(enabled(Priority::kNotice));
  EXPECT_FALSE(enabled(Priority::kInfo));
  write(Priority::kInfo, {}, "not_this");
  write(Priority::kNotice, {}, "but_this");
  EXPECT_EQ(captured_.text().find("not_this"), std::string::npos);
  EXPECT_NE(captured_.text().find("priority=notice message=but_this\n"), std::string::npos);
}

TEST_F(Log, LevelDebug_WritesEveryPriority) {
  open({.level = Priority::kDebug, .destination = Destination::kText});
  for (const auto name : {"err", "warning", "notice", "info", "debug"})
    write(priority_from_name(name).value(), {}, "x");
  for (const auto name : {"err", "warning", "notice", "info", "debug"})
    EXPECT_NE(captured_.text().find(concat("priority=", name, ' ')), std::string::npos) << name;
}

TEST_F(Log, Secrets_AreRedacted) {
  open({.destination = Destination::kText});
  write(Priority::kErr, {}, "Authorization: Bearer hunter2");
  EXPECT_EQ(captured_.text().find("hunter2"), std::string::npos);
  EXPECT_NE(captured_.text().find("***"), std::string::npos);
}

TEST_F(Log, EndlessMessage_IsCutBetweenCharacters) {
  open({.destination = Destination::kText});
  std::string endless(kMaxMessage - 1, 'x');
  for (int i = 0; i < 1000; ++i)
    endless += "\xc3\xa9";
  write(Priority::kErr, {}, endless);
  const std::string line = captured_.text();
  EXPECT_LT(line.size(), kMaxMessage + 100);
  EXPECT_EQ(line.find("\\x"), std::string::npos) << "a character was cut in two";
}

TEST_F(Log, ManyThreads_LinesStayWhole) {
  open({.destination = Destination::kText});
  {
    std::vector<std::jthread> threads;
    for (int t = 0; t < 4; ++t)
      threads.emplace_back([] {
        for (int i = 0; i < 100; ++i)
          write(Priority::kInfo, {.mailbox = "alice"}, "one whole line");
      });
  }
  const std::string text = captured_.text();
  EXPECT_EQ(std::ranges::count(text, '\n'), 400);
  std::size_t whole = 0;
  for (std::size_t at = 0; (at = text.find("mailbox=alice message=\"one whole line\"\n", at)) != std::string::npos;
       ++at)
    ++whole;
  EXPECT_EQ(whole, 400U);
}

TEST_F(Log, JournalStreamNamesAnotherFile_WritesText) {
  ::setenv("JOURNAL_STREAM", "1:2", 1);
  open({});
  ::unsetenv("JOURNAL_STREAM");
  write(Priority::kErr, {}, "here");
  EXPECT_NE(captured_.text().find("message=here"), std::string::npos);
}

TEST_F(Log, JournalStreamNamesStderr_WritesNoText) {
  ::setenv("JOURNAL_STREAM", stream_name(STDERR_FILENO).c_str(), 1);
  open({});
  ::unsetenv("JOURNAL_STREAM");
  write(Priority::kDebug, {}, "to the journal, if there were one");
  write(Priority::kErr, {}, "");
  EXPECT_EQ(captured_.text(), "");
}

TEST(JournalStream, SameFile_Matches) {
  const UniqueFd file(::memfd_create("stream", MFD_CLOEXEC));
  EXPECT_TRUE(is_journal_stream(stream_name(file.get()), file.get()));
}

TEST(JournalStream, AnythingElse_DoesNot) {
  const UniqueFd file(::memfd_create("stream", MFD_CLOEXEC));
  const UniqueFd other(::memfd_create("other", MFD_CLOEXEC));
  const std::string name = stream_name(file.get());
  EXPECT_FALSE(is_journal_stream(name, other.get()));
  EXPECT_FALSE(is_journal_stream(name, -1));
  for (const std::string& bad :
       std::vector{std::string(), std::string(":"), std::string("1"), name + "x", "x" + name, name + ":1",
                   std::string("99999999999999999999999:1"), std::string("-1:-1")})
    EXPECT_FALSE(is_journal_stream(bad, file.get())) << bad;
}

TEST(PriorityName, UnknownName_IsRefused) {
  EXPECT_EQ(priority_from_name("error"), std::nullopt);
  EXPECT_EQ(priority_from_name(""), std::nullopt);
}

} // namespace
} // namespace mailmoor::log
