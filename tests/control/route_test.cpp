#include "control/route.h"

#include <gtest/gtest.h>

#include <string>

namespace mailmoor::control {
namespace {

struct Row {
  const char* method;
  const char* path;
  int status; // 0: found
  Endpoint endpoint = Endpoint::kHealth;
  const char* mailbox = "";
};

class RouteTable : public testing::TestWithParam<Row> {};

TEST_P(RouteTable, Request_LeadsToEndpointOrProblem) {
  const Row& row = GetParam();
  const auto route = parse_route(row.method, row.path);
  if (row.status != 0) {
    ASSERT_FALSE(route) << row.path;
    EXPECT_EQ(route.error().status, row.status) << row.path;
    return;
  }
  ASSERT_TRUE(route) << row.path << ": " << route.error().detail;
  EXPECT_EQ(route->endpoint, row.endpoint) << row.path;
  EXPECT_EQ(route->mailbox, row.mailbox) << row.path;
}

INSTANTIATE_TEST_SUITE_P(
    All, RouteTable,
    testing::Values(Row{"GET", "/health", 0, Endpoint::kHealth}, Row{"HEAD", "/health", 0, Endpoint::kHealth},
                    Row{"GET", "/metrics", 0, Endpoint::kMetrics},
                    Row{"POST", "/v1/mailboxes/alice/doctor", 0, Endpoint::kDoctor, "alice"},
                    Row{"POST", "/v1/mailboxes/alice/verify", 0, Endpoint::kVerify, "alice"},
                    Row{"GET", "/v1/status", 0, Endpoint::kStatus}, Row{"GET", "/v1/version", 0, Endpoint::kVersion},
                    Row{"POST", "/v1/reload", 0, Endpoint::kReload},
                    Row{"POST", "/v1/login", 0, Endpoint::kLoginAnswer},
                    Row{"POST", "/v1/key/rotate", 0, Endpoint::kRotateKey},
                    Row{"GET", "/v1/mailboxes/alice", 0, Endpoint::kMailbox, "alice"},
                    Row{"GET", "/v1/mailboxes/alice/folders", 0, Endpoint::kFolders, "alice"},
                    Row{"POST", "/v1/mailboxes/alice/sync", 0, Endpoint::kSync, "alice"},
                    Row{"POST", "/v1/mailboxes/alice/pause", 0, Endpoint::kPause, "alice"},
                    Row{"POST", "/v1/mailboxes/alice/resume", 0, Endpoint::kResume, "alice"},
                    Row{"POST", "/v1/mailboxes/alice/confirm", 0, Endpoint::kConfirm, "alice"},
                    Row{"POST", "/v1/mailboxes/alice/login", 0, Endpoint::kLogin, "alice"},
                    Row{"POST", "/v1/mailboxes/alice/logout", 0, Endpoint::kLogout, "alice"},
                    Row{"POST", "/v1/mailboxes/alice/password", 0, Endpoint::kPassword, "alice"},
                    Row{"GET", "/v1/mailboxes/a%2eb%40c+d", 0, Endpoint::kMailbox, "a.b@c+d"},
                    Row{"GET", "/v1/mailboxes/folders", 0, Endpoint::kMailbox, "folders"},
                    // wrong methods
                    Row{"POST", "/v1/status", 405}, Row{"GET", "/v1/reload", 405}, Row{"get", "/health", 405},
                    Row{"GET", "/v1/mailboxes/alice/sync", 405}, Row{"HEAD", "/v1/mailboxes/alice/login", 405},
                    Row{"DELETE", "/v1/mailboxes/alice", 405},
                    // wrong paths
                    Row{"GET", "", 404}, Row{"GET", "/", 404}, Row{"GET", "/v1/statu", 404}, Row{"GET", "/metric", 404},
                    Row{"GET", "/v1/status/", 404}, Row{"GET", "/v1/mailboxes", 404},
                    Row{"GET", "/v1/mailboxes/alice/", 404}, Row{"POST", "/v1/mailboxes/alice/prove", 404},
                    Row{"POST", "/v1/mailboxes/alice/sync/now", 404},
                    // wrong names
                    Row{"GET", "/v1/mailboxes/", 400}, Row{"GET", "/v1/mailboxes/a%2Fb", 400},
                    Row{"GET", "/v1/mailboxes/a%00", 400}, Row{"GET", "/v1/mailboxes/a%0Ab", 400},
                    Row{"GET", "/v1/mailboxes/a%", 400}, Row{"GET", "/v1/mailboxes/a%4", 400},
                    Row{"GET", "/v1/mailboxes/a%zz", 400}, Row{"GET", "/v1/mailboxes/%C3%A4", 400},
                    Row{"GET", "/v1/mailboxes/a b", 400}));

TEST(Route, PathOverTheLimit_IsRefused) {
  const std::string name(kMaxPath, 'a');
  EXPECT_EQ(parse_route("GET", "/v1/mailboxes/" + name).error().status, 414);
}

} // namespace
} // namespace mailmoor::control
