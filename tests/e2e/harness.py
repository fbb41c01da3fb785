"""What every end-to-end test starts from: real servers on loopback, mailboxes filled with known messages, a daemon.

    class MyTest(EndToEnd):
        def test_something(self):
            world = self.world(oauth=True)
            world.fill("alice", {"INBOX": 20, "Sent": 5})
            daemon = self.daemon(world, world.config("alice"))
"""
import collections
import os
import re
import shutil
import sys
import unittest

from fakes.corpus import Corpus, multiset
from fakes.courier import Courier
from fakes.cyrus import Cyrus
from fakes.dovecot import PASSWORD, Dovecot, DovecotPlain
from fakes.oauth_server import OauthServer
from fakes.person import Person
from fakes.tls_authority import TlsAuthority
from e2e.not_applying import why_not
from lib import maildir
from lib.mailmoor import REPOSITORY, Mailmoor
from lib.processes import scratch_dir, wait_until

LONG = os.environ.get("MAILMOOR_TEST_LONG") == "1"
SERVERS = {"dovecot": Dovecot, "dovecot-plain": DovecotPlain, "cyrus": Cyrus, "courier": Courier}
SERVER = os.environ.get("MAILMOOR_TEST_SERVER", "dovecot")  # tests/e2e/run --server
LOGS = os.environ.get("MAILMOOR_TEST_LOGS", f"{REPOSITORY}/build/logs/e2e")


class World:
    """A certificate authority, an OAuth server if asked for, a mail server, and what was put into its mailboxes."""

    def __init__(self, oauth=False, access_token_seconds=3600, rotation="strict", app_certificate=False,
                 server_names="DNS:localhost,IP:127.0.0.1", record=None, **options):
        """record: the server keeps what clients send. options: those of fakes.dovecot.Dovecot; a test that has some is
        about Dovecot."""
        options = {name: value for name, value in options.items() if value is not None}
        self.directory = scratch_dir("e2e")
        self.authority = TlsAuthority(f"{self.directory}/tls")
        self.certificate = self.authority.issue()
        self.oauth = None
        if oauth:
            if app_certificate:
                self.app_certificate, self.app_key = self.authority.app_certificate()
            server = OauthServer if oauth is True else oauth  # a class that is made and used like it
            self.oauth = server(f"{self.directory}/oauth", self.certificate, access_token_seconds, rotation,
                                client_certificate=app_certificate and self.app_certificate)
        certificate = self.authority.issue("mail", server_names)
        if SERVER.startswith("dovecot"):
            self.server = SERVERS[SERVER](f"{self.directory}/dovecot", certificate,
                                          self.oauth and self.oauth.introspection_url(),
                                          **options, **({"record": True} if record else {}))
        else:
            assert not oauth and not options, f"{SERVER} has neither OAuth nor {options}: see e2e/not_applying.py"
            self.server = SERVERS[SERVER](f"{self.directory}/{SERVER}", certificate)
        self.originals = collections.defaultdict(dict)  # user → folder → messages
        self._corpora = {}

    @property
    def dovecot(self):
        """For tests that ask of the server what only Dovecot can show."""
        assert isinstance(self.server, Dovecot), f"not {SERVER}: name the test in e2e/not_applying.py, or use `server`"
        return self.server

    def close(self):
        self.server.close()
        if self.oauth:
            self.oauth.stop()

    def corpus(self, user):
        if user not in self._corpora:
            self._corpora[user] = Corpus(user)
        return self._corpora[user]

    def fill(self, user, folders):
        """folders: {name: how many}."""
        with self.server.observer(user) as observer:
            for folder, count in folders.items():
                messages = [self.server.as_kept(message) for message in self.corpus(user).messages(count)]
                observer.load(folder, messages)
                self.originals[user].setdefault(folder, []).extend(messages)

    def deliver(self, user, folder="INBOX", flags=()):
        """One new message; returns it once the server has it."""
        serial = sum(len(messages) for messages in self.originals[user].values())
        message = self.server.as_kept(Corpus(f"new {serial} {user}", 0).message()._replace(flags=flags))
        with self.server.observer(user) as observer:
            observer.append(folder, [message])
        self.originals[user].setdefault(folder, []).append(message)
        return message

    def expected(self, user):
        return sum((multiset(messages) for messages in self.originals[user].values()), collections.Counter())

    def snapshot(self, user):
        with self.server.observer(user) as observer:
            return observer.snapshot()

    def here(self, folder, layout="maildir++"):
        """Where the folder's Maildir lies below the mailbox's directory."""
        names = re.split("[/.]", self.server.named(folder))
        if names == ["INBOX"]:
            return "."
        return "/".join(names) if layout == "fs" else "." + ".".join(names)

    def person(self, login):
        return Person(login, self.authority.ca_file)

    def people(self, *names):
        return {name: self.person(name) for name in names}

    # --- configuration -------------------------------------------------------------------------------------------

    def oauth_app(self):
        return {"provider": "custom", "issuer": self.oauth.issuer, "client_id": "mailmoor",
                "scopes": ["imap", "offline_access"], "ca_file": self.authority.ca_file}

    def oauth_mailbox(self, user, **more):
        return {"name": user, "app": "lab", "user": user, "host": "localhost", "port": self.server.imaps_port,
                "ca_file": self.authority.ca_file, **self.news(), **more}

    def password_mailbox(self, user, **more):
        return {"name": user, "user": user, "host": "localhost", "port": self.server.imaps_port,
                "ca_file": self.authority.ca_file, "password": {"file": self.password_file()},
                **self.news(), **more}

    def news(self):
        """Where no server tells of new mail, it is asked often enough for a test that waits for some."""
        return {} if self.server.pushes else {"poll": "2s"}

    def password_file(self, password=PASSWORD, name="password"):
        path = f"{self.directory}/{name}"
        with open(path, "w", encoding="utf-8") as file:
            file.write(password + "\n")
        os.chmod(path, 0o600)
        return path

    def config(self, *users, **more):
        """Every user with a token if there is an OAuth server, else with the password. `more`: mailbox keys for all."""
        if self.oauth:
            return {"apps": {"lab": self.oauth_app()},
                    "mailboxes": [self.oauth_mailbox(user, **more) for user in users]}
        return {"mailboxes": [self.password_mailbox(user, **more) for user in users]}


