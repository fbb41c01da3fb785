"""Runs mailmoord and mailmoorctl as an administrator would: a configuration file, a process, its words."""
import contextlib
import json
import os
import re
import signal
import socket
import subprocess
import time

from lib.control_socket import ControlSocket
from lib.processes import Child, TimedOut, wait_until
from lib.sign_in import SignIn

REPOSITORY = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
PROGRAMS = os.environ.get("MAILMOOR_BIN", f"{REPOSITORY}/build/asan/bin")
SANITIZER_STATUS = 86
SANITIZER_WORDS = re.compile(r"ERROR: (Address|Leak|Thread)Sanitizer|runtime error:|SUMMARY: \w+Sanitizer")


def yaml_text(value, indent=0):
    """Dictionaries and lists of scalars as block YAML; scalars in JSON's spelling, which YAML reads alike."""
    pad = " " * indent
    if isinstance(value, dict):
        lines = []
        for key, inner in value.items():
            if isinstance(inner, (dict, list)) and inner and not _flat(inner):
                lines.append(f"{pad}{key}:\n{yaml_text(inner, indent + 2)}")
            else:
                lines.append(f"{pad}{key}: {json.dumps(inner, ensure_ascii=False)}")
        return "\n".join(lines)
    return "\n".join(f"{pad}- {yaml_text(item, indent + 2).lstrip()}" for item in value)


def _flat(value):
    """Short enough to stand in one line: a list of scalars, or a small mapping of them."""
    items = value.values() if isinstance(value, dict) else value
    return all(not isinstance(item, (dict, list)) for item in items) and (isinstance(value, list) or len(value) <= 1)


class Answer:
    """What mailmoorctl said."""

    def __init__(self, status, out, err):
        self.status, self.out, self.err = status, out, err

    @property
    def json(self):
        return json.loads(self.out)

    def __str__(self):
        return f"exit {self.status}\nstdout: {self.out}\nstderr: {self.err}"


