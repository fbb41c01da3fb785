"""Entra's answers to the real daemon: each account shows who has to do what, no refresh token is lost, one alarm stands
for a refused app, the hook is called once, and all go on by themselves once the provider is content again."""
import json
import os

from e2e.harness import EndToEnd, World
from fakes.dovecot import Dovecot
from fakes.entra import TENANT, Entra, error, html, http_date, truncated
from lib.processes import wait_until

# name: (answer, state, a part of the reason, a part of the remedy); state None: no fault of the mailbox is awaited
ACCOUNTS = {
    "good": (None, "idle", "", ""),
    "html503": (html(503), "backing_off", "503", ""),
    "truncated": (truncated(), "backing_off", "", ""),
    "loop": (error("invalid_grant", 50196, "The server terminated an operation because it encountered a loop"),
             "backing_off", "50196", ""),
    "transient": (error("invalid_grant", 90033, "A transient error has occurred"), "backing_off", "90033", ""),
    "mfa": (error("invalid_grant", 50076, "You must use multi-factor authentication", suberror="basic_action",
                  claims='{"access_token":{"capolids":{"essential":true}}}'), "needs_login", "50076", "login mfa"),
    "revoked": (error("invalid_grant", 50173, "The provided grant has expired due to it being revoked",
                      suberror="bad_token"), "needs_login", "50173", "login revoked"),
    "policy": (error("invalid_grant", 53003, "Access has been blocked by Conditional Access policies"), "failed",
               "53003", "policy"),
    "consent": (error("invalid_grant", 65001, "The user or administrator has not consented",
                      suberror="consent_required"), "failed", "65001", "administrator"),
    "disabled": (error("invalid_grant", 50057, "The user account is disabled"), "failed", "50057", "enables"),
}
# Each alone with its app, for what it is answered holds for all of the app's tokens.
THROTTLED = html(429, {"Retry-After": "25"})
EXPIRED_SECRET = error("invalid_client", 7000222, "The provided client secret keys for app 'x' are expired", status=401)
CLOCK = error("invalid_client", 700024, "Client assertion is not within its valid time range", status=401,
              headers={"Date": http_date(-3600)})

HOOK = """#!/bin/sh
cat >>"$0.stdin"
printf '%s|%s|%s|%s\\n' "$MAILMOOR_EVENT" "${MAILMOOR_MAILBOX:-$MAILMOOR_APP}" "$MAILMOOR_ERROR" "$MAILMOOR_COMMAND" \\
    >>"$0.calls"
"""


class EntraWorld(World):
    def __init__(self):
        super().__init__()
        self.server.child.kill()
        self.entra = Entra(self.certificate, access_token_seconds=15)
        self.server = Dovecot(f"{self.directory}/dovecot2", self.authority.issue("mail2"),
                              self.entra.introspection_url)

    def close(self):
        super().close()
        self.entra.stop()

    def app(self, client_id):
        return {"provider": "microsoft", "tenant": TENANT, "authority": self.entra.authority, "client_id": client_id,
                "ca_file": self.authority.ca_file}

    def mailbox(self, user, app):
        return {"name": user, "app": app, "user": user, "host": "localhost", "port": self.dovecot.imaps_port,
                "ca_file": self.authority.ca_file}


