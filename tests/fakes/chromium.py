"""A real browser: headless Chromium, driven through chromedriver's HTTP interface (W3C WebDriver)."""
import base64
import json
import shutil
import tempfile
import time
import urllib.error
import urllib.request

from lib.processes import Child, free_port, wait_until

# https://www.w3.org/TR/webdriver2/#elements
ELEMENT = "element-6066-11e4-a52e-4f735466cecf"
ARGUMENTS = ["--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run",
             "--disable-background-networking", "--disable-component-update", "--disable-sync", "--no-proxy-server",
             "--window-size=900,700"]


class Chromium:
    """One browser with a profile of its own. Certificates of the tests' authority are taken as they are."""

    def __init__(self, directory):
        self._profile = tempfile.mkdtemp(prefix="chromium-", dir=directory)
        port = free_port()
        self._base = f"http://127.0.0.1:{port}"
        self._opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        self.child = Child(["chromedriver", f"--port={port}"], f"{directory}/chromedriver.log")
        wait_until(self._is_ready, 60, lambda: f"chromedriver\n{self.child.output()}", 0.2)
        options = {"args": [*ARGUMENTS, f"--user-data-dir={self._profile}"], "binary": shutil.which("chromium")}
        session = self._ask("POST", "/session", {"capabilities": {"alwaysMatch": {
            "acceptInsecureCerts": True, "goog:chromeOptions": options}}})
        self._session = f"/session/{session['sessionId']}"

    def close(self):
        self.child.kill()
        shutil.rmtree(self._profile, ignore_errors=True)

    def open(self, url):
        self._ask("POST", f"{self._session}/url", {"url": url})

    def title(self):
        return self._ask("GET", f"{self._session}/title")

    def address(self):
        return self._ask("GET", f"{self._session}/url")

    def text(self):
        return self._ask("GET", f"{self._session}/element/{self._find('body')[0]}/text")

    def screenshot(self, path):
        with open(path, "wb") as file:
            file.write(base64.b64decode(self._ask("GET", f"{self._session}/screenshot")))

    def sign_in(self, authorization_url, login, password="anything", seconds=90):
        """Goes through the login and consent pages as a person would, until the browser is on loopback HTTP again."""
        self.open(authorization_url)
        deadline = time.monotonic() + seconds
        while not self.address().startswith("http://"):
            if time.monotonic() > deadline:
                raise AssertionError(f"still at {self.address()}: {self.text()[-300:]}")
            try:
                self._submit_form(login, password)
            except urllib.error.HTTPError as error:
                if error.code != 404:  # of an element that went with its page (WebDriver §6.6)
                    raise

    def _submit_form(self, login, password):
        """Fills in the page that is there and sends it. Between two pages there is none: nothing happens."""
        button = self._find("button[type=submit]")
        if not button:
            time.sleep(0.1)
            return
        for name, value in (("login", login), ("password", password)):
            for field in self._find(f"input[name={name}]"):
                self._type(field, value)
        self._ask("POST", f"{self._session}/element/{button[0]}/click", {})

    def _find(self, selector):
        found = self._ask("POST", f"{self._session}/elements", {"using": "css selector", "value": selector})
        return [element[ELEMENT] for element in found]

    def _type(self, element, text):
        self._ask("POST", f"{self._session}/element/{element}/clear", {})  # login_hint is there already
        self._ask("POST", f"{self._session}/element/{element}/value", {"text": text})

    def _is_ready(self):
        try:
            return self._ask("GET", "/status")["ready"]
        except OSError:
            return False

    def _ask(self, method, path, body=None):
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self._base + path, data, {"Content-Type": "application/json"}, method=method)
        with self._opener.open(request, timeout=90) as reply:
            return json.load(reply)["value"]
