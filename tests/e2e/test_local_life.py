"""What happens to the files here: readers, backups, lost and spoilt databases. Nothing is lost, nothing comes twice, and
nothing is downloaded again that is here."""
import os
import shutil
import sqlite3

from e2e.harness import EndToEnd
from lib import maildir
from lib.processes import wait_until


class LocalLife(EndToEnd):
    def make(self, folders=None, **mailbox):
        self.world_ = self.world()
        self.world_.fill("alice", folders or {"INBOX": 30, "Sent": 10})
        mailbox.setdefault("poll", "1h")
        mailbox.setdefault("push", "off")
        self.daemon_ = self.daemon(self.world_, self.world_.config("alice", **mailbox), start=False)
        self.once()
        self.assert_mirrored(self.world_, self.daemon_, "alice")

    def once(self):
        """A run of the daemon; how many bodies it was sent."""
        mark = self.world_.server.mark()
        self.assertEqual(0, self.daemon_.once(), self.daemon_.log_end())
        return sum(row.bodies for row in self.world_.server.ended_sessions(mark))

    def place(self):
        return self.daemon_.mailbox_dir("alice")

    def state_files(self):
        return sorted(name for name in os.listdir(self.daemon_.state_dir) if name.startswith("state.db"))

    def backup(self, name):
        """A copy of the Maildir and of the state as they are."""
        where = f"{self.world_.directory}/{name}"
        shutil.copytree(self.place(), f"{where}/mail")
        os.makedirs(f"{where}/state")
        for file in self.state_files():
            shutil.copy2(f"{self.daemon_.state_dir}/{file}", f"{where}/state/{file}")
        return where

    def restore(self, where, state):
        shutil.rmtree(self.place())
        shutil.copytree(f"{where}/mail", self.place())
        if state:
            self.drop_state()
            for file in os.listdir(f"{where}/state"):
                shutil.copy2(f"{where}/state/{file}", f"{self.daemon_.state_dir}/{file}")

    def drop_state(self):
        for name in self.state_files():
            os.unlink(f"{self.daemon_.state_dir}/{name}")

    def unread(self):
        return sorted((mail for mail in maildir.mails(self.place()) if mail.subdir == "new" and mail.folder == "."),
                      key=lambda mail: mail.name)

    def plainly_unread(self):
        """Without any flag, so that the name ends with its size."""
        return [mail for mail in self.unread() if ":2," not in mail.name]

    # --- state.db ------------------------------------------------------------------------------------------------

    def spoil_garbage(self, path):
        with open(path, "wb") as file:
            file.write(os.urandom(16_384))

    def spoil_cut(self, path):
        os.truncate(path, os.path.getsize(path) // 2)

    def spoil_page(self, path):
        """A page in the middle; the header is sound."""
        with open(path, "r+b") as file:
            for page in range(1, os.path.getsize(path) // 4096):
                file.seek(page * 4096)
                file.write(b"\xff" * 4096)

    def spoil_schema(self, path):
        with sqlite3.connect(path) as database:
            database.execute("DROP TABLE delivered")
        database.close()

    def test_spoilt_state_database_is_set_aside_and_costs_no_download(self):
        self.make()
        for spoil in (self.spoil_garbage, self.spoil_cut, self.spoil_page, self.spoil_schema):
            with self.subTest(spoil.__name__):
                before = set(self.state_files())
                self.assertIn("state.db", before)
                spoil(f"{self.daemon_.state_dir}/state.db")
                self.assertEqual(0, self.once())
                aside = set(self.state_files()) - before
                self.assertTrue(any(name.startswith("state.db.corrupt-") for name in aside), aside)
                self.assertIn("state.db.corrupt-", self.daemon_.log())
                self.assert_mirrored(self.world_, self.daemon_, "alice")
                # The new one is good: the next run knows everything and looks at little.
                self.assertEqual(0, self.once())
                for name in aside:
                    os.unlink(f"{self.daemon_.state_dir}/{name}")

    def test_state_database_deleted_while_mail_came_and_went(self):
        self.make()
        self.drop_state()
        self.world_.deliver("alice")
        self.assertEqual(1, self.once(), "the new one only")
        self.assert_mirrored(self.world_, self.daemon_, "alice")

    def test_older_state_database_doubles_nothing(self):
        self.make()
        old = self.backup("old")
        for _ in range(3):
            self.world_.deliver("alice")
        self.assertEqual(3, self.once())
        self.drop_state()
        for file in os.listdir(f"{old}/state"):
            shutil.copy2(f"{old}/state/{file}", f"{self.daemon_.state_dir}/{file}")
        self.assertEqual(0, self.once(), "the Maildir says what is there")
        self.assert_mirrored(self.world_, self.daemon_, "alice")
        self.assertEqual(0, self.once())

    # --- backups -------------------------------------------------------------------------------------------------

    def test_maildir_and_state_of_an_older_backup(self):
        self.make()
        old = self.backup("old")
        for _ in range(3):
            self.world_.deliver("alice")
        self.assertEqual(3, self.once())
        self.restore(old, state=True)
        self.assertEqual(3, self.once())
        self.assert_mirrored(self.world_, self.daemon_, "alice")
        self.assertEqual(0, self.once())

    def test_maildir_of_an_older_backup_comes_back_by_word(self):
        self.make()
        old = self.backup("old")
        for folder in ("INBOX", "INBOX", "Sent"):
            self.world_.deliver("alice", folder)
        self.assertEqual(3, self.once())
        self.restore(old, state=False)
        self.assertEqual(0, self.once(), "what is known and has no file counts as deleted by a reader")
        self.daemon_.start()
        answer = self.daemon_.ctl("verify", "alice", "--repair", as_json=False)
        self.assertEqual(1, answer.status, answer)
        self.assertIn("2 removed here (UIDs 31, 32)", answer.out)
        self.assertIn("1 removed here (UID 11)", answer.out)
        self.assertIn("--fetch-removed", answer.out)
        answer = self.daemon_.ctl("verify", "alice", "--repair", "--fetch-removed", as_json=False)
        self.assertEqual(0, answer.status, answer)
        self.daemon_.stop()
        self.assert_mirrored(self.world_, self.daemon_, "alice")
        self.assertEqual(0, self.once())

    def test_maildir_of_an_older_backup_and_no_state(self):
        self.make()
        old = self.backup("old")
        for _ in range(3):
            self.world_.deliver("alice")
        self.assertEqual(3, self.once())
        self.restore(old, state=False)
        self.drop_state()
        self.assertEqual(3, self.once(), "without a record nothing was deleted here")
        self.assert_mirrored(self.world_, self.daemon_, "alice")

    # --- readers -------------------------------------------------------------------------------------------------

    def test_readers_between_runs(self):
        self.make(folders={"INBOX": 60, "Sent": 10})
        unread = self.plainly_unread()
        self.assertGreaterEqual(len(unread), 5)
        os.rename(unread[0].path, f"{self.place()}/cur/{unread[0].name}:2,S")     # read
        os.rename(unread[1].path, f"{self.place()}/cur/{unread[1].name}:2,Sab")   # with letters of a reader's own
        os.unlink(unread[2].path)                                                 # deleted
        base = unread[3].name.split(",S=")[0]
        os.rename(unread[3].path, f"{self.place()}/cur/{base}:2,FS")              # without the size in its name
        copy = f"{self.place()}/{self.world_.here('Sent')}/cur/{unread[4].name}:2,S"
        shutil.copy2(unread[4].path, copy)                                        # copied to another folder
        files = {mail.path for mail in maildir.mails(self.place())}
        self.assertEqual(0, self.once())
        self.assertEqual(files, {mail.path for mail in maildir.mails(self.place())})
        self.drop_state()
        self.assertEqual(1, self.once(), "without a record a deleted one comes back, and nothing else does")
        back = {mail.path for mail in maildir.mails(self.place())} - files
        self.assertEqual([unread[2].name], [os.path.basename(path) for path in back])

    def test_reader_that_moves_files_while_they_arrive(self):
        self.world_ = self.world()
        self.world_.fill("alice", {"INBOX": 600})
        self.daemon_ = self.daemon(self.world_, self.world_.config("alice", poll="1h", push="off"))
        seen = {}  # name → how often it was seen in new/

        def read_some():
            try:
                names = os.listdir(f"{self.place()}/new")
            except FileNotFoundError:
                return False
            for name in names:
                seen[name] = seen.get(name, 0) + 1
                base, _, letters = name.partition(":2,")
                os.rename(f"{self.place()}/new/{name}", f"{self.place()}/cur/{base}:2,{letters}S")
            return self.daemon_.status("alice")["state"] == "idle"

        wait_until(read_some, 120, lambda: self.daemon_.log_end(), 0.02)
        read_some()
        self.assertEqual([], [name for name, times in seen.items() if times > 1], "none came again")
        self.assert_mirrored(self.world_, self.daemon_, "alice")
        self.assertEqual(600, self.daemon_.status("alice")["messages_fetched"])
        answer = self.daemon_.ctl("verify", "alice")
        self.assertEqual(0, answer.status, answer)
