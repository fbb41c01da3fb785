"""Stands between Courier's login and its imapd, hands every octet on and keeps a copy of it.

usage: courier_recorder.py DIRECTORY IMAPD ARGUMENT…
Writes DIRECTORY/<nanoseconds>-<port>-<user>.in, .out, and .end once the session is over. Nothing but the standard
library: it runs as the server's user."""
import os
import selectors
import subprocess
import sys
import time


def main():
    directory, argv = sys.argv[1], sys.argv[2:]
    base = f"{directory}/{time.time_ns()}-{os.environ['TCPLOCALPORT']}-{os.environ['AUTHENTICATED']}"
    for side in (0, 1):
        os.set_blocking(side, True)
    imapd = subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0)
    with open(f"{base}.out", "wb", 0) as answered, open(f"{base}.in", "wb", 0) as sent:
        relays = selectors.DefaultSelector()
        relays.register(0, selectors.EVENT_READ, (imapd.stdin, sent))
        relays.register(imapd.stdout, selectors.EVENT_READ, (open(1, "wb", 0), answered))
        try:
            _relay(relays, imapd)
        except OSError:
            pass  # one side has gone
    imapd.stdin.close()
    imapd.stdout.close()
    imapd.wait()
    os.close(1)
    with open(f"{base}.end", "wb"):
        pass


def _relay(relays, imapd):
    """Until imapd has said its last word."""
    while True:
        for ready, _ in relays.select():
            octets = os.read(ready.fd, 65_536)
            sink, copy = ready.data
            if not octets and ready.fd == 0:
                relays.unregister(0)
                imapd.stdin.close()
                continue
            if not octets:
                return
            copy.write(octets)
            while octets:
                octets = octets[sink.write(octets):]


main()
