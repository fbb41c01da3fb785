"""One connection of a fake mail server: the commands of a client who only reads. Whatever it does not know is answered
with BAD and kept in the server's `refused`."""
import base64
import json
import re
import select
import time

from fakes.mail_journal import Row

DATE = "14-Nov-2023 22:13:20 +0000"


def uids_of(text, known):
    """n:* reverses where n is beyond the last one, as the grammar has it."""
    found = set()
    for part in text.split(","):
        first, _, last = part.partition(":")
        highest = max(known, default=0)
        low, high = (highest if end == "*" else int(end) for end in (first, last or first))
        found |= {uid for uid in known if min(low, high) <= uid <= max(low, high)}
    return sorted(found)


class MailSession:
    """One connection. A subclass gives `capabilities()` and the texts, and overrides what it does otherwise."""

    def __init__(self, server, client, number):
        self.server, self.client, self.number = server, client, number
        self.user = self.token = self.folder = None
        self.told = 0          # messages that the client knows of
        self.escaped = False   # the last command had a quoted string with escapes in it
        self._buffer, self._arrived = b"", time.monotonic()

    # --- reading and writing: one thread for both, since an SSL object bears no two ------------------------------

    def say(self, text):
        self.client.sendall(text.encode() + b"\r\n" if isinstance(text, str) else text)

    def hear(self, seconds):
        """Takes what has come or comes within so long; False when nothing did."""
        if not self.client.pending() and not select.select([self.client], [], [], seconds)[0]:
            return False
        octets = self.client.recv(16_384)
        if not octets:
            raise EOFError
        self._buffer += octets
        self._arrived = time.monotonic()
        return True

    def _take(self, count):
        while len(self._buffer) < count:
            self.hear(60)
        octets, self._buffer = self._buffer[:count], self._buffer[count:]
        return octets

    def has_line(self):
        return b"\n" in self._buffer

    def read_line(self):
        while not self.has_line():
            self.hear(60)
        return self._take(self._buffer.index(b"\n") + 1)

    def read_command(self):
        """(tag, command, octets of its longest line). Literals stand in the command as JSON strings."""
        text, longest, self.escaped = "", 0, False
        while True:
            line = self.read_line()
            longest = max(longest, len(line))
            self.escaped |= re.search(rb'"[^"]*\\', line) is not None
            text += line.decode("utf-8", "surrogateescape").rstrip("\r\n")
            literal = re.search(r"\{(\d+)(\+?)\}$", text)
            if not literal:
                break
            if not self.takes_literal(int(literal[1]), literal[2] == "+"):
                raise EOFError
            if not literal[2]:
                self.say("+ Ready for additional command text.")
            octets = self._take(int(literal[1]))
            text = text[:literal.start()] + json.dumps(octets.decode("utf-8"), ensure_ascii=False)
        tag, _, command = text.partition(" ")
        self.note("command", command, longest)
        return tag, command, longest

    def note(self, kind, text, octets):
        shown = re.sub(r"^(AUTHENTICATE \S+) .*", r"\1 ***", text)
        self.server.journal.add(Row(self._arrived, self.number, self.user, kind, shown, octets))

    def pause(self, seconds):
        """What was on its way before the client could know is no offence."""
        while self.hear(0.05):
            pass
        while self.has_line() and not self._buffer.startswith(b"\n"):
            self.read_command()
        start = time.monotonic()
        self.server.journal.pause(start, start + seconds)

    # --- the conversation ----------------------------------------------------------------------------------------

    def run(self):
        greeting = self.server.greetings.popleft() if self.server.greetings else self.server.greeting
        if greeting is None:
            return
        self.say(greeting)
        while True:
            tag, command, octets = self.read_command()
            if self.answer(tag, command, octets) == "close":
                return

    def answer(self, tag, command, octets):
        if limit := self.over_limit(command, octets):
            return self.bad(tag, command, limit)
        if rule := self.server.rule_for(command):
            if rule.pause:
                self.pause(rule.pause)
            for line in rule.lines:
                self.say(line.format(tag=tag))
            if rule.then != "go_on":
                return rule.then
        word = command.split(" ")[0].lower()
        handler = getattr(self, f"on_{word}", None)
        if handler is None:
            return self.bad(tag, command, self.unknown_text)
        return handler(tag, command)

    unknown_text = "BAD Command Error. 12"
    fetched_text = "OK FETCH completed."

    def over_limit(self, command, octets):
        return None

    def takes_literal(self, size, unasked):
        return True

    def bad(self, tag, command, text):
        self.server.refused.append(command)
        self.say(f"{tag} {text}")
        return "done"

    def on_capability(self, tag, _):
        self.say(f"* CAPABILITY {self.capabilities()}")
        self.say(f"{tag} OK CAPABILITY completed.")

    def on_noop(self, tag, _):
        self.tell_exists()
        self.say(f"{tag} OK NOOP completed.")

    def on_authenticate(self, tag, command):
        _, mechanism, *initial = command.split(" ")
        if not initial:
            self.say("+ ")
            initial = [self.read_line().decode().strip()]
        user, secret = self.open_credentials(mechanism, base64.b64decode(initial[0]).decode())
        if self.server.accepts(user, secret, mechanism != "PLAIN"):
            self.user, self.token = user, secret if mechanism != "PLAIN" else None
            return self.welcome(tag)
        return self.turn_away(tag, mechanism)

    @staticmethod
    def open_credentials(mechanism, text):
        """(user, secret)"""
        if mechanism == "PLAIN":
            return tuple(text.split("\0")[1:])
        pairs = text.split("\x01")
        user = pairs[0].removeprefix("user=") if mechanism == "XOAUTH2" else pairs[0][len("n,a="):-1]
        return user, next(pair for pair in pairs if pair.startswith("auth="))[len("auth=Bearer "):]

    def challenge(self, mechanism, body):
        """The error report before the NO; True when the client answers it as it must."""
        self.say("+ " + base64.b64encode(json.dumps(body).encode()).decode())
        line = self.read_line().decode().rstrip("\r\n")
        self.note("reply", line, len(line) + 2)
        return line == ("AQ==" if mechanism == "OAUTHBEARER" else "")

    def on_list(self, tag, _):
        with self.server.lock:
            lines = [folder.listed or f'* LIST ({folder.attributes}) "/" "{name}"'
                     for name, folder in self.server.folders.items()]
        for line in lines:
            self.say(line)
        self.say(f"{tag} OK LIST completed.")

    def named_folder(self, command):
        """(name, Folder or None) of the first argument, quoted or not."""
        argument = command.split(" ", 1)[1]
        name, _ = json.JSONDecoder().raw_decode(argument) if argument.startswith('"') else (argument.split(" ")[0], 0)
        for known, folder in self.server.folders.items():
            if known.lower() == name.lower():
                return known, folder
        return name, None

    def shown(self, folder):
        """UIDs that EXISTS counts."""
        with self.server.lock:
            return sorted(folder.messages)

    def tell_exists(self):
        if self.folder is None:
            return
        now = len(self.shown(self.folder))
        if now > self.told:
            self.say(f"* {now} EXISTS")
        self.told = now

    def on_idle(self, tag, _):
        self.server.before_idle(self)
        self.say("+ IDLE accepted, awaiting DONE command.")
        while not self.has_line():
            if not self.hear(0.02) and (self.idle_tick() == "close"):
                return "close"
        line = self.read_line().decode().strip()
        self.note("reply", line, len(line) + 2)
        self.say(f"{tag} OK IDLE completed.")
        return "done"

    def idle_tick(self):
        if self.server.pushes:
            self.tell_exists()

    def on_logout(self, tag, _):
        self.say("* BYE signing off.")
        self.say(f"{tag} OK LOGOUT completed.")
        return "close"

    # --- folders -------------------------------------------------------------------------------------------------

    def on_examine(self, tag, command):
        name, folder = self.named_folder(command)
        if folder is None:
            self.say(f"{tag} NO {name} doesn't exist.")
            return
        self.folder, self.told = folder, len(self.shown(folder))
        for line in (f"* {self.told} EXISTS", "* 0 RECENT",
                     "* FLAGS (\\Seen \\Answered \\Flagged \\Deleted \\Draft $MDNSent)",
                     "* OK [PERMANENTFLAGS ()] Permanent flags", f"* OK [UIDVALIDITY {folder.validity}] UIDVALIDITY value",
                     f"* OK [UIDNEXT {folder.next_uid}] The next unique identifier value", *self.more_of(folder),
                     f"{tag} OK [READ-ONLY] EXAMINE completed."):
            self.say(line)

    def more_of(self, folder):
        return []

    def on_status(self, tag, command):
        name, folder = self.named_folder(command)
        self.say(f'* STATUS "{name}" (MESSAGES {len(self.shown(folder))} UIDNEXT {folder.next_uid} '
                 f"UIDVALIDITY {folder.validity})")
        self.say(f"{tag} OK STATUS completed.")

    def on_uid(self, tag, command):
        asked = re.fullmatch(r"UID FETCH ([0-9:,*]+) \((.+?)\)(?: \(CHANGEDSINCE \d+\))?", command)
        if not asked or self.folder is None:
            return self.bad(tag, command, self.unknown_text)
        with self.server.lock:
            there = [uid for uid in self.folder.messages if self.folder.unseen.get(uid, 0) == 0]
            self.folder.unseen = {uid: times - 1 for uid, times in self.folder.unseen.items() if times > 0}
            uids = self.uids_asked(asked[1], there)
            self.server.fetches.append((uids, asked[2]))
        for uid in uids:
            if refusal := self.fetch(uid, asked[2]):
                self.say(f"{tag} {refusal}")
                return "done"
        self.say(f"{tag} {self.fetched_text}")
        return "done"

    def uids_asked(self, text, there):
        return uids_of(text, there)

    def start_of(self, uid, items):
        """The FETCH response as far as the body; None for a message that has gone meanwhile."""
        with self.server.lock:
            if uid not in self.folder.messages:
                return None
            octets, number = self.folder.messages[uid], sorted(self.folder.messages).index(uid) + 1
        start = f"* {number} FETCH (UID {uid} FLAGS (\\Seen)"
        if "INTERNALDATE" in items:
            start += f' INTERNALDATE "{DATE}" RFC822.SIZE {self.size_of(octets)}'
        return start.encode()

    def fetch(self, uid, items):
        """What the whole command is refused with, if it is."""
        start = self.start_of(uid, items)
        if start is None:
            return None
        octets = self.folder.messages[uid]
        if "HEADER.FIELDS" in items:
            found = re.search(rb"^Message-ID:[^\r\n]*(?:\r\n[ \t][^\r\n]*)*\r\n", octets, re.I | re.M)
            header = (found[0] if found else b"") + b"\r\n"
            self.say(start + f" BODY[HEADER.FIELDS (MESSAGE-ID)] {{{len(header)}}}\r\n".encode() + header + b")\r\n")
            return None
        if "BODY.PEEK[]" in items:
            return self.fetch_body(uid, start, octets)
        self.say(start + b")\r\n")
        return None

    def fetch_body(self, uid, start, octets):
        self.say(start + f" BODY[] {{{len(octets)}}}\r\n".encode() + octets + b")\r\n")

    def size_of(self, octets):
        return len(octets)
