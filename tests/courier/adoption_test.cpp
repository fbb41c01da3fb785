#include "courier/adoption.h"

#include "courier/answer.h"
#include "store/derived_key.h"
#include "store/test_files.h"

namespace mailmoor::courier {
namespace {

constexpr std::string_view kTokenId = "app/alice";
constexpr UnixTime kAskedAt{std::chrono::seconds(1'800'000'000)};

// An answer's body is the new refresh token here; an empty one brings none.
[[nodiscard]] std::optional<store::StoredToken> token_after(const store::StoredToken& before, net::HttpAnswer answer,
                                                            UnixTime asked_at) {
  if (answer.body.empty()) return std::nullopt;
  store::StoredToken after;
  after.refresh_token = std::move(answer.body);
  after.access_token = before.access_token.clone();
  after.obtained_at = asked_at;
  after.expires_at = asked_at + std::chrono::hours(1);
  return after;
}

class AdoptionTest : public store::InDirectory {
 protected:
  void SetUp() override {
    InDirectory::SetUp();
    vault_.emplace(store::TokenVault::open_blocking(path("tokens.db"), store::make_test_key()).value());
    hold("R1");
  }
  void hold(std::string_view refresh_token) {
    store::StoredToken token;
    token.refresh_token = Secret(refresh_token);
    token.access_token = Secret("A1");
    ASSERT_TRUE(vault_->save_token_blocking(kTokenId, token));
  }
  [[nodiscard]] std::string held() {
    const auto token = vault_->load_token_blocking(kTokenId);
    return token && *token ? std::string((*token)->refresh_token.reveal()) : "none";
  }
  [[nodiscard]] std::string digest(std::string_view refresh_token) const {
    return store::keyed_digest(key_, Secret(refresh_token)).value();
  }
  // A record of the answer `body` to a refresh with `sent`.
  [[nodiscard]] std::string record(std::uint64_t id, std::string_view sent, std::string_view body,
                                   std::string_view token_id = kTokenId) const {
    KeptAnswer kept;
    kept.sent_digest = digest(sent);
    kept.asked_at = kAskedAt.time_since_epoch().count();
    kept.answer.status = 200;
    kept.answer.body = Secret(body);
    store::JournalEntry entry;
    entry.id = id;
    entry.token_id = token_id;
    entry.sealed = seal_answer(make_sealer(key_).value(), token_id, kept).value();
    return store::encode_record(entry);
  }
  [[nodiscard]] Adoption adopt(std::string_view bytes, std::optional<std::uint64_t> only = std::nullopt) {
    return adopt_blocking(bytes, key_, *vault_, token_after, only).value();
  }

  Secret key_ = store::derive_key(store::make_test_key(), "mailmoor courier.journal").value();
  std::optional<store::TokenVault> vault_;
};

TEST_F(AdoptionTest, AnswerToTheHeldToken_IsStored) {
  const Adoption adoption = adopt(record(1, "R1", "R2"));
  EXPECT_EQ(std::set{digest("R1")}, adoption.digests);
  EXPECT_EQ("R2", held());
  EXPECT_EQ(kAskedAt, (*vault_->load_token_blocking(kTokenId).value()).obtained_at);
}

TEST_F(AdoptionTest, Twice_IsOnce) {
  const std::string bytes = record(1, "R1", "R2");
  EXPECT_EQ(1U, adopt(bytes).digests.size());
  const Adoption again = adopt(bytes);
  EXPECT_TRUE(again.digests.empty());
  EXPECT_EQ(1U, again.dropped);
  EXPECT_EQ("R2", held());
}

TEST_F(AdoptionTest, SignInOrLogoutMeanwhile_IsNotOverwritten) {
  const std::string bytes = record(1, "R1", "R2");
  hold("S1");
  EXPECT_EQ(1U, adopt(bytes).dropped);
  EXPECT_EQ("S1", held());
  ASSERT_TRUE(vault_->erase_token_blocking(kTokenId));
  EXPECT_EQ(1U, adopt(bytes).dropped);
  EXPECT_EQ("none", held());
}

TEST_F(AdoptionTest, AnswerWithoutToken_ChangesNothing) {
  EXPECT_EQ(1U, adopt(record(1, "R1", "")).dropped);
  EXPECT_EQ("R1", held());
}

TEST_F(AdoptionTest, Chain_IsFollowedInOrder) {
  EXPECT_EQ(2U, adopt(record(1, "R1", "R2") + record(2, "R2", "R3")).digests.size());
  EXPECT_EQ("R3", held());
}

TEST_F(AdoptionTest, Only_TakesThatExchange) {
  hold("R2");
  EXPECT_EQ(1U, adopt(record(1, "R1", "R2") + record(2, "R2", "R3"), 2).digests.size());
  EXPECT_EQ("R3", held());
}

TEST_F(AdoptionTest, EveryPrefix_GivesTheOldTokenOrTheNewOne) {
  const std::string bytes = record(1, "R1", "R2");
  for (std::size_t size = 0; size < bytes.size(); ++size) {
    EXPECT_TRUE(adopt(std::string_view(bytes).substr(0, size)).digests.empty()) << size;
    EXPECT_EQ("R1", held());
  }
  EXPECT_EQ(1U, adopt(bytes).digests.size());
}

TEST_F(AdoptionTest, OtherKeyOrOtherToken_IsUnreadableAndChangesNothing) {
  const std::string mine = record(1, "R1", "R2");
  store::JournalEntry moved = store::decode_journal(record(1, "R1", "R2", "app/bob")).entries.at(0);
  moved.token_id = kTokenId;
  EXPECT_EQ(1U, adopt(store::encode_record(moved)).unreadable);
  key_ = Secret(std::string(32, 'x'));
  const Adoption adoption = adopt(mine);
  EXPECT_EQ(1U, adoption.unreadable);
  EXPECT_EQ("R1", held());
}

TEST_F(AdoptionTest, UnreadableEntry_DoesNotStopTheNext) {
  const std::string good = record(2, "R1", "R2");
  key_ = Secret(std::string(32, 'x'));
  const std::string bad = record(1, "R1", "X");
  key_ = store::derive_key(store::make_test_key(), "mailmoor courier.journal").value();
  const Adoption adoption = adopt(bad + good);
  EXPECT_EQ(1U, adoption.unreadable);
  EXPECT_EQ(1U, adoption.digests.size());
  EXPECT_EQ("R2", held());
}

TEST(KeptAnswerTest, TravelsThroughTheSeal) {
  const store::Sealer sealer = make_sealer(Secret(std::string(32, 'k'))).value();
  KeptAnswer kept;
  kept.sent_digest = std::string(32, 'd');
  kept.asked_at = 1'800'000'000;
  kept.answer.status = 429;
  kept.answer.headers = {{"retry-after", "120"}, {"date", "Fri, 01 Jan 2027 00:00:00 GMT"}, {"set-cookie", "x"}};
  kept.answer.body = Secret(std::string(256UL * 1024, 'b'));
  const std::string sealed = seal_answer(sealer, kTokenId, kept).value();
  EXPECT_LT(sealed.size(), store::kMaxJournalRecord);
  const auto opened = open_answer(sealer, kTokenId, sealed);
  ASSERT_TRUE(opened);
  EXPECT_EQ(kept.sent_digest, opened->sent_digest);
  EXPECT_EQ(kept.asked_at, opened->asked_at);
  EXPECT_EQ(429, opened->answer.status);
  EXPECT_EQ("120", opened->answer.headers.at("retry-after"));
  EXPECT_FALSE(opened->answer.headers.contains("set-cookie"));
  EXPECT_TRUE(kept.answer.body == opened->answer.body);
  EXPECT_FALSE(open_answer(sealer, "app/bob", sealed));
}

} // namespace
} // namespace mailmoor::courier