class EndToEnd(unittest.TestCase):
    """Ends every process it started; keeps the logs of a failed test under build/logs/e2e."""

    def setUp(self):
        self._places = []
        if reason := why_not(SERVER, self.id()):
            self.skipTest(reason)

    def world(self, **options):
        world = World(**options)
        self.addCleanup(world.close)
        self.addCleanup(lambda: self.assertEqual([], world.server.forbidden_commands(), "not offered, and yet sent"))
        self.addCleanup(self._keep_logs_of_a_failure, world.directory)
        return world

    def daemon(self, world, configuration, start=True, **options):
        place = f"{world.directory}/mailmoor{len(self._places)}"
        self._places.append(place)
        os.makedirs(place)
        daemon = Mailmoor(place, configuration, **options)
        self.addCleanup(self._check_sanitizers, daemon)
        self.addCleanup(daemon.stop)
        return daemon.start() if start else daemon

    def _check_sanitizers(self, daemon):
        self.assertEqual("", daemon.sanitizer_reports())

    def _keep_logs_of_a_failure(self, directory):
        result = self._outcome.result  # .success says only how this cleanup goes
        if not any(getattr(test, "test_case", test) is self for test, _ in result.failures + result.errors):
            return
        kept = f"{LOGS}/{self.id()}"
        shutil.rmtree(kept, ignore_errors=True)
        for parent, _, files in os.walk(directory):
            for name in files:
                if name in ("log", "log.json", "stderr", "mailmoord.log", "mailmoord.out", "mailmoor.yaml"):
                    os.makedirs(kept, exist_ok=True)
                    shutil.copy(f"{parent}/{name}", f"{kept}/{os.path.basename(parent)}-{name}")
        print(f"logs of {self.id()}: {kept}", file=sys.stderr)

    # --- what is checked again and again -------------------------------------------------------------------------

    def wait_mirrored(self, world, daemon, user, seconds=90):
        """Until as many messages are there as were put in; then that they are those, each once, none torn."""
        want = world.expected(user)
        place = daemon.mailbox_dir(user)
        wait_until(lambda: maildir.count(place) >= sum(want.values()), seconds,
                   lambda: f"{user}: {maildir.count(place)} of {sum(want.values())} there\n{daemon.log_end()}", 0.1)
        self.assert_mirrored(world, daemon, user)

    def assert_mirrored(self, world, daemon, user):
        place, want = daemon.mailbox_dir(user), world.expected(user)
        got = maildir.multiset(place)
        self.assertTrue(got == want, f"{user}: {maildir.difference(got, want)}")
        self.assertEqual([], maildir.duplicates(place))

    def wait_delivered(self, world, daemon, user, message, seconds):
        """How long until the message lies in the mailbox, seconds. Looks at new files only."""
        wanted = multiset([message])
        place, known = daemon.mailbox_dir(user), set()

        def there():
            for mail in maildir.mails(place):
                if mail.path not in known:
                    known.add(mail.path)
                    try:
                        octets = maildir.read(mail.path)
                    except FileNotFoundError:
                        continue
                    if maildir.digest(octets) in wanted:
                        return True
            return False

        wait_until(there, seconds, lambda: f"the new message of {user}\n{daemon.log_end()}", every=0.02)
