"""Messages that a server lists and does not hand out: none blocks another, each is visible, and comes when it can."""
import os
import re
import urllib.request

from e2e.harness import EndToEnd
from fakes.corpus import Corpus, multiset
from fakes.dovecot import PASSWORD
from fakes.exchange import Exchange
from fakes.tls_authority import TlsAuthority
from lib import maildir, open_metrics
from lib.processes import free_port, scratch_dir, wait_until

# One fault each; what status is to say of it.
QUIET = {"nothing": "OK and sent nothing", "nil": "NIL", "no": "The specified message set is invalid",
         "substitute": "notice in its place", "garbage": "could not be read"}
VIOLENT = {"cut": "closed the connection", "line": "no IMAP", "stall": "said nothing for"}


class Place:
    """What EndToEnd.daemon() wants of a world."""

    def __init__(self):
        self.directory = scratch_dir("e2e")
        self.authority = TlsAuthority(f"{self.directory}/tls")


class Poison(EndToEnd):
    def make(self, count, faults, time_scale="1", **mailbox):
        place = Place()
        self.addCleanup(self._keep_logs_of_a_failure, place.directory)
        self.server_ = Exchange(place.authority.issue(), PASSWORD)
        self.addCleanup(self.server_.close)
        self.messages_ = {self.server_.deliver(message.octets): message
                          for message in Corpus("poison", big_every=0).messages(count)}
        self.server_.faults = faults
        with open(f"{place.directory}/password", "w", encoding="utf-8") as file:
            file.write(PASSWORD)
        os.chmod(file.name, 0o600)
        self.metrics_port_ = free_port()
        config = {"metrics": {"listen": f"127.0.0.1:{self.metrics_port_}"},
                  "mailboxes": [{"name": "alice", "user": "alice", "host": "localhost", "port": self.server_.port,
                                 "ca_file": place.authority.ca_file, "password": {"file": file.name}, "push": "off",
                                 "timeouts": {"io": "2s"}, **mailbox}]}
        self.daemon_ = self.daemon(place, config, environment={"MAILMOOR_TIME_SCALE": time_scale})

    def here(self):
        return maildir.multiset(self.daemon_.mailbox_dir("alice"))

    def expected(self, without=()):
        return multiset([message for uid, message in self.messages_.items() if uid not in without])

    def poison_metric(self):
        with urllib.request.urlopen(f"http://127.0.0.1:{self.metrics_port_}/metrics", timeout=10) as answer:
            families = open_metrics.parse(answer.read().decode())
        [value] = families["mailmoor_poison_messages"].samples.values()
        return value

    def told(self, uid, priority):
        return re.findall(rf"priority={priority} .*\buid={uid} .*", self.daemon_.log())

    def test_each_way_is_visible_and_in_nobodys_way(self):
        faults = dict(zip((3, 40, 77, 120, 199), QUIET))
        self.make(200, dict(faults), poll="1s")
        wait_until(lambda: sum(self.here().values()) >= 195, 60, lambda: self.daemon_.log_end())
        row = self.daemon_.wait_for_state("alice", "idle")
        self.assertEqual(self.expected(faults), self.here())
        self.assertEqual(0, row["behind"])
        self.assertEqual(set(faults), {entry["uid"] for entry in row["poison"]})
        for entry in row["poison"]:
            self.assertEqual("INBOX", entry["folder"])
            self.assertIn(QUIET[faults[entry["uid"]]], entry["reason"])
            self.assertRegex(entry["retry_at"], r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$")
        table = self.daemon_.ctl("status", "alice", as_json=False).out
        for uid in faults:
            self.assertRegex(table, rf"INBOX +{uid} +in \d+ min")
        self.assertIn("5 messages could not be fetched", self.daemon_.ctl("status", as_json=False).out)
        # Told once each, though every pass of the poll leaves them out again.
        passes = len(self.server_.fetches)
        wait_until(lambda: self.daemon_.ctl("sync", "alice", "--wait").status == 0 and
                   len(self.server_.fetches) > passes, 20, "another pass")
        for uid in faults:
            self.assertEqual(1, len(self.told(uid, "warning")), self.told(uid, "warning"))
        self.assertEqual(5, self.poison_metric())
        self.assertEqual({uid: 1 for uid in faults}, {uid: times for uid, times in self.server_.bodies_asked().items()
                                                      if uid in faults}, "alone once, then not before its time")
        # New mail comes as ever.
        message = Corpus("later", big_every=0).message()
        self.messages_[self.server_.deliver(message.octets)] = message
        self.assertEqual(0, self.daemon_.ctl("sync", "alice", "--wait").status)
        self.assertEqual(self.expected(faults), self.here())
        self.assertEqual([], self.server_.refused)

    def test_restart_remembers_and_does_not_ask_before_its_time(self):
        self.make(20, {5: "nothing"}, poll="1h")
        self.daemon_.wait_for_state("alice", "idle")
        before = self.daemon_.status("alice")["poison"]
        self.daemon_.stop()
        self.daemon_.start()
        self.daemon_.wait_for_state("alice", "idle")
        self.assertEqual(0, self.daemon_.ctl("sync", "alice", "--wait").status)
        self.assertEqual(before, self.daemon_.status("alice")["poison"])
        self.assertEqual({5: 1}, self.server_.bodies_asked())
        self.assertEqual(1, len(self.told(5, "warning")), "over a restart, too")

    def test_it_comes_by_itself_when_its_time_has_come(self):
        self.make(20, {5: "nil", 6: "substitute"}, time_scale="0.01", poll="100h")  # 10 minutes are 6 seconds
        self.daemon_.wait_for_state("alice", "idle")
        self.assertEqual(self.expected({5, 6}), self.here())
        self.server_.faults.clear()
        wait_until(lambda: self.here() == self.expected(), 40, lambda: self.daemon_.log_end())
        wait_until(lambda: self.daemon_.status("alice")["poison"] == [], 10, lambda: self.daemon_.log_end())
        self.assertEqual(0, self.poison_metric())
        for uid in (5, 6):
            told = wait_until(lambda uid=uid: self.told(uid, "notice"), 10, lambda: self.daemon_.log_end())
            self.assertIn("it has come", told[0])
            self.assertEqual(2, self.server_.bodies_asked()[uid])

    def test_violent_ones_stop_the_others_only_for_a_moment(self):
        for fault, words in VIOLENT.items():
            with self.subTest(fault):
                self.make(30, {11: fault}, time_scale="0.05", poll="100h")
                wait_until(lambda: self.here() == self.expected({11}), 60, lambda: self.daemon_.log_end())
                row = self.daemon_.wait_for_state("alice", "idle")
                [entry] = row["poison"]
                self.assertEqual(11, entry["uid"])
                self.assertIn(words, entry["reason"])
                # A message that was cut off is not in the Maildir, nor is its half.
                self.assertEqual([], maildir.leftovers(self.daemon_.mailbox_dir("alice")))
                connections = self.server_.connections
                self.assertEqual(0, self.daemon_.ctl("sync", "alice", "--wait").status)
                self.assertEqual(connections, self.server_.connections, "and the session goes on")
                self.daemon_.stop()
