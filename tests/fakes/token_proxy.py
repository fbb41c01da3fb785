"""A TLS proxy before the token endpoint that hands everything on, and takes its time with refreshes.

Each refresh passes through the phases of PHASES; wait_for_phase() lets a test act inside of one."""
import http.client
import http.server
import ssl
import threading
import time

PHASES = ("asked",     # the request is here, the server does not know of it
          "answered",  # the server has answered, and rotated: only the answer knows the new refresh token
          "relayed")   # the last octet of the answer has gone to the client


class TokenProxy:
    """url: of the token endpoint. `delays()`: the seconds that a refresh stays in "asked" and in "answered"."""

    def __init__(self, server_port, certificate, delays):
        self._server_port, self._delays = server_port, delays
        self._phases = {phase: 0 for phase in PHASES}
        self._moved = threading.Condition()
        proxy = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):  # noqa: N802 (the base class wants the name)
                proxy._serve(self)

            def log_message(self, *_):
                pass

        self._http = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._http.daemon_threads = True
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(*certificate)
        self._http.socket = context.wrap_socket(self._http.socket, server_side=True, do_handshake_on_connect=False)
        self.url = f"https://localhost:{self._http.server_address[1]}/token"
        threading.Thread(target=self._http.serve_forever, daemon=True).start()

    def wait_for_phase(self, phase, seconds):
        """Until the next refresh enters it; False if none did."""
        with self._moved:
            seen = self._phases[phase]
            return self._moved.wait_for(lambda: self._phases[phase] > seen, seconds)

    def refreshes(self):
        return self._phases["relayed"]

    def close(self):
        self._http.shutdown()
        self._http.server_close()

    def _enter(self, phase):
        with self._moved:
            self._phases[phase] += 1
            self._moved.notify_all()

    def _serve(self, client):
        body = client.rfile.read(int(client.headers.get("Content-Length", 0)))
        is_refresh = b"grant_type=refresh_token" in body
        before, after = self._delays() if is_refresh else (0, 0)
        if is_refresh:
            self._enter("asked")
        time.sleep(before)
        status, headers, answer = self._ask(client.path, client.headers, body)
        if is_refresh:
            self._enter("answered")
        time.sleep(after)
        try:
            client.send_response(status)
            for name, value in headers:
                if name.lower() not in ("connection", "transfer-encoding", "content-length", "keep-alive"):
                    client.send_header(name, value)
            client.send_header("Content-Length", str(len(answer)))
            client.send_header("Connection", "close")
            client.end_headers()
            client.wfile.write(answer)
            client.wfile.flush()
        except OSError:
            return  # the client has gone: killed
        client.close_connection = True
        if is_refresh:
            self._enter("relayed")

    def _ask(self, path, headers, body):
        context = ssl.create_default_context()
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE  # the proxy is part of the test; the daemon does verify
        server = http.client.HTTPSConnection("localhost", self._server_port, context=context, timeout=30)
        try:
            server.request("POST", path, body, {name: headers[name] for name in ("Content-Type", "Accept")})
            answer = server.getresponse()
            return answer.status, answer.getheaders(), answer.read()
        finally:
            server.close()
