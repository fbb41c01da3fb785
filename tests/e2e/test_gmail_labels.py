"""Gmail's labels: one message in many folders. Each body comes once, the others are links; what a label is, where it is
not shown over IMAP, and that nothing is lost or doubled by it."""
import collections
import os
import random
import re
import time

from e2e.test_gmail import GmailTest
from fakes.corpus import Corpus, digest
from fakes.gmail import ALL, JUNK, SENT, TRASH
from fakes.mail_server import Folder
from lib import maildir
from lib.processes import wait_until

PLACES = (("INBOX",), ("INBOX", "Work"), ("Work", "Bills/2024"), (SENT,), (SENT, "Work", "Entw&APw-rfe"), ())


class LabelsTest(GmailTest):
    def gmail(self, tokens=False):
        super().gmail(tokens)
        self.octets = {}  # X-GM-MSGID → octets
        self.corpus_ = Corpus(self.id(), big_every=0, tame=True)
        return self.server

    def arrive(self, *places, count=1):
        for _ in range(count):
            octets = self.corpus_.message().octets
            message = self.server.arrive(octets, *places)
            self.octets[message] = octets
        return message

    def fill_labels(self, rounds=4):
        for places in PLACES * rounds:
            self.arrive(*places)
        self.arrive(JUNK, count=3)
        self.arrive(TRASH, count=2)

    def wanted(self):
        """Folder → the messages that it is to have."""
        return {name: collections.Counter(map(digest_on_disk, folder.messages.values()))
                for name, folder in self.server.folders.items() if folder.messages and name not in self.server.hidden}

    def found(self):
        here = collections.defaultdict(collections.Counter)
        for mail in maildir.mails(self.daemon_.mailbox_dir("alice")):
            here[mail.folder][digest(maildir.read(mail.path))] += 1
        return here

    def complete(self):
        """The folders' names on disk are another test's business: what is in them is not."""
        key = lambda counter: sorted(counter.items())
        return sorted(map(key, self.found().values())) == sorted(map(key, self.wanted().values()))

    def wait_complete(self, seconds=30):
        wait_until(self.complete, seconds, self.daemon_.log_end)
        self.assertEqual([], maildir.duplicates(self.daemon_.mailbox_dir("alice")))
        self.assertEqual([], maildir.leftovers(self.daemon_.mailbox_dir("alice")))
        wait_until(lambda: self.daemon_.status("alice")["state"] == "idle", 30, self.daemon_.log_end)

    def paths(self, message):
        wanted = digest_on_disk(self.octets[message])
        return [mail.path for mail in maildir.mails(self.daemon_.mailbox_dir("alice"))
                if digest(maildir.read(mail.path)) == wanted]

    def assert_links(self):
        """All files of a message are one."""
        inodes = collections.defaultdict(set)
        files = collections.Counter()
        for mail in maildir.mails(self.daemon_.mailbox_dir("alice")):
            about = os.stat(mail.path)
            inodes[digest(maildir.read(mail.path))].add((about.st_ino, about.st_nlink))
            files[digest(maildir.read(mail.path))] += 1
        self.assertEqual({}, {key: seen for key, seen in inodes.items() if len(seen) != 1})
        self.assertEqual({key: times for key, times in files.items()},
                         {key: next(iter(seen))[1] for key, seen in inodes.items()})

    def assert_each_body_once(self):
        self.assertEqual({message: 1 for message in self.octets}, dict(self.server.bodies))

    def folder_row(self, name):
        rows = self.daemon_.ctl("folders", "alice").json["folders"]
        return next((row for row in rows if row["name"] == name), None)


def digest_on_disk(octets):
    return digest(octets.replace(b"\r\n", b"\n"))


