"""One attached executor: its frames into the ledger, the session's frames back to it.

Everything it writes carries its epoch. Plans nothing.
"""

import asyncio
import contextlib
from typing import Literal, assert_never

import msgspec

from maestro.domain.events import CallWaiting, ExecutorLost, Fact, ToolAnswered, UserSaid
from maestro.edge.dialogue import Dialogue
from maestro.edge.edge import Edge
from maestro.edge.executor_frames import Claimed, UnknownCall, meaning
from maestro.edge.follower import Executing, Follower, SessionGone, TakenOver
from maestro.edge.handshake import Welcome
from maestro.edge.inbox import Inbox
from maestro.edge.line import SocketEnded
from maestro.edge.patience import until_available
from maestro.edge.peers import Peer
from maestro.edge.shares import FACT_SECONDS, RUN_SECONDS
from maestro.errors import LedgerUnavailable, NewerEvent
from maestro.failpoints import hit
from maestro.ports import Account, Appended, HeadMoved, Live, Refused
from protocol.codec import FrameTooLarge
from protocol.errors import CloseCode, ErrorCode
from protocol.from_executor import ExecutorError, ToolError
from protocol.from_maestro import Accepted, ErrorReported, FromMaestro, RunTool
from protocol.wire import Frame

LEAVE_SECONDS = 5.0
"""How long a closed socket tries to say so to the ledger; the workers' look finds it otherwise."""
WORD_SECONDS = 1.0
"""How long somebody who is sent away is told why."""

Reason = Literal["gone", "stale_epoch", "unknown_call", "voided", "conflict"]


