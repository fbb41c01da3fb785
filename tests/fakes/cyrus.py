"""A private Cyrus imapd on loopback: one password for all, telemetry of every session, no file synced."""
import glob
import grp
import os
import re
import shutil
import struct
import time

from fakes.unpacked_server import PLACE, PasswordDaemon, Record, UnpackedServer
from lib.processes import wait_until

PROGRAMS = f"{PLACE}/usr/lib/cyrus/bin"
# Written between the octets of the telemetry at each turn: who speaks, and when.
TURN = re.compile(rb"([<>])\d{10}[<>]")
LOGIN = re.compile(rb"^---------- (\S+) [^\n]*\n", re.M)


def _ask(file):
    """saslauthd's protocol: user, password, service and realm, each with its length before it."""
    user, password, _, _ = (file.read(struct.unpack(">H", file.read(2))[0]).decode() for _ in range(4))
    return user, password


class Cyrus(UnpackedServer):
    name = "cyrus"
    qresync = ends_sessions_in_deleted_folders = True

    def prepare(self):
        self._last_answer_to_new = 0
        for name in ("conf", "spool", "conf/log", "conf/proc", "conf/socket"):
            self.make_directory(f"{self.directory}/{name}")
        # The server's user reads the key; Dovecot does that as root.
        key = shutil.copy(self.certificate[1], f"{self.directory}/key.pem")
        os.chown(key, self.mail_user.pw_uid, -1)
        self.password_daemon = PasswordDaemon(f"{self.directory}/passwords", _ask, self._answer)
        config = self.write("imapd.conf", self._configuration(key))
        imapd = f"{PROGRAMS}/imapd -C {config}"
        services = self.write("cyrus.conf", f"""START {{
  recover cmd="{PROGRAMS}/ctl_cyrusdb -C {config} -r"
}}
SERVICES {{
  imap cmd="{imapd}" listen="127.0.0.1:{self.imap_port}" prefork=0 maxchild=100
  imaps cmd="{imapd} -s" listen="127.0.0.1:{self.imaps_port}" prefork=0 maxchild=100
  observer cmd="{imapd}" listen="127.0.0.1:{self.observer_port}" prefork=0 maxchild=100
}}
EVENTS {{
}}
""")
        # Who was killed has left his entry.
        return f"rm -f {self.directory}/conf/proc/*\nexec {PROGRAMS}/master -C {config} -M {services} -D -p {self.directory}/master.pid\n"

    def library_path(self):
        [path] = glob.glob("usr/lib/*/libcyrus.so.0", root_dir=self.unpacked)
        return f"{PLACE}/{os.path.dirname(path)}"

    def _configuration(self, key):
        return f"""configdirectory: {self.directory}/conf
partition-default: {self.directory}/spool
cyrus_user: {self.mail_user.pw_name}
cyrus_group: {grp.getgrgid(self.mail_user.pw_gid).gr_name}
sasl_pwcheck_method: saslauthd
sasl_saslauthd_path: {self.directory}/passwords
sasl_mech_list: PLAIN LOGIN
allowplaintext: no
observer_allowplaintext: yes
failedloginpause: 0
tls_server_cert: {self.certificate[0]}
tls_server_key: {key}
tls_session_timeout: 0
autocreate_quota: 0
expunge_mode: immediate
delete_mode: immediate
munge8bit: no
imapidlepoll: 1s
skiplist_unsafe: yes
"""

    def _answer(self, user):
        answer = b"OK" if user else b"NO"
        log = f"{self.directory}/conf/log/{user}"
        if user and not os.path.isdir(log):  # telemetry is kept of those who have such a directory
            # Cyrus draws the identity of a new mailbox from random numbers that begin anew with the second of the day:
            # of two that are made in the same second, both would have the same INBOX. It makes them some time after
            # this answer, so a second lies between two answers.
            wait_until(lambda: time.time() >= self._last_answer_to_new + 2, 5, "the second but one", 0.02)
            self._last_answer_to_new = time.time()
            self.make_directory(log)
        return struct.pack(">H", len(answer)) + answer

    def records(self):
        found = []
        for path in glob.glob(f"{self.directory}/conf/log/*/imap*-*"):
            busy = os.path.exists(f"{self.directory}/conf/proc/{path.rsplit('-', 1)[1]}")
            with open(path, "rb") as file:
                parts = LOGIN.split(file.read())[1:]
            # One process serves one client after the other.
            for number, (user, text) in enumerate(zip(parts[::2], parts[1::2])):
                turns = TURN.split(text)[1:]
                sent, answered = (b"".join(octets for side, octets in zip(turns[::2], turns[1::2]) if side == which)
                                  for which in (b"<", b">"))
                ended = not busy or number + 1 < len(parts) // 2 or b"\n* BYE" in b"\n" + answered
                began = re.search(rb"[<>](\d{10})", text)
                found.append(Record(int(began[1]) if began else 0, (path, number), user.decode(), sent, answered,
                                    ended))
        return sorted(found)
