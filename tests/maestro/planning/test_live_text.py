"""Live text on its way to the bus: at once, then joined, and all of it at the end."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import asynccontextmanager

from maestro.bus.memory import MemoryBus
from maestro.domain.conversation import ReasoningDelta, TextDelta
from maestro.planning.live_text import LiveText
from maestro.ports import Live, Nudge
from protocol.from_maestro import AgentMessageDelta, AgentReasoningDelta

Heard = Callable[[], "asyncio.Task[object]"]


@asynccontextmanager
async def live_text(pace: float) -> AsyncGenerator[tuple[LiveText, Heard]]:
    """Of generation 1-1-1, and a way to hear what is published next."""
    bus = MemoryBus()
    async with asyncio.timeout(20), bus.subscribe("s") as subscription:
        nudges = aiter(subscription)
        yield (
            LiveText(bus, "s", "1-1-1", lambda: pace),
            lambda: asyncio.create_task(_message(nudges)),
        )


async def _message(nudges: AsyncIterator[Nudge]) -> object:
    nudge = await anext(nudges)
    assert isinstance(nudge, Live)
    return nudge.message


async def test_the_first_piece_is_published_when_it_is_added_and_the_rest_joined() -> None:
    async with live_text(1e6) as (text, heard):
        async with text as live:
            await live.add(TextDelta("Hel"))
            first = heard()
            await asyncio.sleep(0)
            assert first.done()
            for word in ("lo", " you"):
                await live.add(TextDelta(word))
            await live.add(ReasoningDelta("hm"))
            await live.add(TextDelta("!"))

        assert [await first, *[await heard() for _ in range(3)]] == [
            AgentMessageDelta("1-1-1", "Hel", 0),
            AgentMessageDelta("1-1-1", "lo you", 1),
            AgentReasoningDelta("1-1-1", "hm", 0),
            AgentMessageDelta("1-1-1", "!", 2),
        ]


async def test_what_waits_is_published_when_its_time_comes() -> None:
    async with live_text(0.03) as (text, heard), text as live:
        await live.add(TextDelta("a"))
        await live.add(TextDelta("b"))

        assert await heard() == AgentMessageDelta("1-1-1", "a", 0)
        assert await heard() == AgentMessageDelta("1-1-1", "b", 1)


async def test_what_was_not_shown_of_a_voided_try_never_is() -> None:
    async with live_text(1e6) as (text, heard):
        async with text as live:
            await live.add(TextDelta("a"))
            await live.add(TextDelta("never"))
            live.begin("1-1-2")
            await live.add(TextDelta("b"))

        assert await heard() == AgentMessageDelta("1-1-1", "a", 0)
        assert await heard() == AgentMessageDelta("1-1-2", "b", 0)
