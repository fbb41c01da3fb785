#include "supervisor/login_desk.h"

#include "mailbox/token_world.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace mailmoor::supervisor {
namespace {

using mailbox::grant_json;
using mailmoor::testing::HttpServer;
using ::testing::HasSubstr;

class LoginDeskTest : public mailbox::TokenWorld {
 protected:
  void SetUp() override {
    auto made = settings();
    made.registration.endpoints.authorization = "https://id.example/auth";
    client = std::make_unique<mailbox::OauthClient>(world.services, std::move(made));
    keeper = std::make_unique<mailbox::TokenKeeper>(world.services, *client, "app/alice", "alice");
    keeper->start();
    world.run_ready();
    server.answer = [](const HttpServer::Request&) { return HttpServer::json(200, grant_json("A1", "R1")); };
  }
  std::unique_ptr<Subscription> begin(const std::string& mailbox = "alice") {
    LoginOrder order;
    order.mailbox = mailbox;
    order.app.name = "app";
    order.login_user = "alice@example.org";
    order.request.flow = LoginFlow::kPaste;
    return desk.begin(*tasks, *client, *keeper, std::move(order),
                      [this](const LoginEvent& event) { events.push_back(event); });
  }
  [[nodiscard]] bool has_events(std::size_t count) {
    return world.until([this, count] { return events.size() >= count; });
  }
  // "?code=…&state=…" with the state of that prompt.
  [[nodiscard]] static std::string answer_to(const LoginEvent& prompt) {
    const std::size_t at = prompt.authorization_url.find("state=");
    return concat("?code=C&", prompt.authorization_url.substr(at, prompt.authorization_url.find('&', at) - at));
  }
  void hand_in(std::string_view text) {
    answers.emplace_back();
    desk.answer(Secret(text), [this, at = answers.size() - 1](const Result<std::string>& answer) {
      answers[at] = answer ? *answer : answer.error().code;
    });
  }
  [[nodiscard]] bool is_answered(std::size_t at) {
    return world.until([this, at] { return !answers[at].empty(); });
  }

  LoginDesk desk{world.services};
  std::vector<LoginEvent> events;
  std::vector<std::string> answers; // a mailbox, or the code of an error; empty: none yet
  std::unique_ptr<runtime::TaskSet> tasks = std::make_unique<runtime::TaskSet>(world.loop);
};

TEST_F(LoginDeskTest, Answer_FindsItsLoginAndTellsBoth) {
  const auto first = begin("alice");
  const auto second = begin("bob");
  ASSERT_TRUE(has_events(2));
  EXPECT_EQ(LoginFlow::kPaste, events[0].flow);
  EXPECT_THAT(events[0].authorization_url, HasSubstr("login_hint=alice%40example.org"));
  EXPECT_NE(answer_to(events[0]), answer_to(events[1])) << "each has a state of its own";
  hand_in(answer_to(events[1]));
  EXPECT_EQ("", answers[0]) << "never from inside the call";
  ASSERT_TRUE(is_answered(0));
  EXPECT_EQ("bob", answers[0]);
  ASSERT_TRUE(has_events(3));
  EXPECT_EQ(LoginEvent::Kind::kSignedIn, events[2].kind);
  EXPECT_EQ("bob", events[2].mailbox);
  EXPECT_TRUE(keeper->expires_at()) << "the token is there when it is told";
}

TEST_F(LoginDeskTest, TextOfNobody_IsRefusedAndTheLoginStaysOpen) {
  const auto login = begin();
  ASSERT_TRUE(has_events(1));
  hand_in("nonsense");
  hand_in("?code=C&state=guessed");
  ASSERT_TRUE(is_answered(0) && is_answered(1));
  EXPECT_EQ("redirect_not_understood", answers[0]);
  EXPECT_EQ("redirect_unknown", answers[1]);
  hand_in(answer_to(events[0]));
  ASSERT_TRUE(is_answered(2));
  EXPECT_EQ("alice", answers[2]);
}

TEST_F(LoginDeskTest, SecondAnswer_IsRefused) {
  const auto login = begin();
  ASSERT_TRUE(has_events(1));
  hand_in(answer_to(events[0]));
  hand_in(answer_to(events[0]));
  ASSERT_TRUE(is_answered(1));
  EXPECT_EQ("redirect_used", answers[1]);
  ASSERT_TRUE(is_answered(0));
  EXPECT_EQ("alice", answers[0]);
  hand_in(answer_to(events[0]));
  ASSERT_TRUE(is_answered(2));
  EXPECT_EQ("redirect_unknown", answers[2]) << "it is over";
}

TEST_F(LoginDeskTest, Abandoned_TakesNoAnswerAnyMore) {
  auto login = begin();
  ASSERT_TRUE(has_events(1));
  login.reset();
  hand_in(answer_to(events[0]));
  ASSERT_TRUE(is_answered(0));
  EXPECT_EQ(1U, events.size()) << "nobody listens";
  EXPECT_FALSE(keeper->expires_at());
}

TEST_F(LoginDeskTest, SignInTakenAway_IsTold) {
  const auto login = begin();
  ASSERT_TRUE(has_events(1));
  tasks.reset(); // as a reload does that removes the mailbox
  ASSERT_EQ(2U, events.size());
  EXPECT_EQ(LoginEvent::Kind::kFailed, events[1].kind);
  EXPECT_EQ("login_cancelled", events[1].code);
}

TEST_F(LoginDeskTest, GrantThatCannotLast_FailsForBoth) {
  server.answer = [](const HttpServer::Request&) { return HttpServer::json(200, grant_json("A1", "")); };
  const auto login = begin();
  ASSERT_TRUE(has_events(1));
  hand_in(answer_to(events[0]));
  ASSERT_TRUE(is_answered(0) && has_events(2));
  EXPECT_EQ("no_refresh_token", answers[0]);
  EXPECT_EQ("no_refresh_token", events[1].code);
}

} // namespace
} // namespace mailmoor::supervisor
