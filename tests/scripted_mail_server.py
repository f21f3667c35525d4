"""A mail server on loopback that does what a script says: to be rude at exactly one step. One connection after the other."""

import socket
import struct
import threading
from collections.abc import Mapping
from typing import BinaryIO

OK = {
    "EHLO": "250-here\r\n250 SIZE 1000000",
    "RSET": "250 2.0.0 ok",
    "MAIL": "250 2.1.0 ok",
    "RCPT": "250 2.1.5 ok",
    "DATA": "354 go on",
    ".": "250 2.0.0 queued as 4711",
    "QUIT": "221 bye",
}
DROP = "drop"


class ScriptedServer:
    """`scripts` are the deviations from OK, one mapping a connection; the last one serves the rest. A reply of DROP resets the connection,
    `DROP body` does so within the message."""

    def __init__(self, *scripts: Mapping[str, str]) -> None:
        self._scripts = scripts or ({},)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self.connections = 0
        self.commands: list[str] = []
        self.bodies: list[bytes] = []
        self._current: dict[str, str] = {}
        self._thread = threading.Thread(target=self._serve, daemon=True)

    def __enter__(self) -> "ScriptedServer":
        self._thread.start()
        return self

    def __exit__(self, *details: object) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)  # wakes the thread that waits for the next connection
        self._thread.join(timeout=5)
        self._listener.close()

    def change(self, step: str, reply: str) -> None:
        """From now on this connection does so."""
        self._current[step] = reply

    def _serve(self) -> None:
        while True:
            try:
                conn, _ = self._listener.accept()
            except OSError:
                return
            script = self._current = {**OK, **self._scripts[min(self.connections, len(self._scripts) - 1)]}
            self.connections += 1
            with conn, conn.makefile("rb") as stream:
                try:
                    self._talk(conn, stream, script)
                except OSError:
                    continue

    def _talk(self, conn: socket.socket, stream: BinaryIO, script: Mapping[str, str]) -> None:
        if not self._answer(conn, script.get("greeting", "220 here")):
            return
        while line := stream.readline():
            verb = line.decode("utf-8", "replace").strip().partition(" ")[0].upper()
            self.commands.append(line.decode("utf-8", "replace").strip())
            if not self._answer(conn, script.get(verb, "502 unknown")) or verb == "QUIT":
                return
            if verb == "DATA" and script["DATA"].startswith("354") and not self._body(conn, stream, script):
                return

    def _body(self, conn: socket.socket, stream: BinaryIO, script: Mapping[str, str]) -> bool:
        if script.get("body") == DROP:
            stream.read(10)
            return self._answer(conn, DROP)
        lines = []
        while (line := stream.readline()) not in (b".\r\n", b""):
            lines.append(line)
        self.bodies.append(b"".join(lines))
        return self._answer(conn, script["."])

    def _answer(self, conn: socket.socket, reply: str) -> bool:
        if reply == DROP:
            conn.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            return False
        conn.sendall(f"{reply}\r\n".encode())
        return True
