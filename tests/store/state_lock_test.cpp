#include "store/state_lock.h"

#include "store/test_files.h"
#include "util/concat.h"

#include <array>
#include <csignal>

namespace mailmoor::store {
namespace {

using StateLock = InDirectory;

TEST_F(StateLock, MissingDirectory_IsMadeForItsOwnerOnly) {
  const auto lock = lock_state_directory_blocking(path("state"));
  ASSERT_TRUE(lock) << lock.error().what;
  struct stat made{};
  ASSERT_EQ(::stat(path("state").c_str(), &made), 0);
  EXPECT_EQ(made.st_mode & 07777, 0700U);
  EXPECT_EQ(read_file(path("state/lock")), concat(::getpid(), '\n'));
}

TEST_F(StateLock, SecondDaemon_IsToldTheFirstOnesProcess) {
  std::array<int, 2> ready{};
  ASSERT_EQ(::pipe(ready.data()), 0);
  const pid_t holder = ::fork();
  if (holder == 0) {
    const auto lock = lock_state_directory_blocking(directory_);
    const char answer = lock ? '1' : '0';
    if (::write(ready[1], &answer, 1) == 1) ::pause();
    ::_exit(1);
  }
  char answer = 0;
  ASSERT_EQ(::read(ready[0], &answer, 1), 1);
  ASSERT_EQ(answer, '1');
  const auto refused = lock_state_directory_blocking(directory_);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, "state_dir_in_use");
  EXPECT_NE(refused.error().what.find(concat("process ", holder)), std::string::npos) << refused.error().what;

  ::kill(holder, SIGKILL);
  ASSERT_EQ(::waitpid(holder, nullptr, 0), holder);
  EXPECT_TRUE(lock_state_directory_blocking(directory_)) << "a killed holder must not keep the lock";
  ::close(ready[0]);
  ::close(ready[1]);
}

TEST_F(StateLock, EndsWithItsObject) {
  {
    const auto lock = lock_state_directory_blocking(directory_);
    ASSERT_TRUE(lock);
    EXPECT_FALSE(lock_state_directory_blocking(directory_));
  }
  EXPECT_TRUE(lock_state_directory_blocking(directory_));
}

TEST_F(StateLock, UnusableDirectory_IsSaidSo) {
  EXPECT_EQ(lock_state_directory_blocking(path("absent/state")).error().code, "state_dir_unusable");
  write_file(path("file"), "");
  EXPECT_EQ(lock_state_directory_blocking(path("file")).error().code, "state_dir_unusable");
}

} // namespace
} // namespace mailmoor::store
