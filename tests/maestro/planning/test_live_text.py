"""Live text on its way to the bus: at once, then joined, and all of it at the end."""

import asyncio
from collections.abc import AsyncIterator

from maestro.bus.memory import MemoryBus
from maestro.domain.conversation import ReasoningDelta, TextDelta
from maestro.planning.live_text import LiveText
from maestro.ports import Live, Nudge
from protocol.from_maestro import AgentMessageDelta, AgentReasoningDelta


async def _next(nudges: AsyncIterator[Nudge]) -> object:
    nudge = await anext(nudges)
    assert isinstance(nudge, Live)
    return nudge.message


async def test_the_first_piece_is_published_when_it_is_added_and_the_rest_joined() -> None:
    bus = MemoryBus()
    async with asyncio.timeout(5), bus.subscribe("s") as heard:
        nudges = aiter(heard)
        async with LiveText(bus, "s", "1-1-1", lambda: 1e6) as live:
            await live.add(TextDelta("Hel"))
            first = asyncio.ensure_future(_next(nudges))
            await asyncio.sleep(0)
            assert first.done()
            for text in ("lo", " you"):
                await live.add(TextDelta(text))
            await live.add(ReasoningDelta("hm"))
            await live.add(TextDelta("!"))
        rest = [await _next(nudges) for _ in range(3)]

    assert [await first, *rest] == [
        AgentMessageDelta("1-1-1", "Hel", 0),
        AgentMessageDelta("1-1-1", "lo you", 1),
        AgentReasoningDelta("1-1-1", "hm", 0),
        AgentMessageDelta("1-1-1", "!", 2),
    ]


async def test_what_waits_is_published_when_its_time_comes() -> None:
    bus = MemoryBus()
    async with asyncio.timeout(5), bus.subscribe("s") as heard:
        nudges = aiter(heard)
        async with LiveText(bus, "s", "1-1-1", lambda: 0.03) as live:
            await live.add(TextDelta("a"))
            await live.add(TextDelta("b"))
            told = [await _next(nudges) for _ in range(2)]

    assert told == [AgentMessageDelta("1-1-1", "a", 0), AgentMessageDelta("1-1-1", "b", 1)]


async def test_what_was_not_shown_of_a_voided_try_never_is() -> None:
    bus = MemoryBus()
    async with asyncio.timeout(5), bus.subscribe("s") as heard:
        nudges = aiter(heard)
        async with LiveText(bus, "s", "1-1-1", lambda: 1e6) as live:
            await live.add(TextDelta("a"))
            await live.add(TextDelta("never"))
            live.begin("1-1-2")
            await live.add(TextDelta("b"))
        told = [await _next(nudges) for _ in range(2)]

    assert told == [AgentMessageDelta("1-1-1", "a", 0), AgentMessageDelta("1-1-2", "b", 0)]
