#include "oauth/device_flow.h"

#include "oauth/replies.h"

#include <gtest/gtest.h>

#include <optional>

namespace mailmoor::oauth {
namespace {

using std::chrono::minutes;
using std::chrono::seconds;
using testing::json_reply;
using testing::kNow;

constexpr std::string_view kPendingBody = R"({"error":"authorization_pending"})";
constexpr std::string_view kSlowDownBody = R"({"error":"slow_down"})";
constexpr std::string_view kGrantBody =
    R"({"access_token":"a","refresh_token":"r","token_type":"Bearer","expires_in":20})";

// Plays the owner: lets the told time pass, then hands in the next thing.
class DeviceFlowTest : public ::testing::Test {
 protected:
  static DeviceAuthorization authorization(seconds expires_in) {
    DeviceAuthorization authorization;
    authorization.device_code = Secret("d");
    authorization.user_code = "WDJB-MJHT";
    authorization.verification_uri = "https://example.com/device";
    authorization.expires_in = expires_in;
    authorization.interval = seconds(5);
    return authorization;
  }

  void answer(HttpReply reply) { act(flow_.on_reply(reply, now_)); }
  void answer(int status, std::string_view body) { answer(json_reply(status, body)); }
  void network_error() { act(flow_.on_network_error(now_)); }

  void act(DeviceFlow::Action action) {
    waited_.reset();
    grant_.reset();
    refusal_.reset();
    if (auto* wait = std::get_if<DeviceFlow::Wait>(&action)) {
      waited_ = wait->delay;
      EXPECT_EQ(flow_.next_poll_at(), now_ + wait->delay);
      now_ += wait->delay;
    } else if (auto* granted = std::get_if<DeviceFlow::Granted>(&action))
      grant_ = std::move(granted->grant);
    else
      refusal_ = std::move(std::get<DeviceFlow::Failed>(action).refusal);
  }

  DeviceFlow flow_{authorization(minutes(15)), kNow};
  UnixTime now_ = kNow + seconds(5);
  std::optional<seconds> waited_;
  std::optional<TokenGrant> grant_;
  std::optional<Refusal> refusal_;
};

TEST_F(DeviceFlowTest, Start_WaitsOneInterval) {
  EXPECT_EQ(flow_.next_poll_at(), kNow + seconds(5));
  EXPECT_EQ(flow_.expires_at(), kNow + minutes(15));
  EXPECT_EQ(flow_.authorization().user_code, "WDJB-MJHT");
}

TEST_F(DeviceFlowTest, Pending_KeepsTheInterval) {
  for (int i = 0; i < 10; ++i) {
    answer(400, kPendingBody);
    EXPECT_EQ(waited_, seconds(5));
  }
  answer(200, kGrantBody);
  ASSERT_TRUE(grant_);
  EXPECT_EQ(grant_->access_token.reveal(), "a");
  EXPECT_EQ(grant_->refresh_token.reveal(), "r");
}

TEST_F(DeviceFlowTest, SlowDown_AddsFiveSecondsForGood) { // RFC 8628 §3.5
  answer(400, kSlowDownBody);
  EXPECT_EQ(waited_, seconds(10));
  answer(400, kPendingBody);
  EXPECT_EQ(waited_, seconds(10));
  answer(429, kSlowDownBody);
  EXPECT_EQ(waited_, seconds(15));
  answer(503, "");
  answer(400, kPendingBody);
  EXPECT_EQ(waited_, seconds(15));
}

TEST_F(DeviceFlowTest, NetworkErrors_DoubleTheWaitUpToAMinute) {
  for (const int expected : {10, 20, 40, 60, 60}) {
    network_error();
    EXPECT_EQ(waited_, seconds(expected));
  }
  answer(400, kPendingBody); // back to normal
  EXPECT_EQ(waited_, seconds(5));
  network_error();
  EXPECT_EQ(waited_, seconds(10));
}

TEST_F(DeviceFlowTest, ServerFaults_AreWaits) {
  for (const auto& [status, body] : std::initializer_list<std::pair<int, std::string_view>>{
           {500, ""}, {502, "<html>"}, {200, "<html>hotel</html>"}, {400, "{\"err"}}) {
    answer(status, body);
    EXPECT_TRUE(waited_) << status;
  }
  answer(200, kGrantBody);
  EXPECT_TRUE(grant_);
}

TEST_F(DeviceFlowTest, ImposedWait_IsObeyed) {
  HttpReply busy = json_reply(503, "");
  busy.retry_after = "200";
  answer(std::move(busy));
  EXPECT_EQ(waited_, seconds(200));
  answer(400, testing::entra_error("invalid_grant", "50196", "Loop detected."));
  EXPECT_EQ(waited_, minutes(5));
  HttpReply pending = json_reply(400, kPendingBody);
  pending.retry_after = "30";
  answer(std::move(pending));
  EXPECT_EQ(waited_, seconds(30));
}

TEST_F(DeviceFlowTest, ImposedWaitBeyondTheCode_Ends) {
  HttpReply busy = json_reply(503, "");
  busy.retry_after = "3600";
  answer(std::move(busy));
  ASSERT_TRUE(refusal_);
  EXPECT_EQ(refusal_->kind, RefusalClass::kExpiredCode);
}

TEST_F(DeviceFlowTest, FinalAnswers_End) {
  const std::pair<std::string_view, RefusalClass> rows[] = {
      {"access_denied", RefusalClass::kDeclined},          {"authorization_declined", RefusalClass::kDeclined},
      {"expired_token", RefusalClass::kExpiredCode},       {"invalid_grant", RefusalClass::kUserSignsIn},
      {"invalid_client", RefusalClass::kAppConfiguration}, {"consent_required", RefusalClass::kAdminConsents},
  };
  for (const auto& [error, kind] : rows) {
    answer(400, std::string(R"({"error":")").append(error).append("\"}"));
    ASSERT_TRUE(refusal_) << error;
    EXPECT_EQ(refusal_->kind, kind) << error;
    EXPECT_FALSE(refusal_->remedy.empty()) << error;
  }
}

// Whatever the server or the network does for ever, the flow ends, at most one interval after the code.
TEST_F(DeviceFlowTest, AnyEndlessTrouble_EndsWithTheCode) {
  for (const std::string_view trouble : {"network", "pending", "slow_down", "503"}) {
    flow_ = DeviceFlow(authorization(seconds(97)), kNow);
    now_ = flow_.next_poll_at();
    int polls = 0;
    do {
      ASSERT_LE(++polls, 25) << trouble;
      if (trouble == "network")
        network_error();
      else if (trouble == "503")
        answer(503, "");
      else
        answer(400, trouble == "pending" ? kPendingBody : kSlowDownBody);
    } while (waited_);
    ASSERT_TRUE(refusal_) << trouble;
    EXPECT_EQ(refusal_->kind, RefusalClass::kExpiredCode) << trouble;
    EXPECT_GE(now_, kNow + seconds(37)) << trouble; // it did try
  }
}

TEST_F(DeviceFlowTest, SignInAtTheLastSecond_IsLetIn) {
  flow_ = DeviceFlow(authorization(seconds(13)), kNow);
  now_ = kNow + seconds(10);
  answer(400, kPendingBody);
  EXPECT_EQ(waited_, seconds(5)); // to second 15, past the code's 13
  answer(200, kGrantBody);
  EXPECT_TRUE(grant_);
}

} // namespace
} // namespace mailmoor::oauth
