#include "runtime/name_lookup.h"

#include "net/fake_resolver.h"
#include "net/net_fixture.h"

#include <algorithm>

namespace mailmoor::net {
namespace {

using runtime::NameLookup;

class NameLookupTest : public NetTest {
 protected:
  [[nodiscard]] static runtime::Task<Result<NameLookup::Answer>> look_up(runtime::Loop& loop, std::string host) {
    NameLookup::Answer answer = co_await NameLookup(loop, std::move(host));
    co_return answer;
  }
  [[nodiscard]] NameLookup::Answer answer_to(std::string host) { return *await(look_up(loop_, std::move(host))); }
};

TEST_F(NameLookupTest, BothFamilies_AreToldInTheirOrder) {
  const NameLookup::Answer answer = answer_to("two.test");
  EXPECT_EQ(answer.addresses, (std::vector<std::string>{"::1", "127.0.0.1"}));
  EXPECT_TRUE(answer.error.empty());
}

TEST_F(NameLookupTest, Address_IsItsOwnAnswer) {
  EXPECT_EQ(answer_to("127.0.0.1").addresses, (std::vector<std::string>{"127.0.0.1"}));
}

TEST_F(NameLookupTest, NameThatIsNone_SaysWhy) {
  const NameLookup::Answer answer = answer_to("nonexistent.invalid");
  EXPECT_TRUE(answer.addresses.empty());
  EXPECT_FALSE(answer.error.empty());
}

TEST_F(NameLookupTest, GivenUp_NobodyIsTold) {
  SlowName slow;
  runtime::TaskRunner<Result<NameLookup::Answer>> runner;
  bool told = false;
  runner.start(look_up(loop_, "slow.test"), [&told](Result<NameLookup::Answer>) { told = true; });
  slow.await_question();
  runner.cancel();
  EXPECT_FALSE(told);
}

} // namespace
} // namespace mailmoor::net
