"""What the fakes of mail servers that are unpacked below build/mail-servers have in common (tests/lib/provision.sh).

Each lives in a mount and a PID namespace of its own, as root or where users may have namespaces: what lies below /run is
its own, it finds its programs there whoever may look into the repository's directory, and no process of it is left.

They know one password for everybody, given to them by a thread of the test that speaks the protocol of the server's own
password daemon; a mailbox comes into being with its first login. Every session is kept octet by octet: that is what
"fetched nothing" is counted in, as Dovecot's log is elsewhere."""
import collections
import os
import pwd
import re
import socket
import threading

from fakes.dovecot import PASSWORD, Session
from lib.imap_observer import Observer
from lib.mailmoor import REPOSITORY
from lib.processes import Child, free_port, wait_until

UNPACKED = os.environ.get("MAILMOOR_MAIL_SERVERS", f"{REPOSITORY}/build/mail-servers")
PLACE = "/run/server"  # where the unpacked packages are seen by the server
# A whole body in an answer. No message of the corpus has a line that looks like this.
BODY = re.compile(rb"^\* \d+ FETCH \([^\r\n]*BODY\[\] (?:\{(\d+)\}|\")", re.M)

# What was said in one session. began: a number in their order. key: never another one's. sent, answered: the octets
# since the login.
Record = collections.namedtuple("Record", "began key user sent answered ended")
NOTHING_BEFORE = (frozenset(), 0)


def is_open(port):
    try:
        socket.create_connection(("127.0.0.1", port), 1).close()
    except OSError:
        return False
    return True


class PasswordDaemon:
    """Listens on a Unix socket. ask(file of a connection) → (user, password); answer(user, None if refused) → octets."""

    def __init__(self, path, ask, answer):
        self.refused = []  # users whose password was wrong
        self._ask, self._answer = ask, answer
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(path)
        os.chmod(path, 0o777)  # the server asks as another user
        self._listener.listen(50)
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self):
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            with connection, connection.makefile("rb") as file:
                user, password = self._ask(file)
                if password != PASSWORD:
                    self.refused.append(user)
                    user = None
                connection.sendall(self._answer(user))

    def close(self):
        self._listener.close()


class UnpackedServer:
    """The interface of fakes.dovecot.Dovecot, as far as tests that do not ask for Dovecot use it."""

    name = None
    observer_class = Observer
    qresync = False  # RFC 7162
    ends_sessions_in_deleted_folders = False
    pushes, push_lag = True, 1  # it looks each second for what an idle client is to be told

    def __init__(self, directory, certificate):
        self.directory, self.certificate = directory, certificate
        self.unpacked = f"{UNPACKED}/{self.name}"
        if not os.path.exists(f"{self.unpacked}/.unpacked"):
            raise RuntimeError(f"{self.unpacked} is not there: tests/run unpacks it")
        self.imaps_port, self.imap_port, self.observer_port = free_port(), free_port(), free_port()
        os.makedirs(directory)
        self.as_root = os.geteuid() == 0
        # As in fakes.dovecot: the mail belongs to Debian's `mail`, or to the one who runs the test.
        self.mail_user = pwd.getpwnam("mail") if self.as_root else pwd.getpwuid(os.getuid())
        self.child = self.password_daemon = None
        self.script = self.write("start", f"""set -e
mount -t tmpfs -o mode=755 tmpfs /run
mkdir {PLACE}
mount --bind {self.unpacked} {PLACE}
{self.prepare()}""")
        self.start()

    def write(self, name, text, mode=0o644):
        path = f"{self.directory}/{name}"
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
        os.chmod(path, mode)
        return path

    def make_directory(self, path):
        """For the server's own user."""
        os.makedirs(path)
        os.chown(path, self.mail_user.pw_uid, self.mail_user.pw_gid)
        return path

    def start(self):
        user = [] if self.as_root else ["--map-current-user", "--keep-caps"]
        self.child = Child(["unshare", "--mount", "--pid", "--fork", "--kill-child", *user, "sh", self.script],
                           f"{self.directory}/stdout",
                           env={"PATH": os.environ["PATH"], "LD_LIBRARY_PATH": self.library_path()})

        def listens():
            if not self.child.running():
                raise RuntimeError(f"{self.name} did not start:\n{self.child.output()}")
            return all(is_open(port) for port in self._ports())

        wait_until(listens, 20, lambda: f"{self.name} to listen:\n{self.child.output()}")

    def stop(self):
        """Ends the server and every session; the mail stays. start() brings it back on the same ports."""
        self.child.kill()
        # Its processes end behind the one that was killed: nobody is to take them for the next server.
        wait_until(lambda: not any(is_open(port) for port in self._ports()), 20, f"{self.name} to let go of its ports")

    def _ports(self):
        return self.observer_port, self.imap_port, self.imaps_port

    def restart(self):
        self.stop()
        self.start()

    def close(self):
        self.child.kill()
        self.password_daemon.close()

    def observer(self, user):
        return self.observer_class(self.observer_port, user, PASSWORD)

    def log_text(self):
        return self.child.output()

    @staticmethod
    def named(folder):
        """What the folder that the tests call so is called by the server, in UTF-8."""
        return folder

    @staticmethod
    def as_kept(message):
        """What becomes of a message that is handed to the server."""
        return message

    # --- what the daemon did, the observer's sessions left out ---------------------------------------------------

    def mark(self):
        """A moment; give it to the others to count only what came after."""
        return frozenset(record.key for record in self.records()), len(self.password_daemon.refused)

    def sessions(self, since=NOTHING_BEFORE):
        rows = []
        for record in self.records():
            if record.key in since[0]:
                continue
            row = Session(record.user, None, True)  # without TLS none but the observer may log in
            row.ended = record.ended
            if row.ended:
                found = BODY.findall(record.answered)
                row.bodies, row.body_bytes = len(found), sum(int(size or 0) for size in found)
                row.expunged = len(re.findall(rb"(?im)^\S+ (UID )?EXPUNGE\b", record.sent))
                row.appended = len(re.findall(rb"(?im)^\S+ APPEND\b", record.sent))
            rows.append(row)
        return rows

    def ended_sessions(self, since=NOTHING_BEFORE, seconds=20):
        """sessions(), once the server has noticed the end of each."""
        return wait_until(lambda: (rows := self.sessions(since)) and all(row.ended for row in rows) and rows,
                          seconds, lambda: f"all sessions to end: {self.records()}")

    def failed_logins(self, since=NOTHING_BEFORE):
        """One for each time that a password was refused."""
        return self.password_daemon.refused[since[1]:]

    def wait_for_login(self, user, since=NOTHING_BEFORE, seconds=30):
        return wait_until(lambda: [row for row in self.sessions(since) if row.user == user], seconds,
                          lambda: f"{user} to log in at {self.name}")

    def client_commands(self):
        """All that the daemon has sent, a line each."""
        return [line for record in self.records() for line in record.sent.splitlines()]

    def forbidden_commands(self):
        return []
