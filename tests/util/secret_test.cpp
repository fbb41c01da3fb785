#include "util/secret.h"

#include <gtest/gtest.h>

#include <concepts>
#include <ostream>
#include <type_traits>

namespace mailmoor {
namespace {

template<class T>
concept Printable = requires(std::ostream& out, const T& value) { out << value; };

// Copies are spelled clone(); nothing converts or prints by accident.
static_assert(!std::copy_constructible<Secret>);
static_assert(!std::is_copy_assignable_v<Secret>);
static_assert(std::is_nothrow_move_constructible_v<Secret> && std::is_nothrow_move_assignable_v<Secret>);
static_assert(!std::convertible_to<Secret, std::string_view>);
static_assert(!std::convertible_to<std::string_view, Secret>);
static_assert(!Printable<Secret>);

TEST(Secret, Moved_LeavesNothingBehind) {
  Secret first("hunter2");
  Secret second(std::move(first));
  EXPECT_EQ(second.reveal(), "hunter2");
  EXPECT_TRUE(first.empty()); // NOLINT(bugprone-use-after-move): that is the point
  Secret third("old");
  third = std::move(second);
  EXPECT_EQ(third.reveal(), "hunter2");
  EXPECT_EQ(second.reveal(), ""); // NOLINT(bugprone-use-after-move)
}

TEST(Secret, AssignedToItself_Keeps) {
  Secret secret("hunter2");
  Secret& same = secret;
  secret = std::move(same);
  EXPECT_EQ(secret.reveal(), "hunter2");
}

TEST(Secret, Cloned_IsIndependent) {
  Secret original("hunter2");
  Secret copy = original.clone();
  original.append("!");
  EXPECT_EQ(copy.reveal(), "hunter2");
  EXPECT_NE(copy.reveal().data(), original.reveal().data());
}

TEST(Secret, AppendOfItsOwnBytes_Doubles) {
  Secret secret("abc");
  secret.append(secret.reveal());
  EXPECT_EQ(secret.reveal(), "abcabc");
  secret.append("");
  EXPECT_EQ(secret.size(), 6U);
}

TEST(Secret, Comparison_IsByBytes) {
  EXPECT_EQ(Secret("abc"), Secret("abc"));
  EXPECT_EQ(Secret(), Secret(""));
  EXPECT_FALSE(Secret("abc") == Secret("abd"));
  EXPECT_FALSE(Secret("abc") == Secret("abcd"));
  EXPECT_FALSE(Secret(std::string_view("a\0b", 3)) == Secret(std::string_view("a\0c", 3)));
}

TEST(Secret, WipeMemory_ZeroesExactlyTheRange) {
  char bytes[] = "xsecretx";
  wipe_memory(bytes + 1, 6);
  EXPECT_EQ(std::string_view(bytes, 8), std::string_view("x\0\0\0\0\0\0x", 8));
  wipe_memory(nullptr, 0);
}

} // namespace
} // namespace mailmoor
