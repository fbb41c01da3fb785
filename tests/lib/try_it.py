"""The demonstration behind packaging/try-it; that script has built the programs and set MAILMOOR_BIN."""
import argparse
import os
import shlex
import sys
import time
import traceback

from fakes.corpus import Corpus, digest, multiset
from fakes.dovecot import Dovecot
from fakes.oauth_server import OauthServer
from fakes.person import Person
from fakes.tls_authority import TlsAuthority
from lib import maildir
from lib.mailmoor import PROGRAMS, Mailmoor
from lib.processes import scratch_dir, wait_until

FOLDERS = {"INBOX": 60, "Sent": 30, "Archive/2024": 20, "Entwürfe": 10}
USERS = ("alice", "bob", "carol")


def step(text):
    print(f"\n== {text}", flush=True)


def say(text):
    print(f"   {text}", flush=True)


class TryIt:
    def __init__(self, keep):
        self._keep = keep
        self._place = scratch_dir("try-it")
        self._messages = {user: [] for user in USERS}
        self._children = []
        self._daemon = None

    def run(self):
        """What there is to say at the end."""
        self._start_servers()
        self._fill_mailboxes()
        self._start_daemon()
        self._sign_in()
        count = self._mirror()
        seconds = self._deliver()
        step("mailmoorctl status")
        print(self._daemon.ctl("status", as_json=False).out, flush=True)
        if not self._keep:
            self._daemon.stop()
        return (f"{count} messages of 3 mailboxes are mirrored, each identical to its original; "
                f"a new one came in {seconds:.1f} s.")

    def _start_servers(self):
        step("Two throw-away servers, on loopback only")
        self._authority = TlsAuthority(f"{self._place}/tls")
        certificate = self._authority.issue()
        self._oauth = OauthServer(f"{self._place}/oauth", certificate, detach=self._keep)
        self._children.append(self._oauth.child)
        say(f"OAuth server (oidc-provider): {self._oauth.issuer}")
        self._dovecot = Dovecot(f"{self._place}/dovecot", certificate, self._oauth.introspection_url(),
                                mechanisms="xoauth2 oauthbearer plain", detach=self._keep)
        self._children.append(self._dovecot.child)
        say(f"mail server (Dovecot, XOAUTH2): localhost:{self._dovecot.imaps_port}, TLS")

    def _fill_mailboxes(self):
        step("Three mailboxes with varied messages")
        for user in USERS:
            corpus = Corpus(user, big_every=100)
            with self._dovecot.observer(user) as observer:
                for folder, count in FOLDERS.items():
                    messages = corpus.messages(count)
                    observer.load(folder, messages)
                    self._messages[user] += messages
            size = sum(len(message.octets) for message in self._messages[user])
            say(f"{user}: {len(self._messages[user])} messages in {len(FOLDERS)} folders, {size / 1e6:.1f} MB")

    def _start_daemon(self):
        step("mailmoord starts with this mailmoor.yaml")
        mailbox = {"app": "lab", "host": "localhost", "port": self._dovecot.imaps_port,
                   "ca_file": self._authority.ca_file}
        self._daemon = Mailmoor(f"{self._place}/mailmoor", {
            "apps": {"lab": {"provider": "custom", "issuer": self._oauth.issuer, "client_id": "mailmoor",
                             "scopes": ["imap", "offline_access"], "ca_file": self._authority.ca_file}},
            "defaults": mailbox,
            "mailboxes": [{"name": user, "user": user} for user in USERS],
        }, log_level="info", detach=self._keep)
        with open(self._daemon.config_file, encoding="utf-8") as file:
            print("".join(f"   | {line}" for line in file), flush=True)
        self._daemon.start()
        self._children.append(self._daemon.child)
        for user in USERS:
            say(f"{user}: {self._daemon.status(user)['state']}")

    def _sign_in(self):
        step("mailmoorctl login " + " ".join(USERS))

        def tell(event):
            if event["event"] == "prompt":
                say(f"{event['mailbox']}: open {event['verification_uri']} and enter {event['user_code']}"
                    "  (a person's browser does)")
            else:
                say(f"{event['mailbox']}: {event['event'].replace('_', ' ')}")

        self._daemon.login({user: Person(user, self._authority.ca_file) for user in USERS}, tell=tell)

    def _mirror(self):
        step("Mirroring")
        started = time.monotonic()
        for user in USERS:
            want, place = multiset(self._messages[user]), self._daemon.mailbox_dir(user)
            wait_until(lambda: maildir.count(place) >= sum(want.values()), 120,
                       lambda: f"{user}: {maildir.count(place)} of {sum(want.values())} messages are there", 0.1)
            got = maildir.multiset(place)
            if got != want:
                raise AssertionError(f"{user}: {maildir.difference(got, want)}")
            say(f"{user}: all {sum(got.values())} messages are there; every SHA-256 is the original's")
        say(f"done {time.monotonic() - started:.1f} s after the last login")
        return sum(len(messages) for messages in self._messages.values())

    def _deliver(self):
        step("A new message is delivered to alice on the server")
        self._daemon.wait_for_state("alice", "idle")
        message = Corpus("the new one", 0).message()._replace(flags=())
        with self._dovecot.observer("alice") as observer:
            observer.append("INBOX", [message])
        started = time.monotonic()
        place = self._daemon.mailbox_dir("alice")
        wanted = digest(message.octets)
        arrived = wait_until(lambda: [mail.path for mail in maildir.mails(place) if mail.subdir == "new"
                                      and digest(maildir.read(mail.path)) == wanted], 30, "the new message")
        seconds = time.monotonic() - started
        say(f"{seconds:.1f} s later: {arrived[0]}")
        for line in maildir.read(arrived[0]).decode("utf-8", "replace").splitlines()[:5]:
            print(f"   | {line}")
        return seconds

    def leave_running(self):
        stop = f"{self._place}/stop"
        groups = " ".join(f"-{child.pid}" for child in reversed(self._children))
        with open(stop, "w", encoding="utf-8") as file:
            file.write(f"#!/bin/sh\nkill -TERM -- {groups}\nsleep 2\nkill -KILL -- {groups} 2>/dev/null\n"
                       f"rm -rf {shlex.quote(self._place)}\n")
        os.chmod(stop, 0o755)
        ctl = f"{PROGRAMS}/mailmoorctl --socket {self._daemon.runtime_dir}/control.sock"
        step("Left running")
        say(f"look:    {ctl} status")
        say(f"the mail: {self._daemon.mail_root}    the log: {self._daemon.log_file}")
        say(f"stop and remove everything: {stop}")


def main():
    parser = argparse.ArgumentParser(prog="packaging/try-it")
    parser.add_argument("--keep", action="store_true")
    keep = parser.parse_args().keep
    if keep:
        os.environ["MAILMOOR_TEST_KEEP"] = "1"
    demonstration = TryIt(keep)
    try:
        verdict = demonstration.run()
    except Exception:  # whatever it was, a person is to read a plain verdict
        traceback.print_exc()
        print("\nIt does not work: see above.")
        return 1
    if keep:
        demonstration.leave_running()
    print(f"\nIt works: {verdict}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
