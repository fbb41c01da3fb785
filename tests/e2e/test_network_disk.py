"""A Maildir on a file server: what the kernel is told there is not always so. Whatever it says, nothing is lost, torn or
double, and the daemon goes on by itself.

No NFS can be mounted on the machines that this runs on: fakes/network_disk.py behaves as it does."""
import os
import random
import unittest

from e2e.harness import LONG, EndToEnd
from e2e.test_gmail_labels import LabelsTest
from fakes.network_disk import NetworkDisk, NoFuse
from lib import maildir

ROUNDS = 60 if LONG else 5  # and on, until each kind of fault was met
MOST_ROUNDS = 100
KINDS = ("rename", "mkdir", "create", "close", "fsync")
LETTERS = {"\\Seen": "S", "\\Flagged": "F", "\\Answered": "R"}


def mounted(test, daemon, directory):
    """The daemon's mail is on the file server now."""
    os.makedirs(directory)
    try:
        disk = NetworkDisk(directory, daemon.mail_root)
    except NoFuse as reason:
        raise unittest.SkipTest(str(reason)) from None
    test.addCleanup(disk.close)
    test.addCleanup(daemon.stop)  # cleanups go backwards: the daemon ends before its disk goes
    return disk


class MaildirOnAFileServer(EndToEnd):
    def make(self, **mailbox):
        self.world_ = self.world()
        self.world_.fill("alice", {"INBOX": 12, "Lists/dev": 4})
        self.server_ = self.world_.server.observer("alice")
        self.addCleanup(self.server_.close)
        self.daemon_ = self.daemon(self.world_, self.world_.config("alice", poll="1h", push="off", **mailbox),
                                   start=False, environment={"MAILMOOR_TIME_SCALE": "0.02"})
        self.disk_ = mounted(self, self.daemon_, f"{self.world_.directory}/disk")

    def files(self):
        """uid → (letters, path) of INBOX."""
        return {int(match["uid"]): (match["flags"] or "", mail.path)
                for mail in maildir.mails(self.daemon_.mailbox_dir("alice")) if mail.folder == "."
                for match in [maildir.NAME.match(mail.name)] if match}

    def sync(self):
        answer = self.daemon_.ctl("sync", "alice", "--wait")
        self.assertEqual(0, answer.status, f"{answer}\n{self.daemon_.log_end()}")

    def test_lost_answers_and_failing_writes(self):
        self.make(flags="mirror")
        self.daemon_.start()
        self.wait_mirrored(self.world_, self.daemon_, "alice")
        pick = random.Random(7)
        failed = 0
        flags = {uid: set(letters) for uid, (letters, _) in self.files().items()}
        for turn in range(MOST_ROUNDS):
            if turn >= ROUNDS and failed and all(self.disk_.met()[kind] for kind in KINDS):
                break
            self.disk_.faults(True)
            self.server_.create(f"New {turn}")
            for _ in range(pick.randint(4, 12)):
                self.world_.deliver("alice", pick.choice(("INBOX", "INBOX", "Lists/dev", f"New {turn}")))
            for uid in pick.sample(sorted(flags), 6):
                chosen = [flag for flag in LETTERS if pick.random() < 0.5]
                self.server_.select("INBOX")
                self.server_.command(f"UID STORE {uid} FLAGS.SILENT ({' '.join(chosen)})")
                flags[uid] = {LETTERS[flag] for flag in chosen}
            self.server_.unselect()
            failed += self.daemon_.ctl("sync", "alice", "--wait").status
            self.disk_.faults(False)
            self.daemon_.wait_for_state("alice", "idle")  # nobody tells it to go on
            self.sync()
            self.assert_mirrored(self.world_, self.daemon_, "alice")
            here = self.files()
            self.assertEqual(flags, {uid: set(here[uid][0]) for uid in flags})
        met = self.disk_.met()
        print(f"{turn} rounds, {failed} passes failed; {dict(met)}")
        self.assertGreater(failed, 0)
        for kind in KINDS:
            self.assertGreater(met[kind], 0, f"{kind}: {met}")
        self.assertEqual(0, self.daemon_.ctl("verify", "alice", "--deep").status, self.daemon_.log_end())
        self.assertEqual([], maildir.leftovers(self.daemon_.mailbox_dir("alice")))

    def test_file_that_a_reader_has_open(self):
        """It is removed by another reader, and by the server: what the file server makes of it is left alone."""
        self.make(deletions="mirror")
        self.daemon_.start()
        self.wait_mirrored(self.world_, self.daemon_, "alice")
        place, here = self.daemon_.mailbox_dir("alice"), self.files()
        with open(here[2][1], "rb") as removed, open(here[3][1], "rb") as expunged:
            octets = removed.read(), expunged.read()
            os.unlink(here[2][1])
            hidden = [name for sub in ("new", "cur") for name in os.listdir(f"{place}/{sub}") if name.startswith(".")]
            self.assertEqual(1, len(hidden))
            self.server_.select("INBOX")
            self.server_.command("UID STORE 3 +FLAGS.SILENT (\\Deleted)")
            self.server_.command("EXPUNGE")
            self.server_.unselect()
            self.world_.deliver("alice")
            self.sync()
            self.assertEqual(set(here) - {2, 3} | {13}, set(self.files()))
            removed.seek(0)
            expunged.seek(0)
            self.assertEqual(octets, (removed.read(), expunged.read()), "who reads it still can")
        self.sync()
        self.assertEqual(set(here) - {2, 3} | {13}, set(self.files()), "deleted here stays deleted")


class LabelsOnAFileServer(LabelsTest):
    def test_links_whose_answers_are_lost(self):
        self.gmail()
        self.fill_labels(rounds=2)
        self.daemon_ = self.daemon(self.place_, {"mailboxes": [self.mailbox()]}, start=False,
                                   environment={"MAILMOOR_TIME_SCALE": "0.02"})
        disk = mounted(self, self.daemon_, f"{self.daemon_.directory}/disk")
        disk.faults(True)
        self.daemon_.start()
        for turn in range(MOST_ROUNDS):
            if turn >= 3 and disk.met()["link"]:
                break
            self.arrive("INBOX", "Work")
            self.daemon_.ctl("sync", "alice", "--wait")
        disk.faults(False)
        self.wait_complete()
        met = disk.met()
        print(dict(met))
        self.assertGreater(met["link"], 0, met)
        self.assertGreater(sum(os.stat(mail.path).st_nlink > 1 for mail in maildir.mails(
            self.daemon_.mailbox_dir("alice"))), 0)


if __name__ == "__main__":
    unittest.main()
