"""A network that fails in every way it knows, again and again, with mail arriving all the time: nothing is lost, double
or torn, and the mailbox is up to date within five seconds of each fault's end.

Half a minute of it, with --long ten minutes; once below TLS and once in the IMAP stream itself. MAILMOOR_CHAOS_SEED
repeats a schedule (the moments at which it meets the daemon are never the same twice), MAILMOOR_CHAOS_SECONDS sets how
long. In the long form every wait is as long as it is in life, and each recovery is held against the five seconds. In
the short form the daemon's own waits are scaled (MAILMOOR_CHAOS_SCALE): it may run beside other tests, and is about
what arrives."""
import os
import random
import re
import statistics
import sys
import threading
import time
import urllib.request

from e2e.harness import LONG, EndToEnd
from fakes.chaos_proxy import LASTING, MOMENTS, ChaosProxy, Fault
from fakes.corpus import digest, multiset
from lib import maildir, open_metrics
from lib.processes import free_port, wait_until

SECONDS = float(os.environ.get("MAILMOOR_CHAOS_SECONDS", 600 if LONG else 30))
SCALE = float(os.environ.get("MAILMOOR_CHAOS_SCALE", 1 if LONG else 0.002))
CALM = (0.5, 5) if LONG else (0.2, 2.5)  # seconds between the end of a recovery and the next fault
RECOVERY = 5.0  # seconds
SLACK = 1.0  # and so many more, since Dovecot, the proxy, the postman and the test share the daemon's processors
PATIENCE = 1200 if SCALE > 0.1 else 120  # how long a recovery is measured, seconds
FOLDERS = {"INBOX": 60, "Sent": 20, "Archive/2024": 20}
LETTERS = {"\\Seen": "S", "\\Flagged": "F", "\\Answered": "R", "\\Draft": "D"}


def schedule(pick, garbage_to):
    """Faults without end, each kind as often as any other."""
    while True:
        for kind in pick.sample(MOMENTS + LASTING, len(MOMENTS + LASTING)):
            if kind in LASTING:
                yield Fault(kind, seconds=pick.uniform(0.3, 5))
            else:
                to = pick.choice(garbage_to)
                # Begins with NUL, which nobody may send: else it could be taken for something that the server said.
                noise = b"\0" + pick.randbytes(pick.randrange(400)) + (b"\r\n" if to == "server" else b"")
                yield Fault(kind, seconds=1.0, after=int(50_000 ** pick.random()) - 1, octets=noise, to=to)


def told(fault):
    if fault.kind in LASTING:
        return f"{fault.kind} for {fault.seconds:.1f} s"
    extra = f", {len(fault.octets)} octets to the {fault.to}" if fault.kind == "garbage" else ""
    return f"{fault.kind} after {fault.after} octets{extra}"


class Arrivals:
    """What has come into a Maildir; reads each file once."""

    def __init__(self, place):
        self._place, self._known = place, set()
        self._digests = set()

    def missing(self, wanted):
        for mail in maildir.mails(self._place):
            if mail.path in self._known:
                continue
            try:
                self._digests.add(digest(maildir.read(mail.path)))
            except FileNotFoundError:  # its flags changed just now
                continue
            self._known.add(mail.path)
        return wanted - self._digests


class Postman:
    """Delivers mail into every folder without a pause, and changes some of what is there already."""

    def __init__(self, world, user, pick):
        self._world, self._user, self._pick = world, user, pick
        self._lock, self._end = threading.Lock(), threading.Event()
        self._failure = None
        self.delivered = self.flagged = self.expunged = 0
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def deliver(self, folder="INBOX"):
        with self._lock:
            self.delivered += 1
            return self._world.deliver(self._user, folder)

    def wanted(self, folder="INBOX"):
        with self._lock:
            return set(multiset(self._world.originals[self._user][folder]))

    def stop(self):
        self._end.set()
        self._thread.join()
        if self._failure:
            raise self._failure

    def _run(self):
        try:
            while not self._end.wait(self._pick.uniform(0.1, 0.7)):
                self.deliver(self._pick.choice(("INBOX", *FOLDERS)))
                if self._pick.random() < 0.2:
                    self._change()
        except Exception as failure:  # pylint: disable=broad-except  # raised by stop()
            self._failure = failure

    def _change(self):
        """Of what was mirrored before the trouble began: what is expunged stays here (P4)."""
        with self._world.server.observer(self._user) as observer:
            observer.select("INBOX")
            if self._pick.random() < 0.8:
                flags = " ".join(flag for flag in LETTERS if self._pick.random() < 0.5)
                observer.command(f"UID STORE {self._pick.randint(1, 60)} FLAGS.SILENT ({flags})")
                self.flagged += 1
            else:
                observer.command(f"UID STORE {self._pick.randint(1, 60)} +FLAGS.SILENT (\\Deleted)")
                observer.command("EXPUNGE")
                self.expunged += 1


