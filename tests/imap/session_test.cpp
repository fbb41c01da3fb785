#include "imap/conversation.h"

namespace mailmoor::imap {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::StartsWith;

UidSet set(std::string_view text) {
  return *UidSet::parse(text);
}

TEST(Greeting, Forms) {
  struct Row {
    std::string_view wire;
    std::string_view expected;
  };
  for (const Row& row : {
           Row{"* OK [TQBXA==] ready", "Greeting [TQBXA==] ready"},
           Row{"* OK Microsoft Exchange IMAP4 service ready. <guid> (tcpproxy) [VABZ==]",
               "Greeting Microsoft Exchange IMAP4 service ready. <guid> (tcpproxy) [VABZ==]"},
           Row{"* PREAUTH hello", "Preauth hello"},
           Row{"* OK", "Greeting "},
           Row{"* BYE [UNAVAILABLE] busy", "Bye [UNAVAILABLE] busy"},
           Row{"* OK size {7}", "Greeting size {7}"},
           Row{"* NO nothing here", "Failed no_greeting"},
           Row{"421 Server is busy, try again later.", "Failed no_greeting"},
           Row{"HTTP/1.1 400 Bad Request", "Failed no_greeting"},
           Row{"* 5 EXISTS", "Failed no_greeting"},
           Row{"A1 OK x", "Failed no_greeting"},
           Row{"", "Failed no_greeting"},
       })
    for (const std::size_t chunk : {0U, 1U}) {
      Conversation conversation;
      EXPECT_THAT(conversation.hear(std::string(row.wire) + "\r\n", chunk), ElementsAre(row.expected));
    }
}

TEST(Greeting, NothingIsSaidBeforeIt) {
  Conversation conversation;
  conversation.session.capability();
  EXPECT_EQ(conversation.said(), "");
  conversation.hear("* OK hi\r\n");
  EXPECT_EQ(conversation.said(), "A1 CAPABILITY\r\n");
}

TEST(Greeting, Bye_SilencesUs) {
  Conversation conversation;
  conversation.session.capability();
  conversation.hear("* BYE no\r\n");
  EXPECT_EQ(conversation.said(), "");
}

TEST(Session, PlainCommands_ArePipelinedAndCompleteInAnyOrder) {
  Conversation conversation;
  conversation.open();
  conversation.session.noop();
  conversation.session.uid_fetch_bodies(set("1:2"));
  conversation.session.uid_fetch_flags(UidRange{3, 9});
  EXPECT_EQ(conversation.said(), "A2 NOOP\r\nA3 UID FETCH 1:2 (UID FLAGS INTERNALDATE RFC822.SIZE BODY.PEEK[])\r\n"
                                 "A4 UID FETCH 3:9 (UID FLAGS)\r\n");
  EXPECT_EQ(conversation.session.commands_pending(), 3U);
  EXPECT_THAT(conversation.hear("A4 OK c\r\nA2 OK a\r\n* 1 FETCH (UID 1)\r\nA3 NO b\r\n"),
              ElementsAre("Completed A4 OK c", "Completed A2 OK a", "Fetched 1 uid=1", "Completed A3 NO b"));
  EXPECT_EQ(conversation.session.commands_pending(), 0U);
}

TEST(Session, Examine_StandsAlone) {
  Conversation conversation;
  conversation.open();
  conversation.session.noop();
  conversation.session.examine(FolderName::from_wire("a", '/'));
  conversation.session.uid_fetch_flags(set("1"));
  EXPECT_EQ(conversation.said(), "A2 NOOP\r\n");
  conversation.hear("A2 OK\r\n");
  EXPECT_EQ(conversation.said(), "A3 EXAMINE \"a\"\r\n");
  conversation.hear("A3 OK\r\n");
  EXPECT_EQ(conversation.said(), "A4 UID FETCH 1 (UID FLAGS)\r\n");
}

TEST(Session, ExamineAhead_IsSentAtOnceAndTakenInItsTurn) {
  Conversation conversation;
  conversation.open();
  conversation.session.uid_fetch_flags(set("1"));
  conversation.session.examine_ahead(FolderName::from_wire("a", '/'));
  conversation.session.uid_fetch_flags(set("7"));
  EXPECT_EQ(conversation.said(), "A2 UID FETCH 1 (UID FLAGS)\r\nA3 EXAMINE \"a\"\r\nA4 UID FETCH 7 (UID FLAGS)\r\n");
  conversation.hear("* 4 EXISTS\r\n* OK [UIDNEXT 12] n\r\n* 1 FETCH (UID 1)\r\n");
  EXPECT_EQ(trace_state(conversation.session.selected()->state), "messages=4 validity=9 next=12")
      << "the former folder is open until its commands are complete";
  conversation.hear("A2 OK [HIGHESTMODSEQ 5] done\r\n");
  EXPECT_FALSE(conversation.session.selected());
  conversation.hear("* 2 EXISTS\r\n* OK [UIDVALIDITY 8] v\r\nA3 OK done\r\n");
  EXPECT_EQ(conversation.session.selected()->name.wire(), "a");
  EXPECT_EQ(trace_state(conversation.session.selected()->state), "messages=2 validity=8");
  EXPECT_THAT(conversation.hear("* 1 FETCH (UID 7)\r\nA4 OK done\r\n"),
              ElementsAre("Fetched 1 uid=7", "Completed A4 OK done"));
}

TEST(Session, ExamineAhead_SeveralAtOnce_EachHasItsTurn) {
  Conversation conversation;
  conversation.open();
  for (const char* const name : {"a", "b", "c"})
    conversation.session.examine_ahead(FolderName::from_wire(name, '/'));
  conversation.hear("* 1 EXISTS\r\nA2 OK\r\n");
  EXPECT_FALSE(conversation.session.selected()) << "the next one is being opened";
  conversation.hear("* 2 EXISTS\r\nA3 OK\r\n* 3 EXISTS\r\nA4 OK\r\n");
  EXPECT_EQ(conversation.session.selected()->name.wire(), "c");
  EXPECT_EQ(trace_state(conversation.session.selected()->state), "messages=3");
}

TEST(Session, ExamineAhead_Refused_CommandsBehindItAreNotToBlame) {
  Conversation conversation;
  conversation.open();
  conversation.session.examine_ahead(FolderName::from_wire("gone", '/'));
  conversation.session.uid_fetch_flags(set("1"));
  conversation.hear("A2 NO no such folder\r\nA3 BAD No mailbox selected\r\n");
  EXPECT_FALSE(conversation.session.selected());
  EXPECT_TRUE(conversation.session.can_examine_ahead());
  conversation.said();
  conversation.session.uid_fetch_flags(set("1"));
  EXPECT_EQ(conversation.said(), "A4 UID FETCH 1 (UID FLAGS)\r\n") << "it is not remembered as wrong";
}

TEST(Session, ExamineAhead_NotWhereACommandIsKnownToBeRefused) {
  Conversation conversation;
  conversation.open();
  EXPECT_TRUE(conversation.session.can_examine_ahead());
  conversation.session.uid_fetch_flags(set("1"));
  conversation.hear("A2 BAD Command Argument Error. 12\r\n");
  EXPECT_FALSE(conversation.session.can_examine_ahead())
      << "what is not sent is complete before all that is on its way";
}

TEST(Session, ExamineAhead_AnsweredBeforeItsTurn_EndsTheSession) {
  Conversation conversation;
  conversation.open();
  conversation.session.uid_fetch_flags(set("1"));
  conversation.session.examine_ahead(FolderName::from_wire("a", '/'));
  EXPECT_THAT(conversation.hear("* 2 EXISTS\r\nA3 OK done\r\n"),
              ElementsAre("Exists 2", StartsWith("Failed protocol_violation")))
      << "which folder a message is of is not known any more";
}

TEST(Session, Examine_FillsInWhatIsSelected) {
  Conversation conversation;
  conversation.hear("* PREAUTH hi\r\n");
  conversation.session.examine(FolderName::inbox());
  conversation.hear("* 172 EXISTS\r\n* OK [UIDVALIDITY 3857529045] v\r\n* OK [UIDNEXT 4392] n\r\n");
  EXPECT_FALSE(conversation.session.selected()) << "not before the OK";
  conversation.hear("* OK [HIGHESTMODSEQ 715194045007] m\r\nA1 OK [READ-ONLY] done\r\n");
  ASSERT_TRUE(conversation.session.selected());
  EXPECT_EQ(conversation.session.selected()->name, FolderName::inbox());
  const auto state = [&] { return trace_state(conversation.session.selected()->state); };
  EXPECT_EQ(state(), "messages=172 validity=3857529045 next=4392 modseq=715194045007");
  conversation.hear("* 3 EXPUNGE\r\n* VANISHED 7:9\r\n* VANISHED (EARLIER) 1:3\r\n");
  EXPECT_EQ(state(), "messages=168 validity=3857529045 next=4392 modseq=715194045007");
  conversation.hear("* 170 EXISTS\r\n* OK [UIDNEXT 4400] n\r\n* OK [NOMODSEQ] m\r\n");
  EXPECT_EQ(state(), "messages=170 validity=3857529045 next=4400");

  conversation.session.examine(FolderName::from_wire("other", '/'));
  EXPECT_FALSE(conversation.session.selected()) << "closed as soon as the next EXAMINE is on its way";
  conversation.hear("* 5 EXISTS\r\n* OK [CLOSED] bye INBOX\r\n* OK [UIDVALIDITY 0] none\r\nA2 OK\r\n");
  EXPECT_EQ(state(), "messages=0");
  conversation.session.examine(FolderName::inbox());
  conversation.hear("* 5 EXISTS\r\nA3 NO Server Unavailable. 15\r\n");
  EXPECT_FALSE(conversation.session.selected()) << "a refused EXAMINE leaves nothing open";
}

// RFC 9051 §2.3.1.1.
TEST(Session, UidvalidityOfTheOpenFolder_MustNotChange) {
  for (const std::string_view line : {"* OK [UIDVALIDITY 10] x\r\n", "* OK [UIDVALIDITY 0] x\r\n",
                                      "* NO [UIDVALIDITY ?] x\r\n", "A2 OK [UIDVALIDITY 8] done\r\n"}) {
    Conversation conversation;
    conversation.open();
    conversation.session.noop();
    EXPECT_THAT(conversation.hear(line).back(), testing::StartsWith("Failed protocol_violation")) << line;
    EXPECT_EQ(trace_state(conversation.session.selected()->state), "messages=3 validity=9") << line;
  }
  Conversation conversation;
  conversation.open();
  EXPECT_THAT(conversation.hear("* OK [UIDVALIDITY 9] as ever\r\n"), ElementsAre("Text OK [UIDVALIDITY 9] as ever"));
}

TEST(Session, Exists_SaysWhatWasKnownBefore) {
  Conversation conversation;
  conversation.open();
  for (const auto& [wire, before] : {std::pair("* 5 EXISTS\r\n", 3U), std::pair("* 5 EXISTS\r\n", 5U),
                                     std::pair("* 2 EXPUNGE\r\n* 5 EXISTS\r\n", 4U)}) {
    conversation.session.receive(std::as_bytes(std::span(std::string_view(wire))));
    std::optional<Exists> heard;
    for (Event event = conversation.session.next(); !std::holds_alternative<NeedInput>(event);
         event = conversation.session.next())
      if (const auto* exists = std::get_if<Exists>(&event)) heard = *exists;
    ASSERT_TRUE(heard);
    EXPECT_EQ(before, heard->before) << wire;
  }
}

TEST(Session, UidNotSticky_MeansNoUidValidity) {
  Conversation conversation;
  conversation.hear("* PREAUTH hi\r\n");
  conversation.session.examine(FolderName::inbox());
  conversation.hear("* OK [UIDNOTSTICKY] x\r\n* OK [UIDVALIDITY 5] x\r\nA1 OK\r\n");
  EXPECT_FALSE(conversation.session.selected()->state.uid_validity);
}

TEST(Session, MoreExpungedThanThere_StaysAtZero) {
  Conversation conversation;
  conversation.open();
  conversation.hear("* VANISHED 1:4294967295\r\n* 1 EXPUNGE\r\n");
  EXPECT_EQ(conversation.session.selected()->state.messages, 0U);
}

TEST(Session, List_AsksForWhatTheServerCan) {
  struct Row {
    std::string_view capabilities;
    bool with_status;
    std::string_view said;
  };
  for (const Row& row : {
           Row{"IMAP4rev1", true, "A2 LIST \"\" \"*\"\r\n"},
           Row{"IMAP4rev1 IMAP4rev2 SPECIAL-USE", true, "A2 LIST \"\" \"*\"\r\n"},
           Row{"LIST-EXTENDED SPECIAL-USE", false, "A2 LIST \"\" \"*\" RETURN (SPECIAL-USE)\r\n"},
           Row{"LIST-EXTENDED LIST-STATUS", true,
               "A2 LIST \"\" \"*\" RETURN (STATUS (MESSAGES UIDNEXT UIDVALIDITY))\r\n"},
           Row{"LIST-EXTENDED LIST-STATUS SPECIAL-USE CONDSTORE", true,
               "A2 LIST \"\" \"*\" RETURN (SPECIAL-USE STATUS (MESSAGES UIDNEXT UIDVALIDITY HIGHESTMODSEQ))\r\n"},
           Row{"LIST-EXTENDED LIST-STATUS", false, "A2 LIST \"\" \"*\"\r\n"},
       }) {
    Conversation conversation;
    conversation.open(row.capabilities);
    conversation.session.list_all(row.with_status);
    EXPECT_EQ(conversation.said(), row.said);
  }
}

TEST(Session, SynchronizingLiteral_HoldsBackTheRestUntilPlus) {
  Conversation conversation;
  conversation.open();
  conversation.session.status(FolderName::from_wire("a\"b", '/'));
  conversation.session.noop();
  EXPECT_EQ(conversation.said(), "A2 STATUS {3}\r\n");
  EXPECT_THAT(conversation.hear("* 4 EXISTS\r\n+ go\r\n"), ElementsAre("Exists 4"));
  EXPECT_EQ(conversation.said(), "a\"b (MESSAGES UIDNEXT UIDVALIDITY)\r\nA3 NOOP\r\n");
}

TEST(Session, RejectedLiteral_IsNotSent) {
  Conversation conversation;
  conversation.open();
  conversation.session.status(FolderName::from_wire("a\"b", '/'));
  conversation.session.noop();
  conversation.said();
  EXPECT_THAT(conversation.hear("A2 BAD no literals\r\n"),
              ElementsAre("Completed A2 BAD no literals command=STATUS \"a\"b\" (MESSAGES UIDNEXT UIDVALIDITY)"));
  EXPECT_EQ(conversation.said(), "A3 NOOP\r\n");
}

TEST(Session, LiteralPlus_IsUsedWhenOffered) {
  Conversation conversation;
  conversation.open("LITERAL+");
  conversation.session.status(FolderName::from_wire("a\"b", '/'));
  EXPECT_THAT(conversation.said(), StartsWith("A2 STATUS {3+}\r\na\"b ("));
}

TEST(Session, PartlyWrittenOutput_GoesOnWhereItStopped) {
  Conversation conversation;
  conversation.open();
  conversation.session.noop();
  conversation.session.output_sent(3);
  EXPECT_EQ(conversation.session.output(), "NOOP\r\n");
  conversation.session.noop();
  EXPECT_EQ(conversation.session.output(), "NOOP\r\nA3 NOOP\r\n");
}

TEST(Session, LoggingOut_IsTheLastWord) {
  Conversation conversation;
  conversation.open();
  conversation.session.logout();
  conversation.session.noop();
  EXPECT_EQ(conversation.said(), "A2 LOGOUT\r\n");
  EXPECT_THAT(conversation.hear("* BYE signing off\r\nA2 OK done\r\n"),
              ElementsAre("Bye signing off", "Completed A2 OK done"));
  EXPECT_EQ(conversation.said(), "");
}

TEST(Session, UnparseableTaggedLine_FailsItsCommandOnly) {
  for (const std::string_view line : {"A2", "A2 ", "A2 WAT", "A2 BYE x", "A2 PREAUTH", "A2 OKAY"}) {
    Conversation conversation;
    conversation.open();
    conversation.session.noop();
    conversation.session.noop();
    EXPECT_THAT(conversation.hear(std::string(line) + "\r\nA3 OK fine\r\n"),
                ElementsAre(concat("Completed A2 BAD ", line, " (malformed) command=NOOP"), "Completed A3 OK fine"));
  }
}

TEST(Session, LineThatIsNoImap_EndsTheSession) {
  for (const std::string_view line : {"Server Unavailable. 15", "", "A7 OK never asked", "A2 OK not sent yet", "a1 OK",
                                      "A1 OK twice", "[UIDNEXT 5] x", "x {3}\r\nabc"}) {
    Conversation conversation;
    conversation.open();
    EXPECT_THAT(conversation.hear(std::string(line) + "\r\n* 1 EXISTS\r\n"), ElementsAre("Failed unexpected_line"))
        << line;
    EXPECT_EQ(std::get<Failed>(conversation.session.next()).error.kind, ErrorKind::kMailbox);
    conversation.session.noop();
    EXPECT_EQ(conversation.said(), "");
  }
}

TEST(Session, CompletionCode_IsCarriedThrough) {
  Conversation conversation;
  conversation.open();
  conversation.session.noop();
  conversation.session.noop();
  EXPECT_THAT(conversation.hear("A2 OK Success [THROTTLED]\r\nA3 OK [THROTTLED] Success\r\n"),
              ElementsAre("Completed A2 OK Success [THROTTLED]", "Completed A3 OK [THROTTLED] Success"));
}

TEST(Idle, DoneIsHeldBackUntilAccepted) {
  Conversation conversation;
  conversation.open();
  conversation.session.idle();
  conversation.session.done();
  conversation.session.noop();
  EXPECT_EQ(conversation.said(), "A2 IDLE\r\n");
  EXPECT_THAT(conversation.hear("* 4 EXISTS\r\n+ idling\r\n"), ElementsAre("Exists 4", "IdleStarted A2"));
  EXPECT_EQ(conversation.said(), "DONE\r\n");
  EXPECT_THAT(conversation.hear("* 5 EXISTS\r\nA2 OK done\r\n"), ElementsAre("Exists 5", "Completed A2 OK done"));
  EXPECT_EQ(conversation.said(), "A3 NOOP\r\n");
}

TEST(Idle, DoneTwiceOrWithoutIdle_IsSaidOnceOrNever) {
  Conversation conversation;
  conversation.open();
  conversation.session.done();
  conversation.session.idle();
  conversation.hear("+\r\n");
  EXPECT_EQ(conversation.said(), "A2 IDLE\r\n") << "the early done() was not about this IDLE";
  conversation.session.done();
  conversation.session.done();
  EXPECT_EQ(conversation.said(), "DONE\r\n");
  EXPECT_THAT(conversation.hear("+ again\r\n"), ElementsAre("Unparsed + again"));
}

TEST(Idle, SecondIdle_WaitsForItsOwnDone) {
  Conversation conversation;
  conversation.open();
  conversation.session.idle();
  conversation.hear("+ \r\n");
  conversation.session.done();
  conversation.hear("A2 OK\r\n");
  conversation.session.idle();
  conversation.said();
  EXPECT_THAT(conversation.hear("+ \r\n"), ElementsAre("IdleStarted A3"));
  EXPECT_EQ(conversation.said(), "");
}

TEST(Idle, RefusedOrEndedByTheServer_SendsNoDone) {
  for (const std::string_view answer : {"A2 NO not now\r\n", "A2 BAD what\r\n", "+ ok\r\nA2 OK enough\r\n"}) {
    Conversation conversation;
    conversation.open();
    conversation.session.idle();
    conversation.hear(answer);
    conversation.session.done();
    conversation.said();
    conversation.session.noop();
    EXPECT_EQ(conversation.said(), "A3 NOOP\r\n");
  }
}

TEST(Idle, DoneThatCrossedTheServersEnd_DoesNotEndTheSession) {
  Conversation conversation;
  conversation.open();
  conversation.session.idle();
  conversation.hear("+ \r\n");
  conversation.session.done();
  EXPECT_THAT(conversation.hear("A2 OK\r\nDONE BAD unknown command\r\n* 1 EXISTS\r\n"),
              ElementsAre("Completed A2 OK ", "Unparsed DONE BAD unknown command", "Exists 1"));
}

TEST(Idle, Bye_IsTold) {
  Conversation conversation;
  conversation.open();
  conversation.session.idle();
  EXPECT_THAT(conversation.hear("+ \r\n* BYE Session invalidated - AccessTokenExpired\r\n"),
              ElementsAre("IdleStarted A2", "Bye Session invalidated - AccessTokenExpired"));
}

TEST(StartTls, CapabilitiesAreForgottenAndNothingIsSaidBeforeTls) {
  for (const std::size_t chunk : {0U, 1U}) {
    Conversation conversation;
    conversation.hear("* OK [CAPABILITY IMAP4rev1 STARTTLS] hi\r\n");
    conversation.session.starttls();
    conversation.session.capability();
    EXPECT_EQ(conversation.said(), "A1 STARTTLS\r\n");
    EXPECT_THAT(conversation.hear("A1 OK go\r\n", chunk), ElementsAre("Completed A1 OK go"));
    EXPECT_FALSE(conversation.session.capabilities().known());
    EXPECT_EQ(conversation.said(), "");
    conversation.session.tls_started();
    EXPECT_EQ(conversation.said(), "A2 CAPABILITY\r\n");
  }
}

// CVE-2011-0411 and its kin.
TEST(StartTls, PlainTextAfterTheOk_EndsTheSession) {
  for (const std::string_view injected : {"* CAPABILITY AUTH=PLAIN\r\n", "x", "\r\n"})
    for (const std::size_t chunk : {0U, 1U}) {
      Conversation conversation;
      conversation.hear("* OK hi\r\n");
      conversation.session.starttls();
      EXPECT_THAT(conversation.hear("A1 OK go\r\n" + std::string(injected), chunk),
                  ElementsAre("Completed A1 OK go", "Failed plaintext_after_starttls"));
      EXPECT_FALSE(conversation.session.capabilities().known());
    }
}

TEST(StartTls, Refused_GoesOnInPlainTextForTheOwnerToEnd) {
  Conversation conversation;
  conversation.hear("* OK hi\r\n");
  conversation.session.starttls();
  EXPECT_THAT(conversation.hear("A1 NO no\r\n* OK still here\r\n"),
              ElementsAre("Completed A1 NO no", "Text OK still here"));
}

// RFC 4978 §3: the server compresses from the octet after the CRLF of its OK on.
TEST(Compress, Agreed_NothingMoreIsSaidOrReadUntilItHasStarted) {
  Conversation conversation;
  conversation.open();
  conversation.said();
  conversation.session.compress();
  conversation.session.noop();
  EXPECT_EQ(conversation.said(), "A2 COMPRESS DEFLATE\r\n");
  const std::string_view received = "A2 OK go\r\n\x72\n{5}\r\n";
  conversation.session.receive(std::as_bytes(std::span(received)));
  EXPECT_TRUE(std::holds_alternative<Completed>(conversation.session.next()));
  EXPECT_TRUE(std::holds_alternative<NeedInput>(conversation.session.next()));
  EXPECT_EQ(conversation.session.take_compressed(), "\x72\n{5}\r\n");
  EXPECT_EQ(conversation.said(), "");
  conversation.session.compression_started();
  EXPECT_EQ(conversation.said(), "A3 NOOP\r\n");
  EXPECT_THAT(conversation.hear("A3 OK done\r\n"), ElementsAre("Completed A3 OK done"));
}

TEST(Compress, Refused_GoesOnAsBefore) {
  Conversation conversation;
  conversation.open();
  conversation.said();
  conversation.session.compress();
  conversation.session.noop();
  EXPECT_THAT(conversation.hear("A2 NO [COMPRESSIONACTIVE] by TLS\r\nA3 OK\r\n"),
              ElementsAre("Completed A2 NO [COMPRESSIONACTIVE] by TLS", "Completed A3 OK "));
  EXPECT_EQ(conversation.said(), "A2 COMPRESS DEFLATE\r\nA3 NOOP\r\n");
}

TEST(Session, BodyBytes_AreViewsIntoWhatWasReceived) {
  Conversation conversation;
  conversation.open();
  const std::string wire = "* 1 FETCH (BODY[] {5}\r\nhello)\r\n";
  conversation.session.receive(std::as_bytes(std::span(wire)));
  EXPECT_FALSE(conversation.session.in_body());
  ASSERT_TRUE(std::holds_alternative<BodyBegin>(conversation.session.next()));
  EXPECT_TRUE(conversation.session.in_body());
  const Event event = conversation.session.next();
  EXPECT_EQ(static_cast<const void*>(std::get<BodyBytes>(event).bytes.data()), wire.data() + wire.find("hello"));
  ASSERT_TRUE(std::holds_alternative<BodyEnd>(conversation.session.next()));
  EXPECT_FALSE(conversation.session.in_body());
}

TEST(Classify, StatusAndCodesOfRfc5530) {
  struct Row {
    CompletionStatus status;
    std::string_view atom;
    FailureClass expected;
  };
  for (const Row& row : {Row{CompletionStatus::kOk, "THROTTLED", FailureClass::kNone},
                         Row{CompletionStatus::kNo, "UNAVAILABLE", FailureClass::kTransient},
                         Row{CompletionStatus::kNo, "OVERQUOTA", FailureClass::kThrottled},
                         Row{CompletionStatus::kNo, "AUTHENTICATIONFAILED", FailureClass::kAuthentication},
                         Row{CompletionStatus::kNo, "NOPERM", FailureClass::kPermission},
                         Row{CompletionStatus::kNo, "NONEXISTENT", FailureClass::kGone},
                         Row{CompletionStatus::kNo, "", FailureClass::kRefused},
                         Row{CompletionStatus::kNo, "ALERT", FailureClass::kRefused},
                         Row{CompletionStatus::kBad, "", FailureClass::kRequest},
                         Row{CompletionStatus::kBad, "LIMIT", FailureClass::kThrottled}}) {
    Completed completed(CommandId(1), row.status);
    if (!row.atom.empty()) completed.code = ResponseCode{std::string(row.atom), {}};
    EXPECT_EQ(classify(completed), row.expected) << row.atom;
  }
}

} // namespace
} // namespace mailmoor::imap
