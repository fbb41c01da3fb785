"""A mail server that keeps a few messages back, each in a way that Exchange was seen to do it. TLS, one folder, reading
only: whatever else is asked of it is answered with BAD, and kept in `refused`.

`faults`: uid → one of
  nothing     OK without data for it
  nil         BODY[] NIL
  no          NO "The specified message set is invalid." to any FETCH of bodies that it is among, after what comes before
  substitute  a notice of the server's in its place
  garbage     a response that is no IMAP
  line        a line that is none between responses, then the end
  cut         the connection ends in the middle of its body
  stall       half of its body, and then nothing more
Bodies are asked about only: FLAGS are told of each."""
import base64
import re
import socket
import ssl
import threading
import time

GREETING = "* OK The Microsoft Exchange IMAP4 service is ready. [TQBBAEkATABNAE8ATwBSAA==]"
CAPABILITIES = "IMAP4 IMAP4rev1 AUTH=PLAIN SASL-IR UIDPLUS MOVE ID UNSELECT CHILDREN IDLE NAMESPACE LITERAL+"
SUBSTITUTE = """MIME-Version: 1.0
Content-Type: text/plain; charset="us-ascii"
From: Microsoft Exchange Server 2010
To: {user} <{user}@mailmoor.test>
Subject: Retrieval using the IMAP4 protocol failed for the following
 message: {uid}
Content-Transfer-Encoding: quoted-printable

The server couldn't retrieve the following message:

Subject: "Canceled: Harbour tour"
From: "Not available" ("Not available")
Sent date: 07.04.2022 21:49:08

The message hasn't been deleted. You might be able to view it using either =
Outlook or Outlook Web App. You can also contact the sender to find out wha=
t the message says.=
"""


def uids_of(text, known):
    found = set()
    for part in text.split(","):
        first, _, last = part.partition(":")
        highest = max(known, default=0)
        low, high = (highest if end == "*" else int(end) for end in (first, last or first))
        found |= {uid for uid in known if min(low, high) <= uid <= max(low, high)}
    return sorted(found)


class Exchange:
    """messages: uid → octets. What is asked is in `fetches`, (uids, items) in the order in which it came."""

    def __init__(self, certificate, password):
        self.messages, self.faults, self.fetches, self.refused = {}, {}, [], []
        self.connections = 0
        self._password = password
        self._context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        self._context.load_cert_chain(*certificate)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self._lock = threading.Lock()
        threading.Thread(target=self._accept, daemon=True).start()

    def deliver(self, octets):
        with self._lock:
            uid = max(self.messages, default=0) + 1
            self.messages[uid] = octets
        return uid

    def bodies_asked(self):
        """How often each body was asked for alone: uid → times."""
        with self._lock:
            alone = [uids[0] for uids, items in self.fetches if "BODY" in items and len(uids) == 1]
        return {uid: alone.count(uid) for uid in alone}

    def close(self):
        self._listener.close()

    def _accept(self):
        while True:
            try:
                plain, _ = self._listener.accept()
            except OSError:
                return
            self.connections += 1
            threading.Thread(target=self._serve, args=(plain,), daemon=True).start()

    def _serve(self, plain):
        try:
            with self._context.wrap_socket(plain, server_side=True) as client:
                _Session(self, client, self._password).run()
        except (OSError, EOFError):
            pass


class _Session:
    def __init__(self, server, client, password):
        self._server, self._client, self._password = server, client, password
        self._lines = client.makefile("rb")

    def _say(self, text):
        self._client.sendall(text.encode() + b"\r\n" if isinstance(text, str) else text)

    def run(self):
        self._say(GREETING)
        while line := self._lines.readline():
            tag, _, command = line.decode().rstrip("\r\n").partition(" ")
            word = command.split(" ")[0].upper()
            if word == "LOGOUT":
                self._say("* BYE Microsoft Exchange Server IMAP4 server signing off.")
                self._say(f"{tag} OK LOGOUT completed.")
                return
            handler = getattr(self, f"_on_{word.lower()}", None)
            if handler is None:
                self._server.refused.append(command)
                self._say(f"{tag} BAD Command Error. 12")
            else:
                handler(tag, command)

    def _on_capability(self, tag, _):
        self._say(f"* CAPABILITY {CAPABILITIES}")
        self._say(f"{tag} OK CAPABILITY completed.")

    def _on_authenticate(self, tag, command):
        response = base64.b64decode(command.split(" ")[2]).decode().split("\0")
        good = response[2] == self._password
        self._say(f"{tag} OK AUTHENTICATE completed." if good else f"{tag} NO AUTHENTICATE failed.")

    def _on_id(self, tag, _):
        self._say('* ID ("name" "Microsoft.Exchange.Imap4.Imap4Server" "version" "15.20")')
        self._say(f"{tag} OK ID completed")

    def _on_noop(self, tag, _):
        self._say(f"{tag} OK NOOP completed.")

    def _on_list(self, tag, _):
        self._say('* LIST (\\HasNoChildren) "/" INBOX')
        self._say(f"{tag} OK LIST completed.")

    def _on_examine(self, tag, _):
        known = self._server.messages
        for line in (f"* {len(known)} EXISTS", "* 0 RECENT", "* OK [UIDVALIDITY 14] UIDVALIDITY value",
                     f"* OK [UIDNEXT {max(known, default=0) + 1}] The next unique identifier value",
                     f"{tag} OK [READ-ONLY] EXAMINE completed."):
            self._say(line)

    def _on_uid(self, tag, command):
        asked = re.fullmatch(r"UID FETCH (\S+) (\(.*\))", command)
        if not asked:
            self._server.refused.append(command)
            self._say(f"{tag} BAD Command Argument Error. 11")
            return
        uids = uids_of(asked[1], list(self._server.messages))
        with self._server._lock:
            self._server.fetches.append((uids, asked[2]))
        for uid in uids:
            if not self._fetch(uid, asked[2]):
                self._say(f"{tag} NO The specified message set is invalid.")
                return
        self._say(f"{tag} OK FETCH completed.")

    def _fetch(self, uid, items):
        """False: the whole command is refused."""
        octets, number = self._server.messages[uid], sorted(self._server.messages).index(uid) + 1
        start = f"* {number} FETCH (UID {uid} FLAGS (\\Seen)".encode()
        if "INTERNALDATE" in items:
            start += f' INTERNALDATE "14-Nov-2023 22:13:20 +0000" RFC822.SIZE {len(octets) + 321}'.encode()
        if "BODY" not in items:
            self._say(start + b")\r\n")
            return True
        fault = self._server.faults.get(uid)
        if fault == "no":
            return False
        if fault == "nil":
            self._say(start + b" BODY[] NIL)\r\n")
        elif fault == "garbage":
            self._say(start + b" BODY[] <object reference not set>)\r\n")
        elif fault == "line":
            self._say("Server Unavailable. 15")
            raise EOFError
        elif fault in ("cut", "stall"):
            self._say(start + f" BODY[] {{{len(octets)}}}\r\n".encode() + octets[:len(octets) // 2])
            if fault == "cut":
                raise EOFError
            while self._client.recv(4096):
                time.sleep(0.01)
            raise EOFError
        elif fault != "nothing":
            if fault == "substitute":
                octets = SUBSTITUTE.format(user="alice", uid=uid).replace("\n", "\r\n").encode()
            self._say(start + f" BODY[] {{{len(octets)}}}\r\n".encode() + octets + b")\r\n")
        return True
