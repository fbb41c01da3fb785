"""Apps that ask for tokens without a person, and a shared mailbox that is read with somebody else's token.

The mail server knows who may open what (the rights below), as Exchange does for service principals and delegates; a
service account's token has the user for its subject, as Google's have."""
import json
import os

from e2e.harness import EndToEnd
from lib.processes import wait_until

FOLDERS = {"INBOX": 12, "Sent": 5}
# A refused app is asked again after an hour; here after 18 s.
FAST = {"MAILMOOR_TIME_SCALE": "0.005"}


def write_private(path, text):
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)
    os.chmod(path, 0o600)
    return path


def app(world, client_id, **more):
    return {"provider": "custom", "issuer": world.oauth.issuer, "client_id": client_id, "scopes": ["imap"],
            "ca_file": world.authority.ca_file, "grant": "client_credentials", **more}


def app_with_secret(world, **more):
    secret = write_private(f"{world.directory}/app-secret", "service-secret\n")
    return app(world, "mailmoor-service", client_secret={"file": secret}, **more)


def certificate_of(world):
    return {"file": world.app_certificate, "key": {"file": world.app_key}}


class WithoutPerson(EndToEnd):
    def filled(self, *users, **options):
        world = self.world(oauth=True, **options)
        for user in users:
            world.fill(user, FOLDERS)
        return world

    def configuration(self, world, settings, *users):
        return {"apps": {"lab": settings}, "mailboxes": [world.oauth_mailbox(user) for user in users]}

    def tokens(self, world, client):
        return world.oauth.events("token", grant_type="client_credentials", client=client, status=200)

    def test_one_token_by_secret_serves_every_mailbox_of_the_app(self):
        world = self.filled("team", "press", rights=[("client_id", "mailmoor-service", "team"),
                                                     ("client_id", "mailmoor-service", "press")])
        daemon = self.daemon(world, self.configuration(world, app_with_secret(world), "team", "press"))
        for user in ("team", "press"):
            self.wait_mirrored(world, daemon, user)
            daemon.wait_for_state(user, "idle")
            message = world.deliver(user)
            self.wait_delivered(world, daemon, user, message, 30)
        self.assertEqual(1, len(self.tokens(world, "mailmoor-service")))
        self.assertEqual({"team", "press"}, {row.user for row in world.dovecot.sessions()})

        answer = daemon.ctl("login", "team", "--flow", "device", as_json=False)
        self.assertNotEqual(0, answer.status)
        self.assertIn("nobody signs in to team", answer.out + answer.err)
        answer = daemon.ctl("logout", "team", as_json=False)
        self.assertNotEqual(0, answer.status)
        self.assertNotIn("needs_login", daemon.log())

        daemon.stop()
        self.assertEqual(0, daemon.once(), daemon.log_end())
        self.assertEqual(2, len(self.tokens(world, "mailmoor-service")), "none is kept for the next start")
        secrets = [value.encode() for _, value in world.oauth.issued()]
        for name in os.listdir(daemon.state_dir):
            with open(f"{daemon.state_dir}/{name}", "rb") as file:
                octets = file.read()
            self.assertFalse(any(value in octets for value in secrets), name)

    def test_tokens_are_renewed_before_their_end(self):
        world = self.filled("team", rights=[("client_id", "mailmoor-service", "team")], access_token_seconds=12)
        daemon = self.daemon(world, self.configuration(world, app_with_secret(world), "team"))
        self.wait_mirrored(world, daemon, "team")
        wait_until(lambda: len(self.tokens(world, "mailmoor-service")) >= 4, 90,
                   lambda: f"four tokens\n{daemon.log_end()}", every=0.5)
        daemon.wait_for_state("team", "idle")
        message = world.deliver("team")
        self.wait_delivered(world, daemon, "team", message, 30)
        self.assertEqual([], world.oauth.failed_grants())

    def test_certificate_proves_the_app(self):
        for algorithm in ("PS256", "RS256"):
            with self.subTest(algorithm):
                world = self.filled("board", app_certificate=True,
                                    rights=[("client_id", "mailmoor-certificate", "board")])
                settings = app(world, "mailmoor-certificate", certificate=certificate_of(world),
                               assertion_alg=algorithm)
                daemon = self.daemon(world, self.configuration(world, settings, "board"))
                self.wait_mirrored(world, daemon, "board")
                self.assertEqual(1, len(self.tokens(world, "mailmoor-certificate")))
                daemon.stop()

    def test_certificate_proves_the_app_of_a_person_in_each_request(self):
        world = self.filled("alice", app_certificate=True, access_token_seconds=12)
        settings = {**world.oauth_app(), "client_id": "mailmoor-person-with-certificate",
                    "certificate": certificate_of(world)}
        daemon = self.daemon(world, self.configuration(world, settings, "alice"))
        daemon.login(world.people("alice"))
        self.wait_mirrored(world, daemon, "alice")
        wait_until(lambda: len(world.oauth.refreshes("alice")) >= 2, 60,
                   lambda: f"two refreshes\n{daemon.log_end()}", every=0.5)
        self.assertEqual([], world.oauth.failed_grants())

    def test_certificate_of_another_key_is_refused_at_the_start(self):
        world = self.world(oauth=True, app_certificate=True)
        _, other_key = world.authority.app_certificate("other")
        settings = app(world, "mailmoor-certificate",
                       certificate={"file": world.app_certificate, "key": {"file": other_key}})
        daemon = self.daemon(world, self.configuration(world, settings, "board"), start=False)
        status, said = daemon.run_daemon_to_its_end()
        self.assertEqual(2, status, said)
        self.assertRegex(said, r"mailmoor\.yaml:\d+:\d+: certificate of app lab: .*is for another private key")

    def test_secret_that_is_replaced_is_taken_by_a_reload(self):
        world = self.filled("team", rights=[("client_id", "mailmoor-service", "team")])
        settings = app_with_secret(world, client_secret_expires="2020-01-31")
        write_private(settings["client_secret"]["file"], "an old one\n")
        daemon = self.daemon(world, self.configuration(world, settings, "team"), environment=FAST)
        daemon.wait_for_state("team", "failed", "backing_off")
        self.assertNotIn("login", daemon.status("team")["remedy"])
        wait_until(lambda: "ended on 2020-01-31" in daemon.log(), 20, "the warning that the secret has ended")
        write_private(settings["client_secret"]["file"], "service-secret\n")
        daemon.reload()
        self.wait_mirrored(world, daemon, "team")
        daemon.stop()
        daemon.start()
        daemon.wait_for_state("team", "idle")
        self.assertEqual(1, daemon.log().count("ended on 2020-01-31"), "once, whatever the number of starts")

    def test_service_account_has_a_token_for_each_user(self):
        users = ("carol@example.test", "dora@example.test")
        world = self.filled(*users, app_certificate=True)
        with open(world.app_key, encoding="ascii") as file:
            key = file.read()
        token_uri = f"{world.oauth.issuer}/service-account/token"
        json_key = write_private(f"{world.directory}/service-account.json", json.dumps(
            {"type": "service_account", "project_id": "project", "private_key_id": "1", "private_key": key,
             "client_email": "mail@project.test", "client_id": "104", "token_uri": token_uri}))
        settings = {"provider": "google", "grant": "service_account", "service_account_key": {"file": json_key},
                    "ca_file": world.authority.ca_file}
        daemon = self.daemon(world, self.configuration(world, settings, *users, "eve@elsewhere.test"))
        for user in users:
            self.wait_mirrored(world, daemon, user)
        granted = world.oauth.events("service_account", status=200)
        self.assertEqual(sorted(users), sorted(row["account"] for row in granted))
        stranger = daemon.wait_for_state("eve@elsewhere.test", "failed", "backing_off")
        self.assertIn("Invalid email or User ID", stranger["reason"])
        self.assertIn("`user`", stranger["remedy"])

    def test_shared_mailbox_is_read_with_the_token_of_who_has_the_right(self):
        world = self.filled("alice", "sales", rights=[("sub", "alice", "sales")])
        configuration = {"apps": {"lab": world.oauth_app()},
                         "mailboxes": [world.oauth_mailbox("alice"),
                                       {**world.oauth_mailbox("sales"), "login_user": "alice"}]}
        daemon = self.daemon(world, configuration)
        daemon.login(world.people("alice"))
        for user in ("alice", "sales"):
            self.wait_mirrored(world, daemon, user)
        self.assertEqual({"alice", "sales"}, {row.user for row in world.dovecot.sessions()})
        self.assertEqual({"alice"}, {row["account"] for row in world.oauth.events("token", status=200)})
