"""Many executors at once that lose their only maestro and find it again.

The real link each, without a session behind it; judges nothing.
"""

import asyncio
import secrets
import time
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

from executor.link import Link, endpoint
from executor.link.websocket import open_websocket
from protocol.from_executor import Handshake, Resume
from protocol.from_maestro import FromMaestro, RunFinished, SessionStarted
from protocol.wire import Frame
from tests.e2e.processes import until
from tests.faults.team import MaestroProcess

ALL_SECONDS = 120.0


class Bystander:
    """An executor without tools: attaches, and attaches again."""

    def __init__(self, address: str) -> None:
        self._link = Link(endpoint(address), open_websocket)
        self._journal_id = secrets.token_hex(16)
        self._session_id: str | None = None
        self._last_seq = 0
        self.attached_at: list[float] = []
        """Monotonic."""
        self.finished = False

    async def run(self) -> None:
        await self._link.run(self)

    def opened(self) -> None:
        resume = self._session_id and Resume(self._session_id, self._last_seq)
        self._link.send(
            Handshake(
                client_type="cli",
                initial_prompt="" if resume else "work-crowd",
                known_tools=(),
                journal_id=self._journal_id,
                resume=resume or None,
            ),
            frame_id=None if resume else self._journal_id,
        )

    def received(self, frame: Frame[FromMaestro]) -> None:
        match frame.message:
            case SessionStarted(session_id=session_id):
                self._session_id = session_id
                self.attached_at.append(time.monotonic())
            case RunFinished():
                self.finished = True
            case _:
                pass
        self._last_seq = max(self._last_seq, frame.seq or 0)

    def strayed(self, what: str) -> None:
        """Nothing that it minds."""

    def lost(self, why: str) -> None:
        """The link goes on by itself."""


@asynccontextmanager
async def gathered_crowd(address: str, size: int) -> AsyncGenerator[list[Bystander]]:
    """So many that have had their run and stay attached."""
    crowd = [Bystander(address) for _ in range(size)]
    tasks = [asyncio.create_task(one.run()) for one in crowd]
    try:
        await until(lambda: all(one.finished for one in crowd), "all had their run", ALL_SECONDS)
        yield crowd
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def back_after_a_restart(maestro: MaestroProcess, crowd: list[Bystander]) -> list[float]:
    """Kill the maestro and start it again; when each was attached, in seconds since it listened."""
    before = [len(one.attached_at) for one in crowd]
    maestro.kill()
    await maestro.start()
    listening = time.monotonic()
    await until(
        lambda: all(len(one.attached_at) > times for one, times in zip(crowd, before, strict=True)),
        "all are back",
        ALL_SECONDS,
    )
    return [max(0.0, one.attached_at[-1] - listening) for one in crowd]
