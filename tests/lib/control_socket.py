"""HTTP over the daemon's control socket, for what asks often: a mailmoorctl with a sanitizer in it is dear to start."""
import http.client
import socket


class ControlSocket(http.client.HTTPConnection):
    def __init__(self, path):
        super().__init__("localhost", timeout=60)
        self._path = path

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self._path)
