"""mailmoorctl doctor: it finds each thing that can be wrong, says what to do, and claims nothing it did not see."""
import json
import subprocess

from e2e.harness import EndToEnd
from fakes.crafted_tokens import CraftedTokens
from fakes.tls_authority import TlsAuthority
from lib.processes import free_port

ORDER = ["clock", "names", "connect", "tls", "greeting", "token_endpoint", "token", "token_audience",
         "token_permission", "token_user", "token_tenant", "token_expiry", "login", "inbox", "folders", "maildir",
         "state_dir", "key"]
TENANT = "11111111-2222-3333-4444-555555555555"
GOOD = {"aud": "https://outlook.office.com", "scp": "IMAP.AccessAsUser.All", "upn": "alice@contoso.com",
        "tid": TENANT, "appid": "client-1", "oid": "person-1"}
APP_ONLY = {"aud": "https://outlook.office365.com", "roles": ["IMAP.AccessAsApp"], "idtyp": "app", "tid": TENANT,
            "appid": "client-1", "oid": "service-principal-1"}


class Approver:
    """The fake approves by itself."""

    def enter_device_code(self, *_arguments):
        pass


class Doctor(EndToEnd):
    def examine(self, daemon, status, mailbox="alice"):
        """{check: row}, after what holds for every examination."""
        answer = daemon.ctl("doctor", mailbox, seconds=120)
        rows = [json.loads(line) for line in answer.out.splitlines()]
        self.assertEqual({"event": "finished", "mailbox": mailbox}, rows.pop(), answer)
        self.assertEqual(status, answer.status, answer)
        names = [row["check"] for row in rows]
        self.assertEqual([name for name in ORDER if name in names], names)
        for row in rows:
            self.assertEqual((mailbox, "check"), (row["mailbox"], row["event"]))
            self.assertNotEqual("", row["found"])
            if row["outcome"] == "fail":
                self.assertNotEqual("", row["remedy"], row)
        return {row["check"]: row for row in rows}

    @staticmethod
    def names(rows, outcome):
        return [name for name, row in rows.items() if row["outcome"] == outcome]

    # --- the way to the server -----------------------------------------------------------------------------------

    def test_healthy_mailbox_is_not_disturbed(self):
        world = self.world(oauth=True)
        world.fill("alice", {"INBOX": 4, "Sent": 2})
        daemon = self.daemon(world, world.config("alice"))
        daemon.login({"alice": world.person("alice")})
        self.wait_mirrored(world, daemon, "alice")
        since = daemon.wait_for_state("alice", "idle")["since"]
        mark = world.dovecot.mark()
        rows = self.examine(daemon, 0)
        self.assertEqual([], self.names(rows, "fail") + self.names(rows, "skipped") + self.names(rows, "warn"), rows)
        self.assertIn("opaque", rows["token"]["found"])
        self.assertIn("TLSv1.3", rows["tls"]["found"])
        self.assertIn("2 of 2 folders", rows["folders"]["found"])
        self.assertIn("127.0.0.1", rows["names"]["found"])
        self.assertIn("CONDSTORE", rows["login"]["found"])
        self.assertEqual(1, len(world.dovecot.ended_sessions(mark)), "one session, and that one has said good-bye")
        self.assertEqual(("idle", since), tuple(daemon.status("alice")[key] for key in ("state", "since")))
        text = daemon.ctl("doctor", as_json=False, seconds=120)
        self.assertEqual(0, text.status, text)
        self.assertIn("alice: all is well", text.out)
        for kind, secret in world.oauth.issued():
            self.assertNotIn(secret, text.out + json.dumps(rows), kind)

    def _way(self, world, status=1, **mailbox):
        config = world.config("alice", **mailbox)
        return self.examine(self.daemon(world, config), status)

    def test_certificate_for_another_name(self):
        world = self.world(server_names="DNS:imap.example.org")
        rows = self._way(world)
        self.assertEqual(["tls"], self.names(rows, "fail"))
        self.assertIn("it is for imap.example.org", rows["tls"]["found"])
        self.assertEqual("skipped", rows["login"]["outcome"])
        self.assertEqual([], world.server.sessions())

    def test_authority_that_nobody_knows(self):
        world = self.world()
        other = TlsAuthority(f"{world.directory}/other", "another CA")
        rows = self._way(world, ca_file=other.ca_file)
        self.assertEqual(["tls"], self.names(rows, "fail"))
        self.assertIn("Mailmoor test CA", rows["tls"]["found"])
        self.assertIn("ca_file", rows["tls"]["remedy"])

    def test_closed_port_and_name_without_address(self):
        world = self.world()
        rows = self._way(world, port=free_port())
        self.assertEqual(["connect"], self.names(rows, "fail"))
        self.assertIn("refused", rows["connect"]["found"])
        rows = self._way(world, host="imap.nowhere.invalid")
        self.assertEqual(["names"], self.names(rows, "fail"))
        self.assertLessEqual({"connect", "tls", "greeting", "login"}, set(self.names(rows, "skipped")))

    def test_wrong_password(self):
        world = self.world()
        rows = self._way(world, password={"file": world.password_file("wrong", "wrong")})
        self.assertEqual(["login"], self.names(rows, "fail"))
        self.assertNotIn("wrong", json.dumps(rows["login"]))

    def test_maildir_that_cannot_be_made(self):
        world = self.world()
        rows = self._way(world, maildir="/proc/no-mail-here")
        self.assertEqual(["maildir"], self.names(rows, "fail"))

    def test_nobody_has_signed_in(self):
        world = self.world(oauth=True)
        daemon = self.daemon(world, world.config("alice"))
        rows = self.examine(daemon, 3)
        self.assertEqual(["token"], self.names(rows, "fail"))
        self.assertTrue(rows["token"]["needs_login"])
        self.assertIn("mailmoorctl login alice", rows["token"]["remedy"])
        self.assertEqual("ok", rows["greeting"]["outcome"])

    def test_without_a_daemon(self):
        world = self.world()
        daemon = self.daemon(world, world.config("alice"), start=False)
        self.assertEqual(4, daemon.ctl("doctor", "alice").status)

    # --- tokens --------------------------------------------------------------------------------------------------

    def test_tokens_that_are_wrong_each_in_its_way(self):
        world = self.world(oauth=CraftedTokens)
        server = world.oauth
        app = {"provider": "microsoft", "tenant": TENANT, "authority": server.authority, "client_id": "client-1",
               "ca_file": world.authority.ca_file, "imap_host": "localhost"}
        mailbox = {"name": "alice", "app": "lab", "user": "alice@contoso.com", "port": world.dovecot.imaps_port,
                   "ca_file": world.authority.ca_file}
        daemon = self.daemon(world, {"apps": {"lab": app}, "mailboxes": [mailbox]})
        cases = (
            ("all is well", GOOD, "alice@contoso.com", 0, [], [], ""),
            ("opaque", None, "alice@contoso.com", 0, [], [], ""),
            ("for Graph", {**GOOD, "aud": "https://graph.microsoft.com"}, None, 1, ["token_audience", "login"], [],
             "https://outlook.office.com/IMAP.AccessAsUser.All"),
            ("no IMAP", {**GOOD, "scp": "POP.AccessAsUser.All"}, None, 1, ["token_permission", "login"], [],
             "IMAP.AccessAsUser.All"),
            ("another user", {**GOOD, "upn": "bob@contoso.com"}, None, 1, ["login"], ["token_user"], "primary address"),
            ("another tenant", {**GOOD, "tid": "99999999-2222-3333-4444-555555555555"}, None, 1,
             ["token_tenant", "login"], [], "tenant"),
            ("ended", {**GOOD, "exp": 1_700_000_000}, None, 1, ["token_expiry", "login"], [], "clock"),
            ("of the app without a right", APP_ONLY, None, 1, ["login"], [],
             "New-ServicePrincipal -AppId client-1 -ObjectId service-principal-1"),
            ("of the app without the role", {**APP_ONLY, "roles": ["Mail.Read"]}, None, 1,
             ["token_permission", "login"], [], "admin consent"),
        )
        for name, claims, user, status, failed, doubtful, remedy in cases:
            with self.subTest(name):
                server.claims, server.user = claims, user
                daemon.login({"alice": Approver()})
                rows = self.examine(daemon, status)
                self.assertEqual((failed, doubtful), (self.names(rows, "fail"), self.names(rows, "warn")), rows)
                if remedy:
                    self.assertIn(remedy, " ".join(row["remedy"] for row in rows.values()))
                said = json.dumps(rows)
                for token in server.tokens:
                    for piece in token.split("."):
                        self.assertNotIn(piece[:24], said)

    def test_clock_that_is_off(self):
        world = self.world(oauth=CraftedTokens)
        world.oauth.clock_offset = -1800
        app = {"provider": "microsoft", "tenant": TENANT, "authority": world.oauth.authority, "client_id": "c",
               "ca_file": world.authority.ca_file, "imap_host": "localhost"}
        mailbox = {"name": "alice", "app": "lab", "user": "alice@contoso.com", "port": world.dovecot.imaps_port,
                   "ca_file": world.authority.ca_file}
        daemon = self.daemon(world, {"apps": {"lab": app}, "mailboxes": [mailbox]})
        rows = self.examine(daemon, 1)
        self.assertEqual("fail", rows["clock"]["outcome"])
        self.assertRegex(rows["clock"]["found"], r"^(1799|180\d) s ahead of")

    def test_interrupted_examination_leaves_the_daemon_well(self):
        world = self.world()
        world.fill("alice", {"INBOX": 2})
        daemon = self.daemon(world, world.config("alice"))
        self.wait_mirrored(world, daemon, "alice")
        for patience in (0.01, 0.05, 0.1, 0.2):
            with self.assertRaises(subprocess.TimeoutExpired):
                daemon.ctl("doctor", "alice", seconds=patience)
                raise subprocess.TimeoutExpired("it was quicker", patience)
        daemon.write_config(world.config("alice", poll="6m"))
        self.assertEqual(0, daemon.ctl("reload").status)
        self.examine(daemon, 0)
