"""COMPRESS=DEFLATE (RFC 4978) on a server that offers it."""
from e2e.harness import EndToEnd

OFFERED = "mail_plugins = zlib\nprotocol imap {\n  mail_plugins = $mail_plugins imap_zlib\n}\n"


class Compress(EndToEnd):
    def mirrored(self, compress, idle=False):
        """The world after a first sync and, with `idle`, a message that came after it."""
        world = self.world(settings=OFFERED, record=True)
        world.fill("alice", {"INBOX": 120, "Lists": 30})
        daemon = self.daemon(world, world.config("alice", compress=compress))
        self.wait_mirrored(world, daemon, "alice")
        if idle:
            message = world.deliver("alice")
            self.wait_delivered(world, daemon, "alice", message, 30)
            self.assert_mirrored(world, daemon, "alice")
        return world

    def asked(self, world):
        return [line for line in world.server.client_commands() if b" COMPRESS DEFLATE" in line]

    def test_on_everything_comes_compressed_and_whole(self):
        world = self.mirrored("on", idle=True)
        self.assertTrue(self.asked(world))
        self.assertEqual([], [line for line in world.server.client_commands() if b"UID FETCH" in line],
                         "a command in the clear after compression was agreed")

    def test_auto_a_near_server_is_not_asked(self):
        world = self.mirrored("auto")
        self.assertEqual([], self.asked(world))
        self.assertTrue([line for line in world.server.client_commands() if b"UID FETCH" in line])

    def test_off_nothing_is_asked(self):
        self.assertEqual([], self.asked(self.mirrored("off")))
