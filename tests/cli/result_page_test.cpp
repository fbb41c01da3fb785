#include "cli/result_page.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace mailmoor::cli {
namespace {

using testing::HasSubstr;
using testing::Not;

TEST(ResultPage, Texts_AreThereAndHarmless) {
  const std::string html = render({.mood = ResultPage::Mood::kBad,
                                   .heading = "Not signed in",
                                   .text = "<script>alert('x')</script> & more",
                                   .remedy = "try \"again\""});
  EXPECT_THAT(html, testing::StartsWith("<!DOCTYPE html>"));
  EXPECT_THAT(html, HasSubstr("<title>Not signed in – Mailmoor</title>"));
  EXPECT_THAT(html, HasSubstr("&lt;script&gt;alert(&#39;x&#39;)&lt;/script&gt; &amp; more"));
  EXPECT_THAT(html, HasSubstr("<p>try &quot;again&quot;</p>"));
  EXPECT_THAT(html, Not(HasSubstr("<script")));
}

TEST(ResultPage, WithoutRemedy_HasNoEmptyParagraph) {
  EXPECT_THAT(render({.heading = "Signed in", .text = "x", .remedy = {}}), Not(HasSubstr("<p></p>")));
}

TEST(ResultPage, NothingComesFromElsewhere) {
  const std::string html = render({.heading = "a", .text = "b", .remedy = "c"});
  for (const auto* const word : {"http:", "https:", "src=", "href=", "url(", "@import"})
    EXPECT_THAT(html, Not(HasSubstr(word)));
}

} // namespace
} // namespace mailmoor::cli
