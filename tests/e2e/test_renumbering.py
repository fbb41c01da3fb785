"""A server that numbers its folders anew, and a mailbox that moves to another server: no second download."""
import collections
import os

from e2e.harness import EndToEnd
from lib import maildir
from lib.processes import wait_until


class Renumbering(EndToEnd):
    def make(self, folders, **mailbox):
        self.world_ = self.world()
        self.world_.fill("alice", folders)
        mailbox.setdefault("poll", "1h")
        mailbox.setdefault("push", "off")
        self.settings_ = mailbox
        self.daemon_ = self.daemon(self.world_, self.world_.config("alice", **mailbox))
        self.wait_mirrored(self.world_, self.daemon_, "alice")
        self.sync()

    def sync(self):
        answer = self.daemon_.ctl("sync", "alice", "--wait")
        self.assertEqual(0, answer.status, f"{answer}\n{self.daemon_.log_end()}")

    def validities(self, folder="INBOX"):
        return {maildir.NAME.match(mail.name)["validity"] for mail in maildir.mails(self.daemon_.mailbox_dir("alice"))
                if mail.folder == self.world_.here(folder)}

    def bodies(self, world, mark):
        """How many bodies the server has sent since the mark, once the daemon's sessions are over."""
        self.daemon_.stop()
        return sum(session.bodies for session in world.server.ended_sessions(mark))

    def test_folder_numbered_anew_is_not_fetched_anew(self):
        self.make({"INBOX": 60, "Sent": 10})
        before = {mail.path: os.stat(mail.path).st_ino for mail in maildir.mails(self.daemon_.mailbox_dir("alice"))}
        self.daemon_.stop()
        mark, old = self.world_.server.mark(), set()
        for folder in ("INBOX", "Sent"):
            old |= self.validities(folder)
            self.world_.server.renumber("alice", folder)
        self.world_.deliver("alice")
        self.daemon_.start()
        self.sync()
        self.assert_mirrored(self.world_, self.daemon_, "alice")
        for folder in ("INBOX", "Sent"):
            self.assertEqual((1, set()), (len(self.validities(folder)), self.validities(folder) & old))
        after = [os.stat(mail.path).st_ino for mail in maildir.mails(self.daemon_.mailbox_dir("alice"))]
        self.assertEqual(1, len(set(after) - set(before.values())), "the same files but for the new message")
        self.assertRegex(self.daemon_.log(), r"uidvalidity_changed")
        # Of the corpus, those without a Message-ID are compared by content: one in twelve, where the size is the same.
        bodies = self.bodies(self.world_, mark)
        self.assertLessEqual(bodies, 1 + 70 // 12 + 1)

    def test_mailbox_moved_to_another_server_is_not_fetched_anew(self):
        self.make({"INBOX": 50, "Sent": 10, "Lists/dev": 10})
        self.daemon_.stop()
        other = self.world()
        originals = self.world_.originals["alice"]
        with other.server.observer("alice") as observer:
            for folder, messages in originals.items():
                # Not in the old order: numbers are no help.
                observer.load(folder, list(reversed(messages)))
        other.originals["alice"] = originals
        self.daemon_.write_config(other.config("alice", **self.settings_))
        mark = other.server.mark()
        self.daemon_.start()
        self.sync()
        self.assert_mirrored(other, self.daemon_, "alice")
        self.assertEqual(70, maildir.count(self.daemon_.mailbox_dir("alice")))
        self.assertLessEqual(self.bodies(other, mark), 70 // 12 + 1)

    def test_first_message_of_a_folder_that_was_empty_for_long_comes_with_the_poll(self):
        """courier-imap numbers an empty folder anew at each look."""
        world = self.world()
        world.fill("alice", {"Sent": 3})
        daemon = self.daemon(world, world.config("alice", poll="1s", push="off"))
        self.wait_mirrored(world, daemon, "alice")
        wait_until(lambda: daemon.log().count("event=synced") >= 8, 60, daemon.log_end)
        self.wait_delivered(world, daemon, "alice", world.deliver("alice"), 20)
        self.assert_mirrored(world, daemon, "alice")
        self.assertNotIn("uidvalidity", daemon.log())


class Renames(EndToEnd):
    def check(self, layout, **dovecot):
        world = self.world(**dovecot)
        world.fill("alice", {"INBOX": 5, "Old": 20, "Old/child": 10, "Other": 10})
        daemon = self.daemon(world, world.config("alice", layout=layout, poll="1h", push="off", deletions="mirror"))
        self.wait_mirrored(world, daemon, "alice")
        self.assertEqual(0, daemon.ctl("sync", "alice", "--wait").status)
        daemon.stop()
        world.server.ended_sessions()
        mark = world.server.mark()
        with world.server.observer("alice") as observer:
            observer.rename("Old", "Fresh")
        daemon.start()
        self.assertEqual(0, daemon.ctl("sync", "alice", "--wait").status, daemon.log_end())
        self.assert_mirrored(world, daemon, "alice")
        counts = collections.Counter(mail.folder for mail in maildir.mails(daemon.mailbox_dir("alice")))
        new, child, other = (world.here(folder, layout) for folder in ("Fresh", "Fresh/child", "Other"))
        self.assertEqual({".": 5, new: 20, child: 10, other: 10}, dict(counts))
        self.assertRegex(daemon.log(), r"folder_renamed")
        # While it runs, and back again.
        with world.server.observer("alice") as observer:
            observer.rename("Fresh/child", "Moved")
            observer.rename("Other", "Fresh/other")
        self.assertEqual(0, daemon.ctl("sync", "alice", "--wait").status, daemon.log_end())
        self.assert_mirrored(world, daemon, "alice")
        self.assertEqual("idle", daemon.wait_for_state("alice", "idle")["state"], "nothing is held")
        daemon.stop()
        self.assertEqual(0, sum(session.bodies for session in world.server.ended_sessions(mark)))

    def test_folders_renamed_on_the_server_are_renamed_here(self):
        self.check("maildir++")

    def test_nested_directories_are_renamed_too(self):
        self.check("fs")

    def test_without_list_status(self):
        self.check("maildir++", capability="IMAP4rev1 SASL-IR LOGIN-REFERRALS ID LITERAL+ AUTH=PLAIN")
