"""Hold one executor's socket from its first frame to its close.

Three tasks: read, take, follow; the first that ends ends all. Knows no event but the handshake.
"""

import asyncio
import contextlib

from starlette.websockets import WebSocket

from maestro.edge.attachment import Attachment
from maestro.edge.dialogue import Dialogue
from maestro.edge.edge import Edge
from maestro.edge.handshake import Unwelcome, Welcome, rate_limited, welcome
from maestro.edge.inbox import Inbox
from maestro.edge.line import INTERNAL_ERROR, BinaryFrame, Line, SocketEnded
from maestro.edge.shares import BYTE_SECONDS, FRAME_SECONDS, RUN_SECONDS
from maestro.edge.tool_offers import seconds
from maestro.errors import LedgerUnavailable
from maestro.ports import Account
from protocol.errors import CloseCode, ErrorCode
from protocol.from_executor import Handshake
from protocol.from_maestro import ErrorReported
from protocol.wire import Frame

LEDGER_AWAY = "the maestro's database does not take anything at this moment; it is waited for"


class ExecutorSocket:
    def __init__(self, edge: Edge, account: Account, socket: WebSocket) -> None:
        limits = edge.dependencies.limits
        self._edge = edge
        self._account = account
        self._line = Line(socket, limits.send_seconds)
        self._dialogue = Dialogue(self._line, account.owner)
        self._inbox = Inbox(limits.waiting_frames, limits.waiting_bytes)
        self._share = edge.shares.of(account.owner)
        self._is_metered = self._line.meter(self._share)
        self._attachment: Attachment | None = None
        self._unmetered = 0
        """Bytes received and not counted yet."""

    async def serve(self) -> None:
        """Until the socket is closed; it is accepted already."""
        code = await self._converse()
        self._dialogue.log.info("executor_socket_closed", code=code)
        self._dialogue.close()
        if code is not None:
            await self._line.close(code)
        if self._attachment is not None:
            await self._attachment.leave()
        elif code in (CloseCode.BAD_HANDSHAKE, CloseCode.VERSION):
            key_id = self._account.key_id or self._account.owner
            await self._edge.dependencies.quotas.spend("failures", key_id)

    async def _converse(self) -> int | None:
        """Run the conversation to its end: the code to close with, None if the peer is gone."""
        code: int | None = None
        try:
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(self._read())
                tasks.create_task(self._take(tasks))
        except* LedgerUnavailable:  # raised only when the peer has gone while it was away
            code = None
        except* SocketEnded as ended:
            codes = [error.code for error in ended.exceptions if isinstance(error, SocketEnded)]
            code = next((known for known in codes if known is not None), None)
        except* Exception as errors:  # the boundary: a bug ends this socket, not the process
            self._dialogue.log.exception("executor_socket_failed", exc_info=errors)
            await self._complain()
            code = INTERNAL_ERROR
        return code

    async def _read(self) -> None:
        try:
            while (text := await self._line.receive()) is not None:
                await self._meter(text)
                cost = 0.0 if self._is_metered else FRAME_SECONDS + BYTE_SECONDS * len(text)
                await self._share.spend(cost)
                await self._inbox.put(text)
        except BinaryFrame:
            await self._dialogue.refuse_binary()
        await self._inbox.end()

    async def _meter(self, text: str) -> None:
        """Count what comes; SocketEnded, with a word, when the owner may send no more for now."""
        self._unmetered += len(text) if text.isascii() else len(text.encode())
        dependencies = self._edge.dependencies
        if self._unmetered < dependencies.limits.metered_bytes:
            return
        counted, self._unmetered = self._unmetered, 0
        limited = await dependencies.quotas.spend("bytes", self._account.owner, counted)
        if limited is not None:
            await self._dialogue.send(rate_limited(limited))
            raise SocketEnded(CloseCode.TOO_MANY)

    async def _take(self, tasks: asyncio.TaskGroup) -> None:
        handshake = await self._first_frame()
        await self._share.spend(RUN_SECONDS + seconds(handshake.message.custom_tools))
        welcomed = await self._welcomed(handshake)
        if isinstance(welcomed, Unwelcome):
            self._dialogue.log.info("handshake_refused", code=welcomed.report.code)
            await self._dialogue.send(welcomed.report)
            raise SocketEnded(welcomed.code)
        self._attachment = Attachment(self._edge, self._account, self._dialogue, welcomed)
        await self._attachment.run(self._inbox, tasks)

    async def _welcomed(self, handshake: Frame[Handshake]) -> Welcome | Unwelcome:
        """Waits while the ledger is away, and says so to whoever waits with us."""
        dependencies = self._edge.dependencies
        entering = asyncio.create_task(
            welcome(dependencies, self._account.owner, handshake, stopped=lambda: self._line.gone)
        )
        try:
            done, _ = await asyncio.wait({entering}, timeout=dependencies.limits.word_seconds)
            if not done:
                report = ErrorReported(ErrorCode.INTERNAL, LEDGER_AWAY, retryable=True)
                await self._dialogue.send(report)
            return await entering
        finally:
            entering.cancel()

    async def _first_frame(self) -> Frame[Handshake]:
        """Raises SocketEnded when there is none in time, or another one."""
        try:
            async with asyncio.timeout(self._edge.dependencies.limits.handshake_seconds):
                text = await self._inbox.get()
        except TimeoutError:
            await self._dialogue.send(
                ErrorReported(ErrorCode.BAD_HANDSHAKE, "no handshake in time")
            )
            raise SocketEnded(CloseCode.BAD_HANDSHAKE) from None
        frame = None if text is None else await self._dialogue.understand(text)
        if frame is None or not isinstance(frame.message, Handshake):
            raise SocketEnded(None)
        return Frame(frame.message, id=frame.id)

    async def _complain(self) -> None:
        words = "the maestro failed; come back"
        with contextlib.suppress(SocketEnded):
            await self._dialogue.send(ErrorReported(ErrorCode.INTERNAL, words, retryable=True))
