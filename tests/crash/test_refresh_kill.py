"""kill -9 of the daemon at random moments around refreshes, against a server that rotates refresh tokens and revokes
the whole chain when an old one is used again (RFC 9700 §4.14.2): no chain is lost (P5).

A proxy before the token endpoint widens the windows: the request is on its way, the server has rotated and the answer
is on its way, the answer is being stored. Only the daemon is killed, as by a crash or its watchdog; what the courier
process makes of it is what is tested. MAILMOOR_KILL_SEED repeats a run's choices, as far as a process can be killed
twice at one place. MAILMOOR_DEBUG_COURIER=off in the environment shows what would be lost without it."""
import collections
import os
import random
import signal
import subprocess
import sys
import time
from urllib.parse import urlsplit

from e2e.harness import LONG, EndToEnd
from fakes.token_proxy import TokenProxy
from lib.mailmoor import PROGRAMS
from lib.processes import wait_until

KILLS = int(os.environ.get("MAILMOOR_KILLS", 200 if LONG else 20))
USERS = ("alice", "bob", "carol", "dave")
TOKEN_SECONDS = 8
LONGEST_DELAY = 0.25
WITHOUT_COURIER = os.environ.get("MAILMOOR_DEBUG_COURIER") == "off"


class RefreshKill(EndToEnd):
    def test_killed_around_refreshes(self):
        seed = int(os.environ.get("MAILMOOR_KILL_SEED", random.randrange(1 << 32)))
        print(f"seed {seed}", file=sys.stderr)
        self._random = random.Random(seed)
        self._world = self.world(oauth=True, rotation="strict", access_token_seconds=TOKEN_SECONDS)
        self._proxy = TokenProxy(urlsplit(self._world.oauth.issuer).port, self._world.certificate, self._delays)
        self.addCleanup(self._proxy.close)
        environment = {"MAILMOOR_TIME_SCALE": "0.02"}
        if WITHOUT_COURIER:
            environment["MAILMOOR_DEBUG_COURIER"] = "off"
        for user in USERS:
            self._world.fill(user, {"INBOX": 1})
        config = self._world.config(*USERS)
        config["apps"]["lab"]["token_endpoint"] = self._proxy.url
        self._daemon = self.daemon(self._world, config, environment=environment)
        self._daemon.login(self._world.people(*USERS))
        for user in USERS:
            self.wait_mirrored(self._world, self._daemon, user)

        self._seen_failures = 0
        moments = collections.Counter()
        for number in range(1, KILLS + 1):
            moments[self._kill_somewhere()] += 1
            self._daemon.start()
            if WITHOUT_COURIER:
                self._sign_in_where_lost()
                continue
            self._assert_mail_comes(USERS if number % 20 == 0 else [self._random.choice(USERS)], number)
            self.assertEqual([], self._world.oauth.failed_grants(), f"after {number} kills\n{self._daemon.log_end()}")
        if not WITHOUT_COURIER:
            self._assert_mail_comes(USERS, KILLS)
            self._assert_everyone_refreshes()
        taken_over = self._daemon.log().count("event=tokens_adopted")
        print(f"{KILLS} kills in {self._proxy.refreshes()} refreshes of {len(USERS)} accounts "
              f"({', '.join(f'{count} {moment}' for moment, count in sorted(moments.items()))}); "
              f"{taken_over} times tokens were taken over from the journal; {self._reuses()} lost chains",
              file=sys.stderr)
        self.assertEqual([], self._world.oauth.failed_grants())
        if not WITHOUT_COURIER:
            self.assertGreater(taken_over, 0, "no kill hit the window that this test is about")

    def _reuses(self):
        """Refresh tokens that were used a second time: each took its chain with it."""
        return len([row for row in self._world.oauth.failed_grants() if row.get("account")])

    def _sign_in_where_lost(self):
        lost = {row["account"] for row in self._world.oauth.failed_grants()[self._seen_failures:] if row.get("account")}
        self._seen_failures = len(self._world.oauth.failed_grants())
        if lost:
            self._daemon.login(self._world.people(*lost))

    def _delays(self):
        return self._random.uniform(0, LONGEST_DELAY), self._random.uniform(0, LONGEST_DELAY)

    def _kill_somewhere(self):
        """The name of the moment. Uniform over them; each spans a whole window."""
        moment = self._random.choice(("any time", "asked", "answered", "relayed"))
        if moment == "any time":
            time.sleep(self._random.uniform(0, TOKEN_SECONDS / 2))
        else:
            found = self._proxy.wait_for_phase(moment, 3 * TOKEN_SECONDS)
            self.assertTrue(found or WITHOUT_COURIER, f"no refresh came\n{self._daemon.log_end()}")
            # After the last octet there is the courier's fsync, the socket, and the commit: milliseconds.
            time.sleep(self._random.uniform(0, 0.03 if moment == "relayed" else LONGEST_DELAY))
        child, self._daemon.child = self._daemon.child, None
        os.kill(child.pid, signal.SIGKILL)  # not the group: the courier lives
        child.process.wait()
        return moment

    def _assert_mail_comes(self, users, number):
        for user in users:
            message = self._world.deliver(user)
            try:
                self.wait_delivered(self._world, self._daemon, user, message, 60)
            except AssertionError as error:
                raise AssertionError(f"after {number} kills: {error}\n{self._world.oauth.failed_grants()}") from error

    def _assert_everyone_refreshes(self):
        before = {user: len(self._world.oauth.refreshes(user)) for user in USERS}
        wait_until(lambda: all(len(self._world.oauth.refreshes(user)) > before[user] for user in USERS), 60,
                   lambda: f"every account's next refresh\n{self._daemon.log_end()}")


