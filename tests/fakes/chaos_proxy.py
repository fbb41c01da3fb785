"""A TCP proxy before the mail server that hands everything on until it is told to strike, then and as long as told.

With a certificate it ends the client's TLS and opens its own to the server: faults then fall on octets of IMAP. Without
one it knows nothing of TLS, and they fall on the octets of its records."""
import select
import socket
import ssl
import struct
import threading
import time
from collections import Counter, namedtuple

from fakes.faulty_proxy import close_both_ways
from lib.processes import wait_until

# At one moment, on what is connected then, after `after` more octets or `seconds`, whichever comes first:
#   cut       both sides are closed, TLS without its good-bye
#   reset     the same, with RST
#   garbage   `octets` get in between those that go to `to` ("client", "server"); the connection stays
# For `seconds`:
#   stall     nothing goes through, either way; all of it does afterwards
#   drip      a few octets at a time
#   refuse    every connection is reset, new ones are refused
#   silent    every connection is reset, new ones are accepted, told nothing, and closed at the end
Fault = namedtuple("Fault", "kind seconds after octets to", defaults=(0.0, 0, b"", "client"))
MOMENTS = ("cut", "reset", "garbage")
LASTING = ("stall", "drip", "refuse", "silent")

_LOOK_AGAIN = 0.02  # how soon a link sees what was decided elsewhere, seconds
_DRIP = (3, 0.004)  # octets, and seconds between them


class _Link:
    """One client's connection and the one to the server for it; its own thread alone touches the sockets."""

    def __init__(self, proxy, client, server):
        self._proxy = proxy
        self.client, self.server = client, server
        self._armed = None  # (fault, octets left, the time at which it strikes at the latest)

    def arm(self, fault):
        self._armed = (fault, fault.after, time.monotonic() + fault.seconds)

    def run(self):
        """Until one side closes, or a fault ends it. One thread serves both ways: an SSL object bears no two."""
        while True:
            if self._armed and time.monotonic() >= self._armed[2] and self._strike():
                return
            mode = self._proxy.mode
            if mode == "stall":
                time.sleep(_LOOK_AGAIN)
                continue
            ready = [side for side in (self.client, self.server) if isinstance(side, ssl.SSLSocket) and side.pending()]
            for source in ready or select.select([self.client, self.server], [], [], _LOOK_AGAIN)[0]:
                octets = source.recv(_DRIP[0] if mode == "drip" else 16_384)
                if not octets or self._hand_on(source, octets):
                    return
            if mode == "drip":
                time.sleep(_DRIP[1])

    def _hand_on(self, source, octets):
        """True: this was the end."""
        target = self.server if source is self.client else self.client
        if armed := self._armed:
            fault, left, latest = armed
            towards = self.server if fault.kind == "garbage" and fault.to == "server" else self.client
            if target is towards:
                if len(octets) > left:
                    target.sendall(octets[:left])
                    octets = octets[left:]
                    if self._strike():
                        return True
                else:
                    self._armed = (fault, left - len(octets), latest)
        target.sendall(octets)
        return False

    def _strike(self):
        """True: this was the end."""
        (fault, *_), self._armed = self._armed, None
        if fault.kind == "garbage":
            (self.server if fault.to == "server" else self.client).sendall(fault.octets)
        elif fault.kind == "cut":
            self._end(close_both_ways)
        else:
            self._end(_reset)
        self._proxy.struck(fault)
        return fault.kind != "garbage"

    def _end(self, how):
        for side in (self.client, self.server):
            how(side)


class ChaosProxy:
    """strike() from one thread."""

    def __init__(self, port, target_port, certificate=None):
        self.port = port
        self.mode = "pass"  # or what lasts
        self.hits = Counter()  # kind → how many connections it befell
        self._target_port, self._context = target_port, None
        if certificate:
            self._context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
            self._context.load_cert_chain(*certificate)
        self._lock = threading.Lock()
        self._links, self._held = set(), []
        self._struck, self._listens = threading.Event(), threading.Event()
        self._closed = False
        self._listener = socket.create_server(("127.0.0.1", port))
        self._listens.set()
        threading.Thread(target=self._accept, daemon=True).start()

    def strike(self, fault):
        """Back once it is over; returns that time (monotonic)."""
        if fault.kind in MOMENTS:
            self._struck.clear()
            while not self._struck.is_set():  # again, if the connection ended by itself meanwhile
                wait_until(lambda: self._arm(fault), 10, "a connection to strike")
                self._struck.wait(fault.seconds + 1)
            return time.monotonic()
        self.mode = fault.kind
        if fault.kind == "refuse":
            self._listens.clear()
            self._listener.shutdown(socket.SHUT_RDWR)  # the port stays ours
        if fault.kind in ("refuse", "silent"):
            self._arm(Fault("reset"))
        time.sleep(fault.seconds)
        if fault.kind == "refuse":
            self._listener.listen()
            self._listens.set()
        self.mode = "pass"
        over = time.monotonic()
        with self._lock:
            held, self._held = self._held, []
        for client in held:
            close_both_ways(client)
        return over

    def struck(self, fault):
        with self._lock:
            self.hits[fault.kind] += 1
        self._struck.set()

    def close(self):
        self._closed = True
        self._listens.set()
        close_both_ways(self._listener)
        self._arm(Fault("cut"))

    def _arm(self, fault):
        """How many connections it will befall."""
        with self._lock:
            for link in self._links:
                link.arm(fault)
            return len(self._links)

    def _accept(self):
        while not self._closed:
            self._listens.wait()
            try:
                client, _ = self._listener.accept()
            except OSError:
                time.sleep(_LOOK_AGAIN)  # until strike() listens again, or close() is done
                continue
            if self.mode == "silent":
                with self._lock:
                    self._held.append(client)
                    self.hits["silent"] += 1
            else:
                threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client):
        sides, link = [client], None
        try:
            while self.mode == "stall":
                time.sleep(_LOOK_AGAIN)
            if self._context:
                client = sides[0] = self._context.wrap_socket(client, server_side=True)
            server = socket.create_connection(("127.0.0.1", self._target_port))
            sides.append(server)
            if self._context:
                server = sides[1] = _untrusting().wrap_socket(server)
            for side in sides:
                side.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            link = _Link(self, client, server)
            with self._lock:
                self._links.add(link)
            link.run()
        except (OSError, ValueError):  # ValueError: select() of a socket that is closed
            pass
        finally:
            with self._lock:
                self._links.discard(link)
            for side in sides:
                close_both_ways(side)


def _untrusting():
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE  # the proxy is part of the test; the daemon does verify
    return context


def _reset(side):
    try:
        side.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    except OSError:
        pass
    side.close()
