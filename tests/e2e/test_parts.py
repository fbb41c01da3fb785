"""Proves the parts that the other tests stand on, with Python's own IMAP client in the daemon's place."""
import collections
import fnmatch
import glob
import imaplib
import json
import os
import socket
import ssl
import threading
import unittest
import urllib.error
import urllib.parse
import urllib.request

from e2e.harness import EndToEnd
from e2e.not_applying import NOT_APPLYING
from fakes.corpus import Corpus, digest, multiset
from fakes.dovecot import PASSWORD
from fakes.faulty_proxy import Fault, FaultyProxy
from lib import maildir, secret_scan
from lib.mailmoor import yaml_text
from lib.processes import free_port

DEVICE_GRANT = "urn:ietf:params:oauth:grant-type:device_code"


class Stranger:
    """A client of the OAuth server and of Dovecot that is not ours."""

    def __init__(self, world):
        self._world = world
        self._context = ssl.create_default_context(cafile=world.authority.ca_file)
        self.endpoints = self._open(f"{world.oauth.issuer}/.well-known/openid-configuration")

    def _open(self, request):
        with urllib.request.urlopen(request, context=self._context, timeout=20) as answer:
            return json.load(answer)

    def post(self, endpoint, **fields):
        request = urllib.request.Request(self.endpoints[endpoint], urllib.parse.urlencode(fields).encode())
        try:
            return self._open(request)
        except urllib.error.HTTPError as refusal:
            with refusal:
                return json.load(refusal)

    def token(self, login):
        device = self.post("device_authorization_endpoint", client_id="mailmoor", scope="imap offline_access")
        self._world.person(login).enter_device_code(device["verification_uri"], device["user_code"])
        return self.post("token_endpoint", client_id="mailmoor", grant_type=DEVICE_GRANT,
                         device_code=device["device_code"])

    def refresh(self, token):
        return self.post("token_endpoint", client_id="mailmoor", grant_type="refresh_token",
                         refresh_token=token["refresh_token"])

    def imap(self, port=None):
        return imaplib.IMAP4_SSL("localhost", port or self._world.server.imaps_port, ssl_context=self._context)

    def sign_in(self, login, access_token, mechanism="XOAUTH2", port=None):
        message = {"XOAUTH2": f"user={login}\1auth=Bearer {access_token}\1\1",
                   "OAUTHBEARER": f"n,a={login},\1auth=Bearer {access_token}\1\1"}[mechanism]
        client = self.imap(port)
        client.authenticate(mechanism, lambda challenge: b"" if challenge else message.encode())
        return client


def fetch_all(client, folder="INBOX"):
    client.select(folder, readonly=True)
    rows = client.uid("FETCH", "1:*", "(BODY.PEEK[])")[1]
    return collections.Counter(digest(row[1]) for row in rows if isinstance(row, tuple))


def cases(suite):
    for part in suite:
        if isinstance(part, unittest.TestSuite):
            yield from cases(part)
        else:
            yield part


