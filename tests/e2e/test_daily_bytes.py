"""daily_bytes against Dovecot: the rest waits and says so, new mail still comes, a restart grants no second day, and more
bytes bring the rest."""
from e2e.harness import EndToEnd
from fakes.corpus import Corpus
from lib import maildir
from lib.processes import wait_until

CAP = 300 * 1024


class DailyBytes(EndToEnd):
    def setUp(self):
        super().setUp()
        self.world_ = self.world()
        corpus = Corpus("daily", big_every=0)
        self.messages_ = [message._replace(octets=message.octets + b"\r\n" + b"x" * 5_000 + b"\r\n")
                          for message in (corpus.message() for _ in range(100))]
        with self.world_.server.observer("alice") as observer:
            observer.append("INBOX", self.messages_)
        self.world_.originals["alice"].setdefault("INBOX", []).extend(self.messages_)

    def configuration(self, cap):
        return self.world_.config("alice", daily_bytes=cap, poll="1h")

    def wait_held_back(self, daemon):
        wait_until(lambda: daemon.status("alice")["state"] == "throttled", 30, daemon.log_end)
        return daemon.status("alice")

    def test_the_rest_waits_and_goes_on(self):
        daemon = self.daemon(self.world_, self.configuration("300KiB"))
        status = self.wait_held_back(daemon)
        here = maildir.count(daemon.mailbox_dir("alice"))
        self.assertTrue(0 < here < 100, here)
        self.assertEqual((CAP, 100 - here), (status["daily_bytes"], status["behind"]))
        # A tenth is kept for new mail; what is on its way when the rest is used up still comes.
        self.assertTrue(0.9 * CAP <= status["daily_bytes_used"] <= 1.2 * CAP, status)
        self.assertIn(f"{100 - here} messages wait", status["reason"])
        self.assertIsNotNone(status["retry_at"])
        self.assertIsNone(status["last_sync"])
        text = daemon.ctl("status", "alice", as_json=False).out
        self.assertRegex(text, r"daily bytes +\d+\.\d KiB of 300\.0 KiB used")

        self.world_.deliver("alice")
        wait_until(lambda: maildir.count(daemon.mailbox_dir("alice")) == here + 1, 30, daemon.log_end)

        daemon.stop()
        daemon.start()
        self.wait_held_back(daemon)
        answer = daemon.ctl("sync", "alice", "--wait")
        self.assertEqual(1, answer.status, str(answer))
        self.assertEqual(here + 1, maildir.count(daemon.mailbox_dir("alice")))

        daemon.write_config(self.configuration("100MiB"))
        self.assertEqual(0, daemon.ctl("reload").status)
        self.wait_mirrored(self.world_, daemon, "alice")
        wait_until(lambda: daemon.status("alice")["state"] == "idle", 30, daemon.log_end)
        status = daemon.status("alice")
        self.assertEqual((0, ""), (status["behind"], status["reason"]))
