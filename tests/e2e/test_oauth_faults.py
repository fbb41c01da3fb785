"""A token endpoint that fails, refuses, forgets: no refresh token is lost to an error, and people are asked last."""
from e2e.harness import EndToEnd
from lib.processes import wait_until

JSON = {"Content-Type": "application/json"}
FAST = {"MAILMOOR_TIME_SCALE": "0.05"}


class OauthFaults(EndToEnd):
    def _signed_in(self, access_token_seconds=20, environment=None, **world):
        world = self.world(oauth=True, access_token_seconds=access_token_seconds, **world)
        world.fill("alice", {"INBOX": 5})
        daemon = self.daemon(world, world.config("alice"), environment=environment)
        daemon.login({"alice": world.person("alice")})
        self.wait_mirrored(world, daemon, "alice")
        return world, daemon

    def _wait_refreshes(self, world, daemon, more, seconds=90):
        start = len(world.oauth.refreshes("alice"))
        wait_until(lambda: len(world.oauth.refreshes("alice")) >= start + more, seconds,
                   lambda: f"{more} refreshes\n{world.oauth.events('token')}\n{daemon.log_end()}", 0.2)

    def test_server_errors_are_ridden_out(self):
        world, daemon = self._signed_in(environment=FAST)
        world.oauth.fail_next({"status": 503, "body": "<html>busy</html>"},
                              {"status": 500, "body": ""},
                              {"status": 200, "headers": JSON, "body": '{"access_token": "cut'},
                              {"status": 400, "headers": JSON, "body": '{"error": "temporarily_unavailable"}'})
        wait_until(lambda: len(world.oauth.events("fault")) == 4, 120, lambda: f"four faults\n{daemon.log_end()}")
        self._wait_refreshes(world, daemon, 1)
        message = world.deliver("alice")
        self.wait_delivered(world, daemon, "alice", message, 30)
        self.assertEqual([], world.oauth.failed_grants())

    def test_retry_after_is_kept_through_a_restart(self):
        world, daemon = self._signed_in()
        world.oauth.fail_next({"status": 429, "headers": {**JSON, "Retry-After": "12"},
                               "body": '{"error": "slow_down"}'})
        fault = wait_until(lambda: world.oauth.events("fault"), 60, lambda: f"a fault\n{daemon.log_end()}")[0]
        daemon.stop()
        daemon.start()
        self._wait_refreshes(world, daemon, 1)
        first = next(row for row in world.oauth.events("token", grant_type="refresh_token") if row["at"] > fault["at"])
        self.assertGreaterEqual(first["at"] - fault["at"], 11.5, "asked again inside the imposed pause (P9)")

    def test_revoked_grant_asks_for_a_login_and_a_new_one_heals_it(self):
        world, daemon = self._signed_in()
        world.oauth.revoke("alice")
        row = daemon.wait_for_state("alice", "needs_login", seconds=90)
        self.assertNotEqual("", row["reason"])
        self.assertEqual(3, daemon.ctl("sync", "alice", "--wait").status)
        grants = len(world.oauth.events("token"))
        message = world.deliver("alice")
        daemon.login({"alice": world.person("alice")})
        self.wait_delivered(world, daemon, "alice", message, 30)
        self.assertGreater(len(world.oauth.events("token")), grants)

    def test_restart_uses_the_stored_token_without_a_person(self):
        world, daemon = self._signed_in(access_token_seconds=3600)
        for _ in range(3):
            daemon.stop()
            daemon.start()
            daemon.wait_for_state("alice", "idle")
        message = world.deliver("alice")
        self.wait_delivered(world, daemon, "alice", message, 30)
        self.assertEqual([], world.oauth.failed_grants())
        self.assertEqual(1, len(world.oauth.events("device_authorization")))

    def test_killed_right_after_a_rotation_keeps_the_new_token(self):
        """P5: committed before its access token is used, so whoever has logged in with it has it stored."""
        world, daemon = self._signed_in()
        mark = world.dovecot.mark()
        self._wait_refreshes(world, daemon, 1)
        world.dovecot.wait_for_login("alice", mark)
        daemon.kill()
        daemon.start()
        message = world.deliver("alice")
        self.wait_delivered(world, daemon, "alice", message, 60)
        self.assertEqual([], world.oauth.failed_grants())

    def test_access_token_that_the_mail_server_refuses_is_refreshed_once(self):
        world, daemon = self._signed_in(access_token_seconds=3600)
        daemon.stop()
        # A second sign-in elsewhere would not matter; what does is a token that died before its time.
        world.oauth.revoke_access("alice")
        daemon.start()
        message = world.deliver("alice")
        self.wait_delivered(world, daemon, "alice", message, 60)
        self.assertEqual(1, len(world.oauth.refreshes("alice")))
        self.assertLessEqual(len(world.dovecot.failed_logins()), 2)

    def test_oauth_server_that_hangs_does_not_hold_up_the_mail_of_others(self):
        world = self.world(oauth=True, access_token_seconds=3600)
        world.fill("alice", {"INBOX": 3})
        world.fill("bob", {"INBOX": 3})
        config = world.config("alice")
        config["mailboxes"].append(world.password_mailbox("bob"))
        daemon = self.daemon(world, config, start=False)
        world.oauth.pause()
        daemon.start()
        self.wait_mirrored(world, daemon, "bob")
        message = world.deliver("bob")
        self.wait_delivered(world, daemon, "bob", message, 20)
        self.assertIn(daemon.ctl("status", seconds=30).status, (0, 3), "nor that of who asks")
        world.oauth.go_on()
        daemon.login({"alice": world.person("alice")})
        self.wait_mirrored(world, daemon, "alice")
