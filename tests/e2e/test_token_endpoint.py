"""The token endpoint's answers one by one, as the mailbox of one account lives through them; many accounts at once are
in test_entra_outcomes."""
import json

from e2e.provider import ProviderTest
from fakes.entra import error, html
from lib.processes import wait_until

PENDING = error("authorization_pending", 70016, "Authorization is pending")
SLOW_DOWN = error("slow_down", 70016, "The client polls too fast")
DECLINED = error("authorization_declined", 70017, "The end user denied the authorization request")
EXPIRED = error("expired_token", 70020, "The device code has expired")


class DeviceCode(ProviderTest):
    def login(self, *answers):
        self.entra.device_answers.extend(answers)
        self.entra.next_user, self.entra.pending_polls = "alice", 0
        answer = self.daemon_.ctl("login", "alice")
        return answer.status, [json.loads(line) for line in answer.out.splitlines()]

    def test_each_answer_to_a_poll(self):
        self.exchange(tokens=True)
        self.fill(3)
        self.begin(login=False)
        for final in (DECLINED, EXPIRED):
            status, events = self.login(PENDING, final)
            self.assertNotEqual(0, status)
            self.assertEqual(["prompt", "failed"], [event["event"] for event in events])
            self.assertNotEqual("", events[1]["error"])
            self.assertEqual("needs_login", self.daemon_.status("alice")["state"])
            self.assertEqual(0, len(self.entra.device_answers), "and it is not asked on")
        before = len(self.entra.journal(grant_type="urn:ietf:params:oauth:grant-type:device_code"))
        self.assertEqual(4, before)
        status, events = self.login(PENDING, SLOW_DOWN, html(503))
        self.assertEqual((0, "signed_in"), (status, events[-1]["event"]))
        polls = [row["at"] for row in
                 self.entra.journal(grant_type="urn:ietf:params:oauth:grant-type:device_code")][before:]
        self.assertEqual(4, len(polls))
        # RFC 8628 §3.5: five seconds more from slow_down on.
        self.assertGreaterEqual(min(polls[2] - polls[1], polls[3] - polls[2]), 6)
        self.wait_mirrored()
        self.assert_well_behaved()


class Refresh(ProviderTest):
    def signed_in(self, time_scale="1", life=3600, **more):
        self.exchange(tokens=True, access_token_seconds=life)
        self.entra.grant_more = more
        self.fill(3)
        self.begin(time_scale)
        self.wait_mirrored()

    def refreshes(self):
        return self.entra.journal("alice", "refresh_token")

    def test_refresh_token_that_has_expired(self):
        """A person is needed; the token is kept, and tried again now and then: a policy may have been the reason."""
        self.signed_in("0.005")
        kept = self.entra.newest("alice")
        self.entra.script("alice", error("invalid_grant", 700082, "The refresh token has expired due to inactivity"))
        self.refuse_token()
        row = self.daemon_.wait_for_state("alice", "needs_login")
        self.assertIn("700082", row["reason"])
        self.assertIn("mailmoorctl login alice", row["remedy"])
        self.entra.heal()
        self.deliver()
        self.wait_mirrored(seconds=60)
        self.assertTrue(all(row["newest"] for row in self.refreshes()))
        self.assertNotEqual(kept, self.entra.newest("alice"))
        self.assert_well_behaved()

    def test_no_new_refresh_token(self):
        """Then the old one goes on: nothing is lost."""
        self.signed_in()
        self.entra.rotates = False
        kept = self.entra.newest("alice")
        for number in (1, 2, 3):
            self.deliver()
            self.refuse_token()
            self.wait_mirrored()
            self.assertEqual(number, len(self.refreshes()))
        self.daemon_.stop()
        self.daemon_.start()
        self.deliver()
        self.refuse_token()
        self.wait_mirrored()
        self.assertEqual({(200, True)}, {(row["status"], row["newest"]) for row in self.refreshes()})
        self.assertEqual(kept, self.entra.newest("alice"))
        self.assert_well_behaved()

    def test_time_that_it_names_for_a_refresh(self):
        """refresh_in: long before the end, and without a new session."""
        self.signed_in(life=200, refresh_in=2)  # half of its life, which is usual, would be 100 s and more
        wait_until(lambda: len(self.refreshes()) >= 1, 40, lambda: f"a refresh\n{self.daemon_.log_end()}")
        self.assertEqual(1, self.server.journal.logins())
        self.assert_well_behaved()
