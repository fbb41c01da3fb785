"""Gmail as its IMAP clients have seen it: what it offers before and after the login, its folders and labels, its
literals, and what it says when it has had enough.

    message = server.arrive(octets, "INBOX", "Work")   # one message: in INBOX, Work and All Mail
    server.label(message, "Later")                        # and in one folder more
    server.hide("Work")                                   # "Show in IMAP" off
"""
import collections

from fakes.mail_server import Folder, MailServer
from fakes.mail_session import DATE, MailSession

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
ALL, SENT, TRASH, JUNK = (f"[Google Mail]/{name}" for name in ("Alle Nachrichten", "Gesendet", "Papierkorb", "Spam"))
# System labels by their folders.
SYSTEM = {"INBOX": "\\Inbox", SENT: "\\Sent"}


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
            folders = [(name, folder) for name, folder in self.server.folders.items() if name not in self.server.hidden]
        for name, folder in folders:
            self.say(folder.listed or f'* LIST ({folder.attributes}) "/" "{name}"')
            if "STATUS" in command and "\\Noselect" not in folder.attributes:
                self.say(f'* STATUS "{name}" (MESSAGES {len(self.shown(folder))} UIDNEXT {folder.next_uid} '
                         f"UIDVALIDITY {folder.validity} HIGHESTMODSEQ {self.mod_seq(folder)})")
        self.say(f"{tag} OK Success")

    def named_folder(self, command):
        name, folder = super().named_folder(command)
        return (name, None) if name in self.server.hidden else (name, folder)

    def start_of(self, uid, items):
        with self.server.lock:
            if uid not in self.folder.messages:
                return None
            octets, number = self.folder.messages[uid], sorted(self.folder.messages).index(uid) + 1
            message, labels = self.server.identity(self.folder, uid), self.server.labels_of(self.folder, uid)
        told = {"UID": uid, "FLAGS": f"({self.server.flags.get((self.folder, uid), chr(92) + 'Seen')})",
                "INTERNALDATE": f'"{DATE}"', "RFC822.SIZE": len(octets), "X-GM-MSGID": message,
                "X-GM-LABELS": f"({' '.join(map(self.quoted, labels))})"}
        asked = [f"{item} {value}" for item, value in told.items() if item in items.split(" ")]
        # THRID comes unasked now and then: nobody is to mind.
        return f"* {number} FETCH (X-GM-THRID {message} {' '.join(asked)}".encode()

    @staticmethod
    def quoted(label):
        escaped = label.replace("\\", "\\\\").replace('"', '\\"')
        return label if label.isalnum() else f'"{escaped}"'

    def fetch_body(self, uid, start, octets):
        super().fetch_body(uid, start, octets)
        self.server.bodies[self.server.identity(self.folder, uid)] += 1

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
        self.hidden = set()  # names of folders that are not shown over IMAP
        self.flags = {}      # (folder, uid) → flags, where they are not "\\Seen"
        self.bodies = collections.Counter()  # X-GM-MSGID → how often its body was sent
        self._identities = {}                # (folder, uid) → X-GM-MSGID
        self._labels = {}                    # X-GM-MSGID → labels, on the wire
        self._next_message = 2**64 - 1       # all 64 bits are used
        self.folders["INBOX"].validity = 1
        self.folders["[Google Mail]"] = Folder(attributes="\\HasChildren \\Noselect")
        for number, (name, attribute) in enumerate(((ALL, "\\All"), (SENT, "\\Sent"), (TRASH, "\\Trash"),
                                                    (JUNK, "\\Junk"))):
            self.folders[name] = Folder(11 + number, attributes=f"{attribute} \\HasNoChildren")

    def arrive(self, octets, *places):
        """A new message with these labels, or in the folders TRASH or JUNK; its X-GM-MSGID."""
        with self.lock:
            message = self._next_message
            self._next_message -= 1
            self._labels[message] = []
            if not {TRASH, JUNK} & set(places):
                self._put(message, octets, ALL)
            for place in places:
                self.label(message, place, octets)
            return message

    def label(self, message, place, octets=None):
        """In INBOX with "INBOX", in TRASH and JUNK too. A label makes its folder, where there is none."""
        with self.lock:
            if octets is None:
                octets = next(folder.messages[uid] for (folder, uid), known in self._identities.items()
                              if known == message)
            if place not in (TRASH, JUNK):
                self._labels[message].append(SYSTEM.get(place, place))
            self.folders.setdefault(place, Folder(100 + len(self.folders)))
            return self._put(message, octets, place)

    def _put(self, message, octets, place):
        uid = self.folders[place].add(octets)
        self._identities[self.folders[place], uid] = message
        return uid

    def hide(self, place):
        with self.lock:
            self.hidden.add(place)

    def show(self, place):
        with self.lock:
            self.hidden.discard(place)

    def identity(self, folder, uid):
        """One that was delivered to a folder alone is a message by itself."""
        if (folder, uid) not in self._identities:
            self._identities[folder, uid] = self._next_message
            self._next_message -= 1
        return self._identities[folder, uid]

    def labels_of(self, folder, uid):
        return self._labels.get(self.identity(folder, uid), [])

    def labels_of_message(self, message):
        return self._labels[message]

    def is_in_all_mail(self, message):
        return any(folder is self.folders[ALL] and known == message for (folder, _), known in self._identities.items())

    def take_over(self, old, uid, new, new_uid):
        """What was one message in `old` is another UID of `new`."""
        self._identities[new, new_uid] = self._identities.pop((old, uid))
