// The server on the daemon's own loop.
#include "control/runtime_port.h"

#include "control/fake_operations.h"
#include "control/server.h"
#include "control/server_fixture.h"
#include "control/unix_client.h"
#include "runtime/clock.h"
#include "runtime/loop.h"

#include <gtest/gtest.h>

namespace mailmoor::control {
namespace {

class OnTheRealLoop : public testing::Test {
 protected:
  void SetUp() override {
    auto opened = Server::open_blocking(port_, operations_, {.socket_path = path_});
    ASSERT_TRUE(opened) << opened.error().what;
    server_ = *std::move(opened);
  }

  ScratchDirectory scratch_;
  std::string path_ = scratch_ / "control.sock";
  runtime::SystemClock clock_;
  runtime::Loop loop_{clock_};
  RuntimePort port_{loop_};
  FakeOperations operations_;
  std::unique_ptr<Server> server_;
};

TEST_F(OnTheRealLoop, Requests_AreAnswered) {
  for (int i = 0; i < 20; ++i) {
    UnixClient client(path_);
    client.request("GET", "/v1/status");
    loop_.run_until([&client] { return client.has_answer(); });
    EXPECT_EQ(client.status(), 200);
  }
}

TEST_F(OnTheRealLoop, Login_StreamsAndIsAbandonedWithItsClient) {
  UnixClient client(path_);
  client.request("POST", "/v1/mailboxes/alice/login");
  loop_.run_until([this] { return operations_.subscriptions == 1; });
  operations_.on_event(prompt("AB-CD"));
  loop_.run_until([&client] { return client.has("AB-CD"); });
  client.close();
  loop_.run_until([this] { return operations_.subscriptions == 0; });
  EXPECT_EQ(operations_.subscriptions, 0);
}

TEST_F(OnTheRealLoop, Sync_AnswersWhenTheFleetIsDone) {
  UnixClient client(path_);
  client.request("POST", "/v1/mailboxes/alice/sync?wait=1");
  loop_.run_until([this] { return operations_.subscriptions == 1; });
  operations_.done({});
  loop_.run_until([&client] { return client.has_answer(); });
  EXPECT_EQ(client.status(), 200);
}

} // namespace
} // namespace mailmoor::control
