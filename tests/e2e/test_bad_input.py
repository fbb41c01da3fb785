"""A bad configuration never takes down a good one (P10), and says file:line:column and what would be right."""
import os
import signal
import re

from e2e.harness import EndToEnd
from lib.mailmoor import Mailmoor, yaml_text
from lib.processes import scratch_dir, wait_until

GOOD = """\
maildir_root: {place}/mail
state_dir: {place}/state
runtime_dir: {place}/run
apps:
  lab:
    provider: custom
    issuer: "https://localhost:1"
    client_id: mailmoor
    scopes: [imap, offline_access]
mailboxes:
  - name: alice
    app: lab
    user: alice
    host: localhost
  - name: bob
    user: bob
    host: localhost
    password: {{file: {place}/password}}
"""

# (what is wrong, text to replace, its replacement, the line that is to be named)
WRONG = (
    ("an unknown key at the top", "apps:\n", "aps:\n", 4),
    ("an unknown key of a mailbox", "    user: bob\n", "    user: bob\n    pol: 5m\n", 17),
    ("a tab", "    app: lab\n", "\tapp: lab\n", 12),
    ("an unclosed bracket", "[imap, offline_access]", "[imap, offline_access", None),
    ("a name used twice", "name: bob", "name: alice", 15),
    ("an app that is not there", "app: lab", "app: lap", 12),
    ("a name that would leave the directory", "name: alice", "name: ../alice", 11),
    ("a duration without a unit", "  - name: bob", "    poll: 5\n  - name: bob", 15),
    ("a port that is none", "    user: bob\n", "    user: bob\n    port: 70000\n", 17),
    ("a wrong word", "    user: bob\n", "    user: bob\n    tls: sometimes\n", 17),
    ("no host", "    user: bob\n    host: localhost\n", "    user: bob\n", None),
    ("a list where a word belongs", "client_id: mailmoor", "client_id: [mailmoor]", 8),
    ("an include that is not there", "apps:\n", "include: [absent.yaml]\napps:\n", 4),
    ("an issuer without TLS", "https://localhost:1", "http://192.0.2.1", 7),
)


class BadInput(EndToEnd):
    def _place(self):
        place = scratch_dir("config")
        with open(f"{place}/password", "w", encoding="ascii") as file:
            file.write("pw\n")
        os.chmod(f"{place}/password", 0o600)
        return place

    def test_good_configuration_passes_check(self):
        place = self._place()
        daemon = Mailmoor(place, GOOD.format(place=place))
        answer = daemon.ctl("check", daemon.config_file, as_json=False)
        self.assertEqual(0, answer.status, answer)

    def test_daemon_and_check_refuse_each_wrong_one(self):
        place = self._place()
        for what, old, new, line in WRONG:
            with self.subTest(what):
                good = GOOD.format(place=place)
                self.assertIn(old, good)
                daemon = Mailmoor(place, good.replace(old, new, 1))
                status, text = daemon.run_daemon_to_its_end()
                self.assertEqual(2, status, text)
                named = re.search(rf"{re.escape(daemon.config_file)}:(\d+):(\d+): \S", text)
                self.assertIsNotNone(named, text)
                if line:
                    self.assertEqual(line, int(named[1]), text)
                answer = daemon.ctl("check", daemon.config_file, as_json=False)
                self.assertEqual(2, answer.status, answer)
                self.assertIn(named[0][:-2], answer.out + answer.err)

    def test_a_secret_that_others_can_read_is_refused(self):
        place = self._place()
        daemon = Mailmoor(place, GOOD.format(place=place).replace(f"{{file: {place}/password}}", "hunter2-literal"))
        os.chmod(daemon.config_file, 0o644)
        status, text = daemon.run_daemon_to_its_end()
        self.assertEqual(2, status, text)
        self.assertRegex(text, rf"{re.escape(daemon.config_file)}:18:\d+: ")
        self.assertNotIn("hunter2-literal", text)

    def test_no_configuration_at_all(self):
        place = self._place()
        daemon = Mailmoor(place, GOOD.format(place=place))
        os.unlink(daemon.config_file)
        status, text = daemon.run_daemon_to_its_end()
        self.assertEqual(2, status, text)
        self.assertIn("mailmoor.yaml", text)


class Reload(EndToEnd):
    def test_bad_file_at_sighup_keeps_the_old_configuration(self):
        world = self.world()
        world.fill("alice", {"INBOX": 5})
        daemon = self.daemon(world, world.config("alice"))
        self.wait_mirrored(world, daemon, "alice")
        daemon.wait_for_state("alice", "idle")
        mark = world.server.mark()
        daemon.write_config("mailboxes:\n  - name: alice\n    colour: blue\n")
        before = len(daemon.log())
        daemon.reload()
        wait_until(lambda: re.search(rf"{re.escape(daemon.config_file)}:3:\d+: ", daemon.log()[before:]), 10,
                   lambda: f"the reason in the log\n{daemon.log()[before:]}")
        answer = daemon.ctl("reload")
        self.assertEqual(2, answer.status, answer)
        self.assertIn("mailmoor.yaml:3:", answer.out + answer.err)
        message = world.deliver("alice")
        self.wait_delivered(world, daemon, "alice", message, 20)
        self.assertEqual([], world.server.sessions(mark), "the old sessions were to stay")

    def test_good_change_adds_and_removes_without_touching_the_others(self):
        world = self.world()
        for user in ("alice", "bob", "carol"):
            world.fill(user, {"INBOX": 5})
        daemon = self.daemon(world, world.config("alice", "bob"))
        for user in ("alice", "bob"):
            self.wait_mirrored(world, daemon, user)
            daemon.wait_for_state(user, "idle")
        mark = world.server.mark()
        daemon.write_config(world.config("alice", "carol"))
        answer = daemon.ctl("reload")
        self.assertEqual(0, answer.status, answer)
        self.wait_mirrored(world, daemon, "carol")
        self.assertEqual({"alice", "carol"}, {row["name"] for row in daemon.ctl("status").json["mailboxes"]})
        self.assertEqual({"carol"}, {row.user for row in world.server.sessions(mark)})
        wait_until(lambda: all(row.ended for row in world.server.sessions() if row.user == "bob"), 20,
                   "bob's sessions to end")
        self.assertEqual(5, sum(world.expected("bob").values()))
        self.assert_mirrored(world, daemon, "bob")  # what was mirrored stays

    def test_stop_in_the_middle_of_a_reload_ends_cleanly(self):
        world = self.world()
        for user in ("alice", "bob"):
            world.fill(user, {"INBOX": 5})
        daemon = self.daemon(world, world.config("alice", "bob"))
        for user in ("alice", "bob"):
            self.wait_mirrored(world, daemon, user)
            daemon.wait_for_state(user, "idle")
        daemon.write_config(world.config("alice"))
        daemon.child.signal(signal.SIGHUP)
        daemon.child.signal(signal.SIGTERM)
        daemon.stop()

    def test_drop_in_file_adds_a_mailbox(self):
        world = self.world()
        world.fill("alice", {"INBOX": 3})
        world.fill("bob", {"INBOX": 3})
        daemon = self.daemon(world, {"include": ["conf.d/*.yaml"], **world.config("alice")})
        self.wait_mirrored(world, daemon, "alice")
        os.makedirs(f"{daemon.directory}/conf.d")
        with open(f"{daemon.directory}/conf.d/bob.yaml", "w", encoding="utf-8") as file:
            file.write(yaml_text(world.config("bob")) + "\n")
        daemon.reload()
        self.wait_mirrored(world, daemon, "bob")
