"""Signing in with a password, and whom the daemon trusts with it: TLS is verified, always (P6)."""
from e2e.harness import SERVER, EndToEnd
from fakes.dovecot import PASSWORD
from fakes.tls_authority import TlsAuthority
from lib import maildir

# Only Dovecot can be told to offer nothing else, and tells what was used.
ONLY_PLAIN, MECHANISM = ({"mechanisms": "plain"}, "PLAIN") if SERVER.startswith("dovecot") else ({}, None)


class Passwords(EndToEnd):
    def _once(self, world, config):
        daemon = self.daemon(world, config, start=False)
        mark = world.server.mark()
        status = daemon.once()
        self.assertEqual(0, status, daemon.log_end())
        sessions = world.server.ended_sessions(mark)
        self.assertTrue(all(row.tls for row in sessions))
        self.assertEqual([], world.server.failed_logins())
        return daemon, sessions

    def test_plain_over_tls_from_the_first_octet(self):
        world = self.world(**ONLY_PLAIN)
        world.fill("alice", {"INBOX": 20})
        daemon, sessions = self._once(world, world.config("alice"))
        self.assertEqual({MECHANISM}, {row.method for row in sessions})
        self.assert_mirrored(world, daemon, "alice")

    def test_plain_over_starttls(self):
        world = self.world(**ONLY_PLAIN)
        world.fill("alice", {"INBOX": 20})
        daemon, sessions = self._once(world, world.config("alice", tls="starttls", port=world.server.imap_port))
        self.assertEqual({MECHANISM}, {row.method for row in sessions})
        self.assert_mirrored(world, daemon, "alice")

    def test_password_handed_over_by_mailmoorctl_outlives_a_restart(self):
        world = self.world()
        world.fill("alice", {"INBOX": 5})
        config = world.config("alice")
        del config["mailboxes"][0]["password"]
        daemon = self.daemon(world, config)
        daemon.wait_for_state("alice", "needs_login")
        answer = daemon.ctl("password", "alice", "--stdin", stdin=PASSWORD + "\n")
        self.assertEqual(0, answer.status, answer)
        self.wait_mirrored(world, daemon, "alice")
        daemon.stop()
        daemon.start()
        message = world.deliver("alice")
        self.wait_delivered(world, daemon, "alice", message, 30)

    def test_wrong_password_needs_a_login_and_is_not_tried_on_and_on(self):
        world = self.world()
        world.fill("alice", {"INBOX": 5})
        config = world.config("alice")
        config["mailboxes"][0]["password"] = {"file": world.password_file("wrong", "wrong-password")}
        daemon = self.daemon(world, config, start=False)
        self.assertEqual(3, daemon.once(), daemon.log_end())
        self.assertEqual(0, maildir.count(daemon.mailbox_dir("alice")))
        self.assertLessEqual(len(world.server.failed_logins()), 2)


class Trust(EndToEnd):
    def _assert_refused(self, world, config, *reasons):
        daemon = self.daemon(world, config, start=False)
        self.assertEqual(1, daemon.once(), daemon.log_end())
        self.assertEqual(0, maildir.count(daemon.mailbox_dir("alice")))
        self.assertEqual([], world.server.sessions())
        self.assertEqual([], world.server.failed_logins(), "a password went to a server that proved nothing")
        self.assertTrue(any(reason in daemon.log().lower() for reason in reasons), daemon.log_end())

    def test_certificate_of_an_unknown_authority_is_refused(self):
        world = self.world()
        world.fill("alice", {"INBOX": 3})
        other = TlsAuthority(f"{world.directory}/other", "another CA")
        self._assert_refused(world, world.config("alice", ca_file=other.ca_file), "certificate", "issuer")

    def test_certificate_for_another_host_is_refused(self):
        world = self.world(server_names="DNS:imap.example.org")
        world.fill("alice", {"INBOX": 3})
        self._assert_refused(world, world.config("alice"), "host", "certificate")

    def test_authority_unknown_without_a_ca_file(self):
        world = self.world()
        world.fill("alice", {"INBOX": 3})
        config = world.config("alice")
        del config["mailboxes"][0]["ca_file"]
        self._assert_refused(world, config, "certificate")

    def test_starttls_that_is_not_offered_sends_no_password(self):
        world = self.world(settings="ssl = no\n")
        world.fill("alice", {"INBOX": 3})
        config = world.config("alice", tls="starttls", port=world.server.imap_port)
        self._assert_refused(world, config, "starttls")

    def test_one_mailbox_with_a_bad_certificate_leaves_its_neighbour_alone(self):
        world = self.world()
        world.fill("alice", {"INBOX": 10})
        world.fill("bob", {"INBOX": 10})
        other = TlsAuthority(f"{world.directory}/other", "another CA")
        config = world.config("alice", "bob")
        config["mailboxes"][0]["ca_file"] = other.ca_file
        daemon = self.daemon(world, config)
        self.wait_mirrored(world, daemon, "bob")
        row = daemon.wait_for_state("alice", "backing_off", "failed")
        self.assertRegex(row["reason"].lower(), "certificate|issuer")
        daemon.wait_for_state("bob", "idle")
