"""Folder names that want to be something else on disk, as far as the server lets them exist, through to a real disk."""
import os

from e2e.harness import SERVER, EndToEnd
from fakes.corpus import digest
from lib import maildir

# With LAYOUT=index Dovecot keeps names in an index and not as directories.
ANY_NAME = {"settings": "mail_location = sdbox:~/sdbox:LAYOUT=index"} if SERVER.startswith("dovecot") else {}
FEWEST = {"cyrus": 20, "courier": 20}.get(SERVER, 25)  # of the names below, so many exist at least
NAMES = ["..", "../..", "../../etc", "a/../../b", "~", "~root", ".", ".hidden", "a//b", "cur", "new", "tmp", "A/cur",
         "A/new/tmp", ".mailmoor-trash", "mailmoor-trash", "A/.mailmoor-name", "maildirfolder", "dovecot-uidlist", "notmuch",
         "%2E%2E", "%~0123456789ABCDEF", "$(touch x)", "-rf", "*", "name.", "back\\\\slash", 'quo\\"ted', "x" * 240, "y" * 255,
         "Archive", "archive", "ARCHIVE", "Gelöscht", "gelöscht", "é", "e\u0301", "\u263a!", "INBOX/cur"]


class HostileNames(EndToEnd):
    def check(self, layout):
        world = self.world(**ANY_NAME)
        accepted = []
        with world.server.observer("alice") as observer:
            for name in NAMES:
                message = world.server.as_kept(world.corpus("alice").message())
                try:
                    observer.create(name)
                    observer.append(name, [message])
                except RuntimeError:
                    continue  # the server will not have it
                accepted.append(name)
                world.originals["alice"][name] = [message]
        self.assertGreaterEqual(len(accepted), FEWEST, accepted)
        daemon = self.daemon(world, world.config("alice", layout=layout, poll="1h", push="off"))
        around = sorted(os.listdir(daemon.directory))
        self.wait_mirrored(world, daemon, "alice")
        place = daemon.mailbox_dir("alice")
        directories = {}
        for mail in maildir.mails(place):
            self.assertTrue(os.path.realpath(mail.path).startswith(os.path.realpath(place) + "/"))
            directories.setdefault(mail.folder, []).append(digest(maildir.read(mail.path)))
        self.assertEqual(len(accepted), len(directories), "each folder has a directory of its own")
        self.assertNotIn(".", directories, "and none is INBOX's")
        self.assertEqual(["alice"], os.listdir(daemon.mail_root))
        self.assertEqual(around, sorted(os.listdir(daemon.directory)))

    def test_maildir_plus_plus(self):
        self.check("maildir++")

    def test_fs(self):
        self.check("fs")
