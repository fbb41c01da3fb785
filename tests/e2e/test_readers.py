"""Mail readers open the mirrored Maildir as it is and find the same messages with the same flags: Dovecot, mutt,
notmuch, mu. Each works on a copy, so that none sees what another has made of it."""
import collections
import os
import pty
import re
import shlex
import shutil
import subprocess
import unittest

from e2e.harness import EndToEnd
from fakes.corpus import Corpus, digest
from fakes.dovecot import Dovecot

FOLDERS = {"INBOX": 24, "Sent": 7, "Lists/dev": 5}
# Flag → how each reader names it. mutt and notmuch have words for unread, not for read.
FLAGS = {
    "\\Flagged": {"mutt": "~F", "notmuch": "tag:flagged", "mu": "flag:flagged"},
    "\\Answered": {"mutt": "~Q", "notmuch": "tag:replied", "mu": "flag:replied"},
    "\\Draft": {"notmuch": "tag:draft", "mu": "flag:draft"},
    "\\Seen": {"mutt": "!(~U|~N|~O)", "notmuch": "not tag:unread", "mu": "flag:seen"},
}


class Readers(EndToEnd):
    def setUp(self):
        super().setUp()
        self.world_ = self.world()
        # A message without an empty line after its header is no mail to some of them.
        self.world_._corpora["alice"] = Corpus("alice", big_every=0, tame=True)
        self.world_.fill("alice", FOLDERS)
        daemon = self.daemon(self.world_, self.world_.config("alice"), start=False)
        self.assertEqual(0, daemon.once(), daemon.log_end())
        self.maildir = daemon.mailbox_dir("alice")
        self.assert_mirrored(self.world_, daemon, "alice")

    def copy(self, name):
        target = f"{self.world_.directory}/{name}/Maildir"
        shutil.copytree(self.maildir, target)
        return target

    def wanted(self, folder=None):
        """Messages in all, and with each flag."""
        originals = self.world_.originals["alice"]
        messages = originals[folder] if folder else sum(originals.values(), [])
        counts = {flag: sum(flag in message.flags for message in messages) for flag in FLAGS}
        return {"all": len(messages), **counts}

    def run_reader(self, *argv, **options):
        done = subprocess.run(argv, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=120, check=False,
                              stdin=subprocess.DEVNULL, **options)
        self.assertEqual(0, done.returncode, f"{shlex.join(argv)}: {done.stdout}")
        return done.stdout

    def need(self, program):
        if not shutil.which(program):
            raise unittest.SkipTest(f"{program} is not installed")

    def test_dovecot(self):
        server = Dovecot(f"{self.world_.directory}/reader", self.world_.certificate,
                         settings="mail_location = maildir:~/Maildir")
        self.addCleanup(server.child.kill)
        home = f"{server.directory}/mail/alice"
        shutil.copytree(self.maildir, f"{home}/Maildir")
        for parent, _, files in os.walk(home):
            for path in (parent, *(f"{parent}/{name}" for name in files)):
                shutil.chown(path, *server._mail_owner())
        with server.observer("alice") as observer:
            self.assertEqual(sorted(FOLDERS), observer.folders())
            for folder in FOLDERS:
                observer.command(f'EXAMINE "{folder}"')
                got = collections.Counter()
                for row in observer.command("UID FETCH 1:* (FLAGS BODY.PEEK[])"):
                    if b"BODY[]" not in row:
                        continue
                    flags = re.search(rb"FLAGS \(([^)]*)\)", row)[1].decode().split()
                    size = int(re.search(rb"BODY\[\] \{(\d+)\}\r\n", row)[1])
                    start = row.index(b"}\r\n") + 3
                    got[(digest(row[start:start + size]), tuple(sorted(set(flags) & set(FLAGS))))] += 1
                want = collections.Counter((digest(message.octets), tuple(sorted(message.flags)))
                                           for message in self.world_.originals["alice"][folder])
                self.assertEqual(want, got, folder)

    def test_mutt(self):
        self.need("mutt")
        place = self.copy("mutt")
        for folder, directory in {"INBOX": "", "Sent": "/.Sent", "Lists/dev": "/.Lists.dev"}.items():
            out = f"{self.world_.directory}/mutt/{folder.replace('/', '_')}"
            os.makedirs(out)
            patterns = {"all": "~A", **{flag: words["mutt"] for flag, words in FLAGS.items() if "mutt" in words}}
            keys = ""
            for flag, pattern in patterns.items():
                name = flag.strip("\\")
                # One line for each tagged message.
                keys += (f"<untag-pattern>~A<enter><tag-pattern>{pattern}<enter><tag-prefix-cond><pipe-message>"
                         f"echo x >>{out}/{name}<enter><end-cond>")
            rc = f"{out}/rc"
            with open(rc, "w", encoding="utf-8") as file:
                file.write("set wait_key=no quit=yes pipe_split=yes header_cache='' record='' mark_old=no\n"
                           f"push \"{keys}<exit>\"\n")
            self.run_on_a_terminal(["mutt", "-n", "-R", "-F", rc, "-f", place + directory])
            want = self.wanted(folder)
            for flag in patterns:
                path = f"{out}/{flag.strip(chr(92))}"
                got = 0
                if os.path.exists(path):
                    with open(path, encoding="utf-8") as file:
                        got = len(file.readlines())
                self.assertEqual(want[flag], got, f"{folder}: {flag}")

    def run_on_a_terminal(self, argv):
        pid, terminal = pty.fork()
        if pid == 0:
            os.execvpe(argv[0], argv, {**os.environ, "TERM": "vt100", "HOME": self.world_.directory, "LC_ALL": "C.UTF-8"})
        said = b""
        try:
            while piece := os.read(terminal, 65536):
                said += piece
        except OSError:
            pass  # the end of a terminal
        os.close(terminal)
        _, status = os.waitpid(pid, 0)
        self.assertEqual(0, os.waitstatus_to_exitcode(status), said[-2000:])

    def test_notmuch(self):
        self.need("notmuch")
        place = self.copy("notmuch")
        config = f"{self.world_.directory}/notmuch/config"
        with open(config, "w", encoding="utf-8") as file:
            file.write(f"[database]\npath={place}\n[user]\nname=Alice\nprimary_email=alice@corpus.test\n"
                       "[new]\ntags=unread\n[maildir]\nsynchronize_flags=true\n")
        environment = {**os.environ, "NOTMUCH_CONFIG": config}
        self.run_reader("notmuch", "new", env=environment)

        def count(query):
            return int(self.run_reader("notmuch", "count", "--exclude=false", "--output=files", query, env=environment))

        want = self.wanted()
        self.assertEqual(want["all"], count("*"))
        for flag, words in FLAGS.items():
            self.assertEqual(want[flag], count(words["notmuch"]), flag)
        self.assertEqual(self.wanted("Lists/dev")["all"], count('path:".Lists.dev/**"'))

    def test_mu(self):
        self.need("mu")
        place = self.copy("mu")
        home = f"--muhome={self.world_.directory}/mu/home"
        self.run_reader("mu", "init", home, f"--maildir={place}")
        self.run_reader("mu", "index", home, "--quiet")

        def count(query):
            done = subprocess.run(["mu", "find", home, "--fields=l", query], capture_output=True, text=True, timeout=120,
                                  check=False)
            self.assertIn(done.returncode, (0, 2, 4), done.stderr)  # 2 and 4: nothing found
            return len(done.stdout.splitlines())

        self.assertEqual(self.wanted()["all"], count(""))
        # mu reads no flags in new/, where unread messages arrive.
        read = [message for message in sum(self.world_.originals["alice"].values(), []) if "\\Seen" in message.flags]
        for flag, words in FLAGS.items():
            self.assertEqual(sum(flag in message.flags for message in read), count(words["mu"]), flag)
        self.assertEqual(self.wanted("Sent")["all"], count('maildir:"/.Sent"'))


if __name__ == "__main__":
    unittest.main()
