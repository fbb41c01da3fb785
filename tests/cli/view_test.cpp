#include "cli/login_view.h"
#include "cli/relative_time.h"
#include "cli/status_view.h"
#include "cli/table.h"
#include "util/concat.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace mailmoor::cli {
namespace {

using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::seconds;
using testing::HasSubstr;
using testing::Not;

const UnixTime kNow{seconds(1'700'000'000)};

TEST(RelativeTime, Table) {
  EXPECT_EQ(relative_time(kNow, kNow, "-"), "now");
  EXPECT_EQ(relative_time(kNow - seconds(119), kNow, "-"), "119 s ago");
  EXPECT_EQ(relative_time(kNow - minutes(2), kNow, "-"), "2 min ago");
  EXPECT_EQ(relative_time(kNow + minutes(119), kNow, "-"), "in 119 min");
  EXPECT_EQ(relative_time(kNow + hours(47), kNow, "-"), "in 47 h");
  EXPECT_EQ(relative_time(kNow - hours(48), kNow, "-"), "2 days ago");
  EXPECT_EQ(relative_time(std::nullopt, kNow, "never"), "never");
  EXPECT_EQ(short_duration(seconds(-5)), "0 s");
}

TEST(DisplayWidth, CountsColumnsNotBytes) {
  EXPECT_EQ(display_width("abc"), 3U);
  EXPECT_EQ(display_width("Gelöscht"), 8U);
  EXPECT_EQ(display_width("日本"), 4U);
  EXPECT_EQ(display_width("e\xcc\x81"), 1U);
  EXPECT_EQ(display_width("\xf0\x9f\x93\xab"), 2U);
  EXPECT_EQ(display_width("\xff"), 1U);
}

TEST(Shortened, NeverExceedsTheWidth) {
  EXPECT_EQ(shortened("abcdef", 6), "abcdef");
  EXPECT_EQ(shortened("abcdef", 4), "abc…");
  EXPECT_EQ(shortened("日本語", 4), "日…");
  EXPECT_EQ(shortened("abc", 0), "");
  for (std::size_t width = 0; width < 8; ++width)
    EXPECT_LE(display_width(shortened("aあbいcうd", width)), width);
}

TEST(Wrapped, BreaksAtSpacesAndIndents) {
  EXPECT_EQ(wrapped("one two three", 2, std::nullopt), "  one two three\n");
  EXPECT_EQ(wrapped("one two three four five six", 4, 24), "    one two three four\n    five six\n");
  EXPECT_EQ(wrapped(std::string(40, 'x'), 2, 24), "  " + std::string(40, 'x') + "\n");
}

TEST(Table, Columns_AreAligned) {
  Table table({{.title = "A"}, {.title = "NUMBER", .right = true}, {.title = "END"}});
  table.add_row({"Gelöscht", "7", ""});
  table.add_row({"b", "1234567", "x"});
  table.add_note("about b");
  EXPECT_EQ(table.render(std::nullopt), "A          NUMBER  END\n"
                                        "Gelöscht        7\n"
                                        "b         1234567  x\n"
                                        "    about b\n");
}

TEST(Table, NarrowTerminal_LosesTheLeastImportantColumnsFirst) {
  Table table(
      {{.title = "NAME"}, {.title = "LESS", .importance = 1}, {.title = "MORE", .importance = 2}, {.title = "Z"}});
  table.add_row({"alice-with-a-long-name", "less", "more", "z"});
  EXPECT_EQ(table.render(40), "NAME                    LESS  MORE  Z\nalice-with-a-long-name  less  more  z\n");
  EXPECT_EQ(table.render(35), "NAME                    MORE  Z\nalice-with-a-long-name  more  z\n");
  EXPECT_EQ(table.render(28), "NAME                    Z\nalice-with-a-long-name  z\n");
  EXPECT_EQ(table.render(20), "NAME               Z\nalice-with-a-lon…  z\n");
  EXPECT_EQ(table.render(1), "NAME      Z\nalice-w…  z\n");
}

MailboxStatus mailbox(const std::string& name, MailboxState state) {
  MailboxStatus status;
  status.name = name;
  status.state = state;
  status.since = kNow - hours(3);
  return status;
}

FleetStatus fleet() {
  FleetStatus status;
  status.version = "0.1.0";
  status.started_at = kNow - hours(72);
  status.summary = "1 idle, 1 needs a login";
  auto alice = mailbox("alice", MailboxState::kIdle);
  alice.last_sync = kNow - seconds(30);
  alice.messages = 12345;
  alice.token_expires_at = kNow + minutes(40);
  alice.messages_per_second = 12.34;
  auto bob = mailbox("bob", MailboxState::kNeedsLogin);
  bob.reason = "no token is stored";
  bob.remedy = "mailmoorctl login bob";
  bob.poison.resize(2);
  status.mailboxes = {alice, bob};
  return status;
}

TEST(StatusView, Fleet_IsOneRowAMailboxAndWhatToDoBelow) {
  EXPECT_EQ(render_fleet(fleet(), kNow, std::nullopt),
            "mailmoord 0.1.0, up for 3 days: 1 idle, 1 needs a login\n"
            "MAILBOX  STATE        SINCE    LAST SYNC  MESSAGES  BEHIND    RATE  TOKEN ENDS  NEXT TRY\n"
            "alice    idle         3 h ago  30 s ago      12345       0  12.3/s  in 40 min   -\n"
            "bob      needs_login  3 h ago  never             0       0       -  -           -\n"
            "    no token is stored\n"
            "    → mailmoorctl login bob\n"
            "    2 messages could not be fetched: see mailmoorctl status bob\n");
}

TEST(StatusView, AppThatIsRefused_StandsAboveTheTable) {
  auto status = fleet();
  status.apps.resize(2);
  status.apps[0].name = "good";
  status.apps[1].name = "contoso";
  status.apps[1].state = AppStatus::State::kRefused;
  status.apps[1].reason = "app contoso is refused as a whole: the secret has expired";
  status.apps[1].remedy = "make a new one";
  status.apps[1].retry_at = kNow + hours(3);
  status.apps[1].mailboxes = 2;
  EXPECT_THAT(render_fleet(status, kNow, std::nullopt),
              HasSubstr("1 needs a login\n"
                        "app contoso, 2 mailboxes, next try in 3 h:\n"
                        "    app contoso is refused as a whole: the secret has expired\n"
                        "    → make a new one\n"
                        "MAILBOX"));
}

TEST(StatusView, Fleet_FitsEveryTerminal) {
  for (std::size_t width = 40; width < 120; ++width) {
    const std::string text = render_fleet(fleet(), kNow, width);
    std::size_t at = text.find('\n') + 1; // after the headline
    for (std::size_t end = 0; (end = text.find('\n', at)) != std::string::npos; at = end + 1)
      EXPECT_LE(display_width(text.substr(at, end - at)), width) << text.substr(at, end - at);
    EXPECT_THAT(text, HasSubstr("needs_login"));
  }
}

TEST(StatusView, NoMailboxes_SaysSo) {
  auto status = fleet();
  status.mailboxes.clear();
  EXPECT_THAT(render_fleet(status, kNow, 80), HasSubstr("no mailboxes in the configuration"));
}

TEST(StatusView, Mailbox_ShowsFoldersAndPoison) {
  auto status = mailbox("alice", MailboxState::kThrottled);
  status.reason = "the server asked for a pause";
  status.retry_at = kNow + minutes(5);
  auto& inbox = status.folders.emplace_back();
  inbox.name = "INBOX";
  inbox.chosen = true;
  inbox.messages = 7;
  status.folders.emplace_back().name = "Spam";
  auto& poison = status.poison.emplace_back();
  poison.folder = "INBOX";
  poison.uid = 99;
  poison.reason = "the server sent no body";
  const std::string text = render_mailbox(status, kNow, 80);
  EXPECT_THAT(text, HasSubstr("alice: throttled since 2023-11-14T19:13:20Z (3 h ago)\n"));
  EXPECT_THAT(text, HasSubstr("  why                 the server asked for a pause\n"));
  EXPECT_THAT(text, HasSubstr("  next try            in 5 min\n"));
  EXPECT_THAT(text, HasSubstr("  last complete sync  never\n"));
  EXPECT_THAT(text, HasSubstr("INBOX          7       0  never\n"));
  EXPECT_THAT(text, HasSubstr("INBOX         99  -\n    the server sent no body\n"));
  EXPECT_THAT(text, Not(HasSubstr("Spam"))) << "only what is chosen";
}

TEST(StatusView, RateLimitAndDailyBytes_AreShownWhereThereAreSome) {
  auto status = mailbox("alice", MailboxState::kThrottled);
  const std::string none = render_mailbox(status, kNow, 80);
  EXPECT_THAT(none, Not(HasSubstr("\n  rate")));
  EXPECT_THAT(none, Not(HasSubstr("daily bytes")));
  status.rate_limit = 2.5;
  status.daily_bytes = 2ULL << 30;
  status.daily_bytes_used = 3ULL << 29;
  EXPECT_THAT(render_mailbox(status, kNow, 80),
              HasSubstr("  rate                at most 2.5/s since the server asked for less\n"));
  EXPECT_THAT(render_mailbox(status, kNow, 80), HasSubstr("  daily bytes         1.5 GiB of 2.0 GiB used\n"));
  status.messages_per_second = 1.25;
  EXPECT_THAT(render_mailbox(status, kNow, 80), HasSubstr("1.2/s, at most 2.5/s since"));
}

TEST(StatusView, WhatFiltersLeaveOut_IsCountedAndTheLargeOnesAreListed) {
  auto status = mailbox("alice", MailboxState::kIdle);
  EXPECT_THAT(render_mailbox(status, kNow, 80), Not(HasSubstr("left out")));
  auto& inbox = status.folders.emplace_back();
  inbox.name = "INBOX";
  inbox.chosen = true;
  inbox.too_old = 12;
  inbox.too_large = 3;
  status.too_large = {{"INBOX", 7, 157'286'400}, {"INBOX", 8, 900}};
  const std::string text = render_mailbox(status, kNow, 80);
  EXPECT_THAT(text, HasSubstr("  left out            12 too old, 3 too large, as configured\n"));
  EXPECT_THAT(text, HasSubstr("TOO LARGE  UID       SIZE\nINBOX        7  150.0 MiB\nINBOX        8      900 B\n"
                              "    and 1 more\n"));
}

LoginEvent event(LoginEvent::Kind kind, const std::string& name) {
  LoginEvent made;
  made.kind = kind;
  made.mailbox = name;
  made.user_code = "CODE-" + name;
  made.verification_uri = "https://x/device";
  return made;
}

TEST(LoginView, Prompt_SaysWhereWhatAndHowLong) {
  auto prompt = event(LoginEvent::Kind::kPrompt, "alice");
  prompt.expires_at = kNow + minutes(15);
  prompt.verification_uri_complete = "https://x/device?code=1";
  EXPECT_EQ(describe(prompt, {}, kNow), "alice: open https://x/device and enter CODE-alice (within 15 min)\n"
                                        "    or open https://x/device?code=1\n");
}

TEST(LoginView, HostileText_IsMadeSafe) {
  auto prompt = event(LoginEvent::Kind::kPrompt, "alice");
  prompt.user_code = "\x1b[2J\n";
  EXPECT_EQ(describe(prompt, {}, kNow), "alice: open https://x/device and enter \\x1b[2J\\n\n");
}

TEST(LoginText, Links_SayWhatToDoWithThem) {
  LoginEvent prompt = event(LoginEvent::Kind::kPrompt, "alice");
  prompt.authorization_url = "https://id.example/auth?client_id=x";
  prompt.flow = LoginFlow::kBrowser;
  EXPECT_EQ(describe(prompt, {}, kNow), "alice: open this in a browser on this host and sign in:\n"
                                        "    https://id.example/auth?client_id=x\n");
  prompt.flow = LoginFlow::kPaste;
  prompt.note = "Google has no sign-in by device code for mail";
  EXPECT_EQ(describe(prompt, {"sales"}, kNow),
            "alice: open this in any browser and sign in; then paste here the address\n"
            "    of the page at the end, which the browser cannot open:\n"
            "    https://id.example/auth?client_id=x\n"
            "    (Google has no sign-in by device code for mail)\n"
            "    (the same sign-in serves sales)\n");
}

TEST(LoginText, SharedSignIn_NamesAllWhomItServes) {
  EXPECT_EQ(describe(event(LoginEvent::Kind::kSignedIn, "alice"), {"sales", "info"}, kNow),
            "alice: signed in, and so sales, info\n");
}

TEST(LoginText, BrowserHint_TellsTheWayFromAnotherHost) {
  EXPECT_THAT(browser_hint(4711, false), HasSubstr("ssh -L 4711:localhost:4711"));
  EXPECT_THAT(browser_hint(4711, false), testing::Not(HasSubstr("paste")));
  EXPECT_THAT(browser_hint(4711, true), HasSubstr("paste"));
}

constexpr Screen kScreen{.width = 80, .height = 24};

TEST(LoginBoard, Events_RedrawWhatWaitsBelowWhatHasEnded) {
  using Kind = LoginEvent::Kind;
  LoginBoard board(3);
  EXPECT_EQ(board.show(event(Kind::kPrompt, "a"), {}, kNow, kScreen),
            "MAILBOX  ENTER   AT\na        CODE-a  https://x/device\n0 of 3 signed in\n");
  EXPECT_EQ(board.show(event(Kind::kPrompt, "b"), {}, kNow, kScreen),
            "\x1b[3A\x1b[JMAILBOX  ENTER   AT\na        CODE-a  https://x/device\nb        CODE-b  https://x/device\n"
            "0 of 3 signed in\n");
  EXPECT_EQ(board.show(event(Kind::kSignedIn, "a"), {}, kNow, kScreen),
            "\x1b[4A\x1b[Ja: signed in\nMAILBOX  ENTER   AT\nb        CODE-b  https://x/device\n1 of 3 signed in\n");
  EXPECT_EQ(board.show("a word\n", kScreen),
            "\x1b[3A\x1b[Ja word\nMAILBOX  ENTER   AT\nb        CODE-b  https://x/device\n1 of 3 signed in\n");
  EXPECT_EQ(board.show(event(Kind::kSignedIn, "b"), {}, kNow, kScreen), "\x1b[3A\x1b[Jb: signed in\n");
  EXPECT_THAT(board.show(event(Kind::kFailed, "c"), {}, kNow, kScreen), testing::StartsWith("c: not signed in"));
  EXPECT_EQ(board.progress(), "2 of 3 signed in, 1 failed");
}

TEST(LoginBoard, RenewedCode_TakesThePlaceOfTheOld) {
  LoginBoard board(1);
  LoginEvent prompt = event(LoginEvent::Kind::kPrompt, "a");
  static_cast<void>(board.show(prompt, {}, kNow, kScreen));
  prompt.user_code = "NEW";
  const std::string shown = board.show(prompt, {}, kNow, kScreen);
  EXPECT_THAT(shown, HasSubstr("NEW"));
  EXPECT_THAT(shown, testing::Not(HasSubstr("CODE-a")));
}

TEST(LoginBoard, Links_StandAboveOnce) {
  LoginBoard board(2);
  LoginEvent prompt = event(LoginEvent::Kind::kPrompt, "a");
  prompt.flow = LoginFlow::kPaste;
  prompt.authorization_url = "https://id.example/auth";
  EXPECT_THAT(board.show(prompt, {}, kNow, kScreen),
              testing::AllOf(HasSubstr("https://id.example/auth\n"), HasSubstr("(sign in)  its address above")));
  EXPECT_THAT(board.show(event(LoginEvent::Kind::kPrompt, "b"), {}, kNow, kScreen),
              testing::Not(HasSubstr("https://id.example/auth")));
}

TEST(LoginBoard, MoreThanTheScreenHolds_AreCountedNotDrawn) {
  LoginBoard board(30);
  std::string shown;
  for (int i = 0; i < 30; ++i)
    shown = board.show(event(LoginEvent::Kind::kPrompt, concat('m', i)), {}, kNow, {.width = 80, .height = 14});
  EXPECT_THAT(shown, HasSubstr("m9 "));
  EXPECT_THAT(shown, testing::Not(HasSubstr("m10 ")));
  EXPECT_THAT(shown, HasSubstr("… and 20 more when there is room\n0 of 30 signed in\n"));
  EXPECT_THAT(shown, testing::StartsWith("\x1b[13A")) << "all of it fits on 14 lines";
}

TEST(LoginBoard, LinesThatTheTerminalBreaks_AreCountedAsItShowsThem) {
  using Kind = LoginEvent::Kind;
  constexpr Screen kNarrow{.width = 18, .height = 24};
  LoginBoard board(1);
  EXPECT_THAT(board.show(event(Kind::kPrompt, "a"), {}, kNow, kNarrow), HasSubstr("https://x/device")) << "never cut";
  EXPECT_THAT(board.show(event(Kind::kSignedIn, "a"), {}, kNow, kNarrow), testing::StartsWith("\x1b[5A\x1b[J"));
}

} // namespace
} // namespace mailmoor::cli
