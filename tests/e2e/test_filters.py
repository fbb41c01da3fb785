"""since, max_age and max_size against Dovecot: what is left out, what a change of them brings, and that nothing else
is disturbed by them."""
import datetime
import os

from e2e.harness import EndToEnd
from fakes.corpus import Corpus, multiset
from lib import maildir

PLAIN = "IMAP4rev1 SASL-IR LOGIN-REFERRALS ID LITERAL+ AUTH=PLAIN"
_MONTHS = "Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split()


def internal_date(day):
    return f"{day.day:02}-{_MONTHS[day.month - 1]}-{day.year} 12:00:00 +0000"


def days_ago(days):
    return datetime.datetime.now(datetime.timezone.utc).date() - datetime.timedelta(days=days)


class Filters(EndToEnd):
    def make(self, capability=None, **mailbox):
        self.world_ = self.world(capability=capability)
        self.corpus_ = Corpus("filters", big_every=0)
        self.server_ = self.world_.server.observer("alice")
        self.addCleanup(self.server_.close)
        self.mailbox_ = {"poll": "1h", "push": "off", **mailbox}
        self.daemon_ = None

    def put(self, day, count=1, large=False, folder="INBOX"):
        """Messages that came on that day, with no flags."""
        if folder != "INBOX" and self.server_.wire(folder) not in self.server_.folders():
            self.server_.create(folder)
        messages = [self.corpus_.message()._replace(flags=(), internal_date=internal_date(day)) for _ in range(count)]
        if large:
            messages = [message._replace(octets=message.octets + b"\r\n" + b"x" * 200_000) for message in messages]
        messages = [self.world_.server.as_kept(message) for message in messages]
        self.server_.append(folder, messages)
        return messages

    def run_daemon(self):
        self.daemon_ = self.daemon(self.world_, self.world_.config("alice", **self.mailbox_))
        self.sync()

    def change(self, **mailbox):
        """As an administrator does it: edits the file, reloads."""
        self.mailbox_ = {key: value for key, value in {**self.mailbox_, **mailbox}.items() if value is not None}
        self.daemon_.write_config(self.world_.config("alice", **self.mailbox_))
        answer = self.daemon_.ctl("reload")
        self.assertEqual(0, answer.status, str(answer))
        self.assertEqual(["alice"], answer.json["changed"])
        self.sync()

    def sync(self):
        answer = self.daemon_.ctl("sync", "alice", "--wait")
        self.assertEqual(0, answer.status, f"{answer}\n{self.daemon_.log_end()}")

    def assert_here(self, *groups):
        want = multiset(sum(groups, []))
        got = maildir.multiset(self.daemon_.mailbox_dir("alice"))
        self.assertTrue(got == want, f"{maildir.difference(got, want)}\n{self.daemon_.log_end()}")
        self.assertEqual([], maildir.duplicates(self.daemon_.mailbox_dir("alice")))
        status = self.daemon_.status("alice")
        self.assertEqual((0, sum(want.values())), (status["behind"], status["messages"]), status)
        self.assertEqual([], status["poison"])

    def folder(self, name="INBOX"):
        return next(row for row in self.daemon_.status("alice")["folders"] if row["name"] == self.world_.server.named(name))

    def on_server(self, *commands, folder="INBOX"):
        self.server_.select(folder)
        for command in commands:
            self.server_.command(command)
        self.server_.unselect()

    # -------------------------------------------------------------------------------------------------------------

    def check_changes(self, **options):
        self.make(since="2024-03-01", max_size="100KiB", **options)
        old = self.put(datetime.date(2024, 2, 29), 3)
        new = self.put(datetime.date(2024, 3, 1), 4)
        large = self.put(datetime.date(2025, 1, 1), 1, large=True)
        old_and_large = self.put(datetime.date(2001, 1, 1), 1, large=True)
        sent = self.put(datetime.date(2025, 1, 1), 2, folder="Sent")
        old_sent = self.put(datetime.date(2001, 1, 1), 1, folder="Sent")
        before, sent_name = self.world_.snapshot("alice"), self.server_.wire("Sent")
        mark = self.world_.server.mark()
        self.run_daemon()
        self.assert_here(new, sent)
        self.assertEqual((4, 1), (self.folder()["too_old"], self.folder()["too_large"]))
        self.assertEqual((1, 0), (self.folder("Sent")["too_old"], self.folder("Sent")["too_large"]))
        [listed] = self.daemon_.status("alice")["too_large"]
        self.assertEqual(("INBOX", 8), (listed["folder"], listed["uid"]))
        self.assertAlmostEqual(len(large[0].octets), listed["size"], delta=100)
        text = self.daemon_.ctl("status", "alice", as_json=False).out
        self.assertIn("5 too old, 1 too large", text)
        self.assertRegex(text, r"TOO LARGE +UID +SIZE\n.*INBOX +8 +\d+\.\d KiB")
        # Neither a pass more nor a restart fetches or changes anything.
        self.sync()
        self.daemon_.stop()
        self.daemon_.start()
        self.sync()
        self.assert_here(new, sent)
        # Widened by reloads: what is inside now comes, and nothing twice.
        self.change(since="2024-02-01")
        self.assert_here(new, sent, old)
        self.change(since=None)
        self.assert_here(new, sent, old, old_sent)
        self.assertEqual((0, 2), (self.folder()["too_old"], self.folder()["too_large"]))
        self.change(max_size="2MiB")
        everything = (new, sent, old, old_sent, large, old_and_large)
        self.assert_here(*everything)
        self.assertEqual([], self.daemon_.status("alice")["too_large"])
        # Narrowed: nothing goes, and what comes is held against the new ones.
        self.change(max_age="30d", max_size="1KiB")
        self.assert_here(*everything)
        self.put(days_ago(40))
        recent = self.put(days_ago(20))
        recent[0:1] = [message for message in recent if len(message.octets) <= 1024]
        self.sync()
        self.assert_here(*everything, recent)
        self.assertEqual(1, self.folder()["too_old"])
        self.daemon_.stop()
        self.assertEqual(before[sent_name], self.world_.snapshot("alice")[sent_name], "the server is as it was")
        bodies = sum(session.bodies for session in self.world_.server.ended_sessions(mark))
        self.assertEqual(sum(map(len, everything)) + len(recent), bodies, "each body was asked for once")

    def test_changes_with_every_extension(self):
        self.check_changes()

    def test_changes_with_no_extension(self):
        self.check_changes(capability=PLAIN)

    def test_widened_while_the_daemon_was_down(self):
        self.make(since="2024-03-01")
        old, new = self.put(datetime.date(2020, 1, 1), 5), self.put(datetime.date(2025, 1, 1), 5)
        self.run_daemon()
        self.assert_here(new)
        self.daemon_.stop()
        del self.mailbox_["since"]
        self.daemon_.write_config(self.world_.config("alice", **self.mailbox_))
        self.daemon_.start()
        self.sync()
        self.assert_here(new, old)

    def test_state_lost_beside_a_filter_fetches_nothing_twice(self):
        self.make(since="2024-03-01")
        self.put(datetime.date(2020, 1, 1), 5)
        new = self.put(datetime.date(2025, 1, 1), 5)
        self.run_daemon()
        self.daemon_.stop()
        for name in os.listdir(self.daemon_.state_dir):
            if name.startswith("state.db"):
                os.unlink(f"{self.daemon_.state_dir}/{name}")
        mark = self.world_.server.mark()
        self.daemon_.start()
        self.sync()
        self.assert_here(new)
        self.assertEqual(5, self.folder()["too_old"])
        self.daemon_.stop()
        self.assertEqual(0, sum(session.bodies for session in self.world_.server.ended_sessions(mark)))

    # --- flags and deletions beside a filter -------------------------------------------------------------------------

    def check_beside(self, capability=None):
        self.make(capability, since="2024-03-01", max_size="100KiB", deletions="mirror")
        self.put(datetime.date(2020, 1, 1), 5)                    # 1:5
        new = self.put(datetime.date(2025, 1, 1), 6)              # 6:11
        self.put(datetime.date(2025, 1, 1), 2, large=True)        # 12:13
        self.run_daemon()
        self.assert_here(new)
        self.on_server(r"UID STORE 1:13 +FLAGS.SILENT (\Seen)")
        self.sync()
        names = [mail.name for mail in maildir.mails(self.daemon_.mailbox_dir("alice"))]
        self.assertTrue(all(name.endswith(":2,S") for name in names), names)
        # Gone: messages that are here, that are too old, and that are too large; and one comes.
        self.on_server(r"UID STORE 2,3,7,12 +FLAGS.SILENT (\Deleted)", "EXPUNGE")
        later = self.put(datetime.date(2025, 2, 2))
        self.sync()
        left = [message for number, message in enumerate(new, 6) if number != 7]
        self.assert_here_with_trash(left + later, [new[1]])
        self.assertEqual("idle", self.daemon_.wait_for_state("alice", "idle", "held")["state"], "nothing is held")
        # Only such as were left out: nothing here goes, whatever the counts say.
        self.on_server(r"UID STORE 1,4,5,13 +FLAGS.SILENT (\Deleted)", "EXPUNGE")
        self.sync()
        self.assert_here_with_trash(left + later, [new[1]])
        self.assertEqual(0, self.daemon_.status("alice")["behind"])
        return left + later, new[1]

    def assert_here_with_trash(self, here, trash):
        got = maildir.multiset(self.daemon_.mailbox_dir("alice"))
        self.assertTrue(got == multiset(here), f"{maildir.difference(got, multiset(here))}\n{self.daemon_.log_end()}")
        place = f"{self.daemon_.mailbox_dir('alice')}/.mailmoor-trash"
        found = [os.path.join(parent, name) for parent, _, names in os.walk(place) for name in names]
        self.assertEqual(len(trash), len(found), found)

    def test_flags_and_deletions_beside_a_filter_with_every_extension(self):
        self.check_beside()
        self.assertEqual((0, 0), (self.folder()["too_old"], self.folder()["too_large"]), "VANISHED told of them")

    def test_flags_and_deletions_beside_a_filter_with_no_extension(self):
        self.check_beside(PLAIN)

    def test_filter_that_is_wrong_is_refused_at_its_place(self):
        self.make(since="2024-03-01")
        self.run_daemon()
        self.daemon_.write_config(self.world_.config("alice", **{**self.mailbox_, "max_age": "30d"}))
        answer = self.daemon_.ctl("reload", as_json=False)
        self.assertNotEqual(0, answer.status)
        self.assertIn('"max_age": there is "since" already', answer.out + answer.err)
