"""A private Dovecot on loopback: XOAUTH2 and OAUTHBEARER checked against the OAuth server, and one password for all.

As root its helpers run as Debian's own dovecot and dovenull users and the mail belongs to `mail`; without root
everything runs as the one who started it (and chroots nothing). Three ports:
  imaps_port      TLS at once
  imap_port       STARTTLS
  observer_port   plain, for the test's own eyes: log lines tell its sessions from the daemon's by the port
"""
import glob
import grp
import os
import pwd
import re
import socket
import subprocess
import time

from lib.imap_observer import Observer
from lib.processes import Child, free_port, wait_until

PASSWORD = "correct-horse-battery-staple-7319"
# fetch_body_count counts whole bodies sent: what "fetched nothing" is measured by.
LOGOUT_FORMAT = ("in=%i out=%o bodies=%{fetch_body_count} body_bytes=%{fetch_body_bytes} "
                 "headers=%{fetch_hdr_count} deleted=%{deleted} expunged=%{expunged} appended=%{appended}")
LOGIN = re.compile(r"imap-login: Info: Login: user=<([^>]*)>, method=(\S+), lport=(\d+), (.*)session=<([^>]*)>")
# Extensions that Dovecot can be told to hide (imap_capability); it would still accept their commands, so a test with
# them hidden looks that none is sent.
PLAIN = ("IMAP4rev1 SASL-IR LOGIN-REFERRALS ID ENABLE LITERAL+ SORT THREAD=REFERENCES MULTIAPPEND UNSELECT CHILDREN NAMESPACE "
         "UIDPLUS LIST-EXTENDED I18NLEVEL=1 ESEARCH ESORT SEARCHRES WITHIN CONTEXT=SEARCH SPECIAL-USE BINARY MOVE AUTH=PLAIN")
HIDDEN = re.compile(r"CONDSTORE|QRESYNC|CHANGEDSINCE|HIGHESTMODSEQ|MODSEQ|RETURN \(.*STATUS|\bIDLE\b|NOTIFY", re.I)
LOGOUT = re.compile(r"imap\([^)]*\)<\d+><([^>]*)>: .*bodies=(\d+) body_bytes=(\d+) .*expunged=(\d+) appended=(\d+)")


class Session:
    """What the log says about one session of the daemon. bodies is None until it has ended."""

    def __init__(self, user, method, tls):
        self.user, self.method, self.tls = user, method, tls
        self.ended = False
        self.bodies = self.body_bytes = self.appended = self.expunged = None


