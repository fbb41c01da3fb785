#include "config/diff.h"

#include "config/load.h"
#include "config/memory_files.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

namespace mailmoor::config {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

constexpr const char* kBefore = R"(maildir_root: /m
apps:
  one: {provider: custom, issuer: "https://id.example", client_id: c, imap_host: h}
  two: {provider: custom, issuer: "https://id.example", client_id: c, imap_host: h}
mailboxes:
  - {name: a, user: u, app: one}
  - {name: b, user: u, app: two}
  - {name: c, user: u, host: h, password: secret}
)";

Config loaded(const std::string& text) {
  auto config = parse({kMainPath, text, true}, MemoryFiles(), {});
  if (config) return *std::move(config);
  ADD_FAILURE() << config.error().front().to_string();
  return {};
}

// kBefore with one text replaced by another.
Diff after(std::string_view from, std::string_view to) {
  std::string text = kBefore;
  const std::size_t at = text.find(from);
  EXPECT_NE(at, std::string::npos);
  return diff(loaded(kBefore), loaded(text.replace(at, from.size(), to)));
}

TEST(Diff, SameText_IsEmpty) {
  EXPECT_TRUE(diff(loaded(kBefore), loaded(kBefore)).empty());
}

TEST(Diff, OnlyPlacesAndOrderChange_IsEmpty) {
  EXPECT_TRUE(after("mailboxes:\n", "# a comment\n\nmailboxes:\n").empty());
  EXPECT_TRUE(after("mailboxes:\n  - {name: a, user: u, app: one}\n  - {name: b, user: u, app: two}\n",
                    "mailboxes:\n  - {name: b, user: u, app: two}\n  - {name: a, user: u, app: one}\n")
                  .empty());
}

TEST(Diff, MailboxGoneAndNewOne_AreNamed) {
  const Diff diff = after("name: b", "name: d");
  EXPECT_THAT(diff.added, ElementsAre("d"));
  EXPECT_THAT(diff.removed, ElementsAre("b"));
  EXPECT_THAT(diff.changed, IsEmpty());
}

TEST(Diff, KeyOfAMailbox_ChangesThatMailbox) {
  EXPECT_THAT(after("name: b,", "name: b, poll: 1h,").changed, ElementsAre("b"));
  EXPECT_THAT(after("name: b,", "name: b, folders: {include: [x]},").changed, ElementsAre("b"));
  EXPECT_THAT(after("name: b,", "name: b, proxy: 'http://p:1',").changed, ElementsAre("b"));
}

TEST(Diff, Password_ChangesItsMailbox) {
  EXPECT_THAT(after("secret", "other").changed, ElementsAre("c"));
}

TEST(Diff, App_ChangesItsMailboxes) {
  EXPECT_THAT(after("client_id: c", "client_id: d").changed, ElementsAre("a"));
  EXPECT_THAT(after("client_id: c,", "client_id: c, client_secret: s,").changed, ElementsAre("a"));
}

TEST(Diff, OtherAppWithTheSameWords_ChangesTheMailbox) {
  EXPECT_THAT(after("app: two", "app: one").changed, ElementsAre("b"));
}

TEST(Diff, Defaults_ChangeEveryMailboxThatUsesThem) {
  EXPECT_THAT(after("mailboxes:\n  - {name: a,", "defaults: {poll: 1h}\nmailboxes:\n  - {name: a, poll: 5m,").changed,
              ElementsAre("b", "c"));
}

TEST(Diff, GlobalKeys_AreNamed) {
  EXPECT_THAT(after("apps:", "state_dir: /s\nruntime_dir: /r\nkey: {credential: k}\nlimits: {connections: 5}\n"
                             "metrics: {listen: \"[::1]:1\"}\napps:")
                  .global_changed,
              ElementsAre("state_dir", "runtime_dir", "key", "limits", "metrics"));
}

TEST(Diff, RootAndProxy_ChangeTheMailboxes) {
  EXPECT_THAT(after("/m\n", "/n\n").changed, ElementsAre("a", "b", "c"));
  EXPECT_THAT(after("apps:", "proxy: http://p:1\napps:").changed, ElementsAre("a", "b", "c"));
}

} // namespace
} // namespace mailmoor::config
