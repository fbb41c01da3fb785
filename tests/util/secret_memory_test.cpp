#include "util/secret.h"
#include "util/secret_memory.h"

#include <gtest/gtest.h>

#include <charconv>
#include <fstream>
#include <sstream>
#include <string>
#include <sys/resource.h>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>
#include <vector>

namespace mailmoor {
namespace {

// What the kernel says of the mapping around `place`: the line of /proc/self/maps, and its VmFlags (proc(5)).
struct Mapping {
  std::uintptr_t begin = 0;
  std::uintptr_t end = 0;
  std::string access;
  std::string flags = " ";

  [[nodiscard]] bool has(const std::string& flag) const { return flags.find(" " + flag + " ") != std::string::npos; }
};

[[nodiscard]] Mapping mapping_at(const void* place) {
  const auto wanted = reinterpret_cast<std::uintptr_t>(place);
  std::ifstream smaps("/proc/self/smaps");
  Mapping mapping;
  bool is_inside = false;
  for (std::string line; std::getline(smaps, line);) {
    const std::size_t dash = line.find('-');
    const std::size_t blank = line.find(' ');
    if (dash < blank && blank != std::string::npos && line.find(':') > blank) {
      std::from_chars(line.data(), line.data() + dash, mapping.begin, 16);
      std::from_chars(line.data() + dash + 1, line.data() + blank, mapping.end, 16);
      is_inside = wanted >= mapping.begin && wanted < mapping.end;
      mapping.access = line.substr(blank + 1, 4);
    } else if (is_inside && line.starts_with("VmFlags:")) {
      mapping.flags = line.substr(8) + " ";
      return mapping;
    }
  }
  return {};
}

// Runs `body` in a forked child; its exit status.
template<class Body>
[[nodiscard]] int in_child(Body body) {
  const pid_t child = ::fork();
  if (child == 0) ::_exit(body());
  int status = -1;
  ::waitpid(child, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : 1000 + WTERMSIG(status);
}

TEST(SecretMemory, PagesOfASecret_AreLockedAndNeitherDumpedNorInherited) {
  for (const std::size_t size : {10UL, 3000UL, 16384UL, 200'000UL}) {
    const Secret secret(std::string(size, 's'));
    const Mapping mapping = mapping_at(secret.reveal().data());
    EXPECT_TRUE(mapping.has("lo")) << size << mapping.flags;
    EXPECT_TRUE(mapping.has("dd")) << size << mapping.flags;
    EXPECT_TRUE(mapping.has("wf")) << size << mapping.flags;
  }
  // The look itself: an ordinary string has none of this.
  const std::string plain(3000, 's');
  const Mapping ordinary = mapping_at(plain.data());
  EXPECT_EQ(ordinary.access, "rw-p");
  EXPECT_FALSE(ordinary.has("lo") || ordinary.has("dd") || ordinary.has("wf")) << ordinary.flags;
}

TEST(SecretMemory, PagesAround_CannotBeTouched) {
  const Secret secret(std::string(200'000, 's')); // a mapping of its own
  const Mapping mapping = mapping_at(secret.reveal().data());
  const auto* const begin = reinterpret_cast<const char*>(mapping.begin);
  EXPECT_EQ(mapping_at(begin - 1).access, "---p");
  EXPECT_EQ(mapping_at(begin + (mapping.end - mapping.begin)).access, "---p");
}

TEST(SecretMemory, ForkedChild_SeesZeroes_AndMayUseSecretsOfItsOwn) {
  const Secret inherited("hunter2");
  EXPECT_EQ(in_child([&inherited] {
              if (inherited.reveal() != std::string_view("\0\0\0\0\0\0\0", 7)) return 1;
              const Secret own("hunter3");
              return own.reveal() == "hunter3" ? 0 : 2;
            }),
            0);
  EXPECT_EQ(inherited.reveal(), "hunter2");
}

TEST(SecretMemory, BeyondTheLimit_IsCountedAndStillNotDumped) {
  EXPECT_EQ(in_child([] {
              const rlimit limit{128UL * 1024, 128UL * 1024};
              if (::setrlimit(RLIMIT_MEMLOCK, &limit) != 0) return 1;
              if (::geteuid() == 0 && ::setresuid(65534, 65534, 65534) != 0) return 2; // root may lock without limit
              const secret_memory::Usage before = secret_memory::usage();
              std::vector<Secret> secrets;
              for (int i = 0; i < 100; ++i)
                secrets.emplace_back(std::string(4000, 's'));
              const secret_memory::Usage after = secret_memory::usage();
              if (after.locked - before.locked > 128UL * 1024) return 3;
              if (after.not_locked - before.not_locked < 256UL * 1024) return 4;
              const Mapping last = mapping_at(secrets.back().reveal().data());
              if (last.has("lo") || !last.has("dd")) return 5;
              secrets.clear();
              const secret_memory::Usage end = secret_memory::usage();
              return end.locked + end.not_locked < after.locked + after.not_locked ? 0 : 6;
            }),
            0);
}

TEST(SecretMemory, ManySecrets_KeepTheirBytes_AndTheirPagesGoWithThem) {
  const secret_memory::Usage before = secret_memory::usage();
  {
    std::vector<std::pair<Secret, std::string>> secrets;
    for (std::size_t i = 0; i < 3000; ++i) {
      std::string text((i * 37) % 20'000, static_cast<char>('a' + i % 26));
      secrets.emplace_back(Secret(text), std::move(text));
      if (i % 3 == 0) secrets.erase(secrets.begin() + static_cast<std::ptrdiff_t>(secrets.size() / 2));
    }
    for (const auto& [secret, text] : secrets)
      ASSERT_EQ(secret.reveal(), text);
  }
  const secret_memory::Usage after = secret_memory::usage();
  EXPECT_LE(after.locked + after.not_locked, before.locked + before.not_locked + 14 * 64 * 1024);
}

TEST(SecretMemory, UsedByManyThreads_StaysWhole) {
  std::vector<std::thread> threads;
  std::vector<int> wrong(4);
  for (std::size_t t = 0; t < wrong.size(); ++t)
    threads.emplace_back([&wrong, t] {
      const std::string text(100 + t * 900, static_cast<char>('a' + t));
      std::vector<Secret> kept;
      for (int i = 0; i < 2000; ++i) {
        kept.emplace_back(text);
        if (kept.size() > 50) kept.erase(kept.begin());
        wrong[t] += kept.front().reveal() == text ? 0 : 1;
      }
    });
  for (std::thread& thread : threads)
    thread.join();
  EXPECT_EQ(wrong, std::vector<int>(4));
}

TEST(SecretMemory, NewBlock_IsZero) {
  {
    const Secret old(std::string(1000, 'o'));
  }
  Secret fresh = Secret::of_size(1000);
  EXPECT_EQ(fresh.reveal(), std::string(1000, '\0'));
  fresh.writable()[0] = 'x';
  EXPECT_EQ(fresh.reveal().front(), 'x');
}

} // namespace
} // namespace mailmoor
