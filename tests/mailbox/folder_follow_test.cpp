// Folders that the server renames: their directories follow, and nothing is fetched again.
#include "mailbox/mailbox_world.h"

namespace mailmoor::mailbox {
namespace {

using namespace std::chrono_literals;

class FollowTest : public MailboxWorld {
 protected:
  FollowTest() {
    settings.push = false;
    settings.poll = 1000h;
  }
  // Dates tell the messages of one folder from those of another that has the same UIDVALIDITY and UIDs.
  void fill(const std::string& folder, int count, int year = 2020) {
    ImapServer::Folder& there = server.folders[folder];
    for (int i = 1; i <= count; ++i) {
      const std::uint32_t uid = there.deliver(message(concat(folder, i)));
      there.dates[uid] = concat("0", i % 9 + 1, "-Jan-", year, " 00:00:00 +0000");
    }
  }
  void rename(const std::string& from, const std::string& to) {
    auto node = server.folders.extract(from);
    node.key() = to;
    server.folders.insert(std::move(node));
  }
  [[nodiscard]] bool synced() {
    return world.until([this] { return mailbox->view().state == MailboxState::kIdle; });
  }
  [[nodiscard]] bool pass() {
    bool done = false;
    static_cast<void>(mailbox->sync_now([&done](Status) { done = true; }));
    return world.until([&done] { return done; });
  }
  [[nodiscard]] std::size_t asked_for_bodies() const {
    return static_cast<std::size_t>(std::ranges::count_if(
        server.commands, [](const std::string& command) { return command.contains("BODY.PEEK[]"); }));
  }
  // A pass that must not fetch.
  void expect_followed() {
    const std::size_t before = asked_for_bodies();
    ASSERT_TRUE(pass());
    EXPECT_EQ(before, asked_for_bodies());
  }
};

TEST_F(FollowTest, RenamedFolder_KeepsItsMessages) {
  fill("Old", 5);
  start();
  ASSERT_TRUE(synced());
  EXPECT_EQ(5U, delivered(".Old"));
  rename("Old", "New");
  expect_followed();
  EXPECT_EQ(5U, delivered(".New"));
  EXPECT_FALSE(disk.exists("/mail/alice/.Old"));
  EXPECT_FALSE(mailbox->folders().contains("Old"));
  EXPECT_EQ(5U, mailbox->folders().at("New").recorded.known.size());
  EXPECT_EQ("every mail folder is mirrored; it was Old before", mailbox->folders().at("New").why);
  // Over a restart too, and what comes later goes on.
  start();
  ASSERT_TRUE(synced());
  fill("New", 1);
  ASSERT_TRUE(pass());
  EXPECT_EQ(6U, delivered(".New"));
}

TEST_F(FollowTest, RenamedWhileTheDaemonWasDown_IsFollowedWithNewMail) {
  fill("Old", 5);
  start();
  ASSERT_TRUE(synced());
  mailbox.reset();
  rename("Old", "New");
  server.folders["New"].messages.erase(2);
  fill("New", 1);
  start();
  ASSERT_TRUE(synced());
  EXPECT_EQ(6U, delivered(".New")) << "five kept, one new";
}

TEST_F(FollowTest, RenamedParent_TakesItsChildrenAlongInBothLayouts) {
  for (const maildir::Layout layout : {maildir::Layout::kMaildirPlusPlus, maildir::Layout::kFs}) {
    const bool is_fs = layout == maildir::Layout::kFs;
    settings.layout = layout;
    settings.maildir = is_fs ? "/mail/fs" : "/mail/alice";
    settings.name = is_fs ? "fs" : "alice";
    server.folders.clear();
    fill("INBOX", 1);
    fill("A", 2);
    fill("A/b", 3, 2021);
    fill("A/b/c", 4, 2022);
    fill("A-other", 2, 2023);
    start();
    ASSERT_TRUE(synced());
    rename("A", "Z");
    rename("A/b", "Z/b");
    rename("A/b/c", "Z/b/c");
    expect_followed();
    const auto count = [&](const std::string& folder) {
      const std::string path = concat(settings.maildir, "/", folder);
      return disk.files(path + "/new").size() + disk.files(path + "/cur").size();
    };
    EXPECT_EQ(2U, count(is_fs ? "Z" : ".Z"));
    EXPECT_EQ(3U, count(is_fs ? "Z/b" : ".Z.b"));
    EXPECT_EQ(4U, count(is_fs ? "Z/b/c" : ".Z.b.c"));
    EXPECT_EQ(2U, count(is_fs ? "A-other" : ".A-other"));
    EXPECT_FALSE(disk.exists(settings.maildir + (is_fs ? "/A" : "/.A")));
    for (const char* name : {"Z", "Z/b", "Z/b/c"})
      EXPECT_EQ(server.folders[name].messages.size(), mailbox->folders().at(name).recorded.known.size()) << name;
  }
}

TEST_F(FollowTest, SameNumbersInEveryFolder_AreToldApartByTheirMessages) {
  fill("One", 3, 2001);
  fill("Two", 3, 2002);
  fill("Three", 3, 2003);
  start();
  ASSERT_TRUE(synced());
  // Three is deleted, and two others change names.
  server.folders.erase("Three");
  rename("One", "Uno");
  rename("Two", "Dos");
  expect_followed();
  EXPECT_EQ(3U, mailbox->folders().at("Uno").recorded.known.size());
  EXPECT_EQ(disk.files("/mail/alice/.Uno/new").begin()->first.substr(0, 9), "978393600") << "of 2001";
  EXPECT_EQ(3U, delivered(".Dos"));
  EXPECT_EQ(3U, delivered(".Three")) << "what is here stays";
}

TEST_F(FollowTest, NewFolderWithTheSameNumbers_IsNotTakenForTheOldOne) {
  fill("Old", 3, 2001);
  start();
  ASSERT_TRUE(synced());
  server.folders.erase("Old");
  fill("New", 3, 2002);
  ASSERT_TRUE(pass());
  EXPECT_EQ(3U, delivered(".Old"));
  EXPECT_EQ(3U, delivered(".New"));
}

TEST_F(FollowTest, TwoThatFit_AreFetchedAnew) {
  fill("Old", 3);
  start();
  ASSERT_TRUE(synced());
  server.folders["Copy"] = server.folders["Old"];
  rename("Old", "New");
  ASSERT_TRUE(pass());
  EXPECT_EQ(3U, delivered(".Old"));
  EXPECT_EQ(3U, delivered(".New"));
  EXPECT_EQ(3U, delivered(".Copy"));
}

TEST_F(FollowTest, DirectoryInTheWay_IsFetchedAnewAndNothingIsLost) {
  fill("Old", 3);
  start();
  ASSERT_TRUE(synced());
  ASSERT_TRUE(disk.make_directory_blocking("/mail/alice/.New"));
  rename("Old", "New");
  ASSERT_TRUE(pass());
  EXPECT_EQ(3U, delivered(".Old"));
  EXPECT_EQ(3U, delivered(".New"));
}

TEST_F(FollowTest, MirroredDeletions_HoldNothingOfARenamedFolder) {
  settings.wants.deletions = true;
  fill("Old", 30);
  start();
  ASSERT_TRUE(synced());
  rename("Old", "New");
  expect_followed();
  EXPECT_EQ(MailboxState::kIdle, mailbox->view().state);
  EXPECT_EQ(30U, delivered(".New"));
}

TEST_F(FollowTest, KilledAtEachStep_EndsInTheSameState) {
  for (std::size_t step = 1; step <= 8; ++step) {
    SCOPED_TRACE(step);
    const std::string from = concat("From", step);
    const std::string to = concat("To", step);
    fill(from, 3, static_cast<int>(2000 + step));
    start();
    ASSERT_TRUE(synced());
    ASSERT_TRUE(pass());
    rename(from, to);
    const std::size_t before = asked_for_bodies();
    disk.fail_at(step, "io_error");
    bool done = false;
    static_cast<void>(mailbox->sync_now([&done](Status) { done = true; }));
    ASSERT_TRUE(world.until([&] { return done || mailbox->view().retry_at; }));
    disk.kill();
    start();
    ASSERT_TRUE(synced());
    ASSERT_TRUE(pass());
    EXPECT_EQ(before, asked_for_bodies());
    EXPECT_EQ(3U, delivered("." + to));
    EXPECT_FALSE(mailbox->folders().contains(from));
  }
}

} // namespace
} // namespace mailmoor::mailbox
