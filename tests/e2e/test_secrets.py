"""Secrets stay secret: no token and no password in a log, a database, a command line, an environment, an answer."""
import os
import shutil

from e2e.harness import EndToEnd
from fakes.dovecot import PASSWORD
from lib import secret_scan
from lib.control_socket import ControlSocket
from lib.processes import wait_until


def read(path):
    with open(path, "rb") as file:
        return file.read()


class Secrets(EndToEnd):
    def test_no_token_or_password_is_found_anywhere(self):
        world = self.world(oauth=True, access_token_seconds=20)
        world.fill("alice", {"INBOX": 10})
        world.fill("bob", {"INBOX": 10})
        world.fill("dave", {"INBOX": 10})
        config = world.config("alice")
        config["mailboxes"] += [world.password_mailbox("bob"), world.password_mailbox("dave")]
        del config["mailboxes"][2]["password"]
        daemon = self.daemon(world, config)
        answers = {}
        answers["password"] = daemon.ctl("password", "dave", "--stdin", stdin=PASSWORD + "\n")
        self.assertEqual(0, answers["password"].status, answers["password"])
        answers["login"] = daemon.login({"alice": world.person("alice")})
        for user in ("alice", "bob", "dave"):
            self.wait_mirrored(world, daemon, user)
        wait_until(lambda: len(world.oauth.refreshes("alice")) >= 2, 90,
                   lambda: f"two refreshes\n{daemon.log_end()}")
        # A token that the mail server refuses, and a server that answers with it in its text.
        world.oauth.fail_next({"status": 500, "body": "not JSON"},
                              {"status": 400, "headers": {"Content-Type": "application/json"},
                               "body": '{"error": "temporarily_unavailable", "error_description": "x"}'})
        refreshes = len(world.oauth.refreshes("alice"))
        wait_until(lambda: len(world.oauth.events("fault")) == 2 and len(world.oauth.refreshes("alice")) > refreshes,
                   120, lambda: f"a refresh after two faults\n{daemon.log_end()}")
        for command in (["status"], ["folders", "alice"], ["version"]):
            answers[" ".join(command)] = daemon.ctl(*command)

        places = self._places_to_search(daemon, world, answers)
        secrets = [(kind, value) for kind, value in world.oauth.issued()] + [("password", PASSWORD)]
        self.assertGreaterEqual(len([kind for kind, _ in secrets if kind == "RefreshToken"]), 3)
        self.assertEqual([], secret_scan.find(secrets, places))
        # The search itself must be able to find: plant one secret beside the rest.
        self.assertTrue(secret_scan.find(secrets[-2:-1], {**places, "planted": secrets[-2][1].encode()}))
        daemon.stop()
        self.assertEqual([], secret_scan.find(secrets, self._files(daemon)))

    def _places_to_search(self, daemon, world, answers):
        places = self._files(daemon)
        for name in ("cmdline", "environ"):
            places[f"/proc {name}"] = read(f"/proc/{daemon.child.pid}/{name}")
        for path in ("/v1/status", "/v1/version", "/v1/mailboxes/alice", "/v1/mailboxes/alice/folders", "/metrics",
                     "/health"):
            places[f"GET {path}"] = self._ask(daemon, "GET", path)[1]
        places |= self._errors(daemon, world)
        for name, answer in answers.items():
            places[f"mailmoorctl {name}"] = str(answer).encode()
        places["notices"] = daemon.notices().encode()
        return places

    @staticmethod
    def _ask(daemon, method, path, body=None):
        connection = ControlSocket(f"{daemon.runtime_dir}/control.sock")
        try:
            try:
                connection.request(method, path, body)
            except BrokenPipeError:
                pass  # refused by its first line; the answer is there all the same
            answer = connection.getresponse()
            return answer.status, str(answer.getheaders()).encode() + answer.read()
        finally:
            connection.close()

    def _errors(self, daemon, world):
        """An error of each kind, where a body is taken with a secret in it: nothing of it comes back."""
        token = world.oauth.issued()[-1][1]
        places = {}
        for status, method, path, body in (
                (404, "GET", "/v1/nothing", None), (404, "POST", "/v1/mailboxes/nobody/password", PASSWORD),
                (405, "POST", "/v1/status", None), (405, "GET", "/v1/reload", None),
                (400, "POST", "/v1/mailboxes/dave/password", ""), (400, "POST", "/v1/mailboxes/%00/sync", None),
                (414, "GET", "/" + "x" * 2000, None), (413, "POST", "/v1/mailboxes/dave/password", (token * 3000)[:100_000]),
                (409, "POST", "/v1/mailboxes/alice/password", token), (409, "POST", "/v1/mailboxes/bob/login", None),
                (409, "POST", "/v1/key/rotate", token)):
            got, places[f"{method} {path[:40]} {status}"] = self._ask(daemon, method, path, body)
            self.assertEqual(status, got, f"{method} {path[:60]}")
        return places

    @staticmethod
    def _files(daemon):
        """Logs and everything in the state and run directories: databases, their WALs, locks."""
        places = {"stderr": read(daemon.log_file), "stdout": read(daemon.out_file)}
        for top in (daemon.state_dir, daemon.runtime_dir):
            for parent, _, files in os.walk(top):
                for name in files:
                    if os.path.isfile(f"{parent}/{name}"):  # not the control socket
                        places[f"{parent}/{name}"] = read(f"{parent}/{name}")
        databases = [name for name in places if name.endswith("tokens.db")]
        assert databases, f"no tokens.db in {sorted(places)}"
        return places

    def test_wrong_key_is_refused_clearly_and_the_store_stays_as_it_was(self):
        world = self.world(oauth=True)
        world.fill("alice", {"INBOX": 5})
        daemon = self.daemon(world, world.config("alice"))
        daemon.login({"alice": world.person("alice")})
        self.wait_mirrored(world, daemon, "alice")
        daemon.stop()
        key = f"{daemon.state_dir}/master.key"
        self.assertEqual(0o600, os.stat(key).st_mode & 0o777)
        store = {name: read(f"{daemon.state_dir}/{name}") for name in os.listdir(daemon.state_dir)
                 if name.startswith("tokens.db")}
        right = read(key)
        os.rename(key, key + ".right")

        # Another key of the right form, made by the program itself elsewhere.
        other = self.daemon(world, world.config("alice"))
        other.stop()
        shutil.copy(f"{other.state_dir}/master.key", key)
        self.assertNotEqual(right, read(key))
        status, text = daemon.run_daemon_to_its_end()
        self.assertEqual(2, status)
        self.assertIn(f"sealed with another key than the one from file {key}; nothing was changed", text)
        after = {name: read(f"{daemon.state_dir}/{name}") for name in os.listdir(daemon.state_dir)
                 if name.startswith("tokens.db")}
        self.assertEqual(store.keys(), after.keys())
        self.assertTrue(store == after, "the token store was changed")

        os.rename(key + ".right", key)
        daemon.start()
        message = world.deliver("alice")
        self.wait_delivered(world, daemon, "alice", message, 30)

    def test_two_daemons_on_one_state_directory_are_refused(self):
        world = self.world()
        world.fill("alice", {"INBOX": 2})
        daemon = self.daemon(world, world.config("alice"))
        self.wait_mirrored(world, daemon, "alice")
        status, text = daemon.run_daemon_to_its_end()
        self.assertEqual(1, status)
        self.assertIn(f"{daemon.state_dir} is in use by another mailmoord (process {daemon.child.pid})", text)
        self.assertIn("stop it first", text)
        self.assertEqual(0, daemon.ctl("version").status)
