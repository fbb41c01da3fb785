"""Starts tests/e2e/oidc/server.mjs and reads what it writes down."""
import json
import os
import signal
import urllib.request

from lib.processes import Child, wait_until

REPOSITORY = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
# tests/lib/provision.sh copies the server there and installs what it needs beside it.
SERVER_DIRECTORY = os.environ.get("MAILMOOR_OIDC_DIR", f"{REPOSITORY}/build/oidc")


class OauthServer:
    """issuer: https://localhost:PORT, under the authority's CA; plain: http://127.0.0.1:PORT for introspection."""

    def __init__(self, directory, certificate, access_token_seconds=3600, rotation="strict", device_interval=1,
                 detach=False, client_certificate=None):
        os.makedirs(directory, exist_ok=True)
        self.issued_file = f"{directory}/issued-tokens"
        self.log_file = f"{directory}/log.json"
        for path in (self.issued_file, self.log_file):
            with open(path, "wb"):
                pass
        output = f"{directory}/stdout"
        argv = ["node", f"{SERVER_DIRECTORY}/server.mjs", "--cert", certificate[0], "--key", certificate[1],
                "--access-token-seconds", str(access_token_seconds), "--rotation", rotation,
                "--device-interval", str(device_interval), "--issued", self.issued_file, "--log", self.log_file]
        if client_certificate:
            argv += ["--client-certificate", client_certificate]
        self.child = Child(argv, output, f"{directory}/stderr", detach=detach)

        def addresses():
            if not self.child.running():
                raise RuntimeError(f"the OAuth server did not start:\n{self.child.output()}")
            with open(output, encoding="utf-8") as file:
                return file.read().endswith("\n")

        wait_until(addresses, 30, "the OAuth server to listen")
        with open(output, encoding="utf-8") as file:
            listening = json.loads(file.readline())
        self.issuer, self.plain = listening["issuer"], listening["plain"]

    def introspection_url(self):
        return self.plain.replace("http://", "http://dovecot:introspection-secret@") + "/token/introspection"

    def issued(self):
        """[(kind, value)] of every secret ever given to a client."""
        with open(self.issued_file, encoding="ascii") as file:
            return [tuple(line.split()) for line in file]

    def events(self, event=None, **wanted):
        """What the server logged, oldest first, as dictionaries."""
        with open(self.log_file, encoding="utf-8") as file:
            rows = [json.loads(line) for line in file if line.endswith("\n")]
        return [row for row in rows if (event is None or row["event"] == event)
                and all(row.get(key) == value for key, value in wanted.items())]

    def refreshes(self, account=None):
        rows = self.events("token", grant_type="refresh_token", status=200)
        return [row for row in rows if account is None or row.get("account") == account]

    def failed_grants(self):
        """Refused token requests, other than the polls that RFC 8628 §3.5 expects."""
        waiting = ("authorization_pending", "slow_down")
        return [row for row in self.events("token") if row["status"] != 200 and row.get("error") not in waiting]

    def fail_next(self, *faults):
        """Each fault is {"status", "headers", "body"}: the answers to the next token requests."""
        self._post("/_test/faults", list(faults))

    def revoke(self, account):
        self._post("/_test/revoke", {"account": account})

    def revoke_access(self, account):
        """Only the access tokens die, before their time; the refresh token stays good."""
        self._post("/_test/revoke", {"account": account, "only": "AccessToken"})

    def pause(self):
        """Connections are taken, nothing is answered."""
        self.child.signal(signal.SIGSTOP)

    def go_on(self):
        self.child.signal(signal.SIGCONT)

    def _post(self, path, value):
        request = urllib.request.Request(self.plain + path, json.dumps(value).encode())
        with urllib.request.urlopen(request, timeout=10) as answer:
            return json.load(answer)

    def stop(self):
        self.child.kill()
