"""An authorization server that answers as Microsoft's does, in words and shapes: device code, refresh with rotation,
and whatever a test has scripted. Lives in the test's own process.

    entra = Entra(certificate)
    entra.script("alice", error("invalid_grant", 50076, "you must use multi-factor authentication"))   # until heal()
    entra.journal("alice")       # the token requests of one account, oldest first
"""
import collections
import email.utils
import http.server
import json
import secrets
import socketserver
import ssl
import threading
import time
import urllib.parse
import uuid

TENANT = "contoso.example"


class Answer(collections.namedtuple("Answer", "status headers body")):
    """One HTTP answer. Headers: a dictionary; Date is this host's unless given."""


def error(word, code, text, status=400, headers=None, **more):
    """An error as Entra has it: description with trace and codes; `more`: suberror, claims."""
    trace, correlation = str(uuid.uuid4()), str(uuid.uuid4())
    stamp = time.strftime("%Y-%m-%d %H:%M:%SZ", time.gmtime())
    body = {"error": word,
            "error_description": f"AADSTS{code}: {text}\r\nTrace ID: {trace}\r\nCorrelation ID: {correlation}\r\n"
                                 f"Timestamp: {stamp}",
            "error_codes": [code], "timestamp": stamp, "trace_id": trace, "correlation_id": correlation,
            "error_uri": f"https://login.microsoftonline.com/error?code={code}", **more}
    return Answer(status, {"Content-Type": "application/json; charset=utf-8", **(headers or {})}, json.dumps(body))


def html(status, headers=None):
    return Answer(status, {"Content-Type": "text/html", **(headers or {})},
                  f"<html><head><title>{status}</title></head><body>Our services aren't available</body></html>")


def truncated():
    return Answer(200, {"Content-Type": "application/json"}, '{"token_type":"Bearer","expires_in":3599,"access_tok')


def http_date(seconds_from_now):
    return email.utils.formatdate(time.time() + seconds_from_now, usegmt=True)