class EntraOutcomes(EndToEnd):
    def _world(self):
        world = EntraWorld()
        self.addCleanup(world.close)
        self.addCleanup(self._keep_logs_of_a_failure, world.directory)
        return world

    def _hook(self, world):
        path = f"{world.directory}/page-admin"
        with open(path, "w", encoding="ascii") as file:
            file.write(HOOK)
        os.chmod(path, 0o755)
        return path

    def _sign_in(self, world, daemon, users):
        for user in users:
            world.entra.next_user = user
            answer = daemon.ctl("login", user)
            self.assertEqual(0, answer.status, str(answer))

    def _add_hook(self, daemon, hook):
        """Once all are signed in: before that, each of them needs a login."""
        for row in daemon.ctl("status").json["mailboxes"]:
            daemon.wait_for_state(row["name"], "idle", seconds=60)
        daemon.write_config({**daemon.configuration, "hooks": {"login_needed": [hook]}})
        daemon.reload()

    def _calls(self, hook):
        try:
            with open(f"{hook}.calls", encoding="utf-8") as file:
                return [line.rstrip("\n").split("|") for line in file]
        except FileNotFoundError:
            return []

    def _refreshed_again(self, world, daemon, users, seconds=150):
        before = {user: len([row for row in world.entra.journal(user, "refresh_token") if row["status"] == 200])
                  for user in users}

        def all_refreshed():
            return all(len([row for row in world.entra.journal(user, "refresh_token") if row["status"] == 200])
                       > before[user] for user in users)

        wait_until(all_refreshed, seconds, lambda: f"new tokens for {users}\n{daemon.log_end()}", 0.2)
        for user in users:
            daemon.wait_for_state(user, "idle", seconds=60)

    def test_each_answer_has_its_outcome_and_no_token_is_lost(self):
        world = self._world()
        hook = self._hook(world)
        config = {"apps": {"main": world.app("main"), "slow": world.app("slow"), "late": world.app("late")},
                  "mailboxes": [world.mailbox(user, "main") for user in ACCOUNTS]
                  + [world.mailbox("throttled", "slow"), world.mailbox("clock", "late")]}
        # An hour of the ladders is 18 s.
        daemon = self.daemon(world, config, environment={"MAILMOOR_TIME_SCALE": "0.005"})
        users = [*ACCOUNTS, "throttled", "clock"]
        self._sign_in(world, daemon, users)
        self._add_hook(daemon, hook)
        for user, (answer, *_) in ACCOUNTS.items():
            if answer:
                world.entra.script(user, answer)
        world.entra.script("throttled", THROTTLED)
        world.entra.script("clock", CLOCK)

        def met(user, state, reason, remedy):
            row = daemon.mailboxes()[user]
            return row["state"] == state and reason in row["reason"] and remedy in row["remedy"]

        expected = {user: row[1:] for user, row in ACCOUNTS.items()}
        expected["clock"] = ("failed", "700024", "clock")
        for user, (state, reason, remedy) in expected.items():
            wait_until(lambda: met(user, state, reason, remedy), 90,  # pylint: disable=cell-var-from-loop
                       lambda: f"{user}: {state} {reason!r} {remedy!r}, "  # pylint: disable=cell-var-from-loop
                               f"not {daemon.mailboxes()[user]}\n{daemon.log_end()}", 0.2)
        # The good one goes on beside them.
        self._refreshed_again(world, daemon, ["good"])
        # The hook: once for each that needs somebody to sign in or to let them.
        wanted = {"mfa", "revoked", "policy", "consent", "disabled", "clock"}  # "clock": the app of that name is "late"
        wait_until(lambda: {call[1] for call in self._calls(hook)} >= wanted - {"clock"} | {"late"}, 60,
                   lambda: f"the hook\n{self._calls(hook)}\n{daemon.log_end()}", 0.2)
        calls = self._calls(hook)
        self.assertEqual(len(calls), len({call[1] for call in calls}), calls)
        self.assertIn("mailmoorctl --socket", [call for call in calls if call[1] == "mfa"][0][3])
        with open(f"{hook}.stdin", encoding="utf-8") as file:
            facts = [json.loads(line) for line in file]
        self.assertIn("50076", [row for row in facts if row.get("mailbox") == "mfa"][0]["reason"])
        # A restart tells nobody anything twice, and loses nothing.
        daemon.stop()
        daemon.start()
        daemon.wait_for_state("mfa", "needs_login", seconds=60)
        self._refreshed_again(world, daemon, ["good"])
        self.assertEqual(calls, self._calls(hook))
        # The provider is content again: all go on without a person, with the newest token of each. (50196 is five
        # minutes' pause, which no time scale shortens.)
        world.entra.heal()
        self._refreshed_again(world, daemon, [user for user in users if user != "loop"])
        stale = [row for row in world.entra.journal(grant_type="refresh_token") if not row.get("newest")]
        self.assertEqual([], stale)

    def test_expired_secret_is_one_alarm_for_all_and_a_reload_heals_it(self):
        world = self._world()
        hook = self._hook(world)
        users = [f"user{number}" for number in range(6)]
        # They ask when the test says so: of those that ask by themselves several may be on their way before the first
        # one has its answer.
        world.entra.lives = {user: 3600 for user in users}
        config = {"apps": {"broken": world.app("broken"), "main": world.app("main")},
                  "mailboxes": [world.mailbox(user, "broken") for user in users] + [world.mailbox("good", "main")]}
        daemon = self.daemon(world, config)
        self._sign_in(world, daemon, [*users, "good"])
        self._add_hook(daemon, hook)
        signed_in = len(daemon.log())
        for user in users:
            world.entra.script(user, EXPIRED_SECRET)
        due, others = users[:2], users[2:]
        for user in due:
            self._have_new_token_asked_for(world, daemon, user)
            row = daemon.wait_for_state(user, "failed", seconds=60)
            self.assertIn("7000222", row["reason"])
            self.assertIn("secret", row["remedy"])
        app = {row["name"]: row for row in daemon.ctl("status").json["apps"]}
        self.assertEqual(("refused", 6, "serving"),
                         (app["broken"]["state"], app["broken"]["mailboxes"], app["main"]["state"]))
        self.assertIsNotNone(app["broken"]["retry_at"])
        self.assertIn("7000222", daemon.ctl("status", as_json=False).out.split("MAILBOX")[0])
        alarms = [line for line in daemon.log()[signed_in:].splitlines() if "priority=err" in line]
        self.assertEqual(1, len(alarms), alarms)
        self.assertIn("event=app_misconfigured", alarms[0])
        wait_until(lambda: self._calls(hook), 30, lambda: f"the hook\n{daemon.log_end()}", 0.2)
        self._refreshed_again(world, daemon, ["good"])
        self.assertEqual([["app_refused", "broken", "app_misconfigured", ""]], self._calls(hook))
        # Mail goes on where access tokens live, and nobody asks any more.
        for user in others:
            self.wait_delivered(world, daemon, user, world.deliver(user), seconds=60)
        asked = [row["user"] for row in world.entra.journal(grant_type="refresh_token") if row["status"] == 401]
        self.assertEqual(due, sorted(asked), "one to doubt, one to be sure")
        world.entra.heal()
        wait_until(lambda: self._reload_until(daemon, users), 150, lambda: f"all idle\n{daemon.log_end()}", 5)
        self.assertEqual(1, len(self._calls(hook)))

    @staticmethod
    def _have_new_token_asked_for(world, daemon, user):
        """The mail server takes the old one no more."""
        daemon.ctl("pause", user)
        daemon.wait_for_state(user, "paused")
        world.entra.end_access_tokens(user)
        daemon.ctl("resume", user)

    def _reload_until(self, daemon, users):
        """A reload has the provider asked, once a minute at most."""
        daemon.reload()
        rows = daemon.mailboxes()
        return all(rows[user]["state"] == "idle" for user in users)
