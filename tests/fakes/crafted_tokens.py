"""An authorization server that gives whatever token a test wants: device codes that are approved at once, JWTs with the
claims set, and introspection for Dovecot. Speaks as Entra does where that matters (paths, no rotation).

    server = CraftedTokens(directory, certificate)
    server.claims = {"aud": "https://graph.microsoft.com", …}    # None: an opaque token
    server.user = "alice"                                        # whom the mail server lets in with it; None: nobody
"""
import base64
import http.server
import json
import ssl
import threading
import time


def _part(value):
    return base64.urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")


class CraftedTokens:
    def __init__(self, directory, certificate, *_ignored, **_too):
        del directory
        self.claims, self.user, self.scope = {}, None, ""
        self.clock_offset = 0
        self.tokens = []  # every access token given, the last one last
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*certificate)
        self._secure, self._plain = self._server(), self._server()
        self._secure.socket = context.wrap_socket(self._secure.socket, server_side=True)
        self.authority = f"https://localhost:{self._secure.server_address[1]}"
        for server in (self._secure, self._plain):
            threading.Thread(target=server.serve_forever, daemon=True).start()

    def _server(self):
        owner = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def date_time_string(self, timestamp=None):
                return super().date_time_string((timestamp or time.time()) + owner.clock_offset)

            def log_message(self, *_arguments):
                pass

            def do_GET(self):
                self._reply(405, {})

            def do_POST(self):
                form = self.rfile.read(int(self.headers.get("Content-Length", 0))).decode()
                self._reply(*owner.answer(self.path, form))

            def _reply(self, status, value):
                body = json.dumps(value).encode()
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

        return http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)

    def answer(self, path, form):
        if path.endswith("/devicecode"):
            return 200, {"device_code": "device-code", "user_code": "ABCD-EFGH", "expires_in": 900, "interval": 1,
                         "verification_uri": f"{self.authority}/device"}
        if path.endswith("/token"):
            return 200, {"token_type": "Bearer", "expires_in": 3600, "access_token": self._make(),
                         "refresh_token": "a-refresh-token-that-stays", **({"scope": self.scope} if self.scope else {})}
        if path.endswith("/introspection"):
            known = self.user is not None and any(token in form for token in self.tokens)
            return 200, {"active": known, "sub": self.user, "scope": "imap"} if known else {"active": False}
        return 404, {}

    def _make(self):
        if self.claims is None:
            token = f"EwB4opaque{len(self.tokens):04}" + "x" * 60
        else:
            # Distinct every time, as a real one is.
            claims = {"exp": int(time.time()) + 3600, "uti": f"id-{len(self.tokens)}", **self.claims}
            token = ".".join((_part({"typ": "JWT", "alg": "RS256"}), _part(claims), _part("the signature of it all")))
        self.tokens.append(token)
        return token

    def introspection_url(self):
        return f"http://dovecot:secret@127.0.0.1:{self._plain.server_address[1]}/introspection"

    def stop(self):
        for server in (self._secure, self._plain):
            server.shutdown()
            server.server_close()
