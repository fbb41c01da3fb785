// What is left of a Secret where it stood, read by the kernel's hand, since the address sanitizer would forbid it.
#include "util/secret.h"

#include <gtest/gtest.h>

#include <fcntl.h>
#include <string>
#include <unistd.h>

namespace mailmoor {
namespace {

constexpr std::size_t kSize = 1000;
constexpr char kMark = '\xA7';

// Whether a mark is among the `size` bytes that stand, or stood, at `bytes`.
[[nodiscard]] bool is_marked(const char* bytes, std::size_t size = kSize) {
  std::string seen(size, '\0');
  const int memory = ::open("/proc/self/mem", O_RDONLY | O_CLOEXEC);
  const ssize_t got = ::pread(memory, seen.data(), size, static_cast<off_t>(reinterpret_cast<std::uintptr_t>(bytes)));
  EXPECT_EQ(got, static_cast<ssize_t>(size)) << "the page is gone, or /proc/self/mem cannot be read";
  ::close(memory);
  return seen.find(kMark) != std::string::npos;
}

class SecretWiping : public ::testing::Test {
 protected:
  const std::string plain_ = std::string(kSize, kMark);
  const Secret neighbour_{std::string(kSize, 'n')}; // keeps the pages mapped
};

TEST_F(SecretWiping, Living_IsSeen) { // the look itself
  const Secret secret(plain_);
  EXPECT_TRUE(is_marked(secret.reveal().data()));
}

TEST_F(SecretWiping, Destroyed_IsWiped) {
  const char* place = nullptr;
  {
    const Secret secret(plain_);
    place = secret.reveal().data();
  }
  EXPECT_FALSE(is_marked(place));
}

TEST_F(SecretWiping, AssignedOver_IsWiped) {
  Secret secret(plain_);
  const char* const place = secret.reveal().data();
  secret = Secret("short");
  EXPECT_FALSE(is_marked(place));
}

TEST_F(SecretWiping, Grown_LeavesNoOldBlock) {
  Secret secret(plain_);
  const char* const place = secret.reveal().data();
  secret.append(plain_);
  ASSERT_NE(secret.reveal().data(), place);
  EXPECT_FALSE(is_marked(place));
  EXPECT_EQ(secret.reveal(), plain_ + plain_);
}

TEST_F(SecretWiping, Moved_StaysAndIsWipedWithItsLastOwner) {
  const char* place = nullptr;
  {
    Secret first(plain_);
    place = first.reveal().data();
    const Secret second(std::move(first));
    EXPECT_EQ(second.reveal().data(), place);
  }
  EXPECT_FALSE(is_marked(place));
}

TEST_F(SecretWiping, Truncated_LeavesNothingBehindTheEnd) {
  Secret secret("kept");
  secret.append(plain_);
  secret.truncate(4);
  EXPECT_EQ(secret.reveal(), "kept");
  EXPECT_FALSE(is_marked(secret.reveal().data()));
}

} // namespace
} // namespace mailmoor
