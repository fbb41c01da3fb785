"""What the tests of single providers start from: a fake of the provider, a daemon with one mailbox in it, and what must
hold in each scenario: no loss, no duplicate, nothing changed, nothing asked inside a pause."""
import functools
import os

from e2e.harness import EndToEnd
from fakes.corpus import Corpus, multiset
from fakes.dovecot import PASSWORD
from fakes.entra import TENANT, Entra
from fakes.exchange import Exchange
from fakes.mail_server import Folder
from fakes.tls_authority import TlsAuthority
from lib import maildir
from lib.processes import scratch_dir, wait_until


@functools.cache
def authority():
    """One for all tests of a module."""
    made = TlsAuthority(f"{scratch_dir('tls')}/tls")
    return made, made.issue()


class Place:
    """What EndToEnd.daemon() wants of a world."""

    def __init__(self):
        self.directory = scratch_dir("e2e")
        self.authority, self.certificate = authority()


class ProviderTest(EndToEnd):
    """alice's mailbox at `server`; `messages`: folder → uid → message, all that it was given."""

    def place(self):
        place = Place()
        self.addCleanup(self._keep_logs_of_a_failure, place.directory)
        return place

    def exchange(self, year=2024, tokens=False, access_token_seconds=3600):
        """Without a daemon as yet: set it up, then begin()."""
        self.place_ = self.place()
        self.entra = Entra(self.place_.certificate, access_token_seconds) if tokens else None
        if tokens:
            self.addCleanup(self.entra.stop)
        accepts = (lambda user, token, is_token: is_token and self.entra.holds(user, token)) if tokens else PASSWORD
        self.use(Exchange(self.place_.certificate, accepts, year))
        return self.server

    def use(self, server):
        self.server, self.messages, self._quiet_before = server, {}, 0
        self._corpus = Corpus(self.id(), big_every=0, tame=True)
        self.addCleanup(server.close)

    def fill(self, count, folder="INBOX"):
        self.server.folders.setdefault(folder, Folder())
        for message in self._corpus.messages(count):
            self.messages.setdefault(folder, {})[self.server.deliver(message.octets, folder)] = message

    def deliver(self, folder="INBOX"):
        self.fill(1, folder)
        return max(self.messages[folder])

    def mailbox(self, **more):
        login = {"app": "contoso"} if self.entra else {"password": {"file": self._password_file()}}
        return {"name": "alice", "user": "alice", "host": "localhost", "port": self.server.port,
                "ca_file": self.place_.authority.ca_file, "push": "off", "poll": "1h",
                "timeouts": {"connect": "10s", "io": "10s"}, **login, **more}

    def app(self):
        return {"provider": "microsoft", "tenant": TENANT, "authority": self.entra.authority, "client_id": "main",
                "ca_file": self.place_.authority.ca_file}

    def refuse_token(self):
        """The mail server refuses the token that it has taken so far: a new one is asked for."""
        self.daemon_.ctl("pause", "alice")
        self.daemon_.wait_for_state("alice", "paused")
        self.entra.end_access_tokens("alice")
        self.daemon_.ctl("resume", "alice")

    def _password_file(self):
        path = f"{self.place_.directory}/password"
        with open(path, "w", encoding="utf-8") as file:
            file.write(PASSWORD)
        os.chmod(path, 0o600)
        return path

    def begin(self, time_scale="1", login=True, **mailbox):
        config = {"mailboxes": [self.mailbox(**mailbox)]}
        if self.entra:
            config["apps"] = {"contoso": self.app()}
        self.daemon_ = self.daemon(self.place_, config, environment={"MAILMOOR_TIME_SCALE": time_scale})
        if self.entra and login:
            self.entra.next_user, self.entra.pending_polls = "alice", 0
            answer = self.daemon_.ctl("login", "alice")
            self.assertEqual(0, answer.status, str(answer))
            self._quiet_before = self.daemon_.log().index("event=signed_in")  # until then a login was needed
        return self.daemon_

    # --- what is looked at ---------------------------------------------------------------------------------------

    def expected(self, without=(), folder=None):
        """without: UIDs of INBOX."""
        return multiset([message for name, messages in self.messages.items() if folder in (None, name)
                         for uid, message in messages.items() if name != "INBOX" or uid not in without])

    def here(self):
        return maildir.multiset(self.daemon_.mailbox_dir("alice"))

    def wait_mirrored(self, without=(), seconds=30):  # pylint: disable=arguments-differ
        want = self.expected(without)
        wait_until(lambda: self.here() == want, seconds, lambda: f"{maildir.difference(self.here(), want)}\n"
                                                                 f"{self.daemon_.log_end()}")
        self.assertEqual([], maildir.duplicates(self.daemon_.mailbox_dir("alice")))
        return self.daemon_.wait_for_state("alice", "idle")

    def sync(self, status=0):
        answer = self.daemon_.ctl("sync", "alice", "--wait")
        self.assertEqual(status, answer.status, f"{answer}\n{self.daemon_.log_end()}")
        return answer

    def loud(self, priorities="err|warning"):
        """Log lines of these priorities, from the sign-in on."""
        return [line for line in self.daemon_.log()[self._quiet_before:].splitlines() if "alice" in line
                and any(f"priority={priority}" in line for priority in priorities.split("|"))]

    def assert_well_behaved(self, refused=()):
        """refused: what the server did not understand."""
        journal = self.server.journal
        self.assertEqual([], journal.changing(), "P3")
        self.assertEqual([], journal.inside_pauses(), "P9")
        self.assertEqual(list(refused), self.server.refused)
        self.assertEqual([], self.server.unused_rules(), "the script was played to its end")
        self.assertEqual([], maildir.leftovers(self.daemon_.mailbox_dir("alice")))
