"""Work that is not abandoned half-way, whoever stops waiting for it."""

import asyncio
import threading

import pytest

from executor.workspace.waiting import in_stoppable_thread, in_thread, to_the_end


async def test_a_cancelled_wait_ends_with_the_work_and_not_before() -> None:
    begun, may_end, ended = threading.Event(), threading.Event(), threading.Event()

    def work() -> None:
        begun.set()
        assert may_end.wait(5)
        ended.set()

    async with asyncio.timeout(20):
        waiting = asyncio.ensure_future(in_thread(work))
        await asyncio.to_thread(begun.wait, 5)
        for _ in range(2):
            waiting.cancel()
            await asyncio.wait((waiting,), timeout=0)
            assert not waiting.done()
        may_end.set()
        with pytest.raises(asyncio.CancelledError):
            await waiting
    assert ended.is_set()


async def test_what_the_work_gives_or_raises_comes_to_whoever_waits() -> None:
    async def fail() -> None:
        raise OSError("no")

    assert await in_thread(lambda: 7) == 7
    assert await in_stoppable_thread(lambda stopped: stopped()) is False
    with pytest.raises(OSError, match="no"):
        await to_the_end(fail())


async def test_work_that_can_be_told_to_stop_is_told_and_waited_for() -> None:
    begun, ended = threading.Event(), threading.Event()

    def work(stopped: object) -> None:
        assert callable(stopped)
        begun.set()
        while not stopped():
            pass
        ended.set()

    async with asyncio.timeout(20):
        waiting = asyncio.ensure_future(in_stoppable_thread(work))
        await asyncio.to_thread(begun.wait, 5)
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
    assert ended.is_set()
