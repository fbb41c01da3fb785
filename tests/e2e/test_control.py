"""mailmoorctl against the running daemon: exit codes, JSON, and what each word does."""
import json
import os
import re
import stat

from e2e.harness import EndToEnd
from lib import maildir
from lib.mailmoor import Mailmoor
from lib.processes import scratch_dir, wait_until

TIME = re.compile(r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$")
STATES = {"needs_login", "connecting", "syncing", "idle", "backing_off", "throttled", "paused", "held", "failed"}


class Control(EndToEnd):
    def test_status_has_the_promised_shape(self):
        world = self.world(oauth=True)
        world.fill("alice", {"INBOX": 7, "Sent": 3})
        daemon = self.daemon(world, world.config("alice", "bob"))
        self.assertEqual(3, daemon.ctl("sync", "bob", "--wait").status)
        daemon.login({"alice": world.person("alice")})
        self.wait_mirrored(world, daemon, "alice")
        row = daemon.wait_for_state("alice", "idle")
        for key in ("since", "last_sync", "token_expires_at"):
            self.assertRegex(row[key], TIME)
        self.assertIsNone(row["retry_at"])
        self.assertEqual((10, 0, []), (row["messages"], row["behind"], row["poison"]))
        self.assertEqual({"INBOX", "Sent"}, {folder["name"] for folder in row["folders"]})
        other = daemon.status("bob")
        self.assertEqual(("needs_login", None, None), (other["state"], other["last_sync"], other["token_expires_at"]))
        self.assertNotEqual("", other["reason"])
        one = daemon.ctl("status", "alice")
        self.assertEqual(0, one.status, one)
        self.assertEqual(["alice"], [entry["name"] for entry in one.json["mailboxes"]])
        table = daemon.ctl("status", as_json=False)
        self.assertIn("alice", table.out)
        self.assertIn("needs_login", table.out)

    def test_pause_resume_sync_folders(self):
        world = self.world()
        world.fill("alice", {"INBOX": 4, "Sent": 2, "Spam": 2})
        daemon = self.daemon(world, world.config("alice", poll="1h", folders={"exclude": ["Spam"]}))
        world.originals["alice"].pop("Spam")
        self.wait_mirrored(world, daemon, "alice")
        folders = {row["name"]: row for row in daemon.ctl("folders", "alice").json["folders"]}
        self.assertEqual({"INBOX": True, "Sent": True, "Spam": False},
                         {name: row["chosen"] for name, row in folders.items()})
        self.assertNotEqual("", folders["Spam"]["why"])

        answer = daemon.ctl("pause", "alice")
        self.assertEqual(0, answer.status, answer)
        daemon.wait_for_state("alice", "paused")
        answer = daemon.ctl("sync", "alice", "--wait", as_json=False)
        self.assertEqual(1, answer.status, answer)
        self.assertIn("mailmoorctl resume alice", answer.err)
        world.deliver("alice")
        self.assertEqual(6, maildir.count(daemon.mailbox_dir("alice")))
        self.assertEqual(0, daemon.ctl("resume", "alice").status)
        self.wait_mirrored(world, daemon, "alice")

        daemon.wait_for_state("alice", "idle")
        world.deliver("alice", "Sent")
        answer = daemon.ctl("sync", "alice", "--wait")
        self.assertEqual(0, answer.status, answer)
        self.assert_mirrored(world, daemon, "alice")

    def test_pause_outlives_a_restart(self):
        world = self.world()
        world.fill("alice", {"INBOX": 2})
        daemon = self.daemon(world, world.config("alice"))
        self.wait_mirrored(world, daemon, "alice")
        self.assertEqual(0, daemon.ctl("pause", "alice").status)
        daemon.stop()
        mark = world.dovecot.mark()
        daemon.start()
        daemon.wait_for_state("alice", "paused")
        self.assertEqual([], world.dovecot.sessions(mark))

    def test_logout_forgets_the_tokens(self):
        world = self.world(oauth=True)
        world.fill("alice", {"INBOX": 2})
        daemon = self.daemon(world, world.config("alice"))
        daemon.login({"alice": world.person("alice")})
        self.wait_mirrored(world, daemon, "alice")
        self.assertEqual(0, daemon.ctl("logout", "alice").status)
        daemon.wait_for_state("alice", "needs_login")
        daemon.stop()
        self.assertEqual(3, daemon.once(), daemon.log_end())
        self.assert_mirrored(world, daemon, "alice")

    def test_exit_codes_of_mistakes(self):
        world = self.world()
        world.fill("alice", {"INBOX": 2})
        daemon = self.daemon(world, world.config("alice"))
        mistakes = ((2, ["no-such-command"]), (2, ["pause"]), (2, ["--no-such-option"]),
                    (1, ["pause", "nobody"]), (1, ["status", "nobody"]), (1, ["folders", "nobody"]))
        for status, arguments in mistakes:
            answer = daemon.ctl(*arguments, as_json=False)
            self.assertEqual(status, answer.status, f"{arguments}: {answer}")
            self.assertNotEqual("", answer.err + answer.out)
        daemon.stop()
        answer = daemon.ctl("status", as_json=False)
        self.assertEqual(4, answer.status, answer)
        self.assertIn("control.sock", answer.err)

    def test_programs_answer_without_a_daemon(self):
        place = scratch_dir("control")
        daemon = Mailmoor(place, {"mailboxes": []})
        for arguments in (["--help"], ["--version"]):
            answer = daemon.ctl(*arguments, as_json=False)
            self.assertEqual(0, answer.status, answer)
            self.assertNotEqual("", answer.out)

    def test_version_reload_and_socket(self):
        world = self.world()
        world.fill("alice", {"INBOX": 2})
        daemon = self.daemon(world, world.config("alice"))
        self.assertEqual(0, daemon.ctl("version").status)
        json.loads(daemon.ctl("version").out)
        answer = daemon.ctl("reload")
        self.assertEqual(0, answer.status, answer)
        mode = os.stat(f"{daemon.runtime_dir}/control.sock").st_mode
        self.assertTrue(stat.S_ISSOCK(mode))
        self.assertEqual(0o660, stat.S_IMODE(mode))
        self.assertIn(daemon.status("alice")["state"], STATES)

    def test_graceful_stop_while_mirroring_leaves_nothing_half(self):
        world = self.world()
        world.fill("alice", {"INBOX": 600})
        daemon = self.daemon(world, world.config("alice"))
        place = daemon.mailbox_dir("alice")
        wait_until(lambda: maildir.count(place) > 0, 60, "the first message", every=0.01)
        daemon.stop()
        self.assertEqual([], maildir.strangers(place, world.expected("alice")))
        self.assertEqual([], maildir.leftovers(place))
        self.assertEqual(0, daemon.once(), daemon.log_end())
        self.assert_mirrored(world, daemon, "alice")