class Dovecot:
    qresync = True  # RFC 7162
    ends_sessions_in_deleted_folders = False
    pushes, push_lag = True, 0  # seconds until it tells an idle client what has changed

    def __init__(self, directory, certificate, introspection_url=None, mechanisms="plain login xoauth2 oauthbearer",
                 capability=None, settings="", detach=False, rights=(), record=False):
        """record: keeps all that clients send, for client_commands().
        rights: (attribute, value, mailbox) rows: a token with that attribute opens that mailbox, besides the one
        that its subject names. What an Exchange administrator does with Add-MailboxPermission."""
        self.directory = directory
        self.log_file = f"{directory}/log"
        self.imaps_port, self.imap_port, self.observer_port = free_port(), free_port(), free_port()
        self._detach = detach
        self._as_root = os.geteuid() == 0
        self._mail_user, self._mail_group = self._mail_owner()
        for name in ("mail", "raw"):
            os.makedirs(f"{directory}/{name}", exist_ok=True)
            if self._as_root:
                os.chown(f"{directory}/{name}", pwd.getpwnam(self._mail_user).pw_uid, -1)
        if record:
            settings += f"\nprotocol imap {{\n  rawlog_dir = {directory}/raw\n}}"
        self._write("oauth2.conf", self._oauth2(introspection_url))
        self._passdbs = [("oauth2", "")]
        for number, (attribute, value, mailbox) in enumerate(rights):
            # The token is held against `value`, the mailbox by the filter; a name without a variable fits any user.
            self._write(f"oauth2-right{number}.conf",
                        self._oauth2(introspection_url, attribute, value, attribute, "whoever"))
            self._passdbs.append((f"oauth2-right{number}", f"username_filter = {mailbox}"))
        self.config = self._write("dovecot.conf", self._configuration(
            certificate, introspection_url is not None, mechanisms, capability, settings))
        self.child = None
        self.start()

    def _mail_owner(self):
        if self._as_root:
            return "mail", "mail"
        return pwd.getpwuid(os.getuid()).pw_name, grp.getgrgid(os.getgid()).gr_name

    def _write(self, name, text):
        path = f"{self.directory}/{name}"
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
        return path

    @staticmethod
    def _oauth2(introspection_url, attribute="active", value="true", username_attribute="sub", username="%Lu"):
        return f"""introspection_mode = post
introspection_url = {introspection_url}
active_attribute = {attribute}
active_value = {value}
username_attribute = {username_attribute}
username_format = {username}
scope = imap
max_idle_time_msecs = 60000
"""

    def _configuration(self, certificate, oauth2, mechanisms, capability, settings):
        users = ("default_login_user = dovenull\ndefault_internal_user = dovecot" if self._as_root else
                 f"default_login_user = {self._mail_user}\ndefault_internal_user = {self._mail_user}\n"
                 f"default_internal_group = {self._mail_group}")
        no_chroot = "" if self._as_root else "chroot =\n"
        return f"""base_dir = {self.directory}/run
state_dir = {self.directory}/state
log_path = {self.log_file}
log_timestamp = "%s "
instance_name = mailmoor-test
protocols = imap
listen = 127.0.0.1
{users}
ssl = yes
ssl_cert = <{certificate[0]}
ssl_key = <{certificate[1]}
disable_plaintext_auth = no
auth_mechanisms = {mechanisms}
auth_failure_delay = 0
auth_verbose = yes
first_valid_uid = 1
mail_location = sdbox:~/sdbox
mail_fsync = never
mail_max_userip_connections = 50
mailbox_list_index = yes
imap_logout_format = {LOGOUT_FORMAT}
login_log_format_elements = user=<%u> method=%m lport=%a %c session=<%{{session}}>
stats_writer_socket_path =
{f"imap_capability = {capability}" if capability else ""}
{self._oauth2_passdb() if oauth2 else ""}
passdb {{
  driver = static
  mechanisms = plain login
  args = password={PASSWORD}
}}
userdb {{
  driver = static
  args = uid={self._mail_user} gid={self._mail_group} home={self.directory}/mail/%u allow_all_users=yes
}}
namespace inbox {{
  inbox = yes
  separator = /
}}
service imap-login {{
  {no_chroot}service_count = 0
  inet_listener imap {{
    port = {self.imap_port}
  }}
  inet_listener imaps {{
    port = {self.imaps_port}
    ssl = yes
  }}
  inet_listener observer {{
    port = {self.observer_port}
  }}
}}
service anvil {{
  {no_chroot}
}}
service stats {{
  {no_chroot}
}}
{settings}
"""

    def _oauth2_passdb(self):
        return "\n".join(f"""passdb {{
  driver = oauth2
  mechanisms = xoauth2 oauthbearer
  args = {self.directory}/{name}.conf
  {settings}
}}""" for name, settings in self._passdbs)

    def start(self):
        self.child = Child(["dovecot", "-F", "-c", self.config], f"{self.directory}/stdout", detach=self._detach)

        def listens():
            if not self.child.running():
                raise RuntimeError(f"Dovecot did not start:\n{self.child.output()}\n{self.log_text()}")
            try:
                socket.create_connection(("127.0.0.1", self.observer_port), 1).close()
                return True
            except OSError:
                return False

        wait_until(listens, 20, "Dovecot to listen")

    def renumber(self, user, folder):
        """The folder gets a new UIDVALIDITY, and its messages new UIDs."""
        subprocess.run(["doveadm", "-c", self.config, "mailbox", "update", "-u", user, "--uid-validity",
                        str(int(time.time()) + 1000), folder], check=True, capture_output=True, timeout=60)

    def stop(self):
        """Ends the server and every session; the mail stays. start() brings it back on the same ports."""
        self.child.stop()

    def restart(self):
        self.stop()
        self.start()

    def close(self):
        self.child.kill()

    def observer(self, user):
        return Observer(self.observer_port, user, PASSWORD)

    @staticmethod
    def named(folder):
        """What the folder that the tests call so is called by the server, in UTF-8."""
        return folder

    @staticmethod
    def as_kept(message):
        """What becomes of a message that is handed to the server."""
        return message

    def log_text(self):
        try:
            with open(self.log_file, encoding="utf-8", errors="replace") as file:
                return file.read()
        except FileNotFoundError:
            return ""

    def mark(self):
        """A place in the log; give it to sessions() and failed_logins() to count only what came after."""
        return len(self.log_text())

    def sessions(self, since=0):
        """The daemon's sessions (not the observer's) that logged in since the mark, oldest first."""
        lines, rows = self.log_text()[since:].splitlines(), {}
        for login in filter(None, map(LOGIN.search, lines)):
            if int(login[3]) != self.observer_port:
                rows[login[5]] = Session(login[1], login[2], "TLS" in login[4])
        # Another process writes the end of a session: on a busy machine before the login is told of.
        for end in filter(None, map(LOGOUT.search, lines)):
            if end[1] in rows:
                row = rows[end[1]]
                row.ended = True
                row.bodies, row.body_bytes, row.expunged, row.appended = map(int, end.groups()[1:])
        return list(rows.values())

    def ended_sessions(self, since=0, seconds=20):
        """sessions(), once the server has noticed the end of each."""
        return wait_until(lambda: (rows := self.sessions(since)) and all(row.ended for row in rows) and rows,
                          seconds, lambda: f"all sessions to end in\n{self.log_text()[since:]}")

    def failed_logins(self, since=0):
        """One line for each time that a token or password was refused."""
        return [line for line in self.log_text()[since:].splitlines()
                if re.search(r" auth: \w+: (oauth2|static)\(", line)]

    def wait_for_login(self, user, since=0, seconds=30):
        return wait_until(lambda: [row for row in self.sessions(since) if row.user == user], seconds,
                          lambda: f"{user} to log in; Dovecot's log:\n{self.log_text()[since:][-3000:]}")

    def client_commands(self):
        """With record: all that the daemon has sent, a line each, the observer's sessions left out."""
        sent = []
        for path in sorted(glob.glob(f"{self.directory}/raw/*.in")):
            with open(path, "rb") as file:
                lines = [re.sub(rb"^\d+\.\d+ ", b"", line) for line in file.read().splitlines()]
            if not any(re.match(rb"t\d+ ", line) for line in lines):
                sent += lines
        return sent

    def forbidden_commands(self):
        return []


class DovecotPlain(Dovecot):
    """Everything that helps to synchronise hidden."""

    qresync = pushes = False

    def __init__(self, *arguments, **options):
        super().__init__(*arguments, **{"capability": PLAIN, **options, "record": True})

    def forbidden_commands(self):
        """What the daemon sent that was not offered."""
        return [line for line in self.client_commands() if HIDDEN.search(line.decode("utf-8", "replace"))]
