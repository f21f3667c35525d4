"""One connection of uvicorn's, with the patience that it lacks: for a request that never gets complete, and a body that nobody reads.

uvicorn 0.54 waits for the first request, and for the rest of one that began, without end; its limits count such connections.
"""

from asyncio import TimerHandle, Transport

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

PATIENCE = 10
"""Seconds for what is owed: the headers of a request, the rest of a body that nobody reads any more."""


class PatientConnection(H11Protocol):
    """Hangs up when the headers of a request are not there in time, and when the rest of a body that was answered already goes on and on.

    For a while such a rest is read and let go, so that whoever still writes can read the answer afterwards.
    """

    _waiting: TimerHandle | None = None

    def connection_made(self, transport: Transport) -> None:  # type: ignore[override]
        """Somebody is there."""
        super().connection_made(transport)
        self._look()

    def connection_lost(self, exc: Exception | None) -> None:
        """Nobody is there any more."""
        self._wait_no_more()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """A part of a request."""
        super().data_received(data)
        self._look()

    def on_response_complete(self) -> None:
        """The answer is out."""
        super().on_response_complete()
        self._look()

    def _look(self) -> None:
        theirs = self.conn.their_state
        is_owed = theirs is h11.IDLE or (theirs is h11.SEND_BODY and self.conn.our_state is h11.DONE)
        if not is_owed or self.transport.is_closing():
            self._wait_no_more()
        elif self._waiting is None:
            self._waiting = self.loop.call_later(PATIENCE, self._hang_up)

    def _wait_no_more(self) -> None:
        if self._waiting is not None:
            self._waiting.cancel()
            self._waiting = None

    def _hang_up(self) -> None:
        self._waiting = None
        self.transport.close()
