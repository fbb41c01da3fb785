"""What a fake mail server saw of its clients: every connection and every line, with the time at which it came, and the
pauses that the server imposed. Times are of the monotonic clock, seconds."""
import re
import threading
from collections import namedtuple

# kind: connect, command (literals in place, as JSON-like quoted strings), reply (to a challenge), end.
# octets: of the longest line of it, with its end. at: when its last octet had come.
Row = namedtuple("Row", "at session user kind text octets")
Pause = namedtuple("Pause", "start end")

# All that a client who only reads may say. Everything else changes something, or is a way to.
READING = re.compile(r"(CAPABILITY|NOOP|ID|LOGOUT|AUTHENTICATE|LOGIN|LIST|STATUS|NAMESPACE|ENABLE|EXAMINE|IDLE|UNSELECT|"
                     r"UID FETCH)\b", re.I)
UNPEEKED = re.compile(r"\bBODY\[|\bRFC822(?!\.SIZE)", re.I)


class Journal:
    def __init__(self):
        self._lock = threading.Lock()
        self._rows, self._pauses = [], []

    def add(self, row):
        with self._lock:
            self._rows.append(row)

    def pause(self, start, end):
        with self._lock:
            self._pauses.append(Pause(start, end))

    def rows(self, kind=None, match="", user=None):
        with self._lock:
            return [row for row in self._rows if kind in (None, row.kind) and user in (None, row.user)
                    and re.search(match, row.text, re.I)]

    def commands(self, match="", user=None):
        return [row.text for row in self.rows("command", match, user)]

    def logins(self, user=None):
        """Attempts, the refused ones among them."""
        return len(self.rows("command", r"^(AUTHENTICATE|LOGIN)\b", user))

    def connections(self):
        return len(self.rows("connect"))

    def changing(self):
        """What a client who only reads has no business to say."""
        return [text for text in self.commands() if not READING.match(text)
                or (text.upper().startswith("UID FETCH") and UNPEEKED.search(text))]

    def inside_pauses(self):
        """Whatever came while the server had asked for silence."""
        with self._lock:
            return [(row, pause) for pause in self._pauses for row in self._rows
                    if pause.start < row.at < pause.end and row.kind != "end"]

    @property
    def pauses(self):
        with self._lock:
            return list(self._pauses)

    def longest(self):
        """Octets of the longest command line, logins apart: those have a token in them."""
        return max((row.octets for row in self.rows("command") if not row.text.upper().startswith("AUTHENTICATE")),
                   default=0)

    def repeated(self, match):
        """How often each command that matches came, in one session: {(session, text): times}, those said once left
        out."""
        times = {}
        for row in self.rows("command", match):
            times[row.session, row.text] = times.get((row.session, row.text), 0) + 1
        return {key: count for key, count in times.items() if count > 1}
