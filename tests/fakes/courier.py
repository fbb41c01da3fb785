"""A private courier-imap on loopback: one password for all, each session kept by courier_recorder.py.

Folders lie below INBOX with "." between: what the tests call Lists/dev is INBOX.Lists.dev here."""
import glob
import os
import re
import shutil
import time

from fakes.unpacked_server import PLACE, PasswordDaemon, Record, UnpackedServer
from lib.imap_observer import CourierObserver
from lib.processes import wait_until

# Without AUTH=… of its own the login would offer LOGIN alone.
CAPABILITY = "IMAP4rev1 UIDPLUS CHILDREN NAMESPACE THREAD=ORDEREDSUBJECT THREAD=REFERENCES SORT QUOTA IDLE"
RECORD = re.compile(r"(\d+)-(\d+)-(.*)\.in$")


def _ask(file):
    """authdaemond's protocol: facts about the peer, then AUTH and the length of: service, kind, user, password."""
    while (line := file.readline()) and not line.startswith(b"AUTH "):
        pass
    fields = file.read(int(line.split()[1])).decode().split("\n")
    return fields[2], fields[3]


class Courier(UnpackedServer):
    name = "courier"
    observer_class = CourierObserver

    def prepare(self):
        self.make_directory(f"{self.directory}/mail")
        self.records_ = self.make_directory(f"{self.directory}/records")
        os.makedirs(f"{self.directory}/authdaemon")
        self.password_daemon = PasswordDaemon(f"{self.directory}/authdaemon/socket", _ask, self._answer)
        pem = self.write("server.pem", "", 0o600)
        with open(pem, "wb") as out:
            for part in self.certificate:
                with open(part, "rb") as file:
                    out.write(file.read())
        os.chown(pem, self.mail_user.pw_uid, -1)
        # imaplogin starts one program with one argument.
        recorder = shutil.copy(f"{os.path.dirname(os.path.abspath(__file__))}/courier_recorder.py", self.directory)
        imapd = self.write("imapd", f"""#!/bin/sh
exec /usr/bin/python3 -I -S {recorder} {self.records_} {PLACE}/usr/bin/imapd "$@"
""", 0o755)
        tcpd = f"{PLACE}/usr/sbin/couriertcpd -address=127.0.0.1 -maxprocs=100 -maxperip=100 -nodnslookup -noidentlookup"
        tls = f"{PLACE}/usr/bin/couriertls"
        login = f"{PLACE}/usr/lib/courier/courier/imaplogin {imapd} Maildir"
        # STARTTLS is served as Debian's user `courier`, whom only an installation would make.
        return f"""{{ cat /etc/passwd; echo "courier:x:{self.mail_user.pw_uid}:{self.mail_user.pw_gid}::/:/bin/false"; }} >/run/passwd
mount --bind /run/passwd /etc/passwd
mkdir /run/courier
ln -s {self.directory}/authdaemon /run/courier/authdaemon
export TLS_CERTFILE={pem} TLS_VERIFYPEER=NONE COURIERTLS={tls} IMAP_STARTTLS=YES
export IMAP_CAPABILITY="{CAPABILITY}" IMAP_CAPABILITY_TLS="{CAPABILITY} AUTH=PLAIN"
export IMAP_KEYWORDS=1 IMAP_USELOCKS=1 IMAP_MAILBOX_SANITY_CHECK=1 IMAP_IDLE_TIMEOUT=1 MAILDIRPATH=Maildir
IMAP_TLS_REQUIRED=1 {tcpd} {self.imap_port} {login} &
{tcpd} {self.observer_port} {login} &
IMAP_TLS=1 {tcpd} {self.imaps_port} {tls} -server -tcpd {login} &
wait
"""

    def library_path(self):
        return f"{PLACE}/usr/lib"

    def _answer(self, user):
        if user is None:
            return b"FAIL\n"
        home = f"{self.directory}/mail/{user}"
        if not os.path.isdir(home):
            for name in ("", "/Maildir", "/Maildir/cur", "/Maildir/new", "/Maildir/tmp"):
                self.make_directory(home + name)
        return (f"UID={self.mail_user.pw_uid}\nGID={self.mail_user.pw_gid}\nHOME={home}\nADDRESS={user}\n"
                f"MAILDIR={home}/Maildir\nOPTIONS=\n.\n").encode()

    @staticmethod
    def named(folder):
        return folder if folder == "INBOX" else "INBOX." + folder.replace("/", ".")

    def renumber(self, user, folder):
        """As an administrator who restores a Maildir without its UID list."""
        place = "" if folder == "INBOX" else f"/.{folder.replace('/', '.')}"
        database = f"{self.directory}/mail/{user}/Maildir{place}/courierimapuiddb"
        # The second in which it is made is the UIDVALIDITY: another one, then, even where all goes fast.
        written = int(os.stat(database).st_mtime)
        wait_until(lambda: int(time.time()) > written, 5, "the next second")
        os.unlink(database)

    @staticmethod
    def as_kept(message):
        """It ends a last line that has no end."""
        octets = message.octets
        return message._replace(octets=octets if octets.endswith(b"\r\n") else octets + b"\r\n")

    def records(self):
        found = []
        for path in glob.glob(f"{self.records_}/*.in"):
            began, port, user = RECORD.match(os.path.basename(path)).groups()
            if int(port) == self.observer_port:
                continue
            octets = {}
            for kind in ("in", "out"):
                with open(f"{path[:-2]}{kind}", "rb") as file:
                    octets[kind] = file.read()
            found.append(Record(int(began), path, user, octets["in"], octets["out"],
                                os.path.exists(f"{path[:-2]}end")))
        return sorted(found)
