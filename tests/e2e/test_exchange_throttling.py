"""Exchange Online has had enough: it names a time, and nothing comes from us until that is over."""
from e2e.provider import ProviderTest


# Long enough for the daemon to be asked what it does meanwhile, or to be started anew, on a busy machine.
PAUSE, LONG_PAUSE = 6000, 15_000  # milliseconds


class Throttling(ProviderTest):
    def check(self, match, milliseconds=PAUSE, word="BAD", bye=True, count=20):
        server = self.exchange()
        self.fill(count)
        server.throttle(match, milliseconds, word, bye)
        self.begin("0.02")
        row = self.daemon_.wait_for_state("alice", "throttled")
        self.assertIn("Request is throttled", row["reason"])
        self.assertIsNotNone(row["retry_at"])
        connections = server.connections
        self.daemon_.ctl("sync", "alice")  # nobody's wish overrides it
        self.assertRegex(self.daemon_.ctl("status", as_json=False).out, r"alice +throttled")
        self.wait_mirrored()
        self.assertEqual(connections + 1, server.connections)
        self.assertEqual(2, server.journal.logins())
        [told] = self.loud()
        self.assertRegex(told, r"priority=warning .*error=throttled retry_at=\S+ .*%d milliseconds" % milliseconds)
        self.assertEqual([], self.daemon_.status("alice")["poison"], "no message is to blame")
        self.assert_well_behaved()

    def test_while_listing(self):
        self.check("^LIST")

    def test_while_a_folder_is_opened(self):
        self.check("^EXAMINE", word="NO", bye=False)

    def test_while_bodies_are_fetched(self):
        self.check(r"BODY\.PEEK\[\]", word="NO", bye=False)

    def test_while_bodies_are_fetched_and_hung_up(self):
        self.check(r"BODY\.PEEK\[\]")

    def test_at_the_login(self):
        self.check("^AUTHENTICATE", word="NO")

    def test_restart_inside_the_pause(self):
        server = self.exchange()
        self.fill(10)
        server.throttle("^EXAMINE", LONG_PAUSE)
        self.begin("0.02")
        self.daemon_.wait_for_state("alice", "throttled")
        self.daemon_.stop()
        self.daemon_.start()
        self.assertIn("Request is throttled", self.daemon_.wait_for_state("alice", "throttled")["reason"])
        self.wait_mirrored(seconds=60)
        self.assertEqual(2, server.journal.logins())
        self.assert_well_behaved()
