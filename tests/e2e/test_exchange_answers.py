"""Exchange Online answers half of what it was asked, or doubts who we are: no message is lost or double, none is to
blame for another."""
from e2e.provider import ProviderTest
from fakes.exchange import NOT_CONNECTED
from lib import maildir
from lib.processes import wait_until


class HalfAnswers(ProviderTest):
    def test_refusal_after_part_of_what_was_asked(self):
        """What came before it counts and is not fetched again; the rest is asked for one by one."""
        server = self.exchange()
        server.faults = {9: "no"}
        self.fill(20)
        self.begin()
        row = self.wait_mirrored({9})
        self.assertEqual([(9, True)], [(entry["uid"], "message set is invalid" in entry["reason"])
                                       for entry in row["poison"]])
        self.assertEqual({1}, {times for uid, times in server.bodies_wanted().items() if uid < 9})
        self.assertLessEqual(server.bodies_wanted()[9], 2, "with the others, and alone")
        self.assert_well_behaved()

    def test_size_is_an_estimate(self):
        server = self.exchange()
        self.fill(10)
        self.begin(deletions="keep")
        self.wait_mirrored()
        answer = self.daemon_.ctl("verify", "alice")
        self.assertEqual(0, answer.status, f"a size that is none is no damage: {answer}")
        for mail in maildir.mails(self.daemon_.mailbox_dir("alice")):
            self.assertEqual(len(maildir.read(mail.path)), int(maildir.NAME.match(mail.name)["size"]))
        self.assertEqual([], server.treacherous())
        self.assert_well_behaved()

    def test_news_between_the_answers(self):
        """Flags that changed, a message that goes and one that comes, in the midst of bodies."""
        server = self.exchange()
        self.fill(30)
        happened = []

        def during_fetch(session, uid):
            if uid != 10 or happened:
                return
            happened.append(uid)
            with server.lock:
                del server.messages[20]
            session.say("* 20 EXPUNGE")
            session.say("* 12 FETCH (FLAGS (\\Flagged))")
            session.say("* 13 FETCH (UID 13 FLAGS (\\Seen \\Answered) X-ODD-ITEM (1 {3}\r\na)b) MODSEQ (7))")
            session.say("* [UIDNEXT 31] a code without its OK")
            self.deliver()
            session.say("* 30 EXISTS")

        server.during_fetch = during_fetch
        self.begin()
        self.wait_mirrored({20})
        self.sync()
        row = self.wait_mirrored({20})
        self.assertEqual([], row["poison"], "a message that went is none")
        self.assertEqual(0, row["behind"])
        self.assertEqual({1}, set(server.bodies_wanted()[uid] for uid in self.messages["INBOX"] if uid != 20))
        self.assert_well_behaved()

    def test_some_no_longer_exist(self):
        server = self.exchange()
        self.fill(12)
        gone = []

        def during_fetch(_, uid):
            with server.lock:
                if uid == 5 and not gone:
                    gone.append(server.messages.pop(7))

        server.during_fetch = during_fetch
        self.begin()
        row = self.wait_mirrored({7})
        self.assertEqual([], row["poison"])
        self.assert_well_behaved()

    def test_new_message_that_is_counted_before_it_is_shown(self):
        """EXISTS comes first, and n:* then means the last message there is: asked again after 2, 10 and 60 s."""
        server = self.exchange()
        self.fill(5)
        self.begin("0.1", push="auto")
        self.wait_mirrored()
        wait_until(lambda: server.journal.commands("^IDLE"), 10, "IDLE")
        with server.lock:
            uid = self.deliver()
            server.folders["INBOX"].unseen = {uid: 2}
        row = self.wait_mirrored()
        self.assertEqual(0, row["behind"])
        self.assertEqual({1: 1, 2: 1, 3: 1, 4: 1, 5: 1, uid: 1}, server.bodies_wanted())
        self.assertEqual(1, server.journal.logins())
        self.assert_well_behaved()


class Doubtful(ProviderTest):
    def test_authenticated_but_not_connected(self):
        server = self.exchange(tokens=True)
        self.fill(5)
        server.script("^(ID|NAMESPACE|LIST)", NOT_CONNECTED, times=3)
        self.begin("0.01")  # 1, 5, 15 minutes: 0.6, 3, 9 s, the later half of each
        row = self.daemon_.wait_for_state("alice", "backing_off")
        self.assertIn("authenticated but not connected", row["reason"])
        self.assertIn("IMAP is enabled", row["remedy"])
        self.wait_mirrored(seconds=40)
        self.assertEqual(4, server.journal.logins())
        self.assertEqual(1, len(self.loud("warning")), "told once, not at every try")
        starts = [row.at for row in server.journal.rows("connect")]
        gaps = [later - earlier for earlier, later in zip(starts, starts[1:])]
        self.assertGreater(gaps[2], gaps[0], "the waits grow")
        self.assertEqual([], self.loud("err"))
        self.assert_well_behaved()

    def test_invalid_state(self):
        server = self.exchange()
        self.fill(5)
        server.script("^AUTHENTICATE", "{tag} BAD Command received in Invalid state.", then="close", times=2)
        self.begin("0.05")
        self.wait_mirrored()
        self.assertEqual(3, server.journal.logins())
        self.assertEqual(1, len(self.loud()))
        self.assert_well_behaved()
