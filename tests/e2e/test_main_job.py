"""The main job: sign in by device code, mirror, hear of new mail at once, keep the tokens fresh, read only."""
import calendar
import email.utils
import os
import re
import time

from e2e.harness import LONG, EndToEnd
from fakes.corpus import multiset
from lib import maildir
from lib.processes import wait_until

FOLDERS = ("INBOX", "Sent", "Archive/2024", "Entwürfe", "R&D")
USERS = ("alice", "bob", "carol")
ACCESS_TOKEN_SECONDS = 20
ROTATIONS = 100 if LONG else 5
PUSH_SECONDS = 2.0 if LONG else 60  # which has the machine for itself; the poll comes after five minutes
FLAG_LETTERS = {"\\Answered": "R", "\\Draft": "D", "\\Flagged": "F", "\\Seen": "S"}


class MainJob(EndToEnd):
    def test_sign_in_mirror_push_rotate_and_fetch_nothing_twice(self):
        world = self.world(oauth=True, access_token_seconds=ACCESS_TOKEN_SECONDS)
        for user in USERS:
            world.fill(user, dict.fromkeys(FOLDERS, 200))
        before = {user: world.snapshot(user) for user in USERS}
        daemon = self.daemon(world, world.config(*USERS))

        self._sign_in(world, daemon)
        for user in USERS:
            self.wait_mirrored(world, daemon, user, 180)
            self._assert_folders_kept_apart(world, daemon, user)
            self._assert_names(world, daemon, user)
        self.assertEqual(before, {user: world.snapshot(user) for user in USERS}, "the server's view changed (P3)")

        self._assert_pushed(world, daemon)
        self._assert_rotations(world, daemon)
        self._assert_pushed(world, daemon)
        for user in USERS:
            self.assert_mirrored(world, daemon, user)
        daemon.stop()
        self._assert_second_run_fetches_nothing(world, daemon)

    def test_mirror_with_a_password_push_and_fetch_nothing_twice(self):
        world = self.world()
        for user in USERS:
            world.fill(user, dict.fromkeys(FOLDERS, 20))
        before = {user: world.snapshot(user) for user in USERS}
        daemon = self.daemon(world, world.config(*USERS))
        for user in USERS:
            self.wait_mirrored(world, daemon, user, 180)
            self._assert_folders_kept_apart(world, daemon, user)
            self._assert_names(world, daemon, user)
        self.assertEqual(before, {user: world.snapshot(user) for user in USERS}, "the server's view changed (P3)")
        if world.server.pushes:
            self._assert_pushed(world, daemon)
        daemon.stop()
        self._assert_second_run_fetches_nothing(world, daemon)

    def _sign_in(self, world, daemon):
        for user in USERS:
            daemon.wait_for_state(user, "needs_login")
        self.assertEqual(0, len(world.server.sessions()), "no login may be tried without a token")
        events = daemon.login(world.people(*USERS))
        self.assertEqual(sorted(USERS), sorted(row["mailbox"] for row in events if row["event"] == "signed_in"))
        for row in events:
            if row["event"] == "prompt":
                self.assertRegex(row["expires_at"], r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$")

    def _assert_folders_kept_apart(self, world, daemon, user):
        want = [multiset(messages) for messages in world.originals[user].values()]
        got = maildir.multisets_by_folder(daemon.mailbox_dir(user))
        self.assertEqual(len(want), len(got))
        for folder in want:
            self.assertIn(folder, got)

    def _assert_names(self, world, daemon, user):
        """Name, sub-directory, flags, size, time and mode of every file, against interface.md."""
        originals = {maildir.digest(message.octets): message
                     for messages in world.originals[user].values() for message in messages}
        for mail in maildir.mails(daemon.mailbox_dir(user)):
            name = maildir.NAME.match(mail.name)
            self.assertIsNotNone(name, mail.path)
            octets, facts = maildir.read(mail.path), os.stat(mail.path)
            message = originals[maildir.digest(octets)]
            date = internal_seconds(message.internal_date)
            letters = "".join(sorted(FLAG_LETTERS[flag] for flag in message.flags))
            self.assertEqual(
                ("cur" if "S" in letters else "new", date, len(octets), date, 0o600, letters),
                (mail.subdir, int(name["date"]), int(name["size"]), int(facts.st_mtime), facts.st_mode & 0o777,
                 name["flags"] or ""), mail.path)

    def _assert_pushed(self, world, daemon):
        for user in USERS:
            daemon.wait_for_state(user, "idle")
            message = world.deliver(user)
            started = time.monotonic()
            self.wait_delivered(world, daemon, user, message, 60)
            self.assertLess(time.monotonic() - started, PUSH_SECONDS + world.server.push_lag,
                            f"{user}: IDLE brought it too late\n{daemon.log_end()}")

    def _assert_rotations(self, world, daemon):
        start = {user: len(world.oauth.refreshes(user)) for user in USERS}
        mark = world.server.mark()
        patience = ROTATIONS * ACCESS_TOKEN_SECONDS * 2

        def fewest():
            return min(len(world.oauth.refreshes(user)) - start[user] for user in USERS)

        wait_until(lambda: fewest() >= ROTATIONS, patience,
                   lambda: f"{ROTATIONS} refreshes each; so far {fewest()}\n{daemon.log_end()}", every=0.5)
        self.assertEqual([], world.server.failed_logins())
        self.assertEqual([], world.oauth.failed_grants())
        self.assertTrue(all(row["rotated"] for row in world.oauth.refreshes()))
        sessions = world.server.sessions(mark)
        for user in USERS:
            refreshes = len(world.oauth.refreshes(user)) - start[user]
            logins = sum(1 for row in sessions if row.user == user)
            # A connection is renewed once per token; two per mailbox are allowed.
            self.assertLessEqual(logins, 2 * (refreshes + 1),
                                 f"{user}: a reconnect storm in\n{world.dovecot.log_text()[mark:]}")
            self.assertLessEqual(refreshes, 2 * ROTATIONS + 2, f"{user}: a refresh storm")
        self.assertTrue(all(row.tls and row.method in ("XOAUTH2", "OAUTHBEARER") for row in sessions))

    def _assert_second_run_fetches_nothing(self, world, daemon):
        mark = world.server.mark()
        self.assertEqual(0, daemon.once(), daemon.log_end())
        sessions = world.server.ended_sessions(mark)
        self.assertEqual(set(USERS), {row.user for row in sessions})
        self.assertEqual(0, sum(row.bodies for row in sessions))
        for user in USERS:
            self.assert_mirrored(world, daemon, user)

    def test_lost_state_database_costs_no_second_download(self):
        world = self.world()
        world.fill("alice", {"INBOX": 50, "Sent": 20})
        daemon = self.daemon(world, world.config("alice"), start=False)
        self.assertEqual(0, daemon.once(), daemon.log_end())
        self.assert_mirrored(world, daemon, "alice")
        lost = [name for name in os.listdir(daemon.state_dir) if name.startswith("state.db")]
        self.assertTrue(lost)
        for name in lost:
            os.unlink(f"{daemon.state_dir}/{name}")
        mark = world.server.mark()
        self.assertEqual(0, daemon.once(), daemon.log_end())
        self.assertEqual(0, sum(row.bodies for row in world.server.ended_sessions(mark)))
        self.assert_mirrored(world, daemon, "alice")

    def test_a_message_that_the_reader_deleted_or_moved_to_cur_stays_so(self):
        world = self.world()
        world.fill("alice", {"INBOX": 30})
        daemon = self.daemon(world, world.config("alice"), start=False)
        self.assertEqual(0, daemon.once(), daemon.log_end())
        place = daemon.mailbox_dir("alice")
        unread = [mail for mail in maildir.mails(place) if mail.subdir == "new"]
        os.unlink(unread[0].path)
        os.rename(unread[1].path, f"{os.path.dirname(os.path.dirname(unread[1].path))}/cur/{unread[1].name}:2,S")
        mark = world.server.mark()
        self.assertEqual(0, daemon.once(), daemon.log_end())
        self.assertEqual(0, sum(row.bodies for row in world.server.ended_sessions(mark)))
        self.assertEqual(29, maildir.count(place))
        self.assertEqual([], maildir.duplicates(place))

    def test_new_mail_in_another_folder_comes_with_the_poll(self):
        world = self.world()
        world.fill("alice", {"INBOX": 5, "Sent": 5})
        daemon = self.daemon(world, world.config("alice", poll="2s"))
        self.wait_mirrored(world, daemon, "alice")
        daemon.wait_for_state("alice", "idle")
        message = world.deliver("alice", "Sent")
        self.wait_delivered(world, daemon, "alice", message, 30)
        self.assert_mirrored(world, daemon, "alice")

    def test_without_idle_the_poll_alone_brings_new_mail(self):
        world = self.world(capability="IMAP4rev1 SASL-IR LITERAL+ ID ENABLE UIDPLUS")
        world.fill("alice", {"INBOX": 5})
        daemon = self.daemon(world, world.config("alice", poll="2s"))
        self.wait_mirrored(world, daemon, "alice")
        message = world.deliver("alice")
        self.wait_delivered(world, daemon, "alice", message, 30)
        self.assert_mirrored(world, daemon, "alice")



def internal_seconds(text):
    """Seconds since 1970 of an IMAP date-time."""
    day, month, year, clock, zone = re.match(r"(\d+)-(\w+)-(\d+) (\S+) ([+-]\d{4})", text).groups()
    parsed = email.utils.parsedate_tz(f"{day} {month} {year} {clock} {zone}")
    return calendar.timegm(parsed[:6] + (0, 0, 0)) - parsed[9]
