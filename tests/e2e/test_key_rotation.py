"""mailmoorctl key rotate: while the daemon runs, without one, and killed at each step."""
import os
import shutil
import subprocess
import unittest

from e2e.harness import EndToEnd
from lib.mailmoor import PROGRAMS

# The calls by which a rotation changes what is on the disk.
CHANGES = ["write", "pwrite64", "fsync", "fdatasync", "linkat", "unlink", "rename", "ftruncate"]


def read(path):
    with open(path, "rb") as file:
        return file.read()


class KeyRotation(EndToEnd):
    def signed_in(self):
        world = self.world(oauth=True)
        world.fill("alice", {"INBOX": 3})
        daemon = self.daemon(world, world.config("alice"))
        daemon.login({"alice": world.person("alice")})
        self.wait_mirrored(world, daemon, "alice")
        return world, daemon

    def key(self, daemon):
        return read(f"{daemon.state_dir}/master.key")

    def works(self, world, daemon):
        """A message comes through: the tokens are the daemon's to use."""
        message = world.deliver("alice")
        daemon.ctl("sync", "alice")
        self.wait_delivered(world, daemon, "alice", message, 60)

    def test_running_daemon_goes_on_and_starts_again_with_the_new_key(self):
        world, daemon = self.signed_in()
        before = self.key(daemon)
        answer = daemon.ctl("key", "rotate")
        self.assertEqual(0, answer.status, answer)
        self.assertGreaterEqual(answer.json["values"], 3)
        self.assertEqual(0, answer.json["unreadable"])
        self.assertNotEqual(before, self.key(daemon))
        self.assertEqual(0o600, os.stat(f"{daemon.state_dir}/master.key").st_mode & 0o777)
        self.works(world, daemon)
        daemon.kill()
        daemon.start()
        self.works(world, daemon)
        # The old key opens nothing any more, and the message says so.
        daemon.stop()
        right = self.key(daemon)
        with open(f"{daemon.state_dir}/master.key", "wb") as file:
            file.write(before)
        status, text = daemon.run_daemon_to_its_end()
        self.assertEqual(2, status)
        self.assertIn("sealed with another key than the one from file", text)
        with open(f"{daemon.state_dir}/master.key", "wb") as file:
            file.write(right)
        daemon.start()

    def test_a_bad_key_is_refused_and_not_repeated(self):
        _, daemon = self.signed_in()
        before = self.key(daemon)
        answer = daemon.ctl("key", "rotate", "--from", "-", stdin="not a key but perhaps a password\nx", as_json=False)
        self.assertEqual(1, answer.status, answer)
        self.assertNotIn("password", answer.err)
        self.assertIn("bytes that are not", answer.err)
        self.assertEqual(before, self.key(daemon))
        self.assertEqual(["master.key"], [name for name in os.listdir(daemon.state_dir) if "key" in name])

    def test_without_a_daemon_mailmoorctl_does_it_and_never_beside_one(self):
        world, daemon = self.signed_in()
        before = self.key(daemon)
        elsewhere = [f"{PROGRAMS}/mailmoorctl", "--socket", "/nonexistent/control.sock", "key", "rotate", "--config",
                     daemon.config_file]
        refused = subprocess.run(elsewhere, capture_output=True, text=True, timeout=60, check=False)
        self.assertEqual(1, refused.returncode, refused)
        self.assertIn(f"in use by another mailmoord (process {daemon.child.pid})", refused.stderr)
        self.assertEqual(before, self.key(daemon))
        daemon.stop()
        done = subprocess.run(elsewhere, capture_output=True, text=True, timeout=60, check=False)
        self.assertEqual(0, done.returncode, done)
        self.assertNotEqual(before, self.key(daemon))
        daemon.start()
        self.works(world, daemon)

    @unittest.skipUnless(shutil.which("strace"), "no strace here to kill at a chosen call")
    def test_killed_at_each_step_everything_opens(self):
        world, daemon = self.signed_in()
        daemon.stop()
        rotate = [f"{PROGRAMS}/mailmoorctl", "--json", "--socket", "/nonexistent/control.sock", "key", "rotate",
                  "--config", daemon.config_file]
        environment = {**os.environ, "ASAN_OPTIONS": "detect_leaks=0"}  # LeakSanitizer does not run under ptrace
        kills, keys = dict.fromkeys(CHANGES, 0), []
        for call in CHANGES:
            while True:
                inject = f"inject={call}:signal=SIGKILL:when={kills[call] + 1}"
                killed = subprocess.run(["strace", "-qq", "-o", "/dev/null", "-e", f"trace={call}", "-e", inject,
                                         *rotate], capture_output=True, timeout=120, check=False, env=environment)
                # Every value is opened by this one, with whichever key the last one left.
                whole = subprocess.run(rotate, capture_output=True, text=True, timeout=120, check=False)
                self.assertEqual(0, whole.returncode, f"after a kill at {inject}: {whole}")
                self.assertIn('"values":3,"unreadable":0', whole.stdout)
                self.assertFalse(os.path.exists(f"{daemon.state_dir}/master.key.new"), inject)
                keys.append(self.key(daemon))
                if killed.returncode == 0:
                    break
                self.assertLess(kills[call], 200)
                kills[call] += 1
        self.assertEqual(len(keys), len(set(keys)))
        for call in ("pwrite64", "linkat", "unlink", "rename"):
            self.assertGreater(kills[call], 0, f"{call} was never met: {kills}")
        self.assertGreater(kills["fsync"] + kills["fdatasync"], 3, kills)
        self.assertEqual(["master.key"], [name for name in os.listdir(daemon.state_dir) if "key" in name])
        daemon.start()
        self.works(world, daemon)