class Couriers(EndToEnd):
    """What an operator sees of the second process."""

    def test_passwords_need_no_courier(self):
        world = self.world()
        world.fill("alice", {"INBOX": 1})
        daemon = self.daemon(world, world.config("alice"))
        self.wait_mirrored(world, daemon, "alice")
        self.assertEqual([], couriers_of(daemon))
        self.assertFalse(os.path.exists(f"{daemon.state_dir}/courier.journal"))

    def test_nobody_else_starts_one(self):
        daemon = self.daemon(self.world(), {"mailboxes": []}, start=False)
        done = subprocess.run([f"{PROGRAMS}/mailmoord", "--courier", "info"], stdin=subprocess.DEVNULL,
                              capture_output=True, text=True, timeout=30, check=False, cwd=daemon.directory)
        self.assertEqual(2, done.returncode)
        self.assertIn("a courier is started by mailmoord", done.stderr)

    def test_second_daemon_is_refused_by_the_first_and_not_by_its_courier(self):
        """The courier that outlives its daemon holds the journal, not the state directory."""
        world = self.world(oauth=True, access_token_seconds=TOKEN_SECONDS)
        proxy = TokenProxy(urlsplit(world.oauth.issuer).port, world.certificate, lambda: (0, 3))
        self.addCleanup(proxy.close)
        world.fill("alice", {"INBOX": 1})
        config = world.config("alice")
        config["apps"]["lab"]["token_endpoint"] = proxy.url
        daemon = self.daemon(world, config, environment={"MAILMOOR_TIME_SCALE": "0.02"})
        daemon.login({"alice": world.person("alice")})
        self.assertTrue(proxy.wait_for_phase("answered", 30), "no refresh came")
        status, words = daemon.run_daemon_to_its_end()
        self.assertEqual(1, status)
        self.assertIn(f"is in use by another mailmoord (process {daemon.child.pid})", words)
        [courier] = couriers_of(daemon)
        child, daemon.child = daemon.child, None
        os.kill(child.pid, signal.SIGKILL)
        child.process.wait()
        os.kill(courier, signal.SIGTERM)  # as systemd does to all that is left of the unit
        daemon.start()
        self.assertTrue(is_courier(courier), "the courier did not wait for its answer")
        wait_until(lambda: "event=tokens_adopted" in daemon.log(), 30, daemon.log_end)
        self.assertIn("event=courier_waits", daemon.log())
        self.assertFalse(is_courier(courier))
        self.assertEqual([], world.oauth.failed_grants())

    def test_killed_courier_is_replaced_and_tokens_go_on(self):
        world = self.world(oauth=True, access_token_seconds=TOKEN_SECONDS)
        world.fill("alice", {"INBOX": 1})
        daemon = self.daemon(world, world.config("alice"), environment={"MAILMOOR_TIME_SCALE": "0.02"})
        daemon.login({"alice": world.person("alice")})
        # The sign-in and one refresh are stored, the next one is seconds away: a courier that is killed inside of an
        # exchange may take the new token with it, as mailmoord(8) says.
        wait_until(lambda: daemon.log().count("event=token_refreshed") >= 2, 30, "the first refresh to be stored")
        [first] = couriers_of(daemon)
        self.assert_keeps_secrets(daemon, first)
        os.kill(first, signal.SIGKILL)
        [second] = wait_until(lambda: [pid for pid in couriers_of(daemon) if pid != first], 30, "another courier")
        seen = len(world.oauth.refreshes("alice"))
        wait_until(lambda: len(world.oauth.refreshes("alice")) > seen, 30, "a refresh by the second courier")
        self.assertEqual([], world.oauth.failed_grants())
        daemon.stop()
        wait_until(lambda: not os.path.exists(f"/proc/{second}"), 10, "the courier to end with its daemon")

    def assert_keeps_secrets(self, daemon, courier):
        with open(f"/proc/{courier}/cmdline", "rb") as file:
            self.assertEqual([b"mailmoord", b"--courier", b"debug", b""], file.read().split(b"\0"))
        with open(f"/proc/{courier}/environ", "rb") as file:
            names = {entry.split(b"=")[0] for entry in file.read().split(b"\0")}
        self.assertFalse(names & {b"NOTIFY_SOCKET", b"MAILMOOR_TIME_SCALE", b"HOME"}, names)
        with open(f"/proc/{courier}/status", encoding="ascii") as file:
            status = dict(line.rstrip("\n").split(":\t", 1) for line in file if ":\t" in line)
        descriptors = [os.readlink(f"/proc/{courier}/fd/{fd}") for fd in os.listdir(f"/proc/{courier}/fd")]
        inherited = [target for target in descriptors if target.startswith("/") and not target.startswith("/dev/null")]
        self.assertEqual(sorted([daemon.log_file, f"{daemon.state_dir}/courier.journal"]), sorted(inherited))
        print(f"the courier's memory: {status['VmRSS'].strip()} resident, {status['RssAnon'].strip()} its own",
              file=sys.stderr)


def couriers_of(daemon):
    """Process ids."""
    with open(f"/proc/{daemon.child.pid}/task/{daemon.child.pid}/children", encoding="ascii") as file:
        children = [int(word) for word in file.read().split()]
    for task in os.listdir(f"/proc/{daemon.child.pid}/task"):
        with open(f"/proc/{daemon.child.pid}/task/{task}/children", encoding="ascii") as file:
            children += [int(word) for word in file.read().split() if int(word) not in children]
    return [pid for pid in children if is_courier(pid)]


def is_courier(pid):
    try:
        with open(f"/proc/{pid}/cmdline", "rb") as file:
            return b"--courier" in file.read().split(b"\0")
    except FileNotFoundError:
        return False
