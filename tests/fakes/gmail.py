"""Gmail as its IMAP clients have seen it: what it offers before and after the login, its folders, its literals, and what
it says when it has had enough."""
from fakes.mail_server import Folder, MailServer
from fakes.mail_session import MailSession

GREETING = "* OK Gimap ready for requests from 127.0.0.1 a640c23a62f3a-ac79"
BEFORE = ("IMAP4rev1 UNSELECT IDLE NAMESPACE QUOTA ID XLIST CHILDREN X-GM-EXT-1 XYZZY SASL-IR AUTH=XOAUTH2 AUTH=PLAIN "
          "AUTH=PLAIN-CLIENTTOKEN AUTH=OAUTHBEARER AUTH=XOAUTH")
AFTER = ("IMAP4rev1 UNSELECT IDLE NAMESPACE QUOTA ID XLIST CHILDREN X-GM-EXT-1 UIDPLUS COMPRESS=DEFLATE ENABLE MOVE "
         "CONDSTORE ESEARCH UTF8=ACCEPT LIST-EXTENDED LIST-STATUS LITERAL- SPECIAL-USE APPENDLIMIT=35651584")
THROTTLED = "{tag} OK [THROTTLED] (Success)"
OVER_QUOTA = "{tag} NO [OVERQUOTA] Account exceeded command or bandwidth limits. (Failure)"
TOO_MANY = "{tag} NO [ALERT] Too many simultaneous connections. (Failure)"
# Where it takes literals unasked (LITERAL-, RFC 7888 §5).
LITERAL_MINUS = 4096


class Session(MailSession):
    unknown_text = "BAD Could not parse command"

    def capabilities(self):
        return AFTER if self.user else self.server.capabilities_before

    @property
    def fetched_text(self):
        return "OK [THROTTLED] (Success)" if self.server.throttles else "OK Success"

    def takes_literal(self, size, unasked):
        self.server.literals.append((size, unasked))
        return not unasked or (self.user is not None and size <= LITERAL_MINUS)

    def welcome(self, tag):
        self.say(f"* CAPABILITY {AFTER}")
        self.say(f"{tag} OK {self.user}@gmail.test authenticated (Success)")

    def turn_away(self, tag, mechanism):
        error = {"status": "401", "schemes": "bearer mac", "scope": "https://mail.google.com/"}
        if mechanism != "PLAIN" and not self.challenge(mechanism, error):
            return self.bad(tag, "the answer to a challenge", self.unknown_text)
        self.say(f"{tag} NO [AUTHENTICATIONFAILED] Invalid credentials (Failure)")
        return "done"

    def on_id(self, tag, _):
        self.say('* ID ("name" "GImap" "vendor" "Google, Inc." "version" "gmail_imap_241117.08")')
        self.say(f"{tag} OK Success")

    def on_enable(self, tag, command):
        self.say("* ENABLED")
        self.say(f"{tag} OK Success")

    def on_list(self, tag, command):
        with self.server.lock:
            folders = list(self.server.folders.items())
        for name, folder in folders:
            self.say(folder.listed or f'* LIST ({folder.attributes}) "/" "{name}"')
            if "STATUS" in command and "\\Noselect" not in folder.attributes:
                self.say(f'* STATUS "{name}" (MESSAGES {len(self.shown(folder))} UIDNEXT {folder.next_uid} '
                         f"UIDVALIDITY {folder.validity} HIGHESTMODSEQ {self.mod_seq(folder)})")
        self.say(f"{tag} OK Success")

    @staticmethod
    def mod_seq(folder):
        return 1000 + folder.next_uid

    def more_of(self, folder):
        return [f"* OK [HIGHESTMODSEQ {self.mod_seq(folder)}]"]


class Gmail(MailServer):
    session_class = Session
    greeting = GREETING

    def __init__(self, certificate, accepts):
        super().__init__(certificate, accepts if callable(accepts) else
                         lambda user, secret, is_token: not is_token and secret == accepts)
        self.capabilities_before = BEFORE
        self.throttles = False
        self.literals = []  # (octets, whether they came unasked)
        self.folders["INBOX"].validity = 1
        self.folders["[Google Mail]"] = Folder(attributes="\\HasChildren \\Noselect")
        for number, (name, attribute) in enumerate((("Alle Nachrichten", "\\All"), ("Gesendet", "\\Sent"),
                                                    ("Papierkorb", "\\Trash"), ("Spam", "\\Junk"))):
            self.folders[f"[Google Mail]/{name}"] = Folder(11 + number, attributes=f"{attribute} \\HasNoChildren")
