"""A real small file system under the Maildir and the daemon's databases runs full, and is read-only for a while: nothing
is lost, nothing is torn, no token either, and the daemon goes on by itself when there is room again."""
import contextlib
import os
import random
import shutil
import sqlite3
import subprocess
import unittest

from e2e.harness import LONG, SERVER, EndToEnd
from lib import maildir
from lib.processes import wait_until

SIZE = 24 * 1024 * 1024
FULL_TIMES = 100 if LONG else 6


def mounted(place, image):
    """Mounts ext4 in a file there, or tmpfs where loop devices are not to be had. False: nothing may be mounted here."""
    def run(*command):
        return shutil.which(command[0]) and subprocess.run(command, capture_output=True, check=False).returncode == 0

    with open(image, "wb") as file:
        file.truncate(SIZE)
    if run("mkfs.ext4", "-q", "-F", "-m", "0", image) and run("mount", "-o", "loop", image, place):
        return True
    return run("mount", "-t", "tmpfs", "-o", f"size={SIZE},mode=0755", "tmpfs", place)


class SmallDisk(EndToEnd):
    def make(self, folders, databases_too=False, **world):
        self.world_ = self.world(**world)
        self.world_.fill("alice", folders)
        self.daemon_ = self.daemon(self.world_, self.world_.config("alice", poll="1h", push="off"), start=False,
                                   environment={"MAILMOOR_TIME_SCALE": "0.05"})
        self.disk_ = f"{self.world_.directory}/small"
        os.makedirs(self.disk_)
        if os.geteuid() != 0 or not mounted(self.disk_, f"{self.world_.directory}/disk"):
            raise unittest.SkipTest("no small file system can be mounted here: that needs root, and a kernel that lets it")
        self.addCleanup(subprocess.run, ["umount", "-l", self.disk_], check=False)
        self.bind("mail", self.daemon_.mail_root)
        if databases_too:
            self.bind("state", self.daemon_.state_dir)
        # Cleanups go backwards: the daemon ends before its disk goes.
        self.addCleanup(self.daemon_.stop)
        self.ballast_ = f"{self.disk_}/ballast"

    def bind(self, name, place):
        os.mkdir(f"{self.disk_}/{name}", 0o700)
        subprocess.run(["mount", "--bind", f"{self.disk_}/{name}", place], check=True)
        self.addCleanup(subprocess.run, ["umount", "-l", place], check=False)

    def leave(self, room):
        """Fills the disk up to so many bytes."""
        about = os.statvfs(self.disk_)
        size = max(0, about.f_bavail * about.f_frsize - room)
        with open(self.ballast_, "wb", buffering=0) as file:
            try:
                os.posix_fallocate(file.fileno(), 0, max(1, size))
            except OSError:  # what it needs for itself is not there: as much as there is
                file.seek(0, os.SEEK_END)
                with contextlib.suppress(OSError):
                    while True:
                        file.write(bytes(1024))

    def make_room(self):
        os.unlink(self.ballast_)

    def alice(self):
        return self.daemon_.ctl("--json", "status", "alice").json["mailboxes"][0]

    def wait_for(self, state, words):
        """The status of a moment in which it waits in that state, for a reason with these words."""
        seen = []

        def is_there():
            seen[:] = [self.alice()]
            return seen[0]["state"] == state and words in (seen[0]["reason"] or "") and seen[0]["retry_at"]

        wait_until(is_there, 60, lambda: f"{state}, {words!r} in status: {seen}\n{self.daemon_.log_end()}", 0.02)
        return seen[0]


