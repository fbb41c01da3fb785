"""Seeded messages of many shapes: the same seed gives the same octets. No two are alike, none holds a NUL.

What is compared is the SHA-256 of a message with CRLF made LF: the form in which a Maildir keeps it."""
import base64
import collections
import hashlib
import random

FLAGS = ("\\Seen", "\\Answered", "\\Flagged", "\\Draft")
_MONTHS = "Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split()
_ZONES = ("+0000", "-0800", "+0530", "+1245", "-0330")
_WORDS = ("mooring harbour tide anchor rope buoy quay bollard fender cleat hawser capstan slack ebb flood neap "
          "and the of to a in is that it was for on with as his they be at one have this from by").split()

Message = collections.namedtuple("Message", "octets flags internal_date")


def digest(octets):
    return hashlib.sha256(octets.replace(b"\r\n", b"\n")).hexdigest()


def multiset(messages):
    return collections.Counter(digest(message.octets) for message in messages)


class Corpus:
    """messages(n) yields the next n messages; sizes are 0.5 to 60 KB, every `big_every`-th one a few MB.
    With tame=True all have an empty line after the header: mbsync skips a message that has none."""

    def __init__(self, seed, big_every=400, tame=False):
        self._random = random.Random(f"mailmoor corpus {seed}")
        self._seed, self._big_every = seed, big_every
        self._shapes = [shape for shape in _SHAPES if not (tame and shape is Corpus._header_only)]
        self._count = 0
        self._pool = " ".join(self._random.choices(_WORDS, k=40_000))

    def messages(self, count):
        return [self.message() for _ in range(count)]

    def message(self):
        self._count += 1
        if self._big_every and self._count % self._big_every == 0:
            octets = self._attachment(self._random.randint(1_000_000, 4_000_000))
        else:
            shape = self._shapes[self._count % len(self._shapes)]
            octets = shape(self, int(500 * 120 ** self._random.random()))
        flags = tuple(flag for flag in FLAGS if self._random.random() < (0.6 if flag == "\\Seen" else 0.1))
        return Message(octets, flags, self._date())

    def _date(self):
        pick = self._random
        return (f"{pick.randint(1, 28):02}-{pick.choice(_MONTHS)}-{pick.randint(1996, 2025)} "
                f"{pick.randint(0, 23):02}:{pick.randint(0, 59):02}:{pick.randint(0, 59):02} {pick.choice(_ZONES)}")

    def _header(self, extra=()):
        lines = [f"Message-ID: <{self._seed}.{self._count}@corpus.test>",
                 f"From: \"Harbour, Master {self._count}\" <master{self._count % 17}@harbour.test>",
                 f"To: <crew-{self._count % 5}@corpus.test>",
                 f"Subject: {self._text(40)}",
                 f"Date: Tue, {self._date()[:20].replace('-', ' ')} +0000", *extra]
        return "\r\n".join(lines) + "\r\n"

    def _text(self, size):
        start = self._random.randrange(max(1, len(self._pool) - size))
        return self._pool[start:start + size].strip()

    def _lines(self, size, width=72):
        out, left = [], size
        while left > 0:
            out.append(self._text(min(left, self._random.randint(10, width))))
            left -= len(out[-1]) + 2
        return "\r\n".join(out) + "\r\n"

    def _prose(self, size):
        return (self._header() + "\r\n" + self._lines(size)).encode()

    def _eight_bit(self, size):
        """Octets above 127 with no MIME to explain them, in a header too."""
        head = self._header().encode() + "X-Hafen: Größe und Übersee".encode("latin-1") + b"\r\n\r\n"
        return head + (self._lines(size // 2) + "Ærøskøbing, Ölfjörður — 港\r\n" * (size // 60)).encode()

    def _long_lines(self, size):
        return (self._header() + "\r\n" + "x" * size + "\r\n" + "y" * 9_000 + "\r\n").encode()

    def _no_final_newline(self, size):
        return (self._header() + "\r\n" + self._lines(size) + "the last line has no end").encode()

    def _dot_lines(self, size):
        """Lines that other protocols and formats treat as special."""
        return (self._header() + "\r\n.\r\n..\r\nFrom the quay\r\n>From the quay\r\n)\r\n* BYE\r\n"
                + self._lines(size) + ".\r\n").encode()

    def _empty_body(self, _size):
        return (self._header() + "\r\n").encode()

    def _header_only(self, _size):
        """Not even the empty line after the header."""
        return self._header().encode()

    def _odd_headers(self, size):
        extra = ["X-Folded: one\r\n two\r\n\tthree", "x-lower:no space", "X-Empty:", "X-Spaces:    ",
                 "Subject: =?utf-8?B?SGFmZW4=?= =?iso-8859-1?Q?=DCbersee?=", "X-Colon: a: b: c",
                 "X-Long: " + "z" * 3_000]
        return (self._header(extra + [f"Received: from hop{hop}.test" for hop in range(40)])
                + "\r\n" + self._lines(size)).encode()

    def _no_message_id(self, size):
        head = self._header().split("\r\n", 1)[1]
        return (f"X-Serial: {self._seed}.{self._count}\r\n{head}\r\n" + self._lines(size)).encode()

    def _attachment(self, size):
        boundary = f"=_{self._seed}_{self._count}"
        raw = base64.encodebytes(self._random.randbytes(size * 3 // 4)).replace(b"\n", b"\r\n")
        head = self._header(("MIME-Version: 1.0", f'Content-Type: multipart/mixed; boundary="{boundary}"'))
        first = f"\r\npreamble\r\n--{boundary}\r\nContent-Type: text/plain\r\n\r\n{self._lines(200)}\r\n"
        second = (f'--{boundary}\r\nContent-Type: application/octet-stream; name="cargo.bin"\r\n'
                  "Content-Transfer-Encoding: base64\r\n\r\n")
        return (head + first + second).encode() + raw + f"--{boundary}--\r\n".encode()

    def _nested(self, size):
        boundary = f"outer {self._count}"
        inner = self._attachment(size // 2)
        head = self._header(("MIME-Version: 1.0", f'Content-Type: multipart/mixed; boundary="{boundary}"'))
        return (f"{head}\r\n--{boundary}\r\nContent-Type: message/rfc822\r\n\r\n".encode() + inner
                + f"\r\n--{boundary}--\r\nepilogue\r\n".encode())


_SHAPES = (Corpus._prose, Corpus._attachment, Corpus._eight_bit, Corpus._long_lines, Corpus._prose,
           Corpus._no_final_newline, Corpus._dot_lines, Corpus._empty_body, Corpus._header_only,
           Corpus._odd_headers, Corpus._no_message_id, Corpus._nested)
