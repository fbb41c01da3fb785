"""A mail server that cuts, stalls, talks nonsense or goes away: nothing is lost, nothing doubled, others go on."""
import re
import socket

from e2e.harness import EndToEnd
from fakes.faulty_proxy import Fault, FaultyProxy
from fakes.tls_authority import TlsAuthority
from lib import maildir
from lib.processes import wait_until

# The daemon's own waits (back-off) run so many times faster; io timeouts are set in the configuration.
FAST = {"MAILMOOR_TIME_SCALE": "0.02"}


class ServerFaults(EndToEnd):
    def _behind_proxy(self, faults, messages=60, environment=FAST, **more):
        world = self.world()
        world.fill("alice", {"INBOX": messages})
        proxy = FaultyProxy(world.server.imaps_port, world.certificate, faults)
        self.addCleanup(proxy.close)
        daemon = self.daemon(world, world.config("alice", port=proxy.port, **more), environment=environment)
        return world, proxy, daemon

    def test_cut_in_the_middle_of_literals(self):
        cuts = [Fault("cut", after) for after in (20_000, 50_000, 90_001, 150_000, 33_333)]
        world, proxy, daemon = self._behind_proxy(cuts)
        self.wait_mirrored(world, daemon, "alice")
        daemon.wait_for_state("alice", "idle")
        self.assertEqual([], list(proxy.faults), "every cut was to happen")
        self.assertEqual([], maildir.strangers(daemon.mailbox_dir("alice"), world.expected("alice")))

    def test_cut_before_greeting_and_during_login(self):
        world, proxy, daemon = self._behind_proxy([Fault("cut", after) for after in (0, 5, 150, 400)])
        self.wait_mirrored(world, daemon, "alice")
        self.assertEqual([], list(proxy.faults))

    def test_stalled_server_is_given_up_after_the_io_timeout(self):
        world, proxy, daemon = self._behind_proxy([Fault("stall", 60_000)], timeouts={"connect": "5s", "io": "2s"})
        self.wait_mirrored(world, daemon, "alice")
        self.assertEqual([], list(proxy.faults))

    def test_garbage_greeting(self):
        greetings = [b"\x00\xff\xfe nonsense\r\n", b"* BYE too busy\r\n", b"x" * 200_000, b"* OK ready\r\n"]
        world, proxy, daemon = self._behind_proxy([Fault("greet", text=text) for text in greetings])
        self.wait_mirrored(world, daemon, "alice")
        self.assertEqual([], list(proxy.faults))

    def test_back_off_spreads_the_tries_and_new_mail_comes_after_the_trouble(self):
        world, proxy, daemon = self._behind_proxy([Fault("greet", text=b"* BYE closed\r\n")] * 4, environment={
            "MAILMOOR_TIME_SCALE": "0.1"})
        self.wait_mirrored(world, daemon, "alice")
        times = proxy.connections[:5]
        gaps = [later - earlier for earlier, later in zip(times, times[1:])]
        # 5, 10, 20, 40 s, the later half of each by chance; a busy machine only makes them longer.
        for gap, least in zip(gaps, (0.25, 0.5, 1, 2), strict=True):
            self.assertGreaterEqual(gap, least, f"the waits do not grow: {gaps}")

    def test_connection_lost_while_idle_and_a_server_that_restarts(self):
        world, proxy, daemon = self._behind_proxy([])
        self.wait_mirrored(world, daemon, "alice")
        daemon.wait_for_state("alice", "idle")
        proxy.cut_all()
        message = world.deliver("alice")
        self.wait_delivered(world, daemon, "alice", message, 30)
        world.server.restart()
        message = world.deliver("alice")
        self.wait_delivered(world, daemon, "alice", message, 60)
        self.assert_mirrored(world, daemon, "alice")

    def test_sign_in_page_of_a_network_is_waited_out(self):
        """Somebody answers in the server's place, and proves nothing. By itself the mailbox would try later and later."""
        world, proxy, daemon = self._behind_proxy([], environment={"MAILMOOR_TIME_SCALE": "40"})
        self.wait_mirrored(world, daemon, "alice")
        daemon.wait_for_state("alice", "idle")
        stranger = TlsAuthority(f"{world.directory}/hotel", "hotel").issue("hotel", "DNS:sign-in.hotel.test")
        proxy.impersonate(stranger)
        proxy.cut_all()
        if not world.server.pushes:
            daemon.ctl("sync", "alice")  # who does not listen finds out when there is something to ask
        daemon.wait_for_state("alice", "backing_off")
        daemon.ctl("sync", "alice")  # now, and not when it is due
        wait_until(lambda: "certificate" in (daemon.status("alice")["reason"] or ""), 30,
                   lambda: f"{daemon.status('alice')}")
        tries = len(proxy.connections)
        wait_until(lambda: len(proxy.connections) > tries + 1, 30, "the daemon to look whether it is over")
        self.assertNotIn("network_returned", daemon.log())
        self.assertEqual("backing_off", daemon.status("alice")["state"])
        proxy.impersonate(world.certificate)
        message = world.deliver("alice")
        self.wait_delivered(world, daemon, "alice", message, 30)
        self.assertIn("network_returned", daemon.log())

    def test_server_that_is_not_there_holds_up_nobody_else(self):
        world = self.world()
        world.fill("alice", {"INBOX": 10})
        world.fill("bob", {"INBOX": 10})
        config = world.config("alice", "bob")
        # Bound and never listened on: refused, and nobody else can take the port meanwhile.
        nobody = socket.socket()
        nobody.bind(("127.0.0.1", 0))
        self.addCleanup(nobody.close)
        config["mailboxes"][0]["port"] = nobody.getsockname()[1]
        daemon = self.daemon(world, config)
        self.wait_mirrored(world, daemon, "bob")
        row = daemon.wait_for_state("alice", "backing_off")
        self.assertIsNotNone(row["retry_at"])
        self.assertNotEqual("", row["reason"])

    def test_folder_that_vanishes_and_one_that_comes(self):
        world, _, daemon = self._behind_proxy([], messages=5, poll="60s")
        self.wait_mirrored(world, daemon, "alice")
        world.fill("alice", {"Later": 4})
        self.wait_mirrored(world, daemon, "alice")
        with world.server.observer("alice") as observer:
            observer.delete("Later")
        message = world.deliver("alice")
        self.wait_delivered(world, daemon, "alice", message, 30)
        self.assert_mirrored(world, daemon, "alice")  # P4: what was mirrored stays

    def test_message_expunged_on_the_server_stays_here(self):
        world, _, daemon = self._behind_proxy([], messages=10)
        self.wait_mirrored(world, daemon, "alice")
        with world.server.observer("alice") as observer:
            observer.command("SELECT INBOX")
            observer.command("STORE 1:5 +FLAGS (\\Deleted)")
            observer.command("EXPUNGE")
        message = world.deliver("alice")
        self.wait_delivered(world, daemon, "alice", message, 30)
        self.assertEqual(0, daemon.ctl("sync", "alice", "--wait").status)
        self.assert_mirrored(world, daemon, "alice")

    def test_fault_that_lasts_is_logged_when_it_starts_and_ends_not_at_every_try(self):
        world, proxy, daemon = self._behind_proxy([Fault("greet", text=b"* BYE closed\r\n")] * 8)
        wait_until(lambda: not proxy.faults, 60, "eight refused tries")
        self.wait_mirrored(world, daemon, "alice")
        loud = [line for line in daemon.log().splitlines()
                if "alice" in line and re.search(r"\b(warning|err|error)\b", line)]
        self.assertLess(len(loud), 8, "\n".join(loud))
