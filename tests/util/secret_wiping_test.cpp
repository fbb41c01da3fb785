// Watches what Secret hands back to the heap: the delete[] of this program looks at every block of one marked size
// before it goes and remembers whether a byte of the secret was still in it.
#include "util/base64.h"
#include "util/secret.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <cstring>
#include <malloc.h>
#include <new>

namespace {

// Large and odd, so that no other allocation of the test program is taken for the secret.
constexpr std::size_t kSize = 7'919;
constexpr char kMark = '\xA7';

int blocks_seen = 0;
int blocks_dirty = 0;
bool watching = false;

void inspect(const void* block) {
  if (!watching || block == nullptr || malloc_usable_size(const_cast<void*>(block)) < kSize) return;
  ++blocks_seen;
  if (std::memchr(block, kMark, kSize) != nullptr) ++blocks_dirty;
}

} // namespace

void* operator new[](std::size_t size) {
  if (void* block = std::malloc(size)) return block;
  throw std::bad_alloc();
}
void operator delete[](void* block) noexcept {
  inspect(block);
  std::free(block);
}
void operator delete[](void* block, std::size_t) noexcept {
  operator delete[](block);
}

namespace mailmoor {
namespace {

class SecretWiping : public ::testing::Test {
 protected:
  void SetUp() override {
    blocks_seen = blocks_dirty = 0;
    watching = true;
  }
  void TearDown() override { watching = false; }

  const std::string plain_ = std::string(kSize, kMark);
};

TEST_F(SecretWiping, UnwipedBlock_IsNoticed) { // the watcher itself
  {
    auto block = std::make_unique<char[]>(kSize);
    std::memset(block.get(), kMark, kSize);
  }
  EXPECT_EQ(blocks_seen, 1);
  EXPECT_EQ(blocks_dirty, 1);
}

TEST_F(SecretWiping, Destroyed_IsWiped) {
  {
    const Secret secret(plain_);
  }
  EXPECT_EQ(blocks_seen, 1);
  EXPECT_EQ(blocks_dirty, 0);
}

TEST_F(SecretWiping, AssignedOver_IsWiped) {
  Secret secret(plain_);
  secret = Secret("short");
  EXPECT_EQ(blocks_seen, 1);
  EXPECT_EQ(blocks_dirty, 0);
}

TEST_F(SecretWiping, Grown_LeavesNoOldBlock) {
  Secret secret(plain_);
  secret.append(plain_);
  EXPECT_EQ(blocks_seen, 1);
  EXPECT_EQ(blocks_dirty, 0);
}

TEST_F(SecretWiping, Moved_IsWipedOnce) {
  {
    Secret first(plain_);
    const Secret second(std::move(first));
  }
  EXPECT_EQ(blocks_seen, 1);
  EXPECT_EQ(blocks_dirty, 0);
}

} // namespace
} // namespace mailmoor
