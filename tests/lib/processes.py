"""Child processes that never outlive the test, free ports, temporary directories, and waiting for a fact."""
import atexit
import ctypes
import os
import random
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time

PR_SET_PDEATHSIG = 1
_LIBC = ctypes.CDLL(None, use_errno=True)
_children = []


class TimedOut(AssertionError):
    pass


def wait_until(fact, seconds, what, every=0.05):
    """Returns the first true value of fact(); asks again until `seconds` have passed. The one place that waits."""
    deadline = time.monotonic() + seconds
    while True:
        value = fact()
        if value:
            return value
        if time.monotonic() > deadline:
            raise TimedOut(f"after {seconds} s still waiting for: {what() if callable(what) else what}")
        time.sleep(every)


def free_port():
    """A loopback port nobody listens on, below the range from which outgoing connections take theirs."""
    while True:
        port = random.randint(10_000, 32_000)
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port


def scratch_dir(purpose):
    """A directory for one test run, removed at exit unless MAILMOOR_TEST_KEEP is set. Others may look inside:
    the mail server's helpers run as other users."""
    path = tempfile.mkdtemp(prefix=f"mailmoor-{purpose}-")
    os.chmod(path, 0o755)
    if os.environ.get("MAILMOOR_TEST_KEEP"):
        print(f"keeping {path}", file=sys.stderr)
    else:
        atexit.register(_remove, path)
    return path


def _remove(path):
    _kill_all()  # first those who might write there again
    shutil.rmtree(path, ignore_errors=True)


def _die_with_parent():
    _LIBC.prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)


class Child:
    """One process in its own group; stdout and stderr go to files. Start it from the main thread only:
    the kernel ends it when the thread that started it ends."""

    def __init__(self, argv, out_path, err_path=None, env=None, cwd=None, detach=False):
        self.argv, self.out_path, self.err_path = argv, out_path, err_path or out_path
        with open(out_path, "ab") as out, open(self.err_path, "ab") as err:
            self.process = subprocess.Popen(
                argv, stdin=subprocess.DEVNULL, stdout=out, stderr=err, env=env, cwd=cwd, start_new_session=True,
                preexec_fn=None if detach else _die_with_parent)
        if not detach:
            _children.append(self)

    @property
    def pid(self):
        return self.process.pid

    def running(self):
        return self.process.poll() is None

    def signal(self, number):
        if self.running():
            os.kill(self.pid, number)

    def wait(self, seconds):
        """Its exit status; negative for a signal."""
        try:
            return self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            raise TimedOut(f"{self.argv[0]} (pid {self.pid}) still runs after {seconds} s") from None

    def kill(self):
        """SIGKILL to the whole group, as the power going would."""
        try:
            os.killpg(self.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        self.process.wait()
        if self in _children:
            _children.remove(self)

    def stop(self, seconds=20):
        """SIGTERM, then SIGKILL to whatever is left of the group. Returns the exit status."""
        self.signal(signal.SIGTERM)
        try:
            return self.wait(seconds)
        finally:
            self.kill()

    def output(self):
        with open(self.err_path, "rb") as file:
            return file.read().decode("utf-8", "replace")


@atexit.register
def _kill_all():
    for child in list(_children):
        child.kill()
