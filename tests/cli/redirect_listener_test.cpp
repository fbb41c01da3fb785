#include "cli/redirect_listener.h"

#include "cli/browser.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <vector>

namespace mailmoor::cli {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::StartsWith;

class Listener : public testing::Test {
 protected:
  void SetUp() override {
    auto opened = RedirectListener::open([this](std::string target, RedirectListener::Respond respond) {
      targets_.push_back(std::move(target));
      responds_.push_back(std::move(respond));
    });
    ASSERT_TRUE(opened) << opened.error().what;
    listener_ = *std::move(opened);
  }
  // Serves what is ready until `done`, ten seconds at most.
  [[nodiscard]] bool until(const std::function<bool()>& done) {
    for (int i = 0; i < 1000 && !done(); ++i) {
      std::vector<pollfd> ready;
      for (const int fd : listener_->descriptors())
        ready.push_back({fd, POLLIN, 0});
      ::poll(ready.data(), ready.size(), 10);
      listener_->serve();
    }
    return done();
  }
  std::string page_of(std::string_view target, std::string_view method = "GET") {
    Browser browser(listener_->port());
    browser.open(target, method);
    EXPECT_TRUE(until([&browser] { return browser.is_ended(); }));
    return browser.received();
  }

  std::unique_ptr<RedirectListener> listener_;
  std::vector<std::string> targets_;
  std::vector<RedirectListener::Respond> responds_;
};

TEST_F(Listener, Redirect_IsHandedOnAsItCame) {
  Browser browser(listener_->port());
  browser.open("/?code=4%2F0A+b&state=s%20t");
  ASSERT_TRUE(until([this] { return !targets_.empty(); }));
  EXPECT_THAT(targets_, ElementsAre("/?code=4%2F0A+b&state=s%20t"));
  EXPECT_EQ(browser.received(), "") << "the page waits for the outcome";
  responds_[0]({.mood = ResultPage::Mood::kGood, .heading = "Signed in", .text = "As alice.", .remedy = {}});
  ASSERT_TRUE(until([&browser] { return browser.is_ended(); }));
  EXPECT_THAT(browser.received(), StartsWith("HTTP/1.1 200 "));
  EXPECT_THAT(browser.received(), HasSubstr("As alice."));
  for (const auto* const header :
       {"Content-Type: text/html; charset=utf-8", "Content-Security-Policy: default-src 'none'",
        "Cache-Control: no-store", "Referrer-Policy: no-referrer"})
    EXPECT_THAT(browser.received(), HasSubstr(header));
}

TEST_F(Listener, ErrorOfTheServer_IsHandedOnToo) {
  Browser browser(listener_->port());
  browser.open("/?error=access_denied&state=s");
  EXPECT_TRUE(until([this] { return targets_.size() == 1; }));
}

TEST_F(Listener, AnythingElse_GetsAPageAndIsNotHandedOn) {
  EXPECT_THAT(page_of("/favicon.ico"), StartsWith("HTTP/1.1 404 "));
  EXPECT_THAT(page_of("/elsewhere?code=c&state=s"), StartsWith("HTTP/1.1 404 "));
  EXPECT_THAT(page_of("/"), HasSubstr("Open the link that mailmoorctl printed"));
  EXPECT_THAT(page_of("/?code=c"), HasSubstr("neither"));
  EXPECT_THAT(page_of("/?xcode=c&xstate=s"), StartsWith("HTTP/1.1 404 "));
  EXPECT_THAT(page_of("/?code=c&state=s", "POST"), StartsWith("HTTP/1.1 405 "));
  EXPECT_THAT(page_of("/?code=c&state=s", "HEAD"), StartsWith("HTTP/1.1 405 "));
  EXPECT_THAT(targets_, IsEmpty());
}

TEST_F(Listener, OversizedRequest_IsCutOff) {
  Browser browser(listener_->port());
  browser.send("GET /?state=s&code=" + std::string(100'000, 'c'));
  ASSERT_TRUE(until([&browser] { return browser.is_ended(); }));
  EXPECT_THAT(browser.received(), testing::Not(HasSubstr(" 200 ")));
  EXPECT_THAT(targets_, IsEmpty());
}

TEST_F(Listener, BrokenOffRequest_LeavesNothingBehind) {
  {
    const Browser browser(listener_->port());
    browser.send("GET /?code=c&state=s HTTP/1.1\r\nHost: lo");
    listener_->serve();
  }
  EXPECT_THAT(page_of("/"), StartsWith("HTTP/1.1 404 "));
  EXPECT_THAT(targets_, IsEmpty());
}

TEST_F(Listener, BrowserThatWentAway_MayBeAnsweredAllTheSame) {
  {
    const Browser browser(listener_->port());
    browser.open("/?code=c&state=s");
    ASSERT_TRUE(until([this] { return !responds_.empty(); }));
  }
  responds_[0]({.heading = "Signed in", .text = "x", .remedy = {}});
  EXPECT_THAT(page_of("/"), StartsWith("HTTP/1.1 404 "));
}

TEST_F(Listener, Closing_TellsWhoStillWaits) {
  Browser browser(listener_->port());
  browser.open("/?code=c&state=s");
  ASSERT_TRUE(until([this] { return !responds_.empty(); }));
  listener_.reset();
  EXPECT_THAT(browser.received(), HasSubstr("mailmoorctl was stopped"));
  responds_[0]({.heading = "late", .text = "x", .remedy = {}}); // harmless
}

TEST_F(Listener, Closed_NobodyListensAnyMore) {
  const std::uint16_t port = listener_->port();
  listener_.reset();
  EXPECT_FALSE(Browser(port).is_connected());
}

} // namespace
} // namespace mailmoor::cli
