"""mailmoorctl login while it runs: its events as they come, and a standard input to write to."""
import json
import signal
import subprocess
import threading

from lib.processes import TimedOut, wait_until


def _take_interrupts():
    """What a shell starts in the background ignores Ctrl-C, and so would what that starts."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


class SignIn:
    """One run of `mailmoorctl --json login …`. `argv`: the whole command."""

    def __init__(self, argv, env):
        self.events = []
        self._process = subprocess.Popen(argv, env=env, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                         stderr=subprocess.PIPE, text=True, preexec_fn=_take_interrupts)
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self):
        for line in self._process.stdout:
            self.events.append(json.loads(line))

    def of(self, event):
        return [row for row in list(self.events) if row.get("event") == event]

    def prompts(self, count, seconds=60):
        """The first `count` prompts, once they are there."""
        wait_until(lambda: len(self.of("prompt")) >= count or not self.running(), seconds,
                   lambda: f"{count} prompts; there are {self.events}")
        prompts = self.of("prompt")
        if len(prompts) < count:
            raise AssertionError(f"login ended early: {self.events}\n{self._process.stderr.read()}")
        return prompts[:count]

    def running(self):
        return self._process.poll() is None

    def write(self, text):
        self._process.stdin.write(text)
        self._process.stdin.flush()

    def interrupt(self, seconds=30):
        """Ctrl-C; returns the exit status."""
        self._process.send_signal(signal.SIGINT)
        return self.wait(seconds)

    def wait(self, seconds=60):
        """The exit status, once it has ended and every event has been read."""
        try:
            status = self._process.wait(seconds)
        except subprocess.TimeoutExpired:
            raise TimedOut(f"login still runs after {seconds} s: {self.events}") from None
        self._reader.join(10)
        return status

    def errors(self):
        return self._process.stderr.read()

    def close(self):
        if self.running():
            self._process.kill()
        self._process.wait()
        self._reader.join(10)
        for stream in (self._process.stdin, self._process.stdout, self._process.stderr):
            try:
                stream.close()
            except BrokenPipeError:
                pass
