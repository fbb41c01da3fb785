"""mailmoorctl verify: a faithful copy is proved to be one, every kind of damage is named, --repair mends what can be."""
import glob
import json
import os
import subprocess

from e2e.harness import EndToEnd
from lib import maildir
from lib.processes import wait_until

GAPS = ["missing", "removed_here", "poison", "unreadable", "wrong_size", "wrong_content", "not_given", "wrong_flags"]


class Verify(EndToEnd):
    def make(self, folders=None, **mailbox):
        """alice, mirrored; nothing comes but by an order."""
        self.world_ = self.world()
        self.world_.fill("alice", folders or {"INBOX": 12, "Sent": 4})
        self.server_ = self.world_.server.observer("alice")
        self.addCleanup(self.server_.close)
        mailbox.setdefault("poll", "1h")
        mailbox.setdefault("push", "off")
        self.daemon_ = self.daemon(self.world_, self.world_.config("alice", **mailbox))
        self.wait_mirrored(self.world_, self.daemon_, "alice")
        self.daemon_.ctl("sync", "alice", "--wait")

    def verify(self, status, *options, mailbox="alice"):
        """{folder: findings} and the last line, after what holds for every run."""
        answer = self.daemon_.ctl("verify", mailbox, *options, seconds=120)
        self.assertEqual(status, answer.status, f"{answer}\n{self.daemon_.log_end()}")
        rows = [json.loads(line) for line in answer.out.splitlines()]
        end = rows.pop()
        self.assertEqual("finished", end["event"], answer)
        folders = {row["folder"]: row for row in rows if row["event"] == "folder"}
        self.assertEqual(status == 0, end["complete"])
        self.assertEqual(end["folders"], len(folders))
        for row in folders.values():
            gaps = [name for name in GAPS if row[name]] + ([row["failed"]] if row["failed"] else [])
            self.assertEqual(row["complete"], not gaps and row["unlisted"] == 0, row)
        return folders, end

    def files(self, folder="INBOX"):
        """uid → path"""
        found = {}
        for mail in maildir.mails(self.daemon_.mailbox_dir("alice")):
            match = maildir.NAME.match(mail.name)
            if match and mail.folder == self.world_.here(folder):
                found[int(match["uid"])] = mail.path
        return found

    def on_server(self, *commands):
        self.server_.select("INBOX")
        for command in commands:
            self.server_.command(command)
        self.server_.unselect()

    def trash(self):
        """uid → octets of what lies in the trash"""
        found = {}
        for path in glob.glob(f"{self.daemon_.mailbox_dir('alice')}/.mailmoor-trash/*/INBOX/*"):
            found[int(maildir.NAME.match(os.path.basename(path))["uid"])] = maildir.read(path)
        return found

    @staticmethod
    def uids(rows):
        return [row["uid"] for row in rows]

    # --- a faithful copy -----------------------------------------------------------------------------------------

    def check_faithful(self):
        before = self.world_.snapshot("alice")
        files = self.files()
        folders, end = self.verify(0)
        self.assertEqual((12, 12), (folders["INBOX"]["server_messages"], folders["INBOX"]["here"]))
        self.assertEqual((16, 16), (end["server_messages"], end["here"]))
        self.assertEqual([], folders["INBOX"]["size_differs"] + folders[self.world_.server.named("Sent")]["size_differs"])
        folders, _ = self.verify(0, "--deep")
        self.assertEqual(12, folders["INBOX"]["contents_compared"])
        self.assertEqual(4, folders[self.world_.server.named("Sent")]["contents_compared"])
        self.assertEqual(files, self.files())
        self.assertEqual(before, self.world_.snapshot("alice"), "the server is as it was")

    def test_faithful_copy_is_complete(self):
        self.make()
        self.check_faithful()
        answer = self.daemon_.ctl("verify", as_json=False)
        self.assertEqual((0, "alice: complete: 16 messages in 2 folders\n"), (answer.status, answer.out))

    def test_faithful_copy_with_the_octets_of_the_server_is_complete(self):
        self.make(line_endings="crlf")
        self.check_faithful()

    def test_what_came_just_now_is_no_gap(self):
        self.make()
        self.world_.deliver("alice")
        self.on_server(r"UID STORE 1 FLAGS.SILENT (\Flagged \Answered)")
        folders, _ = self.verify(0)
        self.assertEqual(13, folders["INBOX"]["here"])
        self.assertTrue(self.files()[1].endswith(":2,FR"))

    # --- damage --------------------------------------------------------------------------------------------------

    def damage(self):
        files = self.files()
        with open(files[2], "r+b") as file:
            file.truncate(os.path.getsize(files[2]) - 3)
        os.unlink(files[3])
        base = os.path.basename(files[4]).split(":2,")[0]
        os.rename(files[4], f"{os.path.dirname(os.path.dirname(files[4]))}/cur/{base}:2,FPT")  # as a reader does it
        self.on_server(r"UID STORE 5 FLAGS.SILENT (\Flagged \Deleted)")
        with open(files[6], "r+b") as file:
            octet = file.read(1)
            file.seek(0)
            file.write(bytes([octet[0] ^ 1]))
        with open(f"{self.daemon_.mailbox_dir('alice')}/cur/1700000000.notes.host:2,S", "wb") as file:
            file.write(b"Subject: not from the server\n\n")
        self.on_server(r"UID STORE 7 +FLAGS.SILENT (\Deleted)", "UID EXPUNGE 7")
        self.torn_ = {uid: maildir.read(files[uid]) for uid in (2, 6)}
        gone = self.world_.originals["alice"]["INBOX"].pop(6)
        return gone

    def test_each_damage_is_named_and_repaired(self):
        self.make()
        self.damage()
        folders, end = self.verify(1)
        inbox = folders["INBOX"]
        self.assertEqual([2], self.uids(inbox["wrong_size"]))
        self.assertEqual(3, inbox["wrong_size"][0]["expected"] - inbox["wrong_size"][0]["here"])
        self.assertEqual([3], inbox["removed_here"])
        self.assertEqual([{"uid": 4, "server": inbox["changed_here"][0]["server"], "here": "FPT"}],
                         inbox["changed_here"], "a reader's flags are kept")
        self.assertTrue(self.files()[5].endswith(":2,FT"), "the server's flags came with the pass before")
        self.assertEqual(["cur/1700000000.notes.host:2,S"], inbox["extra"])
        self.assertEqual([7], inbox["not_on_server"])
        self.assertEqual([], inbox["wrong_content"], "a flipped bit has the same size")
        self.assertEqual((11, 10), (inbox["server_messages"], inbox["here"]))
        self.assertTrue(folders[self.world_.server.named("Sent")]["complete"])
        self.assertEqual(1, end["incomplete"])

        folders, _ = self.verify(1, "--deep")
        self.assertEqual([6], folders["INBOX"]["wrong_content"])
        self.assertEqual([2], self.uids(folders["INBOX"]["wrong_size"]))
        self.assertEqual({}, self.trash(), "nothing was touched")
        text = self.daemon_.ctl("verify", "alice", "--deep", as_json=False).out
        for words in ("1 removed here (UID 3)", "1 of another content (UID 6)", "1 of a wrong size (UID 2: ",
                      "alice: NOT complete: gaps in 1 of 2 folders", "--deep --repair"):
            self.assertIn(words, " ".join(text.split()))

        folders, _ = self.verify(1, "--deep", "--repair")
        self.assertEqual([2, 6], folders["INBOX"]["repaired"])
        self.assertEqual([3], folders["INBOX"]["removed_here"], "what a reader deleted stays deleted")
        self.assertEqual(self.torn_, self.trash(), "as it was found")
        folders, _ = self.verify(0, "--repair", "--fetch-removed")
        self.assertEqual([3], folders["INBOX"]["repaired"])
        self.verify(0, "--deep")
        self.assertTrue(self.files()[4].endswith(":2,FPT"))
        os.unlink(f"{self.daemon_.mailbox_dir('alice')}/cur/1700000000.notes.host:2,S")
        os.unlink(self.files()[7])
        for path in glob.glob(f"{self.daemon_.mailbox_dir('alice')}/.mailmoor-trash/*/INBOX/*"):
            os.unlink(path)
        self.assert_mirrored(self.world_, self.daemon_, "alice")
        # What was repaired is remembered: nothing is fetched twice.
        self.daemon_.stop()
        self.daemon_.start()
        self.daemon_.ctl("sync", "alice", "--wait")
        self.assertEqual(0, self.daemon_.status("alice")["messages_fetched"])
        self.verify(0)

    def test_folder_that_is_gone_here_is_brought_back_by_word_only(self):
        self.make()
        for path in self.files("Sent").values():
            os.unlink(path)
        folders, _ = self.verify(1, "--repair")
        self.assertEqual([1, 2, 3, 4], folders[self.world_.server.named("Sent")]["removed_here"])
        folders, _ = self.verify(0, "--repair", "--fetch-removed")
        self.assertEqual([1, 2, 3, 4], folders[self.world_.server.named("Sent")]["repaired"])
        self.assert_mirrored(self.world_, self.daemon_, "alice")

    # --- when it cannot, or shall not go on ----------------------------------------------------------------------

    def test_client_that_goes_away_ends_it(self):
        self.make(folders={"INBOX": 400})
        argv = self.daemon_._ctl_argv(["verify", "alice", "--deep"], True)
        client = subprocess.Popen(argv, env=self.daemon_._env(), stdout=subprocess.PIPE)
        self.assertEqual("progress", json.loads(client.stdout.readline())["event"])
        client.kill()
        client.wait()
        client.stdout.close()
        self.daemon_.wait_for_state("alice", "idle")
        self.verify(0)

    def test_two_mailboxes_share_one_connection(self):
        world = self.world()
        for user in ("alice", "bob"):
            world.fill(user, {"INBOX": 5, "Sent": 2})
        self.daemon_ = self.daemon(world, {**world.config("alice", "bob"), "limits": {"connections": 1}})
        for user in ("alice", "bob"):
            self.wait_mirrored(world, self.daemon_, user)
        answer = self.daemon_.ctl("verify", "--deep", seconds=120)
        self.assertEqual(0, answer.status, answer)
        ends = [json.loads(line) for line in answer.out.splitlines() if '"finished"' in line]
        self.assertEqual([("alice", 7), ("bob", 7)], [(end["mailbox"], end["here"]) for end in ends])

    def test_without_a_login_it_is_3(self):
        world = self.world(oauth=True)
        self.daemon_ = self.daemon(world, world.config("alice"))
        self.daemon_.wait_for_state("alice", "needs_login")
        answer = self.daemon_.ctl("verify", "alice")
        self.assertEqual(3, answer.status, answer)

    def test_paused_or_without_a_daemon_it_says_so(self):
        self.make()
        self.assertEqual(0, self.daemon_.ctl("pause", "alice").status)
        answer = self.daemon_.ctl("verify", "alice", as_json=False)
        self.assertEqual(1, answer.status, answer)
        self.assertIn("mailmoorctl resume alice", answer.err)
        self.daemon_.ctl("resume", "alice")
        self.verify(0)
        self.daemon_.stop()
        self.assertEqual(4, self.daemon_.ctl("verify", "alice").status)
        self.daemon_.start()
