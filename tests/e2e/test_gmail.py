"""Gmail as it presents itself, and when it has had enough."""
import datetime
import time

from e2e.provider import ProviderTest
from fakes import gmail
from fakes.dovecot import PASSWORD
from fakes.entra import TENANT, Entra
from fakes.gmail import Gmail
from fakes.mail_server import Folder


class GmailTest(ProviderTest):
    def gmail(self, tokens=False):
        self.place_ = self.place()
        self.entra = Entra(self.place_.certificate) if tokens else None
        if tokens:
            self.addCleanup(self.entra.stop)
        accepts = (lambda user, token, is_token: is_token and self.entra.holds(user, token)) if tokens else PASSWORD
        self.use(Gmail(self.place_.certificate, accepts))
        return self.server

    def app(self):
        endpoints = f"{self.entra.authority}/{TENANT}/oauth2/v2.0"
        return {"provider": "custom", "token_endpoint": f"{endpoints}/token", "client_id": "main",
                "device_authorization_endpoint": f"{endpoints}/devicecode", "scopes": ["https://mail.google.com/"],
                "ca_file": self.place_.authority.ca_file}


class Presentation(GmailTest):
    def test_greeting_folders_and_capabilities(self):
        """They come with the login, and are not asked for again; what was said before it is void."""
        server = self.gmail()
        self.fill(12)
        self.fill(3, "Work")
        self.fill(2, "[Google Mail]/Gesendet")
        self.begin()
        self.wait_mirrored()
        self.sync()
        self.assertEqual(["CAPABILITY"], server.journal.commands("^CAPABILITY"))
        self.assertEqual((1, 1), (server.journal.logins(), server.connections))
        self.assertTrue(server.journal.commands(r"^EXAMINE \"INBOX\" \(CONDSTORE\)"))
        self.assertEqual([], server.journal.commands(r"^ENABLE|\"\[Google Mail\]\" *$|COMPRESS|XLIST"))
        self.assert_well_behaved()

    def test_short_literals_go_unasked(self):
        """LITERAL-: names that cannot be quoted."""
        server = self.gmail()
        server.folders['Say "x"'] = Folder(listed='* LIST (\\HasNoChildren) "/" {7}\r\nSay "x"')
        self.fill(3, 'Say "x"')
        self.begin()
        self.wait_mirrored()
        self.assertEqual({(7, True)}, set(server.literals))
        self.assert_well_behaved()

    def check_refused_token(self, mechanism, reply):
        server = self.gmail(tokens=True)
        if mechanism == "OAUTHBEARER":
            server.capabilities_before = gmail.BEFORE.replace("AUTH=XOAUTH2 ", "")
        self.fill(5)
        self.begin()
        self.wait_mirrored()
        self.deliver()
        self.refuse_token()
        self.wait_mirrored()
        self.assertEqual([f"AUTHENTICATE {mechanism} ***"] * 3, server.journal.commands("^AUTHENTICATE"))
        self.assertEqual([reply], [row.text for row in server.journal.rows("reply")])
        self.assertEqual(1, len(self.entra.journal("alice", "refresh_token")))
        self.assertEqual([], self.loud())
        self.assert_well_behaved()

    def test_refused_token_xoauth2(self):
        self.check_refused_token("XOAUTH2", "")

    def test_refused_token_oauthbearer(self):
        self.check_refused_token("OAUTHBEARER", "AQ==")

    def test_wrong_password_is_said_once(self):
        server = self.gmail()
        server.accepts = lambda *_: False
        self.fill(5)
        self.begin()
        row = self.daemon_.wait_for_state("alice", "needs_login")
        self.assertIn("Invalid credentials", row["reason"])
        self.assertEqual(1, server.journal.logins())
        self.assertEqual(1, len(self.loud("err")))


class Enough(GmailTest):
    def test_throttled_on_success_is_no_error(self):
        server = self.gmail()
        self.fill(30)
        server.throttles = True
        server.script("^ID", gmail.THROTTLED)
        server.script("^LIST", "* OK [THROTTLED]", then="go_on")
        self.begin()
        self.wait_mirrored()
        self.sync()
        self.assertEqual([], self.loud(), "slow is no fault")
        self.assertEqual((1, 1), (server.journal.logins(), server.connections))
        self.assertEqual([], self.daemon_.status("alice")["poison"])
        self.assert_well_behaved()

    def test_bandwidth_limit_silences_the_account(self):
        """No time is named: an hour at the least, whoever asks, a restart included."""
        server = self.gmail()
        self.fill(5)
        server.script(r"BODY\.PEEK\[\]", gmail.OVER_QUOTA, pause=3600)
        self.begin("0.001")
        row = self.daemon_.wait_for_state("alice", "throttled")
        self.assertIn("bandwidth limits", row["reason"])
        until = datetime.datetime.fromisoformat(row["retry_at"].replace("Z", "+00:00")).timestamp()
        self.assertGreater(until - time.time(), 3500)
        self.assertLess(until - time.time(), 24 * 3600)
        connections = server.connections
        self.daemon_.ctl("sync", "alice")
        self.daemon_.stop()
        self.daemon_.start()
        row = self.daemon_.wait_for_state("alice", "throttled")
        self.assertIn("bandwidth limits", row["reason"])
        self.daemon_.ctl("sync", "alice")
        self.assertEqual("throttled", self.daemon_.status("alice")["state"])
        self.assertEqual(connections, server.connections)
        self.assertEqual([], row["poison"])
        self.assert_well_behaved()

    def test_too_many_simultaneous_connections(self):
        server = self.gmail()
        self.fill(5)
        server.script("^AUTHENTICATE", gmail.TOO_MANY, times=2)
        self.begin("0.005")  # ten minutes: 3 s
        row = self.daemon_.wait_for_state("alice", "backing_off", "throttled")
        self.assertIn("Too many simultaneous connections", row["reason"])
        self.assertIn("close other mail programs", row["remedy"])
        self.wait_mirrored()
        self.assertEqual(3, server.journal.logins())
        self.assertEqual(1, len(self.loud()))
        starts = [row.at for row in server.journal.rows("connect")]
        self.assertGreaterEqual(min(later - earlier for earlier, later in zip(starts, starts[1:])), 1.4)
        self.assert_well_behaved()
