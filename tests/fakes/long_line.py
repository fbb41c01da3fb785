"""A long line to a server on loopback: every octet arrives half a round trip later, in either direction, and a connection
takes a round trip to come about. The line is as wide as Python is quick, and what is on its way is held in memory."""
import asyncio
import threading

_PIECE = 256 * 1024


class LongLine:
    """Listens on `port` from its construction to close()."""

    def __init__(self, server_port, round_trip):
        """round_trip: in seconds."""
        self._server_port, self._round_trip = server_port, round_trip
        self._loop = asyncio.new_event_loop()
        self._server = self._loop.run_until_complete(asyncio.start_server(self._carry, "127.0.0.1", 0, backlog=512))
        self.port = self._server.sockets[0].getsockname()[1]
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()

    def close(self):
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()

    async def _carry(self, client_reader, client_writer):
        await asyncio.sleep(self._round_trip)
        server_reader, server_writer = await asyncio.open_connection("127.0.0.1", self._server_port)
        await asyncio.gather(self._one_way(client_reader, server_writer), self._one_way(server_reader, client_writer))
        for writer in (client_writer, server_writer):
            self._loop.call_later(self._round_trip / 2, writer.close)

    async def _one_way(self, reader, writer):
        while True:
            try:
                piece = await reader.read(_PIECE)
            except ConnectionError:
                piece = b""
            # What is on its way is in order: each piece has the same way to go, and begins later.
            self._loop.call_later(self._round_trip / 2, self._arrive, writer, piece)
            if not piece:
                return

    @staticmethod
    def _arrive(writer, piece):
        if writer.is_closing():
            return
        if piece:
            writer.write(piece)
        else:
            writer.write_eof()
