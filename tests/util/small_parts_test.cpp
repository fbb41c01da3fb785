// The one-screen headers: concat, ascii, ScopeExit, UniqueFd, StrongInt, Error and Result, time_text.
#include "util/ascii.h"
#include "util/concat.h"
#include "util/result.h"
#include "util/scope_exit.h"
#include "util/strong_int.h"
#include "util/time_text.h"
#include "util/unique_fd.h"

#include <gtest/gtest.h>

#include <cerrno>
#include <cstdint>
#include <fcntl.h>
#include <limits>
#include <set>

namespace mailmoor {
namespace {

TEST(Concat, MixedPieces_AreJoined) {
  EXPECT_EQ(concat(), "");
  EXPECT_EQ(concat("a", 5, 'c'), "a5c");
  EXPECT_EQ(concat(std::string("x"), std::string_view("y"), -1, '\0').size(), 5U);
  EXPECT_EQ(concat(std::numeric_limits<std::int64_t>::min(), ' ', std::numeric_limits<std::uint64_t>::max()),
            "-9223372036854775808 18446744073709551615");
  EXPECT_EQ(concat(std::uint8_t{65}), "65"); // a number, not "A"
}

TEST(Ascii, Folding_LeavesOtherBytesAlone) {
  EXPECT_EQ(to_lower_ascii("INBOX.\xC3\x84@[Z"), "inbox.\xC3\x84@[z");
  EXPECT_TRUE(equals_ignoring_case("OK", "ok"));
  EXPECT_FALSE(equals_ignoring_case("OK", "okay"));
  EXPECT_FALSE(equals_ignoring_case("[", "{")); // 0x20 apart, yet no letters
  EXPECT_TRUE(contains_ignoring_case("BAD Throttled now", "throttled"));
  EXPECT_TRUE(contains_ignoring_case("", ""));
  EXPECT_FALSE(contains_ignoring_case("throttle", "throttled"));
}

TEST(ScopeExit, Leaving_RunsOnceUnlessReleased) {
  int runs = 0;
  {
    const ScopeExit count([&runs] { ++runs; });
    EXPECT_EQ(runs, 0);
  }
  EXPECT_EQ(runs, 1);
  {
    ScopeExit count([&runs] { ++runs; });
    count.release();
  }
  EXPECT_EQ(runs, 1);
}

[[nodiscard]] bool is_open_in_kernel(int fd) {
  return ::fcntl(fd, F_GETFD) != -1;
}

TEST(UniqueFd, Ownership_ClosesExactlyOnce) {
  int raw = ::open("/dev/null", O_RDONLY | O_CLOEXEC);
  ASSERT_GE(raw, 0);
  {
    UniqueFd first(raw);
    UniqueFd second(std::move(first));
    EXPECT_FALSE(first.is_open()); // NOLINT(bugprone-use-after-move)
    EXPECT_EQ(second.get(), raw);
    UniqueFd& same = second;
    second = std::move(same);
    EXPECT_TRUE(second.is_open());
    EXPECT_TRUE(is_open_in_kernel(raw));
  }
  EXPECT_FALSE(is_open_in_kernel(raw));
}

TEST(UniqueFd, AssignedOver_ClosesTheOldOne) {
  const int old = ::open("/dev/null", O_RDONLY | O_CLOEXEC);
  const int fresh = ::open("/dev/null", O_RDONLY | O_CLOEXEC);
  UniqueFd fd(old);
  fd = UniqueFd(fresh);
  EXPECT_FALSE(is_open_in_kernel(old));
  EXPECT_EQ(fd.get(), fresh);
  const int released = fd.release();
  EXPECT_EQ(released, fresh);
  EXPECT_FALSE(fd.is_open());
  EXPECT_TRUE(is_open_in_kernel(fresh));
  fd.reset(released);
  fd.reset();
  EXPECT_FALSE(is_open_in_kernel(fresh));
}

struct Apples : StrongInt<Apples, int> {
  using StrongInt::StrongInt;
};
struct Pears : StrongInt<Pears, int> {
  using StrongInt::StrongInt;
};
template<class A, class B>
concept Comparable = requires(const A& a, const B& b) { a == b; };
static_assert(Comparable<Apples, Apples>);
static_assert(!Comparable<Apples, Pears>);
static_assert(!std::is_convertible_v<int, Apples>);
static_assert(!std::is_convertible_v<Apples, int>);

TEST(StrongInt, Order_IsThatOfTheValue) {
  EXPECT_LT(Apples(1), Apples(2));
  EXPECT_EQ(Apples(), Apples(0));
  EXPECT_EQ((std::set<Apples>{Apples(2), Apples(1)}).begin()->value(), 1);
}

TEST(Error, Names_AreDistinctAndStable) { // persisted in state.db
  EXPECT_EQ(error_kind_name(ErrorKind::kMessage), "message");
  EXPECT_EQ(error_kind_name(ErrorKind::kFolder), "folder");
  EXPECT_EQ(error_kind_name(ErrorKind::kMailbox), "mailbox");
  EXPECT_EQ(error_kind_name(ErrorKind::kHost), "host");
  EXPECT_EQ(error_kind_name(ErrorKind::kApp), "app");
  EXPECT_EQ(error_kind_name(ErrorKind::kOperator), "operator");
  EXPECT_EQ(error_kind_name(ErrorKind::kBug), "bug");
}

TEST(Error, Within_PutsContextInFrontAndKeepsTheRest) {
  Status status = fail(ErrorKind::kHost, "connect_failed", "refused", "start the server");
  ASSERT_FALSE(status);
  status.error().imposed_wait = std::chrono::milliseconds(5);
  const Status outer = pass(std::move(status).error().within("imap.example.org:993"));
  EXPECT_EQ(outer.error().what, "imap.example.org:993: refused");
  EXPECT_EQ(outer.error().kind, ErrorKind::kHost);
  EXPECT_EQ(outer.error().code, "connect_failed");
  EXPECT_EQ(outer.error().remedy, "start the server");
  EXPECT_EQ(outer.error().imposed_wait, std::chrono::milliseconds(5));
}

TEST(Error, ErrnoText_NamesTheCause) {
  EXPECT_EQ(errno_text(ENOSPC), "No space left on device");
}

TEST(TimeText, Rfc3339_IsUtc) {
  using std::chrono::seconds;
  EXPECT_EQ(to_rfc3339(UnixTime(seconds(0))), "1970-01-01T00:00:00Z");
  EXPECT_EQ(to_rfc3339(UnixTime(seconds(951'782'399))), "2000-02-28T23:59:59Z");
  EXPECT_EQ(to_rfc3339(UnixTime(seconds(951'868'799))), "2000-02-29T23:59:59Z");
  EXPECT_EQ(to_rfc3339(UnixTime(seconds(-1))), "1969-12-31T23:59:59Z");
  EXPECT_EQ(to_rfc3339(UnixTime(seconds(4'102'444'800))), "2100-01-01T00:00:00Z");
  EXPECT_EQ(to_rfc3339(UnixTime(seconds(-62'135'596'800))), "0001-01-01T00:00:00Z"); // four digits, RFC 3339 §5.6
}

} // namespace
} // namespace mailmoor
