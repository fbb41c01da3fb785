"""Exchange Online as it presents itself: greetings, capabilities, folder lists, limits, numbers."""
import re
import socket
import ssl

from e2e.provider import ProviderTest
from fakes import exchange
from fakes.mail_server import Folder
from lib import maildir
from lib.processes import wait_until


class Presentation(ProviderTest):
    def check_session(self):
        """One login; what it can do is asked anew after it, since it does not say so itself."""
        self.wait_mirrored()
        self.sync()
        commands = self.server.journal.commands()
        login = next(number for number, text in enumerate(commands) if text.startswith("AUTHENTICATE"))
        self.assertEqual(["CAPABILITY", "CAPABILITY"], [commands[0], commands[login + 1]])
        self.assertEqual((1, 1), (self.server.journal.logins(), self.server.connections))
        self.assertEqual([], self.server.treacherous())
        self.assert_well_behaved()

    def test_classic_greeting_and_a_password(self):
        self.exchange()
        self.fill(12)
        self.begin()
        self.check_session()

    def test_greeting_of_2026_and_a_token(self):
        self.exchange(2026, tokens=True)
        self.fill(12)
        self.begin()
        self.check_session()

    def test_greeting_of_2026_is_known_for_its_notices_too(self):
        self.exchange(2026, tokens=True).faults = {2: "substitute"}
        self.fill(4)
        self.begin()
        self.assertIn("notice in its place", self.wait_mirrored({2})["poison"][0]["reason"])
        self.assert_well_behaved()

    def test_end_before_the_greeting(self):
        self.exchange().greetings.extend([None, None])
        self.fill(5)
        self.begin("0.05")
        self.wait_mirrored()
        self.assertEqual((3, 1), (self.server.connections, self.server.journal.logins()))
        self.assertEqual(1, len(self.loud()), "told once, not at every try")
        self.assertIn("closed the connection", self.loud()[0])
        self.assert_well_behaved()

    def test_no_passwords_where_it_takes_none(self):
        self.exchange(2026)
        self.fill(5)
        self.begin()
        row = self.daemon_.wait_for_state("alice", "failed")
        self.assertIn("password", row["reason"])
        self.assertIn("OAuth2", row["remedy"])
        self.assertIsNotNone(row["retry_at"])
        self.assertEqual(0, self.server.journal.logins(), "the password goes nowhere")
        self.assertEqual(1, len(self.loud("err")))

    def test_basic_authentication_is_disabled(self):
        self.exchange().script("^AUTHENTICATE", "{tag} NO Basic authentication is disabled.", "* BYE bye", then="close")
        self.fill(5)
        self.begin()
        wait_until(lambda: self.daemon_.status("alice")["state"] not in ("connecting", "syncing"), 20, "a verdict")
        row = self.daemon_.status("alice")
        self.assertIn("Basic authentication is disabled", row["reason"])
        self.assertEqual(1, self.server.journal.logins())


class Treachery(ProviderTest):
    """Extensions that are offered and not kept to."""
    ALL = exchange.AFTER_2026 + " CONDSTORE QRESYNC LIST-EXTENDED LIST-STATUS ESEARCH SPECIAL-USE"

    def begin_with_all(self, greeting=None):
        self.exchange()
        if greeting:
            self.server.greeting = greeting
        self.server.capabilities_before = self.server.capabilities_after = self.ALL
        self.fill(6)
        self.fill(3, "Sent")
        self.begin(poll="1s", flags="mirror")

    def test_microsoft_is_asked_for_none_of_them(self):
        self.begin_with_all()
        self.wait_mirrored()
        self.sync()
        self.assertEqual([], self.server.treacherous())
        self.assert_well_behaved()

    def test_another_server_that_refuses_them_is_asked_once(self):
        self.begin_with_all("* OK [CAPABILITY IMAP4rev1 AUTH=PLAIN] Strato ready")
        self.server.script("^ENABLE", "{tag} BAD Command Argument Error. 12")
        self.server.script("RETURN", "{tag} BAD Command Argument Error. 12")
        self.wait_mirrored()
        for _ in range(12):  # more than the BADs that a server bears
            self.sync()
        self.assertEqual((1, 1), (len(self.server.journal.commands("^ENABLE")),
                                  len(self.server.journal.commands("RETURN"))))
        self.assertEqual((1, 1), (self.server.journal.logins(), self.server.connections))
        self.assert_well_behaved()


