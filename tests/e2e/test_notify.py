"""One connection hears of every folder (NOTIFY, RFC 5465); where the server does not offer it the poll finds the same."""
import sys
import time

from e2e.harness import LONG, EndToEnd
from lib import maildir
from lib.processes import wait_until

FOLDERS = {"INBOX": 3, "Sent": 3, "Archive/2024": 3}
# Dovecot itself waits for one second before it tells of a folder that is not open.
SOON = 2 if LONG else 20


class Notify(EndToEnd):
    def begin(self, **mailbox):
        self.world_ = self.world(record=True)
        self.world_.fill("alice", FOLDERS)
        self.daemon_ = self.daemon(self.world_, self.world_.config("alice", **mailbox))
        self.wait_mirrored(self.world_, self.daemon_, "alice")
        self.daemon_.wait_for_state("alice", "idle")

    def arrives(self, folder, seconds):
        message = self.world_.deliver("alice", folder)
        delivered = time.monotonic()
        self.wait_delivered(self.world_, self.daemon_, "alice", message, seconds)
        return time.monotonic() - delivered

    def flags(self, folder):
        """uid → letters"""
        found = {}
        for mail in maildir.mails(self.daemon_.mailbox_dir("alice")):
            match = maildir.NAME.match(mail.name)
            if match and mail.folder == self.world_.here(folder):
                found[int(match["uid"])] = match["flags"] or ""
        return found

    def on_server(self, folder, *commands):
        with self.world_.server.observer("alice") as observer:
            if folder:
                observer.select(folder)
            for command in commands:
                observer.command(command)

    def sent(self, word):
        return sum(word in line for line in self.world_.server.client_commands())

    def test_news_of_any_folder_come_without_a_poll(self):
        self.begin(poll="12h")
        wait_until(lambda: self.sent(b" IDLE"), 20, "IDLE")
        took = [self.arrives(folder, SOON) for folder in ("Sent", "Archive/2024", "INBOX", "Sent")]
        self.on_server("Archive/2024", r"UID STORE 4 FLAGS.SILENT (\Seen \Flagged)")  # the one that came just now
        changed = time.monotonic()
        wait_until(lambda: self.flags("Archive/2024")[4] == "FS", SOON,
                   lambda: f"the flags: {self.flags('Archive/2024')}\n{self.daemon_.log_end()}", 0.02)
        took.append(time.monotonic() - changed)
        self.assertEqual((1, 1), (len(self.world_.server.sessions()), self.sent(b" LIST ")), "one pass")
        self.on_server("", "CREATE Fresh")
        took.append(self.arrives("Fresh", SOON))
        print(f"{self._testMethodName}: {', '.join(f'{seconds:.2f} s' for seconds in took)}", file=sys.stderr)
        self.assert_mirrored(self.world_, self.daemon_, "alice")
        # Once for each pass over everything: the first, and the one that looks for the folder that was made.
        wait_until(lambda: self.sent(b" NOTIFY SET STATUS ") >= 2, 20, "the STATUS of all folders after the second")
        self.assertLessEqual(self.sent(b" NOTIFY SET STATUS "), 3)

    def test_what_is_not_pushed_the_poll_finds(self):
        self.begin(poll="2s", push="off")
        self.arrives("Sent", 30)
        self.on_server("Archive/2024", r"UID STORE 1 FLAGS.SILENT (\Seen \Flagged)")
        wait_until(lambda: self.flags("Archive/2024")[1] == "FS", 30,
                   lambda: f"the flags: {self.flags('Archive/2024')}\n{self.daemon_.log_end()}")
        self.assertEqual(0, self.sent(b"NOTIFY"))