class Attachment:
    def __init__(self, edge: Edge, account: Account, dialogue: Dialogue, welcome: Welcome) -> None:
        self._edge = edge
        self._owner = account.owner
        self._key_id = account.key_id
        self._dialogue = dialogue
        self._share = edge.shares.of(account.owner)
        self._welcome = welcome
        self._session_id = welcome.started.session_id
        self._epoch = welcome.started.epoch
        self._log = dialogue.log = dialogue.log.bind(session=self._session_id, epoch=self._epoch)

    async def run(self, inbox: Inbox, tasks: asyncio.TaskGroup) -> None:
        """Greet, then follow the session and take frames until SocketEnded."""
        await self._dialogue.send(self._welcome.started)
        hit("handshake_ok")
        self._log.info("executor_attached", resumed=self._welcome.started.resumed)
        dependencies = self._edge.dependencies
        async with dependencies.bus.subscribe(self._session_id) as subscription:
            view = Executing(self._epoch, self._welcome.resumed_at)
            follower = Follower(
                dependencies.ledger, self._owner, self._session_id, subscription, view
            )
            peer = Peer(self._session_id, follower, key_id=self._key_id, epoch=self._epoch)
            with self._edge.peers.joined(peer):
                await self._edge.tell(self._session_id, HeadMoved(self._welcome.head))
                tasks.create_task(self._follow(peer))
                tasks.create_task(self._leave_when_told(peer))
                while (text := await inbox.get()) is not None:
                    await self._take(text)
                    if inbox.waiting:  # one peer's frames, many of them, are not one turn's work
                        await asyncio.sleep(0)
                raise SocketEnded(None)

    async def leave(self) -> None:
        """Tell the ledger that this epoch's executor is gone; it knows better of a newer one."""
        claimed = Claimed(f"lost:{self._epoch}", ExecutorLost(self._epoch))
        try:
            async with asyncio.timeout(LEAVE_SECONDS):
                await until_available(lambda: self._append(claimed))
        except TimeoutError:
            self._log.warning("executor_lost_unsaid")

    async def _follow(self, peer: Peer) -> None:
        """Send what the session has for its executor until there is a reason to close."""
        try:
            async for frame in peer.follower.frames(self._welcome.after):
                if frame is not None:
                    await self._send_or_answer(frame)
        except TakenOver:
            raise SocketEnded(CloseCode.ATTACHED_ELSEWHERE) from None
        except SessionGone:
            raise SocketEnded(CloseCode.BAD_STATE) from None
        except NewerEvent:  # a process of that version may serve it
            raise SocketEnded(CloseCode.SERVICE_RESTART) from None
        if not peer.told.is_set():
            raise SocketEnded(peer.closing)

    async def _leave_when_told(self, peer: Peer) -> None:
        """At once, whatever its executor has left unread, or goes on to send."""
        await peer.told.wait()
        if peer.report is not None:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(WORD_SECONDS):
                    await self._dialogue.send(peer.report)
        raise SocketEnded(peer.closing)

    async def _send_or_answer(self, frame: Frame[FromMaestro]) -> None:
        """A call that does not fit into a frame is answered here: half a call is another call."""
        try:
            await self._dialogue.send_frame(frame)
            if isinstance(frame.message, RunTool):
                hit("run_tool_sent")
        except FrameTooLarge as error:
            if not isinstance(frame.message, RunTool):
                raise
            call = frame.message
            answer = ToolAnswered(
                tool_id=call.tool_id,
                generation_id=call.generation_id,
                status="error",
                result=f"the call was not sent: {error}",
                error=ToolError("too_large"),
            )
            await self._write(Claimed(f"tool:{call.tool_id}", answer))

    async def _take(self, text: str) -> None:
        frame = await self._dialogue.understand(text)
        if frame is None:
            return
        understood = meaning(frame, self._edge.dependencies.limits.live_bytes)
        match understood:
            case Live():
                await self._edge.dependencies.bus.publish(self._session_id, understood)
            case UnknownCall(tool_id=tool_id):
                await self._refuse_call(tool_id)
            case ExecutorError(code=code, field=field):
                self._log.warning(
                    "executor_reported_error", code=code[:100], field=(field or "")[:100]
                )
            case Claimed(fact=UserSaid(run=run)) if why := self._edge.model_refusal(run.model):
                field = "payload.run.model"
                report = ErrorReported(ErrorCode.NOT_ALLOWED, why, field=field, id=frame.id)
                await self._dialogue.send(report)
            case Claimed(fact=fact):
                begins_run = isinstance(fact, UserSaid)
                await self._share.spend(RUN_SECONDS if begins_run else FACT_SECONDS)
                await self._write(understood)
            case _:
                assert_never(understood)

    async def _write(self, claimed: Claimed) -> None:
        """Append the fact, for as long as it takes, and say that the ledger holds it."""
        hit("result_received")
        try:
            outcome = await until_available(
                lambda: self._append(claimed), stopped=lambda: self._dialogue.line.gone
            )
        except LedgerUnavailable:
            raise SocketEnded(None) from None  # nobody waits for it: it will be sent again
        if isinstance(outcome, Refused) and not await self._holds(claimed, outcome.why):
            return
        hit("result_committed")
        if claimed.answer is not None:
            await self._dialogue.send(_naming_row(claimed.answer, claimed.fact, outcome))
            hit("result_acked")

    async def _append(self, claimed: Claimed) -> Appended | Refused:
        return await self._edge.append(
            self._owner, self._session_id, claimed.key, claimed.fact, epoch=self._epoch
        )

    async def _holds(self, claimed: Claimed, why: Reason) -> bool:
        """Whether the ledger holds this fact although it refused it. May end the socket."""
        match why:
            case "stale_epoch" | "voided":
                raise SocketEnded(CloseCode.ATTACHED_ELSEWHERE)
            case "gone":
                raise SocketEnded(CloseCode.BAD_STATE)
            case "unknown_call":
                await self._refuse_call(_tool_id(claimed.fact))
                return False
            case "conflict":
                self._log.warning("fact_conflicts", key=claimed.key)
                return True
            case _:
                assert_never(why)

    async def _refuse_call(self, tool_id: str) -> None:
        words = "this session issued no such call"
        await self._dialogue.send(ErrorReported(ErrorCode.UNKNOWN_CALL, words, tool_id=tool_id))


def _tool_id(fact: Fact) -> str:
    match fact:
        case ToolAnswered(tool_id=tool_id) | CallWaiting(tool_id=tool_id):
            return tool_id
        case _:
            return ""


def _naming_row(answer: Accepted, fact: Fact, outcome: Appended | Refused) -> Accepted:
    """`answer`, with the seq of what the user said: runs that ended before are no answer to it."""
    if isinstance(fact, UserSaid) and isinstance(outcome, Appended):
        return msgspec.structs.replace(answer, of_seq=outcome.seq)
    return answer
