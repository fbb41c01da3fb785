"""The test's own eyes and hands at the mail server: loads messages, delivers new ones, notes every UID and flag."""
import base64
import re
import socket


def encode_folder(name):
    """Modified UTF-7, RFC 3501 §5.1.3."""
    def shift(match):
        coded = base64.b64encode(match[0].encode("utf-16-be")).decode().rstrip("=").replace("/", ",")
        return f"&{coded}-"
    return re.sub(r"[^\x20-\x7e]+", shift, name.replace("&", "&-"))


class Observer:
    """A minimal IMAP client on the plain port; one command at a time. Folders are named as the tests name them."""

    def __init__(self, port, user, password):
        self._socket = socket.create_connection(("127.0.0.1", port), 60)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._file = self._socket.makefile("rb")
        self._count = 0
        self._file.readline()
        self.command(f'LOGIN "{user}" "{password}"')
        self._has_modseq = b"CONDSTORE" in self.command("CAPABILITY")[0]

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def command(self, line):
        """The untagged lines of the answer, literals joined to theirs. Raises on NO and BAD."""
        self._count += 1
        tag = f"t{self._count}"
        self._socket.sendall(f"{tag} {line}\r\n".encode())
        return self._answer(tag)

    def _answer(self, tag):
        lines = []
        while True:
            line = self._file.readline()
            if not line:
                raise ConnectionError("the mail server closed the observer's connection")
            while literal := re.search(rb"\{(\d+)\}\r\n$", line):
                line += self._file.read(int(literal[1])) + self._file.readline()
            if line.startswith(tag.encode() + b" "):
                if not line.startswith(tag.encode() + b" OK"):
                    raise RuntimeError(line.decode("utf-8", "replace"))
                return lines
            lines.append(line)

    def wire(self, folder):
        """As the server spells it."""
        return encode_folder(folder)

    def create(self, folder):
        if folder != "INBOX":
            self.command(f'CREATE "{self.wire(folder)}"')

    def delete(self, folder):
        self.command(f'DELETE "{self.wire(folder)}"')

    def rename(self, old, new):
        self.command(f'RENAME "{self.wire(old)}" "{self.wire(new)}"')

    def select(self, folder):
        self.command(f'SELECT "{self.wire(folder)}"')

    def unselect(self):
        """Expunges nothing."""
        self.command("UNSELECT")

    def append(self, folder, messages):
        """Several messages in one MULTIAPPEND (RFC 3502)."""
        self._count += 1
        tag = f"t{self._count}"
        parts = [f'{tag} APPEND "{self.wire(folder)}"'.encode()]
        for message in messages:
            size = f"{{{len(message.octets)}+}}"
            parts.append(f' ({" ".join(message.flags)}) "{message.internal_date}" {size}\r\n'.encode())
            parts.append(message.octets)
        parts.append(b"\r\n")
        self._socket.sendall(b"".join(parts))
        self._answer(tag)

    def load(self, folder, messages, batch=200):
        self.create(folder)
        for start in range(0, len(messages), batch):
            self.append(folder, messages[start:start + batch])

    def folders(self):
        """Selectable folders, as the wire spells them."""
        lines = self.command('LIST "" "*"')
        return sorted(re.search(rb'"[/.]" "?(.*?)"?\r\n', line)[1].decode() for line in lines
                      if b"\\noselect" not in line.lower())

    def snapshot(self):
        """All that a client could have changed: {folder: (STATUS, every UID with its flags and mod-sequence)}.
        Looks with EXAMINE, so that not even \\Recent is disturbed."""
        seen = {}
        highest, modseq = (" HIGHESTMODSEQ", " MODSEQ") if self._has_modseq else ("", "")
        for folder in self.folders():
            status = self.command(f'STATUS "{folder}" (MESSAGES RECENT UIDNEXT UIDVALIDITY UNSEEN{highest})')
            self.command(f'EXAMINE "{folder}"')
            rows = [line for line in self.command(f"UID FETCH 1:* (FLAGS{modseq})") if b"FETCH (" in line]
            self.unselect()
            seen[folder] = (status, [re.sub(rb"\\Recent ?", b"", row) for row in rows])
        return seen

    def close(self):
        try:
            self.command("LOGOUT")
        finally:
            self._socket.close()


class CourierObserver(Observer):
    """Courier's folders lie below INBOX, and it knows neither MULTIAPPEND, LITERAL+ nor UNSELECT."""

    def wire(self, folder):
        return "INBOX" if folder == "INBOX" else "INBOX." + encode_folder(folder.replace("/", "."))

    def append(self, folder, messages):
        for message in messages:
            self._count += 1
            tag = f"t{self._count}"
            self._socket.sendall(f'{tag} APPEND "{self.wire(folder)}" ({" ".join(message.flags)}) '
                                 f'"{message.internal_date}" {{{len(message.octets)}}}\r\n'.encode())
            line = self._file.readline()
            if not line.startswith(b"+"):
                raise RuntimeError(line.decode("utf-8", "replace"))
            self._socket.sendall(message.octets + b"\r\n")
            self._answer(tag)

    def unselect(self):
        self.command("EXAMINE INBOX")  # CLOSE would expunge in a folder that may be written
        self.command("CLOSE")
