"""Changes on the server reach the Maildir, changes made there stay; with every extension and with none."""
import collections
import glob
import os
import re

from e2e.harness import EndToEnd
from lib import maildir
from lib.processes import wait_until

# What Dovecot is left with when everything that helps to synchronise is hidden. It would still accept the commands: the
# test looks that none is sent.
PLAIN = "IMAP4rev1 SASL-IR LOGIN-REFERRALS ID LITERAL+ AUTH=PLAIN"
CONDSTORE_ONLY = PLAIN + " ENABLE CONDSTORE LIST-EXTENDED LIST-STATUS"  # as Gmail
CLEVER = re.compile(rb"CONDSTORE|QRESYNC|CHANGEDSINCE|HIGHESTMODSEQ|ENABLE|RETURN|IDLE|NOTIFY", re.I)
TRASH = ".mailmoor-trash"


class FlagsAndDeletions(EndToEnd):
    def make(self, capability=None, folders=None, **mailbox):
        """A mailbox of alice, mirrored once. Every client command is kept."""
        self.world_ = self.world(capability=capability, record=True)
        self.world_.fill("alice", folders or {"INBOX": 12, "Sent": 4})
        self.server_ = self.world_.server.observer("alice")
        self.addCleanup(self.server_.close)
        mailbox.setdefault("poll", "1h")  # nothing comes but by `sync`
        mailbox.setdefault("push", "off")
        soon = {"MAILMOOR_TIME_SCALE": "0.1"} if self.world_.server.ends_sessions_in_deleted_folders else None
        self.daemon_ = self.daemon(self.world_, self.world_.config("alice", **mailbox), environment=soon)
        self.wait_mirrored(self.world_, self.daemon_, "alice")
        self.sync()

    def sync(self, status=0):
        answer = self.daemon_.ctl("sync", "alice", "--wait")
        self.assertEqual(status, answer.status, f"{answer}\n{self.daemon_.log_end()}")

    def sync_without_folder(self):
        """sync() after a folder was deleted. A server may end the session that has it open (RFC 2180 §3.3), as Cyrus
        does: the daemon is told at the next command, and is back after the wait that follows any lost connection."""
        answer = self.daemon_.ctl("sync", "alice", "--wait")
        if self.world_.server.ends_sessions_in_deleted_folders and answer.status == 1:
            self.assertIn("closed the connection", answer.err)
            self.daemon_.wait_for_state("alice", "idle", "held")
            self.sync()
        else:
            self.assertEqual(0, answer.status, f"{answer}\n{self.daemon_.log_end()}")

    def on_server(self, folder, *commands):
        self.server_.select(folder)
        for command in commands:
            self.server_.command(command)
        self.server_.unselect()

    def client_commands(self):
        """All that the daemon has sent."""
        return self.world_.server.client_commands()

    def files(self, folder="INBOX"):
        """uid → (subdirectory, flags, path) of one Maildir."""
        found = {}
        for mail in maildir.mails(self.daemon_.mailbox_dir("alice")):
            match = maildir.NAME.match(mail.name)
            if match and mail.folder == self.world_.here(folder):
                found[int(match["uid"])] = (mail.subdir, match["flags"] or "", mail.path)
        return found

    def flags(self, uid, folder="INBOX"):
        return self.files(folder)[uid][1]

    def set_local(self, uid, letters):
        """As a mail reader does it."""
        path = self.files()[uid][2]
        base = os.path.basename(path).split(":2,")[0]
        os.rename(path, f"{self.daemon_.mailbox_dir('alice')}/cur/{base}:2,{letters}")

    def trash(self):
        """uid → how many, by folder."""
        found = collections.defaultdict(list)
        for path in glob.glob(f"{self.daemon_.mailbox_dir('alice')}/{TRASH}/*/**/*", recursive=True, include_hidden=True):
            match = maildir.NAME.match(os.path.basename(path))
            if match:
                found[os.path.basename(os.path.dirname(path))].append(int(match["uid"]))
        return {folder: sorted(uids) for folder, uids in found.items()}

    # --- flags ---------------------------------------------------------------------------------------------------

    def check_flags(self):
        self.on_server("INBOX", r"UID STORE 1:6 FLAGS.SILENT (\Seen)", r"UID STORE 7:12 FLAGS.SILENT ()")
        self.on_server("Sent", r"UID STORE 1:4 FLAGS.SILENT (\Seen)")
        self.sync()
        for uid in range(1, 13):
            self.assertEqual("S" if uid <= 6 else "", self.flags(uid).replace("D", "").replace("F", ""), uid)
        for uid in range(1, 13):
            self.set_local(uid, "S" if uid <= 6 else "")
        # Each side changes something: the server its way, a reader here another.
        self.set_local(1, "RS")      # replied here
        self.set_local(2, "")        # unread here
        self.set_local(7, "FS")      # read and flagged here
        self.on_server("INBOX", r"UID STORE 1 +FLAGS.SILENT (\Flagged)", r"UID STORE 3 -FLAGS.SILENT (\Seen)",
                       r"UID STORE 7 +FLAGS.SILENT (\Seen)", r"UID STORE 8 +FLAGS.SILENT ($Forwarded \Answered \Seen)")
        self.on_server("Sent", r"UID STORE 2 FLAGS.SILENT (\Deleted)")
        before = self.world_.snapshot("alice")
        self.sync()
        self.assertEqual("FRS", self.flags(1), "both sides' changes")
        self.assertEqual("", self.flags(2), "unread here stays unread")
        self.assertEqual("", self.flags(3), "unread on the server")
        self.assertEqual("FS", self.flags(7))
        self.assertEqual("PRS", self.flags(8))
        self.assertEqual("T", self.flags(2, "Sent"))
        self.assertEqual("cur", self.files()[8][0])
        self.assertEqual(before, self.world_.snapshot("alice"), "the server is as it was")
        names = {uid: path for uid, (_, _, path) in self.files().items()}
        self.sync()
        self.assertEqual(names, {uid: path for uid, (_, _, path) in self.files().items()}, "a second pass does nothing")
        # Over a restart, what was brought to agree is remembered.
        self.daemon_.stop()
        self.set_local(4, "FS")
        self.on_server("INBOX", r"UID STORE 5 -FLAGS.SILENT (\Seen)")
        self.daemon_.start()
        self.sync()
        self.assertEqual(("FS", "", ""), (self.flags(4), self.flags(5), self.flags(2)))
        self.assert_mirrored(self.world_, self.daemon_, "alice")

    def test_flags_with_every_extension(self):
        self.make()
        self.check_flags()
        sent = b"\n".join(self.client_commands())
        self.assertEqual(self.world_.server.qresync, b"(QRESYNC (" in sent, sent)
        self.assertNotRegex(sent, rb"(?i)\b(STORE|EXPUNGE|SELECT|APPEND|COPY|MOVE)\b")

    def test_flags_with_condstore_alone(self):
        self.make(capability=CONDSTORE_ONLY)
        self.check_flags()
        sent = b"\n".join(self.client_commands())
        self.assertIn(b"CHANGEDSINCE", sent)
        self.assertNotIn(b"QRESYNC", sent)

    def test_flags_with_no_extension(self):
        self.make(capability=PLAIN)
        self.check_flags()
        self.assertEqual([], [line for line in self.client_commands() if CLEVER.search(line)])

    def test_flag_changes_of_inbox_come_without_a_poll(self):
        self.make(push="auto")
        self.on_server("INBOX", r"UID STORE 1:12 FLAGS.SILENT (\Seen \Flagged)")
        wait_until(lambda: all(flags == "FS" for _, flags, _ in self.files().values()), 20,
                   lambda: f"flags by push: {self.files()}\n{self.daemon_.log_end()}")

    def test_unchanged_folders_cost_no_command(self):
        self.make(folders={"INBOX": 3, **{f"F{i}": 2 for i in range(20)}})
        self.sync()
        before = len(self.client_commands())
        self.sync()
        sent = self.client_commands()[before:]
        self.assertEqual(1, sum(b" LIST " in line for line in sent), sent)
        self.assertEqual([], [line for line in sent if b"FETCH" in line])
        # All told by LIST-STATUS but the folder that was open: of that one a server may tell what is old.
        self.assertLessEqual(sum(b"EXAMINE" in line for line in sent), 1, sent)

    # --- deletions -----------------------------------------------------------------------------------------------

    def check_deletions(self):
        deleted_here = self.files()[4][2]
        os.unlink(deleted_here)
        self.on_server("INBOX", r"UID STORE 2:3,9 +FLAGS.SILENT (\Deleted)", "EXPUNGE")
        message = self.world_.deliver("alice")
        self.sync()
        self.assertEqual({1, 5, 6, 7, 8, 10, 11, 12, 13}, set(self.files()))
        self.assertEqual({"INBOX": [2, 3, 9]}, self.trash())
        self.assertEqual(4, len(self.files("Sent")))
        self.on_server("INBOX", r"UID STORE 13 +FLAGS.SILENT (\Deleted)", "EXPUNGE")
        self.sync()
        self.assertEqual({"INBOX": [2, 3, 9, 13]}, self.trash())
        self.assertNotIn(4, self.files(), "what a reader deleted is not fetched again")
        self.assertIsNotNone(message)
        self.daemon_.stop()
        self.on_server("INBOX", r"UID STORE 1 +FLAGS.SILENT (\Deleted)", "EXPUNGE")
        self.daemon_.start()
        self.sync()
        self.assertEqual({5, 6, 7, 8, 10, 11, 12}, set(self.files()))

    def test_deletions_with_every_extension(self):
        self.make(deletions="mirror")
        self.check_deletions()

    def test_deletions_with_condstore_alone(self):
        self.make(capability=CONDSTORE_ONLY, deletions="mirror")
        self.check_deletions()

    def test_deletions_with_no_extension(self):
        self.make(capability=PLAIN, deletions="mirror")
        self.check_deletions()
        self.assertEqual([], [line for line in self.client_commands() if CLEVER.search(line)])

    def test_deletions_are_kept_unless_asked_for(self):
        self.make()
        self.on_server("INBOX", r"UID STORE 1:11 +FLAGS.SILENT (\Deleted)", "EXPUNGE")
        self.on_server("INBOX", "NOOP")
        self.server_.delete("Sent")
        self.sync_without_folder()
        self.assertEqual(set(range(1, 13)), set(self.files()))
        self.assertEqual(4, len(self.files("Sent")))
        self.assertEqual({}, self.trash())

    def check_held(self):
        self.on_server("INBOX", r"UID STORE 1:30 +FLAGS.SILENT (\Deleted)", "EXPUNGE")
        self.sync()
        self.assertEqual(set(range(1, 61)), set(self.files()))
        held = self.daemon_.wait_for_state("alice", "held")
        self.assertIn("30 messages of INBOX", held["reason"])
        self.assertRegex(self.daemon_.log(), r"deletion_held")
        # It waits over a restart, and new mail comes meanwhile.
        self.daemon_.stop()
        self.daemon_.start()
        self.daemon_.wait_for_state("alice", "held")
        self.world_.deliver("alice")
        self.sync()
        self.assertEqual(set(range(1, 62)), set(self.files()))
        self.daemon_.wait_for_state("alice", "held")
        answer = self.daemon_.ctl("confirm", "alice", as_json=False)
        self.assertEqual(0, answer.status, str(answer))
        self.sync()
        self.assertEqual(set(range(31, 62)), set(self.files()))
        self.assertEqual({"INBOX": list(range(1, 31))}, self.trash())
        self.daemon_.wait_for_state("alice", "idle")
        answer = self.daemon_.ctl("confirm", "alice", as_json=False)
        self.assertEqual(1, answer.status, str(answer))
        self.assertIn("nothing", answer.err)

    def test_mass_deletion_is_held_until_confirmed(self):
        self.make(folders={"INBOX": 60}, deletions="mirror")
        self.check_held()

    def test_mass_deletion_is_held_without_any_extension(self):
        self.make(capability=PLAIN, folders={"INBOX": 60}, deletions="mirror")
        self.check_held()

    def test_folder_that_vanishes_is_held_however_small(self):
        self.make(deletions="mirror")
        self.server_.delete("Sent")
        self.sync_without_folder()
        held = self.daemon_.wait_for_state("alice", "held")
        self.assertIn(f"4 messages of {self.world_.server.named('Sent')}", held["reason"])
        self.assertEqual(4, len(self.files("Sent")))
        self.assertEqual(0, self.daemon_.ctl("confirm", "alice").status)
        self.sync()
        self.assertEqual({self.world_.here("Sent"): [1, 2, 3, 4]}, self.trash())
        self.assertEqual({}, self.files("Sent"))
        self.daemon_.wait_for_state("alice", "idle")

    def test_folder_made_anew_loses_nothing_here(self):
        self.make(deletions="mirror")
        self.server_.delete("Sent")
        self.server_.create("Sent")
        self.sync_without_folder()
        self.sync()
        sent = self.world_.here("Sent")
        self.assertEqual(4, sum(1 for mail in maildir.mails(self.daemon_.mailbox_dir("alice")) if mail.folder == sent))
        self.assertEqual({}, self.trash())
