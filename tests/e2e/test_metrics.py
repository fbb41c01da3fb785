"""GET /metrics on the control socket and on a port of its own: strict OpenMetrics, the promised names, true numbers."""
import urllib.error
import urllib.request

from e2e.harness import EndToEnd
from lib import open_metrics
from lib.control_socket import ControlSocket
from lib.processes import free_port, wait_until

TYPES = {"mailmoor_mailbox_state": "gauge", "mailmoor_last_sync_timestamp_seconds": "gauge",
         "mailmoor_messages_behind": "gauge", "mailmoor_token_expiry_timestamp_seconds": "gauge",
         "mailmoor_login_needed": "gauge", "mailmoor_throttled_until_timestamp_seconds": "gauge",
         "mailmoor_messages_delivered": "counter", "mailmoor_bytes_received": "counter",
         "mailmoor_poison_messages": "gauge", "mailmoor_errors": "counter", "mailmoor_loop_lag_seconds": "histogram",
         "mailmoor_connections": "gauge", "mailmoor_build": "info"}


class Metrics(EndToEnd):
    def scrape(self, port):
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=10) as answer:
            self.assertEqual("application/openmetrics-text; version=1.0.0; charset=utf-8", answer.headers["Content-Type"])
            return open_metrics.parse(answer.read().decode())

    @staticmethod
    def value(families, family, suffix="", **labels):
        return families[family].samples.get((family + suffix, tuple(labels.items())))

    def test_names_types_and_numbers(self):
        world = self.world()
        world.fill("alice", {"INBOX": 5, "Sent": 2})
        port = free_port()
        daemon = self.daemon(world, {"metrics": {"listen": f"127.0.0.1:{port}"}, **world.config("alice")})
        self.wait_mirrored(world, daemon, "alice")
        daemon.wait_for_state("alice", "idle")
        families = self.scrape(port)
        self.assertEqual(TYPES, {family.name: family.type for family in families.values()})
        states = {dict(labels)["state"]: value
                  for (_, labels), value in families["mailmoor_mailbox_state"].samples.items()}
        self.assertEqual((9, 1.0, 1.0), (len(states), sum(states.values()), states["idle"]))
        expected = world.snapshot("alice")
        self.assertTrue(expected)
        self.assertEqual(7, self.value(families, "mailmoor_messages_delivered", "_total", mailbox="alice"))
        received = self.value(families, "mailmoor_bytes_received", "_total", mailbox="alice")
        self.assertGreater(received, 7 * 100)
        self.assertEqual(0, self.value(families, "mailmoor_messages_behind", mailbox="alice"))
        self.assertEqual(0, self.value(families, "mailmoor_login_needed", mailbox="alice"))
        self.assertEqual(1, self.value(families, "mailmoor_connections"))
        self.assertGreater(self.value(families, "mailmoor_loop_lag_seconds", "_count"), 10)
        self.assertGreater(self.value(families, "mailmoor_last_sync_timestamp_seconds", mailbox="alice"), 1.7e9)
        self.assertEqual({}, families["mailmoor_token_expiry_timestamp_seconds"].samples)

        message = world.deliver("alice")
        self.wait_delivered(world, daemon, "alice", message, 30)
        wait_until(lambda: self.value(self.scrape(port), "mailmoor_messages_delivered", "_total", mailbox="alice") == 8,
                   20, "the eighth message to be counted")
        connection = ControlSocket(f"{daemon.runtime_dir}/control.sock")
        connection.request("GET", "/metrics")
        by_socket = open_metrics.parse(connection.getresponse().read().decode())
        connection.close()
        self.assertEqual(TYPES, {family.name: family.type for family in by_socket.values()})

    def test_faults_and_logins_are_counted(self):
        world = self.world(oauth=True)
        config = world.config("alice", "bob")
        config["mailboxes"][1] = world.password_mailbox("bob", port=free_port())
        port = free_port()
        daemon = self.daemon(world, {"metrics": {"listen": f"127.0.0.1:{port}"}, **config})
        daemon.wait_for_state("alice", "needs_login")
        daemon.wait_for_state("bob", "backing_off")
        families = self.scrape(port)
        self.assertEqual(1, self.value(families, "mailmoor_login_needed", mailbox="alice"))
        self.assertEqual(0, self.value(families, "mailmoor_login_needed", mailbox="bob"))
        self.assertGreaterEqual(self.value(families, "mailmoor_errors", "_total", kind="host"), 1)
        self.assertEqual(0, self.value(families, "mailmoor_errors", "_total", kind="bug"))

    def test_port_speaks_nothing_else(self):
        world = self.world()
        port = free_port()
        daemon = self.daemon(world, {"metrics": {"listen": f"127.0.0.1:{port}"}, **world.config("alice")})
        for path, method in (("/v1/status", "GET"), ("/", "GET"), ("/v1/reload", "POST"), ("/metrics", "POST")):
            with self.assertRaises(urllib.error.HTTPError) as raised:
                urllib.request.urlopen(urllib.request.Request(f"http://127.0.0.1:{port}{path}", method=method), timeout=10)
            self.assertIn(raised.exception.code, (404, 405))
        self.assertNotIn("metrics_exposed", daemon.log())

    def test_address_for_everyone_is_warned_of_and_one_in_use_stops_nothing(self):
        world = self.world()
        world.fill("alice", {"INBOX": 2})
        port = free_port()
        daemon = self.daemon(world, {"metrics": {"listen": f"0.0.0.0:{port}"}, **world.config("alice")})
        self.assertIn("metrics_exposed", daemon.log())
        self.scrape(port)
        second = self.daemon(world, {"metrics": {"listen": f"127.0.0.1:{port}"}, **world.config("alice")})
        self.wait_mirrored(world, second, "alice")
        self.assertIn("Address already in use", second.log())

    def test_checker_finds_what_is_wrong(self):
        good = ("# TYPE a_seconds gauge\n# UNIT a_seconds seconds\n# HELP a_seconds A.\na_seconds{x=\"1\"} 1\n"
                "# TYPE b counter\n# HELP b B.\nb_total 2\n# EOF\n")
        open_metrics.parse(good)
        for before, after in (("# EOF\n", ""), ("b_total 2", "b 2"), ("b_total 2", "b_total -2"), ('x="1"', 'x="1'),
                              ('{x="1"}', '{x="1",x="2"}'), ("# TYPE b", "\n# TYPE b"), ("UNIT a_seconds s", "UNIT b s"),
                              ("b_total 2\n", "b_total 2\nb_total 3\n"), (" 1\n", "  1\n"), ("counter", "number"),
                              ("b_total 2\n", "b_total 2\na_seconds 3\n"), ("# HELP b B.\n", "")):
            with self.assertRaises(ValueError, msg=(before, after)):
                open_metrics.parse(good.replace(before, after))