class Parts(EndToEnd):
    def test_device_login_then_both_oauth_mechanisms_read_the_corpus(self):
        world = self.world(oauth=True, access_token_seconds=20)
        world.fill("alice", {"INBOX": 60, "Entwürfe & R": 5})
        stranger = Stranger(world)
        token = stranger.token("alice")
        self.assertEqual(20, token["expires_in"])
        for mechanism in ("XOAUTH2", "OAUTHBEARER"):
            client = stranger.sign_in("alice", token["access_token"], mechanism)
            self.assertEqual(multiset(world.originals["alice"]["INBOX"]), fetch_all(client))
            client.logout()
        sessions = world.server.ended_sessions()
        self.assertEqual([("XOAUTH2", True, 60), ("OAUTHBEARER", True, 60)],
                         [(row.method, row.tls, row.bodies) for row in sessions])
        self.assertEqual([b"INBOX", b"Entw&APw-rfe &- R"],
                         sorted((folder.encode() for folder in world.snapshot("alice")), key=len))

    def test_refresh_rotates_and_the_old_token_revokes_the_grant(self):
        world = self.world(oauth=True)
        stranger = Stranger(world)
        first = stranger.token("alice")
        second = stranger.refresh(first)
        self.assertNotEqual(first["refresh_token"], second["refresh_token"])
        self.assertEqual("invalid_grant", stranger.refresh(first)["error"])
        self.assertEqual("invalid_grant", stranger.refresh(second)["error"])
        self.assertEqual([True], [row["rotated"] for row in world.oauth.refreshes("alice")])
        self.assertEqual(2, len(world.oauth.failed_grants()))
        issued = {value for _, value in world.oauth.issued()}
        self.assertLessEqual({second["access_token"], second["refresh_token"]}, issued)

    def test_entra_like_rotation_keeps_the_old_token_good(self):
        world = self.world(oauth=True, rotation="entra")
        stranger = Stranger(world)
        first = stranger.token("alice")
        second = stranger.refresh(first)
        self.assertNotEqual(first["refresh_token"], second["refresh_token"])
        self.assertIn("access_token", stranger.refresh(first))

    def test_faults_and_revocation_at_the_token_endpoint(self):
        world = self.world(oauth=True)
        stranger = Stranger(world)
        token = stranger.token("alice")
        world.oauth.fail_next({"status": 503, "headers": {"Retry-After": "7"}, "body": '{"error": "busy"}'})
        self.assertEqual("busy", stranger.refresh(token)["error"])
        token = stranger.refresh(token)
        world.oauth.revoke("alice")
        self.assertEqual("invalid_grant", stranger.refresh(token)["error"])
        with self.assertRaises(imaplib.IMAP4.error):
            stranger.sign_in("alice", token["access_token"])
        self.assertEqual(1, len(world.server.failed_logins()))

    def test_a_token_opens_nobody_elses_mailbox(self):
        world = self.world(oauth=True)
        stranger = Stranger(world)
        with self.assertRaises(imaplib.IMAP4.error):
            stranger.sign_in("bob", stranger.token("alice")["access_token"])

    def test_code_with_pkce_ends_in_the_address_bar(self):
        world = self.world(oauth=True)
        stranger = Stranger(world)
        query = urllib.parse.urlencode({
            "client_id": "mailmoor", "response_type": "code", "scope": "imap offline_access", "state": "s1",
            "redirect_uri": "http://127.0.0.1:9/", "code_challenge_method": "S256",
            "code_challenge": "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"})
        landed = world.person("alice").authorize(f"{stranger.endpoints['authorization_endpoint']}?{query}")
        code = urllib.parse.parse_qs(urllib.parse.urlsplit(landed).query)["code"][0]
        token = stranger.post("token_endpoint", client_id="mailmoor", grant_type="authorization_code", code=code,
                              redirect_uri="http://127.0.0.1:9/",
                              code_verifier="dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk")  # RFC 7636 appendix B
        self.assertIn("refresh_token", token)

    def test_snapshot_notices_a_read_message_and_looking_changes_nothing(self):
        world = self.world()
        world.fill("alice", {"INBOX": 3})
        before = world.snapshot("alice")
        self.assertEqual(before, world.snapshot("alice"))
        client = imaplib.IMAP4("127.0.0.1", world.server.imap_port)
        client.login("alice", PASSWORD)
        client.select("INBOX")
        client.logout()
        self.assertNotEqual(before, world.snapshot("alice"))  # SELECT alone cleared \\Recent

    def test_restart_keeps_the_mail_and_the_ports(self):
        world = self.world()
        world.fill("alice", {"INBOX": 3})
        before = world.snapshot("alice")
        world.server.restart()
        rows = [(name, flags) for name, (_, flags) in world.snapshot("alice").items()]
        self.assertEqual([(name, flags) for name, (_, flags) in before.items()], rows)

    def test_proxy_cuts_on_the_octet_stalls_and_greets(self):
        world = self.world()
        world.fill("alice", {"INBOX": 30})
        proxy = FaultyProxy(world.server.imaps_port, world.certificate,
                            [Fault("greet", text=b"\x00\xff garbage\r\n"), Fault("cut", 10), Fault("stall", 25_000)])
        self.addCleanup(proxy.close)
        context = ssl.create_default_context(cafile=world.authority.ca_file)

        def connect():
            plain = socket.create_connection(("127.0.0.1", proxy.port), 20)
            return context.wrap_socket(plain, server_hostname="localhost")

        for want in (b"\x00\xff garbage\r\n", b"* OK [CAPA"):
            with connect() as side, side.makefile("rb") as file:
                self.assertEqual(want, file.read())
        with connect() as side:
            side.sendall(f"a LOGIN alice {PASSWORD}\r\nb EXAMINE INBOX\r\nc FETCH 1:* BODY.PEEK[]\r\n".encode())
            got = b""
            while len(got) < 25_000:
                got += side.recv(65_536)
            self.assertEqual(25_000, len(got))
            side.settimeout(0.3)
            with self.assertRaises(TimeoutError):
                side.recv(1)
        client = imaplib.IMAP4_SSL("localhost", proxy.port, ssl_context=context)
        client.login("alice", PASSWORD)
        self.assertEqual(multiset(world.originals["alice"]["INBOX"]), fetch_all(client))
        client.logout()
        self.assertEqual(4, len(proxy.connections))

    def test_servers_listen_on_loopback_only(self):
        world = self.world(oauth=True)
        ports = {world.server.imaps_port, world.server.imap_port, world.server.observer_port,
                 urllib.parse.urlsplit(world.oauth.issuer).port, urllib.parse.urlsplit(world.oauth.plain).port}
        bound = set()
        for table in ("/proc/net/tcp", "/proc/net/tcp6"):
            with open(table, encoding="ascii") as file:
                for row in list(file)[1:]:
                    address, port = row.split()[1].split(":")
                    if row.split()[3] == "0A" and int(port, 16) in ports:
                        bound.add((address, int(port, 16)))
        self.assertEqual({("0100007F", port) for port in ports}, bound)


