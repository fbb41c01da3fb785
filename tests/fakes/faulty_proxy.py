"""A TLS proxy before the mail server that misbehaves as told, one connection after the other.

It ends the client's TLS and opens its own to the server, so that a fault falls on an exact octet of the IMAP stream."""
import select
import socket
import ssl
import threading
import time
from collections import deque, namedtuple

# pass_: hands everything on. cut: closes both sides after `after` octets from the server. stall: forwards nothing more
# after them, and keeps the connection open. greet: answers with `text` instead of the server, then closes.
Fault = namedtuple("Fault", "kind after text", defaults=(0, b""))
PASS = Fault("pass")


class FaultyProxy:
    """faults: what happens to the next connections; when it is empty they pass. impersonate(): another certificate is
    shown from then on."""

    def __init__(self, target_port, certificate, faults=()):
        self.faults = deque(faults)
        self.connections = []  # the time at which each came, seconds
        self._target_port = target_port
        self.impersonate(certificate)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self._open = set()
        threading.Thread(target=self._accept, daemon=True).start()

    def impersonate(self, certificate):
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(*certificate)
        self._context = context

    def _accept(self):
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            self.connections.append(time.monotonic())
            fault = self.faults.popleft() if self.faults else PASS
            threading.Thread(target=self._serve, args=(client, fault), daemon=True).start()

    def _serve(self, plain, fault):
        sides = [plain]
        try:
            client = self._context.wrap_socket(plain, server_side=True)
            sides = [client]
            if fault.kind == "greet":
                client.sendall(fault.text)
                return
            server_context = ssl.create_default_context()
            server_context.check_hostname = False
            server_context.verify_mode = ssl.CERT_NONE  # the proxy is part of the test; the daemon does verify
            server = server_context.wrap_socket(socket.create_connection(("127.0.0.1", self._target_port)))
            sides.append(server)
            self._open.update(sides)
            self._relay(client, server, fault)
        except OSError:
            pass
        finally:
            for side in sides:
                self._open.discard(side)
                close_both_ways(side)

    @staticmethod
    def _relay(client, server, fault):
        """Until one side closes, or the fault strikes. One thread serves both ways: an SSL object bears no two."""
        passed = 0
        while True:
            waiting = [side for side in (client, server) if side.pending()]
            for source in waiting or select.select([client, server], [], [])[0]:
                octets = source.recv(16_384)
                if not octets:
                    return
                if source is client:
                    server.sendall(octets)
                    continue
                if fault.kind in ("cut", "stall") and passed + len(octets) > fault.after:
                    client.sendall(octets[:fault.after - passed])
                    if fault.kind == "stall":
                        while client.recv(16_384):
                            pass
                    return
                client.sendall(octets)
                passed += len(octets)

    def cut_all(self):
        """Ends every connection there is now."""
        for side in list(self._open):
            close_both_ways(side)

    def close(self):
        self._listener.close()
        self.cut_all()


def close_both_ways(side):
    try:
        side.shutdown(socket.SHUT_RDWR)
    except OSError:
        pass
    side.close()