class Mailmoor:
    """One installation in one directory: mailmoor.yaml, mail/, state/, run/, log. `environment`: the daemon's, too."""

    def __init__(self, directory, configuration, environment=None, log_level="debug", detach=False):
        self.directory = directory
        self.configuration = configuration
        self.config_file = f"{directory}/mailmoor.yaml"
        self.mail_root, self.state_dir, self.runtime_dir = (f"{directory}/{name}" for name in ("mail", "state", "run"))
        self.log_file = f"{directory}/mailmoord.log"
        self.out_file = f"{directory}/mailmoord.out"
        self._environment = environment or {}
        self._log_level = log_level
        self._detach = detach
        self.child = None
        self._notices = ""
        for path in (self.mail_root, self.state_dir, self.runtime_dir):
            os.makedirs(path, exist_ok=True)
        os.chmod(self.state_dir, 0o700)
        self.write_config(configuration)

    # --- configuration -------------------------------------------------------------------------------------------

    def write_config(self, configuration):
        """A dictionary without the three directories, or the text itself."""
        if isinstance(configuration, dict):
            self.configuration = configuration
            whole = {"maildir_root": self.mail_root, "state_dir": self.state_dir, "runtime_dir": self.runtime_dir,
                     **configuration}
            configuration = yaml_text(whole) + "\n"
        with open(self.config_file + ".new", "w", encoding="utf-8") as file:
            file.write(configuration)
        os.chmod(self.config_file + ".new", 0o600)
        os.rename(self.config_file + ".new", self.config_file)

    def mailbox_dir(self, name):
        return f"{self.mail_root}/{name}"

    # --- the daemon ----------------------------------------------------------------------------------------------

    def _env(self, extra=None):
        env = {key: value for key, value in os.environ.items()
               if key in ("PATH", "HOME", "LANG", "TMPDIR", "LD_PRELOAD") or key.startswith("MAILMOOR_TIME")}
        env["ASAN_OPTIONS"] = f"exitcode={SANITIZER_STATUS}:detect_leaks=1:abort_on_error=0"
        env["UBSAN_OPTIONS"] = f"exitcode={SANITIZER_STATUS}:print_stacktrace=1:halt_on_error=1"
        return {**env, **self._environment, **(extra or {})}

    def start(self, seconds=30):
        """Returns once the daemon has said READY=1, as systemd would wait for it."""
        path = f"{self.directory}/notify"
        if os.path.exists(path):
            os.unlink(path)
        self._notify = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._notify.bind(path)
        self._notices = ""
        self.child = Child([f"{PROGRAMS}/mailmoord", "--config", self.config_file, "--log-level", self._log_level],
                           self.out_file, self.log_file, env=self._env({"NOTIFY_SOCKET": path}), detach=self._detach)
        self.wait_for_notice("READY=1", seconds)
        return self

    def notices(self):
        """All that the daemon has told systemd since its start, one assignment a line."""
        while True:
            try:
                self._notices += self._notify.recv(65_536, socket.MSG_DONTWAIT).decode() + "\n"
            except BlockingIOError:
                return self._notices

    def wait_for_notice(self, text, seconds=30, after=0):
        def said():
            if text in self.notices()[after:].splitlines():
                return True
            if not self.child.running():
                raise AssertionError(f"mailmoord ended with {self.child.wait(1)} before {text}:\n{self.log_end()}")
            return False

        wait_until(said, seconds, lambda: f"{text} from mailmoord; its log:\n{self.log_end()}")

    def spawn_once(self):
        return Child([f"{PROGRAMS}/mailmoord", "--config", self.config_file, "--log-level", self._log_level, "--once"],
                     self.out_file, self.log_file, env=self._env())

    def once(self, seconds=120):
        """mailmoord --once: its exit status."""
        child = self.spawn_once()
        try:
            return child.wait(seconds)
        except TimedOut:
            raise TimedOut(f"mailmoord --once still runs after {seconds} s:\n{self.log_end()}") from None
        finally:
            child.kill()

    def run_daemon_to_its_end(self, seconds=30):
        """For a daemon that ought to refuse to start: (exit status, what it wrote)."""
        before = len(self.log())
        child = Child([f"{PROGRAMS}/mailmoord", "--config", self.config_file], self.out_file, self.log_file,
                      env=self._env())
        try:
            return child.wait(seconds), self.log()[before:]
        finally:
            child.kill()

    def reload(self, seconds=30):
        """SIGHUP, and back once the daemon says that it is done with it."""
        before = len(self.notices())
        self.child.signal(signal.SIGHUP)
        self.wait_for_notice("RELOADING=1", seconds, before)
        self.wait_for_notice("READY=1", seconds, before)

    def stop(self, seconds=30):
        """A graceful stop; the exit status must be 0. Safe to call twice."""
        if self.child is None:
            return
        child, self.child = self.child, None
        was_running = child.running()
        status = child.stop(seconds)
        if not was_running:
            raise AssertionError(f"mailmoord ended by itself with {status}:\n{self.log_end()}")
        if status != 0:
            raise AssertionError(f"mailmoord ended with {status}:\n{self.log_end()}")

    def kill(self):
        child, self.child = self.child, None
        child.kill()

    def log(self):
        try:
            with open(self.log_file, encoding="utf-8", errors="replace") as file:
                return file.read()
        except FileNotFoundError:
            return ""

    def log_end(self):
        return self.log()[-5000:]

    def sanitizer_reports(self):
        text = self.log()
        match = SANITIZER_WORDS.search(text)
        return text[match.start():match.start() + 6000] if match else ""

    # --- mailmoorctl ---------------------------------------------------------------------------------------------

    def _ctl_argv(self, arguments, as_json):
        argv = [f"{PROGRAMS}/mailmoorctl", "--socket", f"{self.runtime_dir}/control.sock"]
        return argv + (["--json"] if as_json else []) + list(arguments)

    def ctl(self, *arguments, as_json=True, stdin=None, seconds=60):
        done = subprocess.run(self._ctl_argv(arguments, as_json), input=stdin, capture_output=True, text=True,
                              timeout=seconds, env=self._env(), check=False)
        return Answer(done.returncode, done.stdout, done.stderr)

    def begin_login(self, *arguments):
        """`mailmoorctl login` under way; close() it."""
        return SignIn(self._ctl_argv(["login", *arguments], True), self._env())

    def login(self, people, seconds=60, tell=None):
        """Signs in each mailbox of {name: Person} by device code. Returns every line that mailmoorctl printed, and
        calls tell(event) for each before the person acts on it."""
        events = []
        process = subprocess.Popen(self._ctl_argv(["login", *people, "--flow", "device"], True), env=self._env(),
                                   stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        try:
            deadline = time.monotonic() + seconds
            for line in process.stdout:
                event = json.loads(line)
                events.append(event)
                if tell:
                    tell(event)
                if event["event"] == "prompt":
                    people[event["mailbox"]].enter_device_code(event["verification_uri"], event["user_code"])
                if time.monotonic() > deadline:
                    raise TimedOut(f"login still runs after {seconds} s: {events}")
            status = process.wait(10)
            if status != 0:
                raise AssertionError(f"login ended with {status}: {events}\n{process.stderr.read()}\n{self.log_end()}")
        finally:
            process.kill()
            process.wait()
            process.stdout.close()
            process.stderr.close()
        return events

    def mailboxes(self):
        """What `status` says of each, by name; for what asks again and again."""
        with contextlib.closing(ControlSocket(f"{self.runtime_dir}/control.sock")) as connection:
            connection.request("GET", "/v1/status")
            answer = connection.getresponse()
            text = answer.read().decode()
        if answer.status != 200:
            raise AssertionError(f"status: HTTP {answer.status} {text}")
        return {row["name"]: row for row in json.loads(text)["mailboxes"]}

    def status(self, mailbox):
        """One mailbox's object out of `mailmoorctl status`."""
        answer = self.ctl("status")
        if answer.status not in (0, 3):
            raise AssertionError(f"status: {answer}")
        return next(row for row in answer.json["mailboxes"] if row["name"] == mailbox)

    def wait_for_state(self, mailbox, *states, seconds=60):
        last = {}

        def reached():
            last.update(self.mailboxes()[mailbox])
            return last["state"] in states and last

        return wait_until(reached, seconds, lambda: f"{mailbox} to be {' or '.join(states)}; it is {last}\n"
                                                    f"{self.log_end()}", every=0.1)
