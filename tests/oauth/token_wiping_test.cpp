// Watches what this room hands back to the heap: the deletes of this program look at each block before it goes and
// remember whether a token was still in it, whole or in part.
#include "oauth/client.h"
#include "oauth/replies.h"
#include "oauth/request.h"
#include "util/concat.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <cstring>
#include <malloc.h>
#include <new>

namespace {

constexpr std::string_view kMark = "Xq7Zv9"; // repeated, it is the token
bool watching = false;
int dirty_blocks = 0;

void inspect(void* block) {
  if (!watching || block == nullptr) return;
  if (::memmem(block, ::malloc_usable_size(block), kMark.data(), kMark.size()) != nullptr) ++dirty_blocks;
}

void* allocate(std::size_t size) {
  // Zeroed: what an earlier owner left must not count.
  if (void* const block = std::calloc(1, size == 0 ? 1 : size)) return block;
  throw std::bad_alloc();
}

} // namespace

void* operator new(std::size_t size) {
  return allocate(size);
}
void* operator new[](std::size_t size) {
  return allocate(size);
}
void operator delete(void* block) noexcept {
  inspect(block);
  std::free(block);
}
void operator delete[](void* block) noexcept {
  operator delete(block);
}
void operator delete(void* block, std::size_t /*size*/) noexcept {
  operator delete(block);
}
void operator delete[](void* block, std::size_t /*size*/) noexcept {
  operator delete(block);
}

namespace mailmoor::oauth {
namespace {

using testing::json_reply;
using testing::kNow;

class TokenWiping : public ::testing::Test {
 protected:
  TokenWiping() {
    for (int i = 0; i < 400; ++i)
      token_ += kMark;
    dirty_blocks = 0;
  }
  ~TokenWiping() override { watching = false; }

  // The dirty blocks that parsing, and dropping the outcome, leave behind.
  int dirty_after_reply(int status, const std::string& body) {
    const HttpReply reply = json_reply(status, body);
    watching = true;
    {
      const TokenOutcome outcome = parse_token_reply(reply, kNow);
    }
    {
      const auto authorization = parse_device_authorization(reply, kNow);
    }
    watching = false;
    return dirty_blocks;
  }

  std::string token_;
};

TEST_F(TokenWiping, PlainString_IsNoticed) { // the watcher itself
  watching = true;
  {
    const std::string copy = token_;
  }
  watching = false;
  EXPECT_EQ(dirty_blocks, 1);
}

TEST_F(TokenWiping, Grant_LeavesNothing) {
  EXPECT_EQ(dirty_after_reply(200, concat(R"({"token_type":"Bearer","access_token":")", token_,
                                          R"(","expires_in":3599,"id_token":")", token_, R"(","refresh_token":")",
                                          token_, R"(","nested":{"access_token":")", token_, R"("}})")),
            0);
}

TEST_F(TokenWiping, EscapedGrant_LeavesNothing) {
  EXPECT_EQ(dirty_after_reply(200, concat(R"({"token_type":"Bearer","access_token":"\/)", token_, R"("})")), 0);
}

TEST_F(TokenWiping, CutGrant_LeavesNothing) {
  const std::string body =
      concat(R"({"token_type":"Bearer","refresh_token":")", token_, R"(","access_token":")", token_);
  EXPECT_EQ(dirty_after_reply(200, body), 0);
}

TEST_F(TokenWiping, WrongTokenType_LeavesNothing) {
  EXPECT_EQ(dirty_after_reply(200, concat(R"({"token_type":"mac","access_token":")", token_, R"("})")), 0);
}

TEST_F(TokenWiping, DeviceAuthorization_LeavesNothing) {
  EXPECT_EQ(dirty_after_reply(200, concat(R"({"user_code":"A","verification_uri":"https://e.example/","device_code":")",
                                          token_, R"("})")),
            0);
}

TEST_F(TokenWiping, Requests_LeaveNothing) {
  ClientRegistration client;
  client.endpoints.device_authorization = client.endpoints.token = "https://e.example/";
  client.client_id = "id";
  client.client_secret = Secret(token_);
  const Secret token(token_);
  watching = true;
  {
    const TokenRequest request = refresh_request(client, {}, token);
  }
  {
    const TokenRequest request = device_token_request(client, {}, token);
  }
  {
    const TokenRequest request = device_authorization_request(client, {});
  }
  {
    const TokenRequest request = client_credentials_request(client, {});
  }
  {
    const TokenRequest request = jwt_bearer_request(client.endpoints.token, token);
  }
  watching = false;
  EXPECT_EQ(dirty_blocks, 0);
}

} // namespace
} // namespace mailmoor::oauth
