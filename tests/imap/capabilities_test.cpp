#include "imap/capabilities.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace mailmoor::imap {
namespace {

TEST(Capabilities, Words_AreFoundInAnyCaseAndWholeOnly) {
  Capabilities capabilities;
  EXPECT_FALSE(capabilities.known());
  EXPECT_FALSE(capabilities.has("IDLE"));
  capabilities.replace("IMAP4rev1  auth=xoauth2 IDLE ");
  EXPECT_TRUE(capabilities.known());
  EXPECT_THAT(capabilities.words(), testing::ElementsAre("IMAP4REV1", "AUTH=XOAUTH2", "IDLE"));
  EXPECT_TRUE(capabilities.has("idle"));
  EXPECT_TRUE(capabilities.has_auth("XOAUTH2"));
  EXPECT_FALSE(capabilities.has("ID"));
  EXPECT_FALSE(capabilities.has_auth("XOAUTH"));
  EXPECT_FALSE(capabilities.has(""));
}

TEST(Capabilities, NewWords_ReplaceTheOld) {
  Capabilities capabilities;
  capabilities.replace("A B");
  capabilities.replace("C");
  EXPECT_FALSE(capabilities.has("A"));
  EXPECT_TRUE(capabilities.has("C"));
  capabilities.reset();
  EXPECT_EQ(capabilities, Capabilities());
  capabilities.replace("");
  EXPECT_TRUE(capabilities.known()) << "an empty list is an answer too";
}

} // namespace
} // namespace mailmoor::imap
