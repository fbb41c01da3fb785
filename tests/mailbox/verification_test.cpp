// A mailbox that is verified: beside its passes, on its own connection.
#include "mailbox/mailbox_world.h"
#include "maildir/folder_changes.h"

namespace mailmoor::mailbox {
namespace {

using namespace std::chrono_literals;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

class VerificationTest : public MailboxWorld {
 protected:
  void fill(int count, const std::string& folder = "INBOX") {
    for (int i = 0; i < count; ++i)
      server.folders[folder].deliver(message(concat("message ", i)));
  }
  // Begins; what comes of it is in the members below.
  std::uint64_t begin(VerifyRequest request = {}) {
    found.clear();
    end.reset();
    VerificationListener listener;
    listener.on_progress = [this](const VerifyProgress& progress) { last_progress = progress; };
    listener.on_folder = [this](const FolderFindings& findings) { found[findings.folder] = findings; };
    listener.on_end = [this](Result<VerifySummary> outcome) { end = std::move(outcome); };
    const auto ticket = mailbox->verify_now(request, std::move(listener));
    EXPECT_TRUE(ticket) << ticket.error().what;
    return ticket.value_or(0);
  }
  // To its end: whether it was carried out.
  [[nodiscard]] bool verify(VerifyRequest request = {}) {
    static_cast<void>(begin(request));
    return world.until([this] { return end.has_value(); }) && end->has_value();
  }
  [[nodiscard]] static VerifyRequest deep() {
    VerifyRequest request;
    request.deep = true;
    return request;
  }
  [[nodiscard]] static VerifyRequest repair(bool fetch_removed = false) {
    VerifyRequest request;
    request.deep = request.repair = true;
    request.fetch_removed = fetch_removed;
    return request;
  }
  [[nodiscard]] std::string file_of(std::uint32_t uid, const std::string& folder = "") const {
    const std::string place = folder.empty() ? "/mail/alice" : "/mail/alice/" + folder;
    for (const char* sub : {"/new/", "/cur/"})
      for (const auto& [name, bytes] : disk.files(place + sub))
        if (const auto parsed = maildir::parse_file_name(name); parsed && parsed->uid.value() == uid)
          return concat(place, sub, name);
    return {};
  }
  void overwrite(const std::string& path, std::string bytes) {
    disk.remove(path);
    disk.put(path, std::move(bytes));
  }
  [[nodiscard]] static UidSet uids(std::string_view text) { return *UidSet::parse(text); }

