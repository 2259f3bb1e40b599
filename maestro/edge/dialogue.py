"""The protocol over one executor's socket: messages out, understood frames in.

Answers what breaks the contract. Knows no session.
"""

from typing import assert_never

import structlog
from structlog.typing import FilteringBoundLogger as BoundLogger

from maestro.edge.line import Line, SocketEnded
from protocol.codec import Ignored
from protocol.connection import Connection, Violation
from protocol.from_executor import FromExecutor
from protocol.from_maestro import FromMaestro
from protocol.state import Phase
from protocol.wire import Frame

TOLD_IGNORED = 10
"""Frames of unknown types of one socket that the log tells of."""


class Dialogue:
    def __init__(self, line: Line, owner: str) -> None:
        self.line = line
        self.log: BoundLogger = structlog.get_logger(__name__).bind(owner=owner)
        """Of this socket; knows its session and epoch once there are any."""
        self._connection = Connection("maestro")

    async def send(self, message: FromMaestro) -> None:
        await self.send_frame(Frame(message))

    async def send_frame(self, frame: Frame[FromMaestro]) -> None:
        """Raises SocketEnded; FrameTooLarge for what may not be cut to the peer's limit."""
        if self._connection.phase is Phase.CLOSED:
            return  # a violation closes the socket while another task still has something to say
        await self.line.send(self._connection.send_frame(frame))

    async def understand(self, text: str) -> Frame[FromExecutor] | None:
        """The frame in `text`; None for one that is left alone, or was refused and answered.

        Raises SocketEnded when the refusal ends the connection.
        """
        for received in self._connection.receive(text):
            match received:
                case Frame():
                    return received
                case Ignored(type=unknown) if self._connection.ignored <= TOLD_IGNORED:
                    self.log.info("frame_ignored", type=unknown[:100])
                case Ignored():
                    pass  # a peer sends as many as it likes, and a log is not to grow with them
                case Violation():
                    await self._answer(received)
                case _:
                    assert_never(received)
        return None

    async def refuse_binary(self) -> None:
        """Raises SocketEnded."""
        for violation in self._connection.receive_binary():
            await self._answer(violation)

    def close(self) -> None:
        self._connection.close()

    async def _answer(self, violation: Violation) -> None:
        error = violation.error
        self.log.info("frame_refused", code=error.code, field=error.field)
        if violation.answer is not None:
            await self.line.send(violation.answer)
        if error.close_code is not None:
            raise SocketEnded(error.close_code)