class Folders(ProviderTest):
    def test_names_and_attributes_as_it_sends_them(self):
        server = self.exchange(2026, tokens=True)
        del server.folders["INBOX"]
        server.folders["Inbox"] = Folder(listed='* LIST (\\Marked \\HasNoChildren) "/" Inbox')
        server.folders["Deleted"] = Folder(listed='* LIST (\\Marked \\HasNoChildren \\Trash) "/" Deleted')
        server.folders["Gel&APY-schte Elemente"] = Folder()
        server.folders['Say "x"'] = Folder(listed='* LIST (\\HasNoChildren) "/" {7}\r\nSay "x"')
        server.folders["Notes\t2019"] = Folder(listed='* LIST (\\HasNoChildren) "/" Notes\t2019')
        server.folders["Projects/A\\B"] = Folder(listed='* LIST (\\HasNoChildren) "/" {12}\r\nProjects/A\\B')
        for name in list(server.folders):
            self.fill(2, name)
        for name in ("Calendar", "Calendar/Birthdays", "Contacts", "Tasks", "Journal", "Sync Issues/Conflicts", "Files",
                     "Outbox", "Conversation History", "Yammer Root"):
            self.fill(1, name)
            del self.messages[name]
        self.begin()
        self.wait_mirrored()
        opened = server.journal.commands("^EXAMINE")
        self.assertEqual(6, len(opened), f"the mail folders, each once: {opened}")
        self.assertEqual(2, maildir.multisets_by_folder(self.daemon_.mailbox_dir("alice"))[0].total())
        self.assertEqual(2, sum(1 for mail in maildir.mails(self.daemon_.mailbox_dir("alice")) if mail.folder == "."),
                         "Inbox is INBOX: the directory itself")
        why = {row["name"]: row["why"] for row in self.daemon_.ctl("folders", "alice").json["folders"]}
        self.assertIn("holds no mail", why["Calendar/Birthdays"])
        self.assert_well_behaved()

    def test_one_folder_that_is_not_available_stops_no_other(self):
        server = self.exchange()
        self.fill(3)
        self.fill(3, "Broken")
        self.fill(3, "Sent")
        server.script("^EXAMINE \"Broken\"", "{tag} NO Server Unavailable. 15", times=2)
        self.begin()
        wait_until(lambda: sum(self.here().values()) == 6, 20, lambda: self.daemon_.log_end())
        self.sync(status=1)
        self.assertEqual(1, len(self.loud()), "told once")
        self.assertRegex(self.loud()[0], r"folder=Broken .*Server Unavailable\. 15")
        self.sync()
        self.wait_mirrored()
        self.assertEqual(1, server.journal.logins())
        self.assert_well_behaved()


class Limits(ProviderTest):
    def test_command_lines_stay_short_however_scattered_the_messages_are(self):
        server = self.exchange()
        for number in range(900):  # 4-digit UIDs with gaps: nothing to make ranges of
            server.folders["INBOX"].next_uid = 100_000 + 7 * number
            server.deliver(f"Message-ID: <{number}@gaps>\r\nSubject: {number}\r\n\r\nx\r\n".encode())
        self.begin(max_size="1MiB")  # sizes are asked first, in sets as well
        wait_until(lambda: maildir.count(self.daemon_.mailbox_dir("alice")) == 900, 30, self.daemon_.log_end)
        self.sync()
        self.assertLessEqual(server.journal.longest(), 4096)
        self.assertGreater(server.journal.longest(), 500, "sets were asked for")
        self.assertEqual([], server.treacherous())
        self.assert_well_behaved()

    def test_refused_command_is_not_said_again(self):
        """Ten BADs, and it hangs up."""
        server = self.exchange()
        self.fill(3)
        self.fill(3, "Odd")
        server.script("^EXAMINE \"Odd\"", "{tag} BAD Command Argument Error. 12", times=1000)
        self.begin(poll="1s")
        wait_until(lambda: sum(self.here().values()) == 3, 20, lambda: self.daemon_.log_end())
        for _ in range(12):
            self.sync(status=1)
        self.assertEqual(1, len(server.journal.commands("^EXAMINE \"Odd\"")))
        self.assertEqual(1, server.journal.logins())
        [told] = self.loud()
        self.assertRegex(told, r"folder=Odd .*Command Argument Error\. 12.*EXAMINE")


