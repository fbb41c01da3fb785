"""What a person does in a browser: opens a page, fills in its form, presses the button, follows where it leads."""
import http.cookiejar
import ssl
import urllib.error
import urllib.parse
import urllib.request
from html.parser import HTMLParser


class _Page(HTMLParser):
    """The forms of a page, each with its action and fields, in order."""

    def __init__(self, text):
        super().__init__()
        self.forms = []
        self.text = ""
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        attributes = dict(attrs)
        if tag == "form":
            self.forms.append({"action": attributes.get("action", ""), "fields": {}})
        elif tag == "input" and self.forms and attributes.get("name"):
            self.forms[-1]["fields"][attributes["name"]] = attributes.get("value") or ""

    def handle_data(self, data):
        self.text += data


class _StopAtLoopbackRedirect(urllib.request.HTTPRedirectHandler):
    """A native client's redirect goes to a port where perhaps nobody listens: the person sees it in the address bar."""

    def redirect_request(self, request, fp, code, msg, headers, newurl):
        if urllib.parse.urlsplit(newurl).scheme == "http":
            raise _Redirected(newurl)
        return super().redirect_request(request, fp, code, msg, headers, newurl)


class _Redirected(Exception):
    def __init__(self, url):
        super().__init__(url)
        self.url = url


class Person:
    """One browser with its cookies. `login` is the name typed on the sign-in page, and so the token's subject."""

    def __init__(self, login, ca_file, password="anything"):
        self._login, self._password = login, password
        context = ssl.create_default_context(cafile=ca_file)
        self._opener = urllib.request.build_opener(
            urllib.request.ProxyHandler({}), urllib.request.HTTPSHandler(context=context),
            urllib.request.HTTPCookieProcessor(http.cookiejar.CookieJar()), _StopAtLoopbackRedirect())

    def enter_device_code(self, verification_uri, user_code):
        """RFC 8628 §3.3: types the code, confirms the device, signs in and consents. Raises if the page says no."""
        last = self._walk(verification_uri, {"user_code": user_code})
        if "Success" not in last.text:
            raise RuntimeError(f"the device page ended with: {' '.join(last.text.split())[-300:]}")

    def authorize(self, authorization_url):
        """Signs in at an authorization URL; the redirected URL, as it would stand in the address bar."""
        try:
            page = self._walk(authorization_url, {})
        except _Redirected as redirected:
            return redirected.url
        raise RuntimeError(f"the sign-in page led nowhere: {' '.join(page.text.split())[-300:]}")

    def _walk(self, url, answers):
        answers = {**answers, "login": self._login, "password": self._password}
        body = None
        for _ in range(12):  # user code, confirmation, login, consent, each with its redirects
            with self._opener.open(url, body, timeout=20) as reply:
                page, url = _Page(reply.read().decode()), reply.geturl()
            if not page.forms:
                return page
            form = page.forms[0]
            fields = {name: answers.get(name, value) for name, value in form["fields"].items()}
            url = urllib.parse.urljoin(url, form["action"])
            body = urllib.parse.urlencode(fields).encode()
        raise RuntimeError(f"still forms after twelve pages, last at {url}")
