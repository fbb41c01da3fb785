"""Exchange Online as its clients have seen it: its greetings, capabilities and limits, what it gets wrong, what it says
when it has had enough.

`faults`: uid of a message in INBOX → one of
  nothing     OK without data for it
  nil         BODY[] NIL
  no          NO "The specified message set is invalid." to any FETCH of bodies that it is among, after what comes before
  substitute  a notice of the server's in its place
  garbage     a response that is no IMAP
  line        a line that is none between responses, then the end
  cut         the connection ends in the middle of its body
  stall       half of its body, and then nothing more
or a function (session, start, octets) that says something itself: start is the FETCH response as far as the body.
Bodies are asked about only: FLAGS are told of each."""
import re
import time

from fakes.mail_server import MailServer
from fakes.mail_session import MailSession

GREETING = "* OK The Microsoft Exchange IMAP4 service is ready. [TQBBAEkATABNAE8ATwBSAA==]"
GREETING_2026 = ("* OK Microsoft Exchange IMAP4 service ready. 6f0b1a42-0f4e-4b11-9d3a-1c2d3e4f5a6b "
                 "(tcpproxy/15.21.0406.000 BACKENDAUTHENTICATE) [TQBBAEkATABNAE8ATwBSAA==]")
CLASSIC = "IMAP4 IMAP4rev1 AUTH=PLAIN AUTH=XOAUTH2 SASL-IR UIDPLUS MOVE ID UNSELECT CHILDREN IDLE NAMESPACE LITERAL+"
BEFORE_2026 = ("IMAP4 IMAP4rev1 AUTH=XOAUTH2 LOGINDISABLED SASL-IR UIDPLUS MOVE ID UNSELECT CHILDREN IDLE NAMESPACE "
               "LITERAL+")
AFTER_2026 = ("IMAP4 IMAP4rev1 AUTH=PLAIN AUTH=XOAUTH2 SASL-IR UIDPLUS MOVE ID UNSELECT CLIENTACCESSRULES "
              "CLIENTNETWORKPRESENCELOCATION BACKENDAUTHENTICATE CHILDREN IDLE NAMESPACE LITERAL+ ENABLE IMAP4rev2 "
              "BACKENDAUTHENTICATE-IR")
THROTTLED = "Request is throttled. Suggested Backoff Time: {} milliseconds"
NOT_CONNECTED = "{tag} BAD User is authenticated but not connected."
TOKEN_EXPIRED = "* BYE Session invalidated - AccessTokenExpired"
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
# What it gets wrong, so that it is better not asked.
TREACHEROUS = re.compile(r"^ENABLE\b|\bRETURN \(|\bSEARCH\b|\bENVELOPE\b|\bBODYSTRUCTURE\b|\bBODY(?!\.PEEK\[)|\]<\d",
                         re.I)
# What is refused, so that a client meets its limits: as observed, not as documented.
LONG, TOO_LONG, BADS = 4096, 10_240, 10


class Session(MailSession):
    unknown_text = "BAD Command Error. 12"

    def __init__(self, *arguments):
        super().__init__(*arguments)
        self._bads = 0

    def capabilities(self):
        return self.server.capabilities_after if self.user else self.server.capabilities_before

    def over_limit(self, command, octets):
        login = command.upper().startswith("AUTHENTICATE")  # a token makes it long
        if octets > TOO_LONG:
            return "BAD Command Error. 10"
        if octets > LONG and not login:
            return "BAD Command Argument Error. 12"
        return "BAD Command Argument Error. 12" if self.escaped else None

    def bad(self, tag, command, text):
        super().bad(tag, command, text)
        self._bads += 1
        if self._bads < BADS:
            return "done"
        self.say("* BYE Connection closed. 14")
        return "close"

    def welcome(self, tag):
        self.say(f"{tag} OK AUTHENTICATE completed.")  # and no capabilities with it

    def turn_away(self, tag, mechanism):
        if self.server.challenges and mechanism != "PLAIN" and not self.challenge(mechanism, {"status": "401"}):
            return self.bad(tag, "the answer to a challenge", "BAD Command Error. 10")
        self.say(f"{tag} NO AUTHENTICATE failed.")
        return "done"

    def on_login(self, tag, _):
        self.say(f"{tag} NO LOGIN failed.")

    def on_id(self, tag, _):
        self.say('* ID ("name" "Microsoft.Exchange.Imap4.Imap4Server" "version" "15.20")')
        self.say(f"{tag} OK ID completed")

    def token_is_over(self):
        return self.token is not None and not self.server.accepts(self.user, self.token, True)

    def idle_tick(self):
        if self.token_is_over():
            self.say(TOKEN_EXPIRED)
            return "close"
        with self.server.lock:
            if self.server.idle_byes:
                self.say(self.server.idle_byes.pop())
                return "close"
        return super().idle_tick()

    def answer(self, tag, command, octets):
        if self.token_is_over():
            self.say(TOKEN_EXPIRED)
            return "close"
        return super().answer(tag, command, octets)

    def uids_asked(self, text, there):
        """"n:*" is the last message where there is no n: also for one who writes the highest number for the star."""
        return super().uids_asked(text.replace(":4294967295", ":*"), there)

    def size_of(self, octets):
        return len(octets) + 321  # an estimate

    def fetch_body(self, uid, start, octets):
        self.server.during_fetch(self, uid)
        fault = self.server.faults.get(uid) if self.folder is self.server.folders.get("INBOX") else None
        if callable(fault):
            return fault(self, start, octets)
        if fault == "no":
            return "NO The specified message set is invalid."
        if fault == "nil":
            self.say(start + b" BODY[] NIL)\r\n")
        elif fault == "garbage":
            self.say(start + b" BODY[] <object reference not set>)\r\n")
        elif fault == "line":
            self.say("Server Unavailable. 15")
            raise EOFError
        elif fault in ("cut", "stall"):
            self.say(start + f" BODY[] {{{len(octets)}}}\r\n".encode() + octets[:len(octets) // 2])
            while fault == "stall" and self.client.recv(4096):
                time.sleep(0.01)
            raise EOFError
        elif fault == "substitute":
            super().fetch_body(uid, start, SUBSTITUTE.format(user="alice", uid=uid).replace("\n", "\r\n").encode())
        elif fault != "nothing":
            super().fetch_body(uid, start, octets)
        return None


class Exchange(MailServer):
    """accepts: a password, or a function (user, secret, is_token)."""
    session_class = Session
    greeting = GREETING

    def __init__(self, certificate, accepts, year=2024):
        by_password = (lambda user, secret, is_token: not is_token and secret == accepts)
        super().__init__(certificate, accepts if callable(accepts) else by_password)
        self.faults = {}
        self.challenges = False
        self.idle_byes = []
        self.during_fetch = lambda session, uid: None
        self.capabilities_before = self.capabilities_after = CLASSIC
        if year >= 2026:
            self.greeting = GREETING_2026
            self.capabilities_before, self.capabilities_after = BEFORE_2026, AFTER_2026

    def throttle(self, match, milliseconds, word="BAD", bye=True, times=1):
        """bye: it hangs up after it, as it does when it says BAD."""
        lines = ["{tag} " + f"{word} " + THROTTLED.format(milliseconds)]
        self.script(match, *lines, *(["* BYE Connection closed. 14"] if bye else []), times=times,
                    pause=milliseconds / 1000, then="close" if bye else "done")

    def treacherous(self):
        """What was asked of it that it is known to get wrong."""
        return [text for text in self.journal.commands() if TREACHEROUS.search(text)]
