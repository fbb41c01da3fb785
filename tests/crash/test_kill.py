"""kill -9 at random moments of a first sync, restarted each time: nothing lost, nothing double, nothing torn (P1, P2).

A round is one first sync into an empty Maildir with an empty state.db; it ends when a run survives to its own end.
Rounds go on until there were enough kills. One mailbox signs in with a token (whose refreshes the kills hit too), two
with a password. MAILMOOR_KILL_SEED repeats a run's moments, as far as a process can be killed twice at one place."""
import os
import random
import sys
import time

from e2e.harness import LONG, EndToEnd
from lib import maildir
from lib.processes import TimedOut

KILLS = 100 if LONG else 25
FOLDERS = {"INBOX": 120, "Sent": 60, "Archive/2024": 60}
USERS = ("alice", "bob", "carol")


class Kill(EndToEnd):
    def test_killed_at_random_moments_of_a_first_sync(self):
        seed = int(os.environ.get("MAILMOOR_KILL_SEED", random.randrange(1 << 32)))
        print(f"seed {seed}", file=sys.stderr)
        self._random = random.Random(seed)
        self._kills, self._bodies = 0, 0
        # Like Entra ID: a used refresh token stays good, so a kill between the server's rotation and our commit is
        # survived.
        self._world = self.world(oauth=True, rotation="entra", access_token_seconds=600)
        for user in USERS:
            self._world.fill(user, FOLDERS)
        config = self._world.config("alice")
        config["mailboxes"] += [self._world.password_mailbox(user) for user in USERS[1:]]
        self._daemon = self.daemon(self._world, config, environment={"MAILMOOR_TIME_SCALE": "0.1"})
        self._daemon.login({"alice": self._world.person("alice")})
        for user in USERS:
            self.wait_mirrored(self._world, self._daemon, user)
        self._daemon.stop()

        duration = self._undisturbed_run()
        rounds = 0
        while self._kills < KILLS:
            rounds += 1
            self._fresh_place(rounds)
            self._round(duration)
        messages = sum(sum(FOLDERS.values()) for _ in USERS)
        print(f"{self._kills} kills in {rounds} first syncs of {messages} messages, {duration:.1f} s each when "
              f"undisturbed; {self._bodies / (rounds * messages):.2f} bodies fetched per message", file=sys.stderr)
        self.assertEqual([], self._world.oauth.failed_grants())

    def _fresh_place(self, number):
        """An empty Maildir and no state.db: what may be deleted at any time, and makes the next sync a first one."""
        self._daemon.mail_root = f"{self._daemon.directory}/mail{number}"
        self._daemon.write_config(self._daemon.configuration)
        for name in os.listdir(self._daemon.state_dir):
            if name.startswith("state.db"):
                os.unlink(f"{self._daemon.state_dir}/{name}")

    def _undisturbed_run(self):
        self._fresh_place(0)
        started = time.monotonic()
        self.assertEqual(0, self._daemon.once(), self._daemon.log_end())
        return time.monotonic() - started

    def _round(self, duration):
        mark = self._world.dovecot.mark()
        while True:
            # Some fall into start-up, most into the sync, a few never come.
            limit = self._random.uniform(0.02, 1.1 * duration)
            status = self._run_for(limit) if self._kills < KILLS else self._daemon.once()
            self._assert_nothing_torn_or_double()
            if status is not None:
                self.assertEqual(0, status, self._daemon.log_end())
                break
            self._kills += 1
        for user in USERS:
            place = self._daemon.mailbox_dir(user)
            self.assert_mirrored(self._world, self._daemon, user)
            self.assertEqual([], maildir.leftovers(place), "a killed run's tmp/ files outlived the next start")
        # A session killed while it is handed over has no end in the log, and fetched nothing.
        self._bodies += sum(row.bodies for row in self._world.dovecot.sessions(mark) if row.ended)
        mark = self._world.dovecot.mark()
        self.assertEqual(0, self._daemon.once(), self._daemon.log_end())
        self.assertEqual(0, sum(row.bodies for row in self._world.dovecot.ended_sessions(mark)), "fetched again")

    def _run_for(self, seconds):
        """The exit status of mailmoord --once, or None if it was killed first."""
        child = self._daemon.spawn_once()
        try:
            return child.wait(seconds)
        except TimedOut:
            return None
        finally:
            child.kill()

    def _assert_nothing_torn_or_double(self):
        for user in USERS:
            place = self._daemon.mailbox_dir(user)
            self.assertEqual([], maildir.strangers(place, self._world.expected(user)))
            self.assertEqual([], maildir.duplicates(place))
