"""The part that all fake mail servers share: TLS on loopback, folders, a script and a journal. The conversation is in
fakes/mail_session.py; what a particular server says is in its own module.

    server.script(r"^EXAMINE", "{tag} NO Server Unavailable. 15", times=3)
    server.script(r"^UID FETCH", "{tag} BAD Request is throttled. …", pause=1.5, then="close")
"""
import re
import socket
import ssl
import threading
import time
from collections import deque

from fakes.mail_journal import Journal, Row


class Folder:
    """messages: uid → octets. unseen: uid → how many listings do not show it yet, though EXISTS counts it.
    `listed`: the LIST response, when it is not the usual one."""

    def __init__(self, validity=14, listed=None, attributes="\\HasNoChildren"):
        self.validity, self.listed, self.attributes = validity, listed, attributes
        self.messages, self.unseen = {}, {}
        self.next_uid = 1

    def add(self, octets):
        uid = self.next_uid
        self.next_uid += 1
        self.messages[uid] = octets
        return uid


class Rule:
    def __init__(self, match, lines, times, pause, then):
        self.match, self.lines, self.times, self.pause, self.then = match, lines, times, pause, then


class MailServer:
    """folders: name → Folder, the same for every user. accepts(user, secret, is_token): who may come in."""
    session_class = None
    greeting = "* OK ready"

    def __init__(self, certificate, accepts):
        self.folders = {"INBOX": Folder()}
        self.journal = Journal()
        self.refused, self.fetches = [], []
        self.greetings = deque()  # of the next connections; None: the end without one
        self.pushes = True
        self.before_idle = lambda session: session.tell_exists()
        self.accepts = accepts
        self.lock = threading.RLock()
        self._rules = []
        self._context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        self._context.load_cert_chain(*certificate)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def script(self, match, *lines, times=1, pause=0.0, then="done"):
        """What the next `times` commands that match get: `lines`, {tag} filled in. then: "done"; "close"; "go_on" to the
        usual answer. pause: seconds for which nothing may come after it."""
        with self.lock:
            self._rules.append(Rule(match, lines, times, pause, then))

    def rule_for(self, command):
        with self.lock:
            for rule in self._rules:
                if rule.times > 0 and re.search(rule.match, command, re.I):
                    rule.times -= 1
                    return rule
        return None

    def unused_rules(self):
        with self.lock:
            return [(rule.match, rule.times) for rule in self._rules if rule.times > 0]

    def deliver(self, octets, folder="INBOX"):
        with self.lock:
            return self.folders[folder].add(octets)

    @property
    def messages(self):
        return self.folders["INBOX"].messages

    @property
    def connections(self):
        return self.journal.connections()

    def bodies_asked(self):
        """How often each body was asked for alone: uid → times."""
        with self.lock:
            alone = [uids[0] for uids, items in self.fetches if "BODY.PEEK[]" in items and len(uids) == 1]
        return {uid: alone.count(uid) for uid in alone}

    def bodies_wanted(self):
        """How often each body was asked for: uid → times. Of all folders."""
        with self.lock:
            wanted = [uid for uids, items in self.fetches if "BODY.PEEK[]" in items for uid in uids]
        return {uid: wanted.count(uid) for uid in wanted}

    def close(self):
        self._listener.close()

    def _accept(self):
        number = 0
        while True:
            try:
                plain, _ = self._listener.accept()
            except OSError:
                return
            number += 1
            self.journal.add(Row(time.monotonic(), number, None, "connect", "", 0))
            threading.Thread(target=self._serve, args=(plain, number), daemon=True).start()

    def _serve(self, plain, number):
        session = None
        try:
            with self._context.wrap_socket(plain, server_side=True) as client:
                session = self.session_class(self, client, number)
                session.run()
        except (OSError, EOFError):
            pass
        self.journal.add(Row(time.monotonic(), number, session and session.user, "end", "", 0))
