#include "cli/pasted_text.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace mailmoor::cli {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

TEST(PastedText, LineEnd_IsTheEndOnlyAfterAPause) {
  PastedText text;
  text.add("http://127.0.0.1/?code=a&state=b\n");
  EXPECT_THAT(text.take_whole(), IsEmpty()) << "its next line may still come";
  EXPECT_TRUE(text.has_line());
  EXPECT_THAT(text.take_lines(), ElementsAre("http://127.0.0.1/?code=a&state=b\n"));
  EXPECT_FALSE(text.has_line());
  EXPECT_THAT(text.take_rest(), IsEmpty());
}

TEST(PastedText, BrokenLines_AreOneAddress) {
  PastedText text;
  text.add("http://127.0.0.1/?code=a");
  text.add("bc\n   def&sta\nte=b\n\n");
  EXPECT_THAT(text.take_lines(), ElementsAre("http://127.0.0.1/?code=abc\n   def&sta\nte=b\n\n"));
}

TEST(PastedText, NextAddress_EndsTheOneBefore) {
  PastedText text;
  text.add("http://localhost/?1\nmore\n \"HTTPS://localhost/?2\nhttp://localhost/?3");
  EXPECT_THAT(text.take_whole(), ElementsAre("http://localhost/?1\nmore\n", " \"HTTPS://localhost/?2\n"));
  EXPECT_THAT(text.take_lines(), IsEmpty()) << "the line is not complete";
  EXPECT_THAT(text.take_rest(), ElementsAre("http://localhost/?3"));
}

TEST(PastedText, QueryAlone_IsTakenToo) {
  PastedText text;
  text.add("\n\n?code=a&state=b\n");
  EXPECT_THAT(text.take_lines(), ElementsAre("\n\n?code=a&state=b\n"));
}

TEST(PastedText, BlankLines_AreNothing) {
  PastedText text;
  text.add("\n \r\n\t\n");
  EXPECT_THAT(text.take_lines(), IsEmpty());
  EXPECT_FALSE(text.has_line());
}

TEST(PastedText, AddressOfAnotherInTheMiddleOfALine_IsNoBeginning) {
  PastedText text;
  text.add("http://localhost/?code=a&scope=https://mail.google.com/\n");
  EXPECT_THAT(text.take_rest(), ElementsAre("http://localhost/?code=a&scope=https://mail.google.com/\n"));
}

} // namespace
} // namespace mailmoor::cli