class FullDisk(SmallDisk):
    def test_full_disk_is_told_and_goes_on_when_there_is_room(self):
        self.make({"INBOX": 60, "Sent": 30})
        self.leave(300_000)
        self.daemon_.start()
        status = self.wait_for("backing_off", "No space left on device")
        self.assertIn("free some space", str(status))
        place = self.daemon_.mailbox_dir("alice")
        whole = self.world_.expected("alice")
        self.assertFalse(maildir.multiset(place) - whole, "what is there is whole")
        self.make_room()
        self.wait_mirrored(self.world_, self.daemon_, "alice")
        wait_until(lambda: self.alice()["state"] == "idle", 60, lambda: f"idle: {self.alice()}")
        self.assertEqual([], [path for path in maildir.leftovers(place) if "mailmoor-" in path])

    def test_read_only_is_told_and_goes_on_when_it_is_writable(self):
        self.make({"INBOX": 12})
        self.daemon_.start()
        self.wait_mirrored(self.world_, self.daemon_, "alice")
        remount = ["mount", "-o", "remount,ro", self.disk_]
        if subprocess.run(remount, check=False).returncode != 0:
            raise unittest.SkipTest("this kernel does not remount")
        self.world_.deliver("alice")
        self.assertEqual(1, self.daemon_.ctl("sync", "alice", "--wait").status)
        self.assertIn("Read-only file system", self.alice()["reason"])
        subprocess.run(["mount", "-o", "remount,rw", self.disk_], check=True)
        self.wait_mirrored(self.world_, self.daemon_, "alice")

    def test_started_on_a_full_disk(self):
        self.make({"INBOX": 10}, databases_too=True)
        self.daemon_.start()
        self.wait_mirrored(self.world_, self.daemon_, "alice")
        self.daemon_.kill()  # what was recorded last is in the databases' logs
        self.world_.deliver("alice")
        self.leave(0)
        self.assertEqual(1, self.daemon_.once(), self.daemon_.log_end())
        self.assertRegex(self.daemon_.log(), "No space left on device|disk is full")
        self.make_room()
        self.daemon_.start()
        self.wait_mirrored(self.world_, self.daemon_, "alice")

    def test_full_at_random_writes_nothing_is_lost_or_torn(self):
        self.make({"INBOX": 10, "Later": 3}, databases_too=True)
        self.daemon_.start()
        self.wait_mirrored(self.world_, self.daemon_, "alice")
        pick = random.Random(20)
        place = self.daemon_.mailbox_dir("alice")
        met = 0
        for turn in range(FULL_TIMES):
            for number in range(pick.randint(1, 12)):
                self.world_.deliver("alice", "INBOX" if number % 2 else "Later", flags=pick.choice([(), ("\\Seen",)]))
            self.leave(pick.randint(0, 90_000))
            met += self.daemon_.ctl("sync", "alice", "--wait").status
            self.assertFalse(maildir.multiset(place) - self.world_.expected("alice"), "what is there is whole")
            if turn % 3 == 0:  # killed with what is recorded so far
                self.daemon_.kill()
            self.make_room()
            if turn % 3 == 0:
                self.daemon_.start()
            self.wait_mirrored(self.world_, self.daemon_, "alice")  # nobody tells it to go on
            answer = self.daemon_.ctl("sync", "alice", "--wait")
            self.assertEqual(0, answer.status, f"{answer}\n{self.daemon_.log_end()}")
            self.assert_mirrored(self.world_, self.daemon_, "alice")
        print(f"full {FULL_TIMES} times, {met} passes met it")
        self.assertGreater(met, FULL_TIMES // 3, "the disk was hardly ever full")
        # The databases hold what they are to hold: nothing is fetched by another process.
        self.daemon_.stop()
        mark = self.world_.dovecot.mark() if SERVER.startswith("dovecot") else None
        self.assertEqual(0, self.daemon_.once(), self.daemon_.log_end())
        if mark is not None:
            self.assertEqual(0, sum(row.bodies for row in self.world_.dovecot.ended_sessions(mark)))
        for name in ("state.db", "tokens.db"):
            with contextlib.closing(sqlite3.connect(f"file:{self.daemon_.state_dir}/{name}?mode=ro", uri=True)) as database:
                self.assertEqual([("ok",)], database.execute("PRAGMA integrity_check").fetchall())
        self.assertEqual([], [name for name in os.listdir(self.daemon_.state_dir) if "corrupt" in name])


class Tokens(SmallDisk):
    """Each refresh rotates the refresh token, and the old one is worth nothing: one that could not be kept is a login."""

    def test_tokens_that_rotate_while_the_disk_is_full_are_kept(self):
        self.make({"INBOX": 5}, databases_too=True, oauth=True, access_token_seconds=8)
        self.daemon_.start()
        self.daemon_.login({"alice": self.world_.person("alice")})
        self.wait_mirrored(self.world_, self.daemon_, "alice")
        for _ in range(10 if LONG else 2):
            self.leave(0)
            # Nothing is asked for whose answer could not be kept, and that is over soon after there is room.
            self.wait_for("backing_off", "No space left on device")
            self.make_room()
            message = self.world_.deliver("alice")
            wait_until(lambda: self.daemon_.ctl("sync", "alice", "--wait").status == 0, 60, self.daemon_.log_end, 0.5)
            self.wait_delivered(self.world_, self.daemon_, "alice", message, 30)
            self.assertEqual([], self.world_.oauth.failed_grants())
        self.daemon_.kill()
        self.daemon_.start()
        self.wait_mirrored(self.world_, self.daemon_, "alice")
        message = self.world_.deliver("alice")
        wait_until(lambda: self.daemon_.ctl("sync", "alice", "--wait").status == 0, 60, self.daemon_.log_end, 0.5)
        self.assert_mirrored(self.world_, self.daemon_, "alice")
        self.assertEqual([], self.world_.oauth.failed_grants())
        self.assertEqual(1, len(self.world_.oauth.events("device_authorization")), "one login is enough")


if __name__ == "__main__":
    unittest.main()