class Links(LabelsTest):
    def test_each_body_comes_once(self):
        server = self.gmail()
        self.fill_labels()
        self.begin()
        self.wait_complete()
        self.assert_each_body_once()
        self.assert_links()
        first = [command for command in server.journal.commands("^EXAMINE")][:2]
        self.assertEqual([True, True], ["INBOX" in first[0], ALL in first[1]], first)
        opened = " ".join(server.journal.commands("^EXAMINE"))
        self.assertTrue(JUNK in opened and TRASH in opened, opened)
        self.assertLessEqual(server.journal.longest(), 4096)
        self.assertEqual([], self.loud(), "nothing is hidden")
        # Neither another pass nor a restart asks for one again.
        self.sync()
        self.daemon_.stop()
        self.assertEqual(0, self.daemon_.once())
        self.assert_each_body_once()
        self.daemon_.start()
        self.assertEqual(0, self.daemon_.ctl("verify", "alice").status, self.daemon_.log_end())
        self.assert_each_body_once()
        self.assert_well_behaved()

    def test_flags_are_each_folders_own(self):
        server = self.gmail()
        message = self.arrive("INBOX", "Work")
        server.flags[server.folders["Work"], 1] = "\\Seen \\Flagged"
        server.flags[server.folders[ALL], 1] = ""
        self.begin(flags="mirror")
        self.wait_complete()
        self.assert_links()
        names = {os.path.relpath(path, self.daemon_.mailbox_dir("alice")) for path in self.paths(message)}
        self.assertEqual({"cur": "S", ".Work/cur": "FS"},
                         {os.path.dirname(name): name.rsplit(",", 1)[-1] for name in names if ":2," in name})
        # One folder's reader marks it; the server marks it in another.
        inbox = next(path for path in self.paths(message) if "/.Work/" not in path and ":2,S" in path)
        os.rename(inbox, inbox.replace(":2,S", ":2,RS"))
        server.flags[server.folders["Work"], 1] = "\\Seen \\Flagged \\Answered"
        server.folders["Work"].next_uid += 1  # HIGHESTMODSEQ goes with it
        self.sync()
        letters = sorted(path.rsplit(":2,", 1)[-1] for path in self.paths(message) if ":2," in path)
        self.assertEqual(["FRS", "RS"], letters)
        self.assertEqual(1, server.bodies[message])
        self.assert_links()

    def test_label_added_later_is_a_link(self):
        server = self.gmail()
        self.fill_labels()
        self.begin()
        self.wait_complete()
        for message in list(self.octets)[:10]:
            server.label(message, "Later")
        self.sync()
        self.wait_complete()
        self.assert_each_body_once()
        self.assert_links()
        # And a new one that is pushed nowhere.
        self.arrive("INBOX", "Later")
        self.sync()
        self.wait_complete()
        self.assert_each_body_once()
        self.assert_links()

    def test_what_readers_did_is_no_obstacle(self):
        """Renamed and flagged: linked. Removed everywhere: fetched."""
        server = self.gmail()
        marked, removed = self.arrive("INBOX"), self.arrive("INBOX")
        self.begin()
        self.wait_complete()
        for path in self.paths(marked):
            os.rename(path, path + "R")
        for path in self.paths(removed):
            os.unlink(path)
        for message in (marked, removed):
            server.label(message, "Later")
        self.sync()
        self.assertEqual((1, 2), (server.bodies[marked], server.bodies[removed]))
        self.assertEqual((3, 1), (len(self.paths(marked)), len(self.paths(removed))))
        self.assertEqual(1, len({os.stat(path).st_ino for path in self.paths(marked)}))

    def test_killed_again_and_again(self):
        server = self.gmail()
        self.fill_labels(rounds=15)
        dice = random.Random(5)
        self.begin()
        for _ in range(12):
            time.sleep(dice.uniform(0.02, 0.25))
            self.daemon_.kill()
            self.daemon_.start()
        self.wait_complete(60)
        shared = [mail for mail in maildir.mails(self.daemon_.mailbox_dir("alice")) if os.stat(mail.path).st_nlink > 1]
        self.assertGreater(len(shared), len(self.octets) // 2, "links are what it is about")
        self.assertEqual(0, self.daemon_.ctl("verify", "alice", "--deep").status)
        self.assert_well_behaved()

    def test_state_lost(self):
        server = self.gmail()
        self.fill_labels()
        self.begin()
        self.wait_complete()
        self.daemon_.stop()
        for name in os.listdir(self.daemon_.state_dir):
            if name.startswith("state.db"):
                os.unlink(f"{self.daemon_.state_dir}/{name}")
        self.daemon_.start()
        self.sync()
        self.wait_complete()
        self.assert_each_body_once()
        # What is where is known again.
        for message in list(self.octets)[:6]:
            server.label(message, "Later")
        self.sync()
        self.wait_complete()
        self.assert_each_body_once()
        self.assert_links()

    def test_renumbered_folder(self):
        server = self.gmail()
        self.fill_labels()
        self.begin()
        self.wait_complete()
        renumber(server, ALL)
        self.sync()
        self.wait_complete()
        # Where there is no Message-ID to recognise a message by, its body is compared and not kept.
        compared = {message for message, times in server.bodies.items() if times != 1}
        self.assertEqual([], [message for message in compared if b"message-id:" in self.octets[message].lower()])
        self.assert_links()
        before = dict(server.bodies)
        for message in list(self.octets)[:6]:
            server.label(message, "Later")
        self.sync()
        self.wait_complete()
        self.assertEqual(before, dict(server.bodies))
        self.assert_links()

    def test_deletions_are_each_folders_own(self):
        server = self.gmail()
        message = self.arrive("INBOX", "Work")
        self.arrive("INBOX", "Work", count=5)
        self.begin(deletions="mirror")
        self.wait_complete()
        with server.lock:
            del server.folders["Work"].messages[1]
            server.folders["Work"].next_uid += 1
        self.sync()
        trash = f"{self.daemon_.mailbox_dir('alice')}/.mailmoor-trash"
        names = [name for _, _, files in os.walk(trash) for name in files]
        self.assertEqual(1, len(names), names)
        self.assertEqual(2, sum(".mailmoor-trash" not in path and "/.Work/" not in path
                                for path in self.paths(message)))
        self.assert_each_body_once()

    def test_damaged_file_is_not_linked_again(self):
        """It is damaged in each folder that shares it: each has a sound one after the repair."""
        server = self.gmail()
        message = self.arrive("INBOX", "Work")
        self.arrive("INBOX", "Work", count=5)
        self.begin()
        self.wait_complete()
        path = self.paths(message)[0]
        with open(path, "r+b") as file:
            file.seek(-5, os.SEEK_END)
            file.write(b"spoil")
        answer = self.daemon_.ctl("verify", "alice", "--deep", "--repair")
        self.assertEqual(0, answer.status, f"{answer}\n{self.daemon_.log_end()}")
        self.wait_complete()
        self.assertEqual(3, len(self.paths(message)))

    def test_bytes_of_the_day_are_those_that_came(self):
        server = self.gmail()
        for places in PLACES * 4:
            octets = self.corpus_.message().octets + b"x" * 50_000 + b"\r\n"
            self.octets[server.arrive(octets, *places)] = octets
        bodies = sum(map(len, self.octets.values()))
        self.begin(daily_bytes="2MiB")
        self.wait_complete()
        used = self.daemon_.status("alice")["daily_bytes_used"]
        self.assertTrue(bodies < used < bodies + 100_000, (bodies, used))

    def test_filters_hold_for_each_folder(self):
        server = self.gmail()
        self.fill_labels(1)
        octets = self.corpus_.message().octets + b"x" * 200_000 + b"\r\n"
        large = server.arrive(octets, "INBOX", "Work")  # not among self.octets: it is not to come
        self.begin(max_size="100KiB")
        wait_until(lambda: len(self.daemon_.status("alice")["too_large"]) == 3, 30, self.daemon_.log_end)
        self.sync()
        self.assertEqual(0, server.bodies[large])
        self.assert_each_body_once()
        self.assert_links()

    def test_server_that_offers_it_and_does_not_know_it(self):
        server = self.gmail()
        self.fill_labels(1)
        server.script(r"X-GM-", "{tag} BAD Could not parse command", times=1)
        self.begin()
        self.wait_complete()
        self.assertEqual(1, len(server.journal.commands("X-GM-")))
        self.assertEqual([], self.loud())
        self.assert_well_behaved()


def renumber(server, name):
    """The server makes the folder anew: other UIDs, another UIDVALIDITY."""
    with server.lock:
        old = server.folders[name]
        new = Folder(old.validity + 1, attributes=old.attributes)
        new.next_uid = 500
        server.folders[name] = new
        for uid, octets in old.messages.items():
            server.take_over(old, uid, new, new.add(octets))


class Hidden(LabelsTest):
    def warnings(self, words):
        return [line for line in self.loud("warning") if words in line]

    def test_all_mail_hidden(self):
        server = self.gmail()
        server.hide(ALL)
        self.fill_labels()
        unlabelled = [message for message in self.octets if not server.labels_of_message(message)
                      and server.is_in_all_mail(message)]
        self.begin()
        self.wait_complete()
        self.sync()
        self.assertEqual(1, len(self.warnings("does not show All Mail")), self.daemon_.log_end())
        self.assertIn("Show in IMAP", self.warnings("does not show All Mail")[0])
        self.assertIn("Show in IMAP", self.folder_row("\\All")["why"])
        self.daemon_.stop()
        self.daemon_.start()
        self.sync()
        self.assertEqual(1, len(self.warnings("does not show All Mail")), "one that was told before the restart")
        self.assertIn("Show in IMAP", self.folder_row("\\All")["why"])
        self.assertEqual({1}, set(server.bodies.values()), "the folders still share what they have")
        self.assertEqual(len(self.octets) - len(unlabelled), len(server.bodies))
        self.assert_links()
        # Shown: nothing comes that is here.
        server.show(ALL)
        self.sync()
        self.wait_complete()
        self.assert_each_body_once()
        self.assert_links()
        self.assertIsNone(self.folder_row("\\All"))
        self.assertEqual(1, len(self.loud("warning")))

    def test_label_hidden(self):
        server = self.gmail()
        self.fill_labels()
        server.hide("Entw&APw-rfe")
        server.hide("Bills/2024")
        self.begin()
        self.wait_complete()
        self.sync()
        [said] = self.warnings("does not show some labels")
        self.assertTrue("Bills/2024, Entwürfe;" in said and "Show in IMAP" in said, said)
        self.assertRegex(self.folder_row("Bills/2024")["why"], "Show in IMAP")
        self.assertFalse(self.folder_row("Bills/2024")["chosen"])
        self.assert_each_body_once()
        # One more is told, one that is known is not, nor is one that is made right now.
        server.hide("Secret")
        self.arrive("Secret", "Bills/2024")
        self.sync()
        self.sync()
        self.assertEqual(2, len(self.loud("warning")))
        self.assertIn("Secret", self.warnings("does not show some labels")[1])
        # What was told is not told again by another run, which is not asked about those messages any more.
        self.daemon_.stop()
        self.daemon_.start()
        self.sync()
        self.assertRegex(self.folder_row("Bills/2024")["why"], "Show in IMAP")
        self.assertRegex(self.folder_row("Secret")["why"], "Show in IMAP")
        self.assertEqual(2, len(self.loud("warning")))
        server.show("Bills/2024")
        self.sync()
        self.wait_complete()
        self.assertTrue(self.folder_row("Bills/2024")["chosen"])
        self.assertEqual(2, len(self.loud("warning")))
        self.assert_each_body_once()
        self.assert_links()

    def test_hidden_label_that_is_excluded_is_not_missed(self):
        server = self.gmail()
        self.fill_labels()
        server.hide("Bills/2024")
        self.begin(folders={"exclude": ["Bills/*"]})
        self.wait_complete()
        self.sync()
        self.assertEqual([], self.loud())

    def test_all_mail_excluded(self):
        """By the configuration: not hidden, and no reason for a word."""
        server = self.gmail()
        self.fill_labels()
        self.begin(folders={"exclude": [re.sub(r"([\[\]])", r"\\\1", ALL)]})
        self.sync()
        self.assertEqual([], self.loud())
        self.assertEqual({1}, set(server.bodies.values()))
        self.assert_links()