class Instruments(EndToEnd):
    """The judges themselves: each must be able to say no."""

    def test_corpus_repeats_itself_and_no_two_messages_are_alike(self):
        first, again = Corpus("x").messages(900), Corpus("x").messages(900)
        self.assertEqual(first, again)
        self.assertEqual(900, len(multiset(first)))
        self.assertNotEqual(first[0], Corpus("y").message())
        octets = [message.octets for message in first]
        self.assertTrue(any(not text.endswith(b"\n") for text in octets))
        self.assertTrue(any(b"\r\n\r\n" not in text for text in octets))
        self.assertTrue(any(len(text) > 1_000_000 for text in octets))
        self.assertFalse(any(b"\0" in text for text in octets))

    def test_maildir_reader_sees_torn_and_double_messages(self):
        place = f"{self.world().directory}/box"
        for name in ("cur", "new", "tmp", ".Sent/new"):
            os.makedirs(f"{place}/{name}")
        for path, text in (("cur/1.V1U1.h,S=3:2,S", b"a\n"), ("new/1.V1U1.h,S=3", b"a\n"),
                           (".Sent/new/1.V1U1.h,S=3", b"b\n"), ("tmp/x", b"half")):
            with open(f"{place}/{path}", "wb") as file:
                file.write(text)
        known = collections.Counter([digest(b"a\r\n")])
        self.assertEqual([(".", "1", "1")], maildir.duplicates(place))
        self.assertEqual([f"{place}/.Sent/new/1.V1U1.h,S=3"], maildir.strangers(place, known))
        self.assertEqual([f"{place}/tmp/x"], maildir.leftovers(place))
        self.assertEqual("0 missing, 2 too many (1 double), of 1", maildir.difference(maildir.multiset(place), known))

    def test_secret_scan_finds_every_spelling(self):
        import base64
        secret = "DhXPoer6vqhNY_O2oiqVjnJgQjVvmU0sgWP0uikG6qj"
        for lead in range(7):
            for tail in range(4):
                hidden = b"u" * lead + secret.encode() + b"\1" * tail
                for text in (hidden, base64.b64encode(hidden), base64.urlsafe_b64encode(hidden), hidden.hex().encode()):
                    self.assertEqual([("log", "t")], secret_scan.find([("t", secret)], {"log": b"x " + text + b" y"}))
        self.assertEqual([], secret_scan.find([("t", secret)], {"log": secret[:-1].encode()}))

    def test_yaml_writer(self):
        text = yaml_text({"a": {"b": {"file": "x"}}, "list": [{"name": "n", "f": {"in": ["I", "S*"], "ex": []}}]})
        self.assertEqual('a:\n  b: {"file": "x"}\n'
                         'list:\n  - name: "n"\n    f:\n      in: ["I", "S*"]\n      ex: []', text)

    def test_what_does_not_apply_to_a_server_exists(self):
        names = [case.id() for module in glob.glob(f"{os.path.dirname(__file__)}/test_*.py")
                 for case in cases(unittest.defaultTestLoader.loadTestsFromName(f"e2e.{os.path.basename(module)[:-3]}"))]
        for server, rows in NOT_APPLYING.items():
            for pattern, reason in rows.items():
                self.assertTrue(fnmatch.filter(names, pattern), f"{server}: {pattern}")
                self.assertNotEqual("", reason)

    def test_free_ports_differ(self):
        self.assertGreater(len({free_port() for _ in range(20)}), 10)

    def test_threads_are_not_left_behind(self):
        self.assertLess(threading.active_count(), 20)