class Numbers(ProviderTest):
    def test_folder_numbered_anew_is_not_fetched_anew(self):
        """No CONDSTORE, sizes that are estimates, dates that are all the same: names by Message-ID."""
        server = self.exchange()
        self.fill(40)
        self.begin()
        self.wait_mirrored()
        wanted = server.bodies_wanted()
        self.daemon_.stop()
        inbox = server.folders["INBOX"]
        with server.lock:
            octets = list(inbox.messages.values())
            inbox.validity, inbox.next_uid = 15, 3
            inbox.messages.clear()
            for message in octets:
                server.deliver(message)
        before = len(server.fetches)
        self.daemon_.start()
        self.sync()
        self.wait_mirrored()
        self.assertEqual({"15"}, {maildir.NAME.match(mail.name)["validity"]
                                  for mail in maildir.mails(self.daemon_.mailbox_dir("alice"))})
        fetched = [uid for uids, items in server.fetches[before:] if "BODY.PEEK[]" in items for uid in uids]
        self.assertEqual(40, len(wanted))
        without_id = sum(1 for message in octets if not re.search(rb"^Message-ID:", message, re.I | re.M))
        self.assertLessEqual(len(fetched), without_id)
        self.assertRegex(self.daemon_.log(), "uidvalidity_changed")
        self.assertEqual([], server.treacherous())
        self.assert_well_behaved()


class TheFakeItself(ProviderTest):
    """A client that keeps to none of its limits meets each of them: what the others of these tests lean on."""

    def test_it_refuses_what_exchange_refuses(self):
        server = self.exchange()
        trust = ssl.create_default_context(cafile=self.place_.authority.ca_file)
        client = trust.wrap_socket(socket.create_connection(("127.0.0.1", server.port)), server_hostname="localhost")
        self.addCleanup(client.close)
        lines = client.makefile("rb")

        def say(command):
            client.sendall(f"t {command}\r\n".encode())
            return lines.readline().decode().strip()

        self.assertEqual(exchange.GREETING, lines.readline().decode().strip())
        self.assertEqual("t NO AUTHENTICATE failed.", say("AUTHENTICATE PLAIN AGFsaWNlAG5v"))
        uids = ",".join(map(str, range(100_000, 100_600)))
        for command, answer in (
                ("ENABLE IMAP4rev2", "t BAD Command Error. 12"),
                ('STATUS "a\\"b" (MESSAGES)', "t BAD Command Argument Error. 12"),
                ("UID SEARCH ALL", "t BAD Command Error. 12"),
                (f"UID FETCH {uids} (FLAGS)", "t BAD Command Argument Error. 12"),
                (f"UID FETCH {uids},{uids},{uids} (FLAGS)", "t BAD Command Error. 10")):
            self.assertEqual(answer, say(command))
        for _ in range(4):
            say("UID STORE 1 +FLAGS (\\Seen)")
        self.assertEqual("t BAD Command Error. 12", say("STORE 1 FLAGS ()"), "the tenth")
        self.assertEqual("* BYE Connection closed. 14", lines.readline().decode().strip())
        self.assertEqual(b"", lines.readline())
        self.assertEqual((4, 1), (server.journal.commands().count("UID STORE 1 +FLAGS (\\Seen)"),
                                  server.journal.logins()))
        self.assertEqual(6, len(server.journal.changing()), "SEARCH is none of ours either")
