"""Messages as no client would write them, very large ones, and a very large folder: bytes as the contract says, memory
that does not grow with them."""
import os
import re
import shutil
import time
import unittest

from e2e.harness import LONG, SERVER, EndToEnd
from e2e.provider import ProviderTest
from fakes.corpus import Message
from lib import maildir
from lib.process_memory import status_number
from lib.processes import wait_until

DATE = "17-Jul-2024 02:44:25 +0000"
HEAD = b"From: <a@corpus.test>\r\nSubject: odd\r\nMessage-ID: <%d@odd.test>\r\n"
ODD = {
    "bare CR": HEAD % 1 + b"\r\none\rtwo\r\r\nthree\r",
    "bare LF": HEAD % 2 + b"\r\none\ntwo\n\r\nthree\n",
    "a header line of 1 MB": HEAD % 3 + b"X-Long: " + b"z" * (1 << 20) + b"\r\n\r\nbody\r\n",
    "a body line of 3 MB": HEAD % 4 + b"\r\n" + b"y" * (3 << 20),
    "a header and nothing else": HEAD % 5,
    "an empty line and nothing else": b"\r\n",
    "no header": b"\r\nbody only\r\n",
    "one octet": b"x",
    "every octet but NUL": HEAD % 6 + b"\r\n" + bytes(range(1, 256)) * 20,
    "words of the protocol": HEAD % 7 + b"\r\n)\r\nt1 OK done\r\n* BYE\r\n{100}\r\n",
    "nothing": b"",
}
# What a server does not take, so that how it is stored is not shown here.
REFUSED = {"cyrus": {"nothing", "bare LF", "one octet", "every octet but NUL"}, "courier": set()}
LARGE = 150 << 20
MANY = 100_000


def cpu_seconds(pid):
    with open(f"/proc/{pid}/stat", encoding="ascii") as stat:
        fields = stat.read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