class Entra:
    def __init__(self, certificate, access_token_seconds=3600):
        self.access_token_seconds = access_token_seconds
        self.lives = {}  # user → seconds that an access token lives instead
        self.next_user = None  # who signs in by the next device code
        self.pending_polls = 1  # how often that is still pending
        self.device_answers = collections.deque()  # what the next polls are answered before that
        self.grant_more = {}      # fields that every grant has besides
        self.rotates = True       # False: a refresh brings no new refresh token
        self._lock = threading.Lock()
        self._journal = []
        self._scripts = {}        # user → Answer
        self._devices = {}        # device code → [user, polls so far]
        self._refresh_tokens = {}  # token → user; Entra does not revoke the old one on use
        self._newest = {}         # user → refresh token
        self._access_tokens = {}  # token → (user, end)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*certificate)
        self._servers = [self._serve(context), self._serve(None)]
        self.authority = f"https://localhost:{self._servers[0].server_port}"
        self.introspection_url = f"http://127.0.0.1:{self._servers[1].server_port}/introspect"

    def stop(self):
        for server in self._servers:
            server.shutdown()
            server.server_close()

    # --- what a test says and asks -----------------------------------------------------------------------------------

    def script(self, user, answer):
        """What every refresh of this user is answered, until heal()."""
        with self._lock:
            self._scripts[user] = answer

    def heal(self):
        with self._lock:
            self._scripts.clear()

    def journal(self, user=None, grant_type=None):
        with self._lock:
            return [row for row in self._journal if user in (None, row["user"])
                    and grant_type in (None, row["grant_type"])]

    def newest(self, user):
        with self._lock:
            return self._newest.get(user)

    def holds(self, user, token):
        """Whether a mail server lets this user in with this access token now."""
        with self._lock:
            owner, end = self._access_tokens.get(token, (None, 0))
            return owner == user and time.time() < end

    def end_access_tokens(self, user):
        """Those given so far: as a mail server does by a clock of its own."""
        with self._lock:
            for token, (owner, _) in self._access_tokens.items():
                if owner == user:
                    self._access_tokens[token] = (owner, 0)

    # --- the endpoints -----------------------------------------------------------------------------------------------

    def answer(self, path, form):
        with self._lock:
            if path == "/introspect":
                return self._introspect(form)
            if path == f"/{TENANT}/oauth2/v2.0/devicecode":
                return self._devicecode()
            if path == f"/{TENANT}/oauth2/v2.0/token":
                return self._token(form)
            return html(404)

    def _devicecode(self):
        code = secrets.token_urlsafe(32)
        self._devices[code] = [self.next_user, 0]
        return self._json({"user_code": "ABCD1234", "device_code": code, "expires_in": 900, "interval": 1,
                           "verification_uri": f"{self.authority}/devicelogin",
                           "message": "To sign in, use a web browser"})

    def _token(self, form):
        grant_type = form.get("grant_type", "")
        row = {"at": time.time(), "grant_type": grant_type, "user": None, "client_id": form.get("client_id")}
        self._journal.append(row)
        if grant_type.endswith(":device_code"):
            device = self._devices.get(form.get("device_code"))
            if device is None:
                answer = error("bad_verification_code", 70018, "Invalid verification code")
            else:
                row["user"] = device[0]
                device[1] += 1
                answer = (self.device_answers.popleft() if self.device_answers
                          else error("authorization_pending", 70016, "Authorization is pending") if device[1] <= self.pending_polls
                          else self._grant(device[0]))
        elif grant_type == "refresh_token":
            user = self._refresh_tokens.get(form.get("refresh_token"))
            row["user"] = user
            row["newest"] = form.get("refresh_token") == self._newest.get(user)
            if user is None:
                answer = error("invalid_grant", 70000, "The provided refresh token is not valid", suberror="bad_token")
            else:
                answer = self._scripts.get(user) or self._grant(user, self.rotates)
        else:
            answer = error("unsupported_grant_type", 70003, "The app returned an unsupported grant type")
        row["status"] = answer.status
        return answer

    def _grant(self, user, rotates=True):
        access, more = "eyJ0" + secrets.token_urlsafe(900), dict(self.grant_more)
        if rotates:
            more["refresh_token"] = secrets.token_urlsafe(300)
            self._refresh_tokens[more["refresh_token"]] = user
            self._newest[user] = more["refresh_token"]
        seconds = self.lives.get(user, self.access_token_seconds)
        self._access_tokens[access] = (user, time.time() + seconds)
        # expires_in as text, the way the v1 endpoint and some proxies have it.
        return self._json({"token_type": "Bearer", "scope": "https://outlook.office.com/IMAP.AccessAsUser.All",
                           "expires_in": str(seconds), "ext_expires_in": seconds * 10,
                           "access_token": access, **more})

    def _introspect(self, form):
        user, end = self._access_tokens.get(form.get("token"), (None, 0))
        if user is None or end < time.time():
            return self._json({"active": False})
        return self._json({"active": True, "sub": user, "scope": "imap"})

    @staticmethod
    def _json(value):
        return Answer(200, {"Content-Type": "application/json; charset=utf-8", "Cache-Control": "no-store"},
                      json.dumps(value))

    def _serve(self, context):
        entra = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                text = self.rfile.read(int(self.headers.get("Content-Length", 0))).decode()
                answer = entra.answer(urllib.parse.urlsplit(self.path).path, dict(urllib.parse.parse_qsl(text)))
                body = answer.body.encode()
                self.send_response_only(answer.status)
                for name, value in {"Date": http_date(0), **answer.headers}.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_):
                pass

        class Server(socketserver.ThreadingMixIn, http.server.HTTPServer):
            daemon_threads = True
            request_queue_size = 128

            def handle_error(self, *_):
                pass  # a client that went away

        server = Server(("127.0.0.1", 0), Handler)
        if context is not None:
            server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        return server
