"""Every way a person signs in, each through to mail in the Maildir and past the rotation of its refresh token."""
import os
import signal
import textwrap
import urllib.request

from e2e.harness import EndToEnd
from fakes.chromium import Chromium
from lib.processes import wait_until

FAST = {"MAILMOOR_TIME_SCALE": "0.05"}


class SignInTest(EndToEnd):
    def _world(self, *users, **options):
        world = self.world(oauth=True, **options)
        for user in users:
            world.fill(user, {"INBOX": 3})
        return world

    def _begin(self, daemon, *arguments):
        sign_in = daemon.begin_login(*arguments)
        self.addCleanup(sign_in.close)
        return sign_in

    def _check_lasts(self, world, daemon, user):
        """Mail is there, the token was rotated more than once, and new mail still comes."""
        self.wait_mirrored(world, daemon, user)
        wait_until(lambda: len(world.oauth.refreshes(user)) >= 2, 120,
                   lambda: f"two refreshes of {user}\n{world.oauth.events('token')}\n{daemon.log_end()}", 0.2)
        self.assertTrue(all(row["rotated"] for row in world.oauth.refreshes(user)))
        self.wait_delivered(world, daemon, user, world.deliver(user), 60)
        self.assertEqual([], world.oauth.failed_grants())

    def test_browser_comes_back_by_itself(self):
        world = self._world("alice", access_token_seconds=20)
        daemon = self.daemon(world, world.config("alice"), environment=FAST)
        browser = Chromium(world.directory)
        self.addCleanup(browser.close)
        sign_in = self._begin(daemon, "alice", "--flow", "browser")
        prompt = sign_in.prompts(1)[0]
        self.assertEqual("browser", prompt["flow"])
        browser.sign_in(prompt["authorization_url"], "alice")
        wait_until(lambda: browser.title() == "Signed in – Mailmoor", 60, lambda: f"{browser.title()}: {browser.text()}")
        self.assertIn("the mail of alice", browser.text())
        if os.environ.get("MAILMOOR_TEST_SCREENSHOT"):
            browser.screenshot(os.environ["MAILMOOR_TEST_SCREENSHOT"])
        self.assertEqual(0, sign_in.wait())
        self.assertEqual([{"event": "signed_in", "mailbox": "alice"}], sign_in.of("signed_in"))
        port = prompt["authorization_url"].split("redirect_uri=")[1].split("&")[0].split("%3A")[-1]
        with self.assertRaises(OSError, msg="the listener is closed after use"):
            urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=5)
        self._check_lasts(world, daemon, "alice")

    def test_page_tells_of_a_sign_in_that_fails(self):
        world = self._world("alice")
        daemon = self.daemon(world, world.config("alice"))
        browser = Chromium(world.directory)
        self.addCleanup(browser.close)
        sign_in = self._begin(daemon, "alice", "--flow", "browser")
        prompt = sign_in.prompts(1)[0]
        base = "http://" + prompt["authorization_url"].split("redirect_uri=http%3A%2F%2F")[1].split("&")[0].replace(
            "%3A", ":")
        # Nobody's state: the daemon says so, and the sign-in stays open.
        browser.open(f"{base}/?code=stolen&state=guessed")
        self.assertEqual("Not signed in – Mailmoor", browser.title())
        self.assertIn("answers no sign-in", browser.text())
        browser.open(f"{base}/favicon.ico")
        self.assertEqual("Nothing here – Mailmoor", browser.title())
        world.oauth.fail_next({"status": 400, "headers": {"Content-Type": "application/json"},
                               "body": '{"error": "invalid_client"}'})
        browser.sign_in(prompt["authorization_url"], "alice")
        wait_until(lambda: browser.title() == "Not signed in – Mailmoor", 60, browser.text)
        self.assertIn("invalid_client", browser.text())
        if os.environ.get("MAILMOOR_TEST_SCREENSHOT"):
            browser.screenshot(os.environ["MAILMOOR_TEST_SCREENSHOT"].replace(".png", "-failed.png"))
        self.assertEqual(1, sign_in.wait())
        self.assertEqual("failed", sign_in.events[-1]["event"])
        self.assertNotEqual("", sign_in.events[-1]["remedy"])
        self.assertEqual("needs_login", daemon.status("alice")["state"])

    def test_paste_from_a_browser_elsewhere(self):
        world = self._world("alice", access_token_seconds=20)
        daemon = self.daemon(world, world.config("alice"), environment=FAST)
        sign_in = self._begin(daemon, "alice", "--flow", "paste")
        prompt = sign_in.prompts(1)[0]
        self.assertEqual("paste", prompt["flow"])
        redirected = world.person("alice").authorize(prompt["authorization_url"])
        sign_in.write("this is no address\n")
        wait_until(lambda: any("redirect_not_understood" in row.get("type", "") for row in sign_in.events), 30,
                   lambda: sign_in.events)
        sign_in.write("  '" + "\n    ".join(textwrap.wrap(redirected, 60, break_on_hyphens=False)) + "'\n")
        self.assertEqual(0, sign_in.wait(), sign_in.events)
        self.assertEqual("signed_in", sign_in.events[-1]["event"])
        self._check_lasts(world, daemon, "alice")

    def test_code_for_another_verifier_is_worth_nothing(self):
        """A code that was begun by someone else, under a state of ours: the server refuses it (RFC 7636 §4.6)."""
        world = self._world("alice")
        daemon = self.daemon(world, world.config("alice"))
        first = self._begin(daemon, "alice", "--flow", "paste")
        foreign = world.person("mallory").authorize(first.prompts(1)[0]["authorization_url"])
        first.close()
        second = self._begin(daemon, "alice", "--flow", "paste")
        ours = world.person("alice").authorize(second.prompts(1)[0]["authorization_url"])
        second.write(f"{foreign}\n")
        wait_until(lambda: any("redirect_unknown" in row.get("type", "") for row in second.events), 30,
                   lambda: second.events)
        code = foreign.split("code=")[1].split("&")[0]
        second.write(ours.replace(ours.split("code=")[1].split("&")[0], code) + "\n")
        self.assertEqual(1, second.wait(), second.events)
        self.assertEqual("failed", second.events[-1]["event"])
        self.assertEqual("needs_login", daemon.status("alice")["state"])

    def test_flow_that_the_server_lacks_is_refused_with_the_one_that_works(self):
        world = self._world("alice")
        configuration = world.config("alice")
        app = configuration["apps"]["lab"]
        del app["issuer"]
        app["authorization_endpoint"] = f"{world.oauth.issuer}/auth"
        app["token_endpoint"] = f"{world.oauth.issuer}/token"
        daemon = self.daemon(world, configuration)
        refused = self._begin(daemon, "alice", "--flow", "device")
        self.assertEqual(1, refused.wait())
        self.assertEqual("no_device_flow", refused.events[-1]["code"])
        self.assertIn("--flow browser", refused.events[-1]["remedy"])
        chosen = self._begin(daemon, "alice")
        prompt = chosen.prompts(1)[0]
        self.assertEqual("paste", prompt["flow"])
        self.assertIn("no sign-in by device code", prompt["note"])
        chosen.write(world.person("alice").authorize(prompt["authorization_url"]) + "\n")
        self.assertEqual(0, chosen.wait(), chosen.events)
        self.wait_mirrored(world, daemon, "alice")


