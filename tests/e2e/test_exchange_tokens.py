"""Exchange Online ends a session with its token, or after a while, or stops telling what is new."""
from e2e.provider import ProviderTest
from fakes.exchange import TOKEN_EXPIRED
from lib import maildir
from lib.processes import wait_until


class Tokens(ProviderTest):
    def check_nobody_is_alarmed(self, logins):
        self.assertEqual([], self.loud(), "a token that ends is no fault")
        self.assertEqual(logins, self.server.journal.logins())
        self.assertEqual([], self.daemon_.status("alice")["poison"])
        self.assert_well_behaved()

    def test_token_ends_while_idle(self):
        server = self.exchange(tokens=True)
        self.fill(5)
        self.begin(push="auto")
        self.wait_mirrored()
        wait_until(lambda: server.journal.commands("^IDLE"), 10, "IDLE")
        self.entra.end_access_tokens("alice")
        wait_until(lambda: server.connections == 2, 20, lambda: self.daemon_.log_end())
        self.deliver()
        self.wait_mirrored()
        self.check_nobody_is_alarmed(logins=2)
        self.assertEqual({1}, set(server.bodies_wanted().values()))

    def test_token_ends_between_two_messages(self):
        server = self.exchange(tokens=True)
        self.fill(12)

        def end(session, start, octets):
            server.faults.clear()
            session.say(start + f" BODY[] {{{len(octets)}}}\r\n".encode() + octets + b")\r\n")
            self.entra.end_access_tokens("alice")
            session.say(TOKEN_EXPIRED)
            raise EOFError

        server.faults = {6: end}
        self.begin()
        self.wait_mirrored()
        self.check_nobody_is_alarmed(logins=2)

    def test_token_ends_in_the_middle_of_a_literal(self):
        """The server's last words are then octets of a message that never ends."""
        server = self.exchange(tokens=True)
        self.fill(12)

        def end(session, start, octets):
            server.faults.clear()
            self.entra.end_access_tokens("alice")
            session.say(start + f" BODY[] {{{len(octets)}}}\r\n".encode() + octets[:len(octets) // 2])
            session.say(TOKEN_EXPIRED)
            raise EOFError

        server.faults = {6: end}
        self.begin("0.05")
        self.wait_mirrored()
        self.assertLessEqual(server.journal.logins(), 3)
        self.assertEqual([], maildir.strangers(self.daemon_.mailbox_dir("alice"), self.expected()))
        self.assertEqual([], self.daemon_.status("alice")["poison"])
        self.assertEqual([], self.loud("err"))
        self.assert_well_behaved()

    def test_refused_token_is_renewed_once(self):
        """Exchange says NO at once; others explain themselves first, and wait for an empty line."""
        for challenges in (False, True):
            with self.subTest(challenges=challenges):
                server = self.exchange(tokens=True)
                server.challenges = challenges
                self.fill(5)
                self.begin()
                self.wait_mirrored()
                self.deliver()
                self.refuse_token()
                self.wait_mirrored()
                replies = [row.text for row in server.journal.rows("reply")]
                self.assertEqual([""] if challenges else [], replies)
                self.assertEqual(3, server.journal.logins(), "first, refused, with a new token")
                self.assertEqual(1, len(self.entra.journal("alice", "refresh_token")))
                self.check_nobody_is_alarmed(logins=3)
                self.daemon_.stop()

    def test_token_that_is_refused_for_good(self):
        """A new one is asked for once; then it is a matter for people, with what to look at."""
        server = self.exchange(tokens=True)
        server.accepts = lambda *_: False
        self.fill(5)
        self.begin()
        row = self.daemon_.wait_for_state("alice", "failed")
        self.assertIn("AUTHENTICATE failed", row["reason"])
        self.assertIn("IMAP is enabled", row["remedy"])
        self.assertIsNotNone(row["retry_at"])
        self.assertEqual(2, server.journal.logins())
        self.assertLessEqual(len(self.entra.journal("alice", "refresh_token")), 1)
        self.assertEqual(1, len(self.loud("err")))


class Push(ProviderTest):
    def begin_idle(self, **mailbox):
        self.fill(5)
        self.begin("0.1", push="auto", **mailbox)
        self.wait_mirrored()
        wait_until(lambda: self.server.journal.commands("^IDLE"), 10, "IDLE")

    def test_exists_before_idle_is_accepted(self):
        server = self.exchange()
        self.fill(5)
        at_idle = []

        def before_idle(session):
            if not at_idle:
                at_idle.append(self.deliver())
            session.tell_exists()

        server.before_idle = before_idle
        self.begin(push="auto")
        self.wait_mirrored()
        wait_until(lambda: at_idle, 10, "IDLE")
        self.wait_mirrored()
        self.assertEqual(1, server.journal.logins())
        self.assert_well_behaved()

    def test_idle_that_never_tells(self):
        server = self.exchange()
        server.pushes = False
        self.begin_idle(poll="10s")  # one second
        self.deliver()
        self.wait_mirrored(seconds=15)
        self.assertEqual(1, server.journal.logins())
        self.assert_well_behaved()

    def test_connection_closed_after_a_while(self):
        """Its own limit on idle sessions: a reconnection, not a fault that grows."""
        server = self.exchange()
        self.begin_idle()
        for number in range(2, 4):
            server.idle_byes.append("* BYE Connection is closed. 13")
            wait_until(lambda: server.journal.logins() == number, 20, self.daemon_.log_end)  # pylint: disable=W0640
            self.deliver()
            self.wait_mirrored()
            wait_until(lambda: server.connections == number and self.daemon_.status("alice")["state"] == "idle", 10,
                       "idle again")  # pylint: disable=cell-var-from-loop
        self.assertEqual([], self.loud("err"))
        self.assert_well_behaved()