class Chaos(EndToEnd):
    def test_faults_below_tls(self):
        self._endure(inside_tls=False, garbage_to=("client", "server"))

    def test_faults_in_the_imap_stream(self):
        # Garbage between our commands is our own doing to the server, and its BAD is believed: not a fault that passes.
        self._endure(inside_tls=True, garbage_to=("client",))

    def _endure(self, inside_tls, garbage_to):
        seed = int(os.environ.get("MAILMOOR_CHAOS_SEED", random.randrange(1 << 32)))
        print(f"{self._testMethodName}: seed {seed}, waits × {SCALE}", file=sys.stderr)
        pick = random.Random(seed)
        self._world = self.world()
        self._world.fill("alice", FOLDERS)
        self._proxy = ChaosProxy(free_port(), self._world.server.imaps_port, inside_tls and self._world.certificate)
        self.addCleanup(self._proxy.close)
        # A poll every 20 seconds whatever the scale is: news of INBOX are pushed. Some stalls outlast `io`.
        config = self._world.config("alice", port=self._proxy.port, poll=f"{int(20 / SCALE)}s",
                                    timeouts={"connect": "15s", "io": "4s"})
        self._metrics = free_port()
        config["metrics"] = {"listen": f"127.0.0.1:{self._metrics}"}
        self._daemon = self.daemon(self._world, config, environment={"MAILMOOR_TIME_SCALE": str(SCALE)})
        self.wait_mirrored(self._world, self._daemon, "alice")
        self._daemon.wait_for_state("alice", "idle")
        self._story = []  # (fault, seconds until all was here again)
        try:
            self._strike_again_and_again(schedule(pick, garbage_to), pick)
            self._check_nothing_lost()
        except BaseException:
            print("\n".join(["the faults, and how long it took after each:", *self._told()]), file=sys.stderr)
            print(f"the daemon's log ends with:\n{self._daemon.log_end()}", file=sys.stderr)
            raise

    def _told(self):
        return [f"  at {at:6.1f} s  {told(fault):<56} {'' if took is None else f'{took:.2f} s'}"
                for at, fault, took in self._story]

    def _strike_again_and_again(self, faults, pick):
        arrivals = Arrivals(self._daemon.mailbox_dir("alice"))
        self._postman = Postman(self._world, "alice", random.Random(pick.random()))
        self.addCleanup(self._postman.stop)
        began = time.monotonic()
        for fault in faults:
            time.sleep(pick.uniform(*CALM))
            if time.monotonic() - began > SECONDS:
                break
            self._story.append((time.monotonic() - began, fault, None))
            over = self._proxy.strike(fault)
            self._postman.deliver()
            wanted = self._postman.wanted()
            wait_until(lambda wanted=wanted: not arrivals.missing(wanted), PATIENCE,
                       lambda: f"the mail to come again after {told(self._story[-1][1])}", 0.02)
            self._story[-1] = (*self._story[-1][:2], time.monotonic() - over)
        self._postman.stop()

    def _check_nothing_lost(self):
        times = [took for _, _, took in self._story]
        errors = self._errors()
        print(f"{self._testMethodName}: {len(times)} faults, {self._postman.delivered} messages delivered, "
              f"{self._postman.flagged} flags changed, {self._postman.expunged} expunged meanwhile; recovered after "
              f"{statistics.median(times):.2f} s (median), {max(times):.2f} s (longest), "
              f"{sum(took > RECOVERY for took in times)} later than {RECOVERY:.0f} s; connections struck: "
              f"{dict(self._proxy.hits)}; the daemon's faults: {errors}", file=sys.stderr)
        for kind in MOMENTS:
            meant = sum(1 for _, fault, _ in self._story if fault.kind == kind)
            self.assertGreaterEqual(self._proxy.hits[kind], meant, f"{kind} found no connection")
        place = self._daemon.mailbox_dir("alice")
        self.assertEqual(0, self._daemon.ctl("sync", "alice", "--wait").status)
        self.assert_mirrored(self._world, self._daemon, "alice")
        self.assertEqual([], maildir.leftovers(place))
        self.assertEqual(self._flags_there(), self._flags_here())
        self.assertEqual(0, errors.get("bug", 0))
        self.assertEqual([], re.findall(r"^.*\bpriority=err\b.*$", self._daemon.log(), re.M))
        self._daemon.stop()  # fails if it had ended by itself
        mark = self._world.dovecot.mark()
        # The time limits are scaled, too: on a busy machine one may end a try.
        wait_until(lambda: self._daemon.once() == 0, 60, self._daemon.log_end)
        self.assertEqual(0, sum(row.bodies for row in self._world.dovecot.ended_sessions(mark)))
        late = [f"{told(fault)}: {took:.2f} s" for _, fault, took in self._story if took > RECOVERY + SLACK]
        if LONG:  # which has the machine for itself
            self.assertEqual([], late, f"{len(late)} of {len(times)} recoveries took longer than {RECOVERY} s")

    def _errors(self):
        """kind → how many the daemon counted."""
        with urllib.request.urlopen(f"http://127.0.0.1:{self._metrics}/metrics", timeout=10) as answer:
            samples = open_metrics.parse(answer.read().decode())["mailmoor_errors"].samples
        return {dict(labels)["kind"]: int(value) for (_, labels), value in samples.items() if value}

    def _flags_there(self):
        """Of INBOX: uid → letters, of what is still on the server."""
        with self._world.server.observer("alice") as observer:
            observer.command("EXAMINE INBOX")
            rows = observer.command("UID FETCH 1:* (FLAGS)")
        found = {}
        for row in rows:
            if uid := re.search(rb"UID (\d+)", row):
                found[int(uid[1])] = {letter for flag, letter in LETTERS.items() if flag.encode() in row}
        self._uids = set(found)
        return found

    def _flags_here(self):
        found = {}
        for mail in maildir.mails(self._daemon.mailbox_dir("alice")):
            match = maildir.NAME.match(mail.name)
            if mail.folder == "." and int(match["uid"]) in self._uids:
                found[int(match["uid"])] = set(match["flags"] or "")
        return found
