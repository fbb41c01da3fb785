"""Secrets in memory: locked, left out of core dumps, gone after a logout or a rotation; and no trace in the store."""
import base64
import glob
import os
import resource
import shutil
import signal
import sqlite3
import subprocess
import sys
import unittest

from e2e.harness import EndToEnd
from fakes.dovecot import PASSWORD
from lib import process_memory, secret_scan
from lib.mailmoor import PROGRAMS
from lib.processes import wait_until


def read(path):
    with open(path, "rb") as file:
        return file.read()


def tokens_of(world, kind):
    """The values of one kind, in the order in which they were issued."""
    return [value for each, value in world.oauth.issued() if each == kind]


class SecretsInMemory(EndToEnd):
    def signed_in(self, **options):
        world = self.world(oauth=True, **options)
        world.fill("alice", {"INBOX": 5})
        daemon = self.daemon(world, world.config("alice"))
        daemon.login({"alice": world.person("alice")})
        self.wait_mirrored(world, daemon, "alice")
        return world, daemon

    def found(self, daemon, secrets):
        """[(mapping, label)] of the secrets in the memory of the daemon and of its courier."""
        return secret_scan.find(secrets, self.memory(daemon))

    @staticmethod
    def memory(daemon):
        return {f"{pid} {name}": octets for pid in process_memory.with_children(daemon.child.pid)
                for name, octets in process_memory.read_all(pid).items()}

    def wait_gone(self, daemon, secrets, what):
        wait_until(lambda: not self.found(daemon, secrets), 30,
                   lambda: f"{what} to be gone from memory: {self.found(daemon, secrets)}", every=0.5)

    def test_rotated_tokens_and_after_logout_all_tokens_are_gone(self):
        world, daemon = self.signed_in(access_token_seconds=20)
        wait_until(lambda: len(world.oauth.refreshes("alice")) >= 3, 120,
                   lambda: f"three refreshes\n{daemon.log_end()}")
        access, refresh = tokens_of(world, "AccessToken"), tokens_of(world, "RefreshToken")
        self.assertGreaterEqual(len(refresh), 4)
        # The search can find: the token in use is there, and so are pages locked in memory.
        live = wait_until(lambda: self.found(daemon, [("live", value) for value in
                                                      tokens_of(world, "RefreshToken")[-2:]]), 10, "the live token")
        self.assertNotEqual([], live)
        processes = process_memory.with_children(daemon.child.pid)
        self.assertEqual(2, len(processes), "the daemon and its courier")
        for pid in processes:
            self.assertGreater(process_memory.status_number(pid, "VmLck"), 0)
        # The newest one may still be on its way, the one before is kept until the newest has been used.
        self.wait_gone(daemon, [(f"old access token {i}", value) for i, value in enumerate(access[:-1])],
                       "rotated access tokens")
        self.wait_gone(daemon, [(f"old refresh token {i}", value) for i, value in enumerate(refresh[:-2])],
                       "rotated refresh tokens")

        sealed = self.sealed_values(daemon)
        self.assertGreaterEqual(len(sealed), 2)
        self.assertTrue(any(value in octets for value in sealed for octets in self.store(daemon).values()))
        answer = daemon.ctl("logout", "alice")
        self.assertEqual(0, answer.status, answer)
        for name, octets in self.store(daemon).items():
            self.assertFalse(any(value in octets for value in sealed), f"a sealed value is still in {name}")
        everything = [(f"{kind} {i}", value) for i, (kind, value) in enumerate(world.oauth.issued())]
        self.wait_gone(daemon, everything, "the tokens of a mailbox that was signed out")

    def test_a_stored_password_is_gone_after_logout(self):
        world = self.world()
        world.fill("dave", {"INBOX": 2})
        config = world.config("dave")
        del config["mailboxes"][0]["password"]
        daemon = self.daemon(world, config)
        self.assertEqual(0, daemon.ctl("password", "dave", "--stdin", stdin=PASSWORD + "\n").status)
        self.wait_mirrored(world, daemon, "dave")
        self.assertEqual(0, daemon.ctl("logout", "dave").status)
        self.wait_gone(daemon, [("password", PASSWORD)], "the password")

    def test_after_a_rotation_the_old_master_key_is_gone(self):
        _, daemon = self.signed_in()
        text = read(f"{daemon.state_dir}/master.key").strip()
        spellings = (text, base64.b64decode(text))
        self.assertTrue(self.holds(daemon, spellings), "the search does not find the key in use")
        self.assertEqual(0, daemon.ctl("key", "rotate").status)
        wait_until(lambda: not self.holds(daemon, spellings), 30, "the old key to be gone from memory", every=0.5)

    @staticmethod
    def holds(daemon, spellings):
        return [name for name, octets in SecretsInMemory.memory(daemon).items() if any(spelling in octets for spelling in spellings)]

    @staticmethod
    def store(daemon):
        return {path: read(path) for path in glob.glob(f"{daemon.state_dir}/tokens.db*")}

    def sealed_values(self, daemon):
        """What stands in the token table now, by way of a copy."""
        place = f"{daemon.directory}/copy"
        shutil.rmtree(place, ignore_errors=True)
        os.makedirs(place)
        for path in self.store(daemon):
            shutil.copy(path, place)
        with sqlite3.connect(f"{place}/tokens.db") as database:
            rows = database.execute("SELECT refresh_token, access_token FROM token").fetchall()
        database.close()
        return [value for row in rows for value in row if value]

    # --- core dumps ----------------------------------------------------------------------------------------------

    @unittest.skipUnless(shutil.which("gdb"), "no gdb here to write a core file")
    @unittest.skipIf(b"__asan_init" in read(f"{PROGRAMS}/mailmoord"),
                     "AddressSanitizer's shadow memory makes a core of terabytes; tests/run runs this with release, too")
    def test_a_core_file_of_the_daemon_holds_no_token(self):
        world, daemon = self.signed_in()
        secrets = [(f"{kind} {i}", value) for i, (kind, value) in enumerate(world.oauth.issued())]
        self.assertEqual([], secret_scan.find(secrets, {"core": self.core_of(daemon, [])}))
        # gdb leaves out what is marked MADV_DONTDUMP, as the kernel does. With all of it the tokens are there.
        whole = self.core_of(daemon, ["-ex", "set dump-excluded-mappings on"])
        self.assertNotEqual([], secret_scan.find(secrets, {"core": whole}))

    def core_of(self, daemon, settings):
        path = f"{daemon.directory}/core"
        done = subprocess.run(["gdb", "-nx", "-batch", "-iex", "set debuginfod enabled off", "-iex",
                               "set auto-solib-add off", *settings, "-p", str(daemon.child.pid), "-ex",
                               f"generate-core-file {path}"], capture_output=True, text=True, timeout=300, check=False)
        self.assertTrue(os.path.exists(path), done.stdout + done.stderr)
        octets = read(path)
        os.unlink(path)
        self.assertGreater(len(octets), 1_000_000)
        return octets

    def test_the_daemon_dumps_no_core_even_where_cores_are_allowed(self):
        with open("/proc/sys/kernel/core_pattern", encoding="utf-8") as file:
            if file.read().strip()[0] in "|/":
                self.skipTest("core_pattern sends cores elsewhere: nothing to be seen here")
        world = self.world()
        world.fill("alice", {"INBOX": 2})
        daemon = self.daemon(world, world.config("alice"), start=False)
        place = f"{daemon.directory}/cores"
        os.makedirs(place)
        # The machine makes cores: this shows that the check below can fail.
        self.abort_in(place, [sys.executable, "-c", "import os, sys; print('up', flush=True); sys.stdin.read()"])
        self.assertEqual(1, len(os.listdir(place)), "this machine makes no core files")
        for name in os.listdir(place):
            os.unlink(f"{place}/{name}")
        self.abort_in(place, [f"{PROGRAMS}/mailmoord", "--config", daemon.config_file])
        self.assertEqual([], os.listdir(place))

    def abort_in(self, place, argv):
        """Starts it there with cores allowed, waits until it has said something, and has it abort."""
        def allow():
            resource.setrlimit(resource.RLIMIT_CORE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
        process = subprocess.Popen(argv, cwd=place, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                   stderr=subprocess.STDOUT, preexec_fn=allow)
        try:
            self.assertTrue(process.stdout.readline())
            process.send_signal(signal.SIGABRT)
            self.assertEqual(-signal.SIGABRT, process.wait(60))
        finally:
            process.kill()
            process.wait()
            process.stdin.close()
            process.stdout.close()