class BatchTest(EndToEnd):
    def test_thirty_accounts_interrupted_and_resumed(self):
        users = [f"user{number:02}" for number in range(30)]
        world = self.world(oauth=True)
        world.fill(users[0], {"INBOX": 3})
        world.fill(users[29], {"INBOX": 3})
        configuration = world.config(*users)
        # A shared mailbox: another name, the sign-in of the first one.
        configuration["mailboxes"].append(world.oauth_mailbox(users[0], login_user=users[0]) | {"name": "user00-shared"})
        daemon = self.daemon(world, configuration)
        wait_until(lambda: len(self._pending(daemon)) == 31, 60, lambda: f"31 pending\n{daemon.log_end()}")

        first = daemon.begin_login("--all-pending")
        self.addCleanup(first.close)
        prompts = first.prompts(30)
        self.assertEqual(set(users), {prompt["mailbox"] for prompt in prompts}, "one code for each sign-in")
        self.assertEqual(30, len({prompt["user_code"] for prompt in prompts}))
        chosen = sorted(prompts, key=lambda prompt: prompt["mailbox"])[:12]
        for prompt in reversed(chosen):
            world.person(prompt["mailbox"]).enter_device_code(prompt["verification_uri"], prompt["user_code"])
        done = {prompt["mailbox"] for prompt in chosen} | {"user00-shared"}
        wait_until(lambda: {row["mailbox"] for row in first.of("signed_in")} == done, 60,
                   lambda: f"{done} signed in: {first.of('signed_in')}\n{daemon.log_end()}")
        self.assertEqual(-signal.SIGINT, first.interrupt())
        wait_until(lambda: len(self._pending(daemon)) == 18, 60, lambda: f"18 pending: {self._pending(daemon)}")

        second = daemon.begin_login("--all-pending")
        self.addCleanup(second.close)
        again = second.prompts(18)
        self.assertEqual(set(users) - done, {prompt["mailbox"] for prompt in again})
        for prompt in again:
            world.person(prompt["mailbox"]).enter_device_code(prompt["verification_uri"], prompt["user_code"])
        self.assertEqual(0, second.wait(90), second.events[-3:])
        self.assertEqual(18, len(second.of("signed_in")))
        wait_until(lambda: not self._pending(daemon), 60, lambda: f"nobody pending: {self._pending(daemon)}")
        for user in (users[0], users[29], "user00-shared"):
            world.originals.setdefault(user, world.originals[users[0]])
            self.wait_mirrored(world, daemon, user)

    def test_links_of_many_are_pasted_in_any_order(self):
        users = ["alice", "bob", "carol"]
        world = self.world(oauth=True)
        for user in users:
            world.fill(user, {"INBOX": 2})
        daemon = self.daemon(world, world.config(*users))
        sign_in = daemon.begin_login(*users, "--flow", "paste")
        self.addCleanup(sign_in.close)
        for prompt in reversed(sign_in.prompts(3)):
            sign_in.write(world.person(prompt["mailbox"]).authorize(prompt["authorization_url"]) + "\n")
        self.assertEqual(0, sign_in.wait(), sign_in.events)
        for user in users:
            self.wait_mirrored(world, daemon, user)

    @staticmethod
    def _pending(daemon):
        return [row["name"] for row in daemon.ctl("status").json["mailboxes"] if row["state"] == "needs_login"]
