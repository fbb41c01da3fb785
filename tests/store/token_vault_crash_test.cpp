// P5: whatever moment the process dies at, the newest token that a save has returned for is there.
#include "store/test_files.h"
#include "store/token_vault.h"
#include "util/concat.h"

#include <array>
#include <charconv>
#include <csignal>
#include <cstdint>

namespace mailmoor::store {
namespace {

constexpr std::string_view kId = "app/user";

class TokenVaultCrash : public InDirectory {
 protected:
  [[nodiscard]] Result<TokenVault> open() const {
    return TokenVault::open_blocking(path("tokens.db"), make_test_key());
  }

  // The number of the newest stored token; 0 without one.
  [[nodiscard]] std::uint32_t stored_number() const {
    auto vault = open();
    EXPECT_TRUE(vault) << vault.error().what;
    const auto token = vault->load_token_blocking(kId);
    EXPECT_TRUE(token) << token.error().what;
    if (!*token) return 0;
    const std::string_view text = (*token)->refresh_token.reveal();
    std::uint32_t number = 0;
    std::from_chars(text.data(), text.data() + text.size(), number);
    EXPECT_GT(number, 0U);
    return number;
  }

  // Saves token after token, and tells each number once its save has returned.
  void save_forever(int acknowledge, std::uint32_t number) const {
    auto vault = open();
    while (vault) {
      StoredToken token;
      token.refresh_token = Secret(concat(++number));
      token.access_token = Secret(std::string(number % 5000, 'a'));
      if (!vault->save_token_blocking(kId, token)) return;
      if (::write(acknowledge, &number, sizeof number) != sizeof number) return;
    }
  }
};

TEST_F(TokenVaultCrash, KilledWhileSaving_KeepsEveryAcknowledgedToken) {
  std::uint32_t last = 0;
  for (int round = 0; round < 15; ++round) {
    std::array<int, 2> pipe{};
    ASSERT_EQ(::pipe(pipe.data()), 0);
    const pid_t child = ::fork();
    if (child == 0) {
      save_forever(pipe[1], last);
      ::_exit(1);
    }
    ::close(pipe[1]);
    std::uint32_t acknowledged = last;
    for (int i = 0; i < round * 7 + 1; ++i) // the later rounds pass WAL checkpoints, too
      ASSERT_EQ(::read(pipe[0], &acknowledged, sizeof acknowledged), static_cast<ssize_t>(sizeof acknowledged));
    ::kill(child, SIGKILL);
    ASSERT_EQ(::waitpid(child, nullptr, 0), child);
    while (::read(pipe[0], &acknowledged, sizeof acknowledged) == static_cast<ssize_t>(sizeof acknowledged)) {
    }
    ::close(pipe[0]);
    last = stored_number();
    ASSERT_TRUE(last == acknowledged || last == acknowledged + 1) << "stored " << last << ", told " << acknowledged;
  }
}

} // namespace
} // namespace mailmoor::store