  std::map<std::string, FolderFindings> found;
  std::optional<Result<VerifySummary>> end;
  VerifyProgress last_progress;
};

TEST_F(VerificationTest, FaithfulCopy_IsCompleteAndTheServerIsOnlyRead) {
  settings.wants.flags = true;
  fill(3);
  fill(2, "Sent");
  server.folders["INBOX"].flags = {{1, "\\Seen"}};
  start();
  ASSERT_TRUE(idles());
  ASSERT_TRUE(verify(deep()));
  EXPECT_EQ((*end)->incomplete, 0U);
  EXPECT_EQ((*end)->here, 5U);
  EXPECT_TRUE(found["INBOX"].is_complete());
  EXPECT_EQ(found["INBOX"].contents_compared, 3U);
  EXPECT_EQ(found["Sent"].contents_compared, 2U);
  EXPECT_TRUE(idles()) << "and goes on as before";
  EXPECT_EQ(server.connections, 1) << "on its own connection";
  for (const std::string& command : server.commands)
    EXPECT_TRUE(command.starts_with("UID FETCH") || command.starts_with("EXAMINE") || command.starts_with("LIST") ||
                command.starts_with("IDLE") || command.starts_with("AUTHENTICATE") || command.starts_with("ID ") ||
                command.starts_with("CAPABILITY") || command.starts_with("NOOP"))
        << command;
}

TEST_F(VerificationTest, EachDamage_IsNamedAndMended) {
  fill(5);
  start();
  ASSERT_TRUE(idles());
  overwrite(file_of(2), "short");
  const std::string flipped = file_of(3);
  overwrite(flipped, concat("Xubject: message 2\n\nhello\n"));
  disk.remove(file_of(4));
  disk.spoil(file_of(5));
  ASSERT_TRUE(verify());
  EXPECT_EQ(found["INBOX"].wrong_size.size(), 1U);
  EXPECT_EQ(found["INBOX"].removed_here, uids("4"));
  EXPECT_EQ(found["INBOX"].unreadable, uids("5"));
  EXPECT_TRUE(found["INBOX"].wrong_content.empty());
  ASSERT_TRUE(verify(deep()));
  EXPECT_EQ(found["INBOX"].wrong_content, uids("3"));
  EXPECT_EQ((*end)->incomplete, 1U);

  ASSERT_TRUE(verify(repair()));
  EXPECT_EQ(found["INBOX"].repaired, uids("2:3,5"));
  EXPECT_EQ(found["INBOX"].removed_here, uids("4"));
  const std::string trash = concat("/mail/alice/.mailmoor-trash/", maildir::trash_day(world.now()), "/INBOX");
  EXPECT_EQ(disk.files(trash).size(), 3U);
  EXPECT_EQ(disk.files("/mail/alice/new").size(), 4U);
  ASSERT_TRUE(verify(repair(/*fetch_removed=*/true)));
  EXPECT_EQ(found["INBOX"].repaired, uids("4"));
  ASSERT_TRUE(verify(deep()));
  EXPECT_EQ((*end)->incomplete, 0U);
  EXPECT_EQ(found["INBOX"].contents_compared, 5U);
  // Over a restart nothing is fetched again.
  start();
  ASSERT_TRUE(idles());
  EXPECT_EQ(mailbox->view().fetched, 0U);
}

TEST_F(VerificationTest, MessageThatTheServerDoesNotGive_IsNamed) {
  fill(3);
  server.folders["INBOX"].withheld = {2};
  start();
  ASSERT_TRUE(idles());
  ASSERT_TRUE(verify());
  EXPECT_EQ(found["INBOX"].poison, uids("2"));
  // It was delivered, and is not given for a comparison.
  server.folders["INBOX"].withheld = {1};
  ASSERT_TRUE(verify(repair()));
  EXPECT_EQ(found["INBOX"].not_given, uids("1"));
  EXPECT_EQ(found["INBOX"].repaired, uids("2")) << "asked for again at once";
  EXPECT_EQ(delivered(), 3U);
}

TEST_F(VerificationTest, WhatTheFilterLeavesOut_IsNamedAndNoGap) {
  settings.filter.max_size = 100;
  fill(2);
  server.folders["INBOX"].deliver(message(std::string(200, 'x')));
  start();
  ASSERT_TRUE(idles());
  ASSERT_TRUE(verify(repair(/*fetch_removed=*/true)));
  EXPECT_EQ(found["INBOX"].left_out, uids("3"));
  EXPECT_TRUE(found["INBOX"].is_complete());
  EXPECT_EQ(delivered(), 2U);
}

TEST_F(VerificationTest, MessageExpungedMeanwhile_IsNoGap) {
  fill(3);
  start();
  ASSERT_TRUE(idles());
  bool expunged = false;
  server.answer = [this, &expunged](const std::string& command) -> std::optional<std::string> {
    if (command.contains("BODY.PEEK[]") && !std::exchange(expunged, true)) server.folders["INBOX"].messages.erase(2);
    return {};
  };
  ASSERT_TRUE(verify(deep()));
  EXPECT_TRUE(expunged);
  EXPECT_TRUE(found["INBOX"].is_complete());
  EXPECT_EQ(found["INBOX"].contents_compared, 2U);
}

TEST_F(VerificationTest, AnnouncedAndNotListed_IsAGap) {
  fill(3);
  start();
  ASSERT_TRUE(idles());
  server.answer = [](const std::string& command) -> std::optional<std::string> {
    if (command.starts_with("UID FETCH 1:* "))
      return "* 1 FETCH (UID 1 FLAGS () RFC822.SIZE 36)\r\n* 2 FETCH (UID 2 FLAGS () RFC822.SIZE 36)\r\n%t OK done\r\n";
    return {};
  };
  static_cast<void>(begin());
  ASSERT_TRUE(world.until([this] {
    world.clock.advance(1s);
    return end.has_value();
  }));
  EXPECT_EQ(found["INBOX"].unlisted, 1U);
  EXPECT_FALSE(found["INBOX"].is_complete());
  EXPECT_EQ(server.asked("UID FETCH 1:* "), 4U) << "asked again, as Exchange announces before it lists";
}

TEST_F(VerificationTest, WhatCameSinceThePass_IsFetchedAndNoGap) {
  fill(3);
  start();
  ASSERT_TRUE(idles());
  bool came = false;
  server.answer = [this, &came](const std::string& command) -> std::optional<std::string> {
    if (command.starts_with("UID FETCH 1:* ") && !std::exchange(came, true)) fill(1);
    return {};
  };
  ASSERT_TRUE(verify());
  EXPECT_TRUE(found["INBOX"].is_complete());
  EXPECT_EQ(delivered(), 4U);
}

TEST_F(VerificationTest, FolderThatCannotBeOpened_IsNamedAndTheOthersAreCompared) {
  fill(2);
  fill(2, "Sent");
  start();
  ASSERT_TRUE(idles());
  server.answer = [](const std::string& command) -> std::optional<std::string> {
    if (command.starts_with("EXAMINE \"Sent\"") || command == "EXAMINE Sent") return "%t NO [NOPERM] not yours\r\n";
    return {};
  };
  ASSERT_TRUE(verify());
  EXPECT_THAT(found["Sent"].failed, HasSubstr("not yours"));
  EXPECT_TRUE(found["INBOX"].is_complete());
  EXPECT_EQ((*end)->incomplete, 1U);
}

TEST_F(VerificationTest, SyncAskedForMeanwhile_ComesInBetween) {
  fill(2);
  fill(250, "Sent");
  start();
  ASSERT_TRUE(idles());
  static_cast<void>(begin(deep()));
  ASSERT_TRUE(world.until(
      [this] { return last_progress.phase == VerifyProgress::Phase::kComparing && last_progress.folder == "Sent"; }));
  fill(1);
  bool synced = false;
  static_cast<void>(mailbox->sync_now([this, &synced](Status) {
    synced = true;
    EXPECT_FALSE(end.has_value());
  }));
  ASSERT_TRUE(world.until([this] { return end.has_value(); }));
  EXPECT_TRUE(synced);
  EXPECT_EQ(delivered(), 3U);
  EXPECT_EQ(found["Sent"].contents_compared, 250U);
  EXPECT_EQ((*end)->incomplete, 0U);
}

TEST_F(VerificationTest, PauseThatTheServerImposes_EndsItAndHolds) {
  fill(2);
  start();
  ASSERT_TRUE(idles());
  server.answer = [](const std::string& command) -> std::optional<std::string> {
    if (command.contains("BODY.PEEK[]"))
      return "%t BAD User is throttled. Suggested Backoff Time: 300000 milliseconds\r\n";
    return {};
  };
  EXPECT_FALSE(verify(deep()));
  EXPECT_TRUE(becomes(MailboxState::kThrottled));
  const auto refused = mailbox->verify_now({}, {});
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, "throttled");
  world.clock.advance(60s);
  world.run_ready();
  EXPECT_EQ(server.connections, 1);
}

TEST_F(VerificationTest, ConnectionThatIsLost_EndsIt) {
  fill(2);
  start();
  ASSERT_TRUE(idles());
  server.answer = [](const std::string& command) -> std::optional<std::string> {
    if (command.contains("BODY.PEEK[]")) return "%close";
    return {};
  };
  EXPECT_FALSE(verify(deep()));
  ASSERT_TRUE(end.has_value());
  EXPECT_EQ(end->error().code, "connection_lost");
}

TEST_F(VerificationTest, WhoeverGoesAway_EndsItAtTheNextStep) {
  fill(250);
  start();
  ASSERT_TRUE(idles());
  const std::uint64_t ticket = begin(deep());
  ASSERT_TRUE(world.until([this] { return last_progress.phase == VerifyProgress::Phase::kComparing; }));
  mailbox->cancel_verify(ticket);
  ASSERT_TRUE(idles());
  EXPECT_FALSE(end.has_value());
  EXPECT_TRUE(found.empty());
  ASSERT_TRUE(verify()) << "and another may begin";
}

TEST_F(VerificationTest, PausedByTheOperator_EndsItAndRefusesTheNext) {
  fill(250);
  start();
  ASSERT_TRUE(idles());
  static_cast<void>(begin(deep()));
  ASSERT_TRUE(world.until([this] { return last_progress.phase == VerifyProgress::Phase::kComparing; }));
  mailbox->pause();
  ASSERT_TRUE(end.has_value());
  EXPECT_EQ(end->error().code, "paused");
  ASSERT_TRUE(becomes(MailboxState::kPaused));
  EXPECT_EQ(mailbox->verify_now({}, {}).error().code, "paused");
}

TEST_F(VerificationTest, WrongPassword_NeedsALogin) {
  server.answer = [](const std::string& command) -> std::optional<std::string> {
    if (command.starts_with("AUTHENTICATE")) return "%t NO [AUTHENTICATIONFAILED] no\r\n";
    return {};
  };
  start();
  ASSERT_TRUE(becomes(MailboxState::kNeedsLogin));
  EXPECT_EQ(mailbox->verify_now({}, {}).error().code, "needs_login");
}

TEST_F(VerificationTest, TwoOrders_AreCarriedOutInTurn) {
  fill(3);
  start();
  ASSERT_TRUE(idles());
  std::vector<int> ended;
  for (const int number : {1, 2}) {
    VerificationListener listener;
    listener.on_end = [&ended, number](const Result<VerifySummary>& outcome) {
      EXPECT_TRUE(outcome);
      ended.push_back(number);
    };
    ASSERT_TRUE(mailbox->verify_now(deep(), std::move(listener)));
  }
  ASSERT_TRUE(world.until([&ended] { return ended.size() == 2; }));
  EXPECT_THAT(ended, ElementsAre(1, 2));
}

TEST_F(VerificationTest, DestroyedAtAnyMoment_LeavesNothingBehind) {
  fill(120);
  for (int steps = 0; steps < 60; steps += 3) {
    start();
    ASSERT_TRUE(idles());
    if (steps == 0) overwrite(file_of(2), "short");
    static_cast<void>(begin(repair(/*fetch_removed=*/true)));
    int left = steps; // turns of the loop
    ASSERT_TRUE(world.until([&left] { return left-- <= 0; }));
    mailbox.reset();
  }
  start();
  ASSERT_TRUE(idles());
  ASSERT_TRUE(verify(repair(/*fetch_removed=*/true)));
  EXPECT_EQ((*end)->incomplete, 0U);
  EXPECT_EQ(delivered(), 120U);
}

} // namespace
} // namespace mailmoor::mailbox