class OddMessages(EndToEnd):
    def messages_on_server(self, world):
        """uid → octets as the server sends them."""
        with world.server.observer("alice") as observer:
            observer.command("EXAMINE INBOX")
            found = {}
            for row in observer.command("UID FETCH 1:* (BODY.PEEK[])"):
                uid = int(re.search(rb"UID (\d+)", row)[1])
                size = re.search(rb"BODY\[\] \{(\d+)\}\r\n", row)
                found[uid] = row[size.end():size.end() + int(size[1])] if size else b""
            return found

    def assert_octets(self, world, daemon, line_endings):
        want = {uid: octets.replace(b"\r\n", b"\n") if line_endings == "lf" else octets
                for uid, octets in self.messages_on_server(world).items()}
        got = {}
        for mail in maildir.mails(daemon.mailbox_dir("alice")):
            name = maildir.NAME.match(mail.name)
            octets = maildir.read(mail.path)
            self.assertEqual(int(name["size"]), len(octets), "S= is the size on disk")
            self.assertNotIn(int(name["uid"]), got, "twice")
            got[int(name["uid"])] = octets
        self.assertEqual(sorted(want), sorted(got))
        for uid, octets in want.items():
            self.assertTrue(octets == got[uid], f"UID {uid}: {octets[:80]!r} is {got[uid][:80]!r}")

    def check_odd(self, line_endings):
        world = self.world()
        with world.server.observer("alice") as observer:
            refused = set()
            for name, octets in ODD.items():
                try:
                    observer.append("INBOX", [Message(octets, (), DATE)])
                except RuntimeError:
                    refused.add(name)
            self.assertEqual(REFUSED.get(SERVER, {"nothing"}), refused)
        daemon = self.daemon(world, world.config("alice", line_endings=line_endings), start=False)
        self.assertEqual(0, daemon.once(), daemon.log_end())
        self.assert_octets(world, daemon, line_endings)

    def test_odd_octets_with_lf(self):
        self.check_odd("lf")

    def test_odd_octets_with_crlf(self):
        self.check_odd("crlf")

    # --- size ----------------------------------------------------------------------------------------------------

    def measured(self, daemon):
        """Whether its memory means anything: an address sanitizer reserves terabytes, and keeps what is freed."""
        return status_number(daemon.child.pid, "VmSize") < 1 << 30  # kB

    def check_large(self, what, octets):
        world = self.world()
        world.fill("alice", {"INBOX": 3})
        daemon = self.daemon(world, world.config("alice", push="off", poll="1h"), log_level="info")
        daemon.wait_for_state("alice", "idle")
        pid = daemon.child.pid
        with open(f"/proc/{pid}/clear_refs", "w", encoding="ascii") as clear:
            clear.write("5")  # the peak starts anew
        before = status_number(pid, "VmRSS")
        with world.server.observer("alice") as observer:
            observer.append("INBOX", [Message(octets, (), DATE)])
        self.assertEqual(0, daemon.ctl("sync", "alice", "--wait", seconds=600).status, daemon.log_end())
        grown = status_number(pid, "VmHWM") - before
        print(f"a message of {len(octets) >> 20} MiB, {what}: RSS {before} kB, at most {grown} kB more")
        self.assert_octets(world, daemon, "lf")
        if self.measured(daemon):
            self.assertLess(grown, 8 << 10)

    def test_large_message(self):
        if not LONG:
            raise unittest.SkipTest("long form only")
        line = b"w" * 998 + b"\r\n"
        self.check_large("of lines", HEAD % 8 + b"\r\n" + line * (LARGE // len(line)))

    def test_large_message_of_one_line(self):
        if not LONG:
            raise unittest.SkipTest("long form only")
        self.check_large("of one line", HEAD % 9 + b"\r\n" + b"w" * LARGE)

    def test_header_line_of_a_mebibyte(self):
        self.check_large("one header line", HEAD % 10 + b"X-Long: " + b"z" * (1 << 20) + b"\r\n\r\nbody\r\n")

    def check_large_folder(self, capability, milliseconds):
        """A Dovecot whose store is a Maildir is filled behind its back."""
        world = self.world(capability=capability, settings="mail_location = maildir:~/Maildir")
        store = f"{world.dovecot.directory}/mail/alice/Maildir"
        for name in ("cur", "new", "tmp"):
            os.makedirs(f"{store}/{name}")
        for serial in range(MANY):
            octets = b"Message-ID: <%d@many.test>\nSubject: one of many\n\nhello\n" % serial
            with open(f"{store}/cur/{1_700_000_000 + serial}.M{serial}P1.many,S={len(octets)}:2,"
                      f"{'S' if serial % 3 else ''}", "wb") as file:
                file.write(octets)
        for parent, _, files in os.walk(os.path.dirname(store)):
            for path in (parent, *(f"{parent}/{name}" for name in files)):
                shutil.chown(path, *world.dovecot._mail_owner())
        daemon = self.daemon(world, world.config("alice", push="off", poll="1h", flags="mirror", deletions="mirror"),
                             log_level="info")
        place = daemon.mailbox_dir("alice")
        wait_until(lambda: maildir.count(place) == MANY and daemon.status("alice")["state"] == "idle", 1800,
                   lambda: f"{maildir.count(place)} of {MANY}\n{daemon.log_end()}", every=2)
        pid = daemon.child.pid
        self.assertEqual(0, daemon.ctl("sync", "alice", "--wait", seconds=600).status, daemon.log_end())
        before, started = cpu_seconds(pid), time.monotonic()
        passes = 5
        for _ in range(passes):
            self.assertEqual(0, daemon.ctl("sync", "alice", "--wait", seconds=600).status, daemon.log_end())
        cpu = (cpu_seconds(pid) - before) / passes * 1000
        peak = status_number(pid, "VmHWM")
        print(f"{MANY} messages, {'CONDSTORE' if 'CONDSTORE' in capability else 'no extension'}: a pass in which nothing "
              f"changed took {cpu:.0f} ms of CPU, {(time.monotonic() - started) / passes * 1000:.0f} ms in all; "
              f"RSS at most {peak} kB")
        self.assertEqual([], maildir.duplicates(place))
        if self.measured(daemon):
            self.assertLess(peak, 64 << 10)
            self.assertLess(cpu, milliseconds)

    def test_large_folder_with_condstore(self):
        if not LONG:
            raise unittest.SkipTest("long form only")
        self.check_large_folder("IMAP4rev1 SASL-IR ID LITERAL+ ENABLE CONDSTORE LIST-EXTENDED LIST-STATUS AUTH=PLAIN",
                                50)

    def test_large_folder_without_extensions(self):
        if not LONG:
            raise unittest.SkipTest("long form only")
        self.check_large_folder("IMAP4rev1 SASL-IR ID LITERAL+ AUTH=PLAIN", 1000)


class WireTest(ProviderTest):
    def test_octets_that_no_server_should_send(self):
        """NUL, and nothing at all: Dovecot neither takes nor sends them."""
        server = self.exchange()
        octets = {"nothing": b"", "NULs": HEAD % 11 + b"\r\n\0\0a\0\r\n\0", "NULs only": b"\0" * 100_000,
                  "every octet": HEAD % 12 + b"\r\n" + bytes(range(256)) * 300, "a CR at the end": HEAD % 13 + b"\r\n\r",
                  "words of the protocol": b")\r\na1 OK done\r\n* BYE\r\n{3}\r\n"}
        sent = {server.deliver(message, "INBOX"): message for message in octets.values()}
        self.begin()
        self.sync()
        found = {int(maildir.NAME.match(mail.name)["uid"]): maildir.read(mail.path)
                 for mail in maildir.mails(self.daemon_.mailbox_dir("alice"))}
        self.assertEqual({uid: message.replace(b"\r\n", b"\n") for uid, message in sent.items()}, found)
        self.assertEqual(0, self.daemon_.ctl("verify", "alice", "--deep").status)
        self.assert_well_behaved()


if __name__ == "__main__":
    unittest.main()
