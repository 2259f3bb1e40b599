"""Broken and hostile answers over real HTTP: nothing runs from a part, and nothing grows."""

import asyncio
import tracemalloc
from collections.abc import Iterator
from pathlib import Path

import pytest

from maestro.domain.conversation import ModelCall, ReasoningDelta, Reply, TextDelta
from maestro.llm.retry import RetryingModel, World
from maestro.llm.timeouts import Timeouts
from protocol.wire import Usage
from tests.maestro.llm.asking import (
    asking,
    client_at,
    client_of,
    failure_of,
    joined,
    parts_from,
    reply_from,
)
from tests.requirements import covers
from tests.scripted_model import Reply as Scripted
from tests.scripted_model import (
    Say,
    Script,
    ScriptedModel,
    call,
    calls,
    cut,
    drip,
    error,
    events,
    gzipped,
    hang,
    raw,
    text,
)
from tests.scripted_model.launched import launched
from tests.scripted_model.script import Cut

WHOLE: Say = calls(call("Shell", command="rm -r build"), say="Cleaning up: é")

# As short as such a stream can be, for the test that cuts it at each byte.
BEGIN = (
    'data: {"choices":[{"delta":{"content":"é"}}]}\n\n'
    'data: {"choices":[{"delta":{"tool_calls":[{"id":"a","function":{"name":"Shell"}}]}}]}\n\n'
    'data: {"choices":[{"delta":{"tool_calls":[{"function":{"arguments":"{}"}}]}}]}\n\n'
    'data: {"choices":[{"finish_reason":"tool_calls"}]}\n\n'
)
END = "data: [DONE]\n\n"
BROKEN = Reply("again", usage=Usage(input_tokens=100, output_tokens=10), model="scripted")
SOUND = Reply("é", calls=(ModelCall("a", "Shell", "{}"),), finish="calls")


async def _no_sleep(_: float) -> None:
    await asyncio.sleep(0)


@covers("R-MODEL-1")
@pytest.mark.parametrize(
    ("how", "whole_from"),
    [
        ("close", len(BEGIN.encode())),
        ("end", len(BEGIN.encode()) - 2),  # a stream that ends ends its last event too
        ("reset", None),  # a reset may take with it what is on the way
    ],
)
async def test_a_cut_at_any_byte_runs_nothing_and_is_made_again(
    how: Cut, whole_from: int | None
) -> None:
    answers: Iterator[Scripted] = iter(())
    replies: list[Reply] = []
    async with ScriptedModel(lambda _: next(answers)) as server, client_of(server) as client:
        model = RetryingModel(client, world=World(sleep=_no_sleep))
        for place in range(len((BEGIN + END).encode())):
            answers = iter([cut(raw(BEGIN + END), after_bytes=place, how=how), text("again")])
            replies.append(await reply_from(model))

    assert all(reply == BROKEN for reply in replies[: len(BEGIN.encode()) - 2])
    assert whole_from is None or all(reply == SOUND for reply in replies[whole_from:])


async def test_one_byte_at_a_time_gives_the_same_reply() -> None:
    async with ScriptedModel([WHOLE, drip(WHOLE)]) as server, client_of(server) as client:
        at_once = await reply_from(client)
        dripped = await reply_from(client)

    assert [made.arguments for made in dripped.calls] == [made.arguments for made in at_once.calls]
    assert (dripped.text, dripped.usage) == (at_once.text, at_once.usage)


async def test_an_endless_drip_ends_at_the_total_limit() -> None:
    slow = drip(text("x" * 1000), every=0.01)
    async with (
        asyncio.timeout(20),
        ScriptedModel([slow]) as server,
        client_of(server, timeouts=Timeouts(total=0.2)) as client,
    ):
        _, failed = await failure_of(client)

    assert failed.message == "openai: not done after 0.2 s"


@pytest.mark.parametrize(
    ("scripted", "words"),
    [
        (raw("data: " + "x" * (10 << 20)), "a line is longer than 1048576 bytes"),
        (raw(*["data: " + "x" * 1000 + "\n"] * 2000), "an event is longer than 1048576 bytes"),
        (raw(*[": " + "x" * 100_000 + "\n"] * 400), "the stream is longer than 33554432 bytes"),
    ],
)
async def test_a_flood_is_refused_in_bounded_memory(
    scripted: Scripted, words: str, tmp_path: Path
) -> None:
    # In a process of its own: what the server holds is not what the client holds.
    async with (
        launched(Script((text("warm"), scripted)), tmp_path) as base_url,
        client_at(base_url) as client,
    ):
        await reply_from(client)
        tracemalloc.start()
        try:
            _, failed = await failure_of(client)
            _, peak = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()

    assert (failed.kind, failed.message) == ("broken_stream", f"openai: {words}")
    assert peak < 16 << 20


async def test_a_compressed_answer_is_refused_unread() -> None:
    bomb = gzipped(raw("data: " + "x" * (10 << 20)))
    async with ScriptedModel([bomb]) as server, client_of(server) as client:
        _, failed = await failure_of(client)

    assert failed.message == ("openai: an answer in 'gzip', which was not asked for (HTTP 200)")


async def test_a_compressed_error_is_not_unpacked_either() -> None:
    bomb = gzipped(error(500, "x" * (10 << 20)))
    async with ScriptedModel([bomb]) as server, client_of(server) as client:
        _, failed = await failure_of(client)

    assert failed.kind == "overloaded"
    assert "gzip" in failed.message


async def test_a_long_error_is_read_in_part() -> None:
    endless = hang(error(500, body="y" * (4 << 20)), after=1)
    async with (
        asyncio.timeout(20),
        ScriptedModel([endless]) as server,
        client_of(server) as client,
    ):
        _, failed = await failure_of(client)

    assert failed.message == f"openai: {'y' * 499}… (HTTP 500)"


@pytest.mark.parametrize(
    "stream",
    [
        events("{"),
        events("not json"),
        events('{"choices": 7}'),
        events("[" * 5000 + "]" * 5000),
        raw(b'data: {"choices":[{"delta":{"content":"\xff\xfe"}}]}\n\n'),
        events({"choices": [{"delta": {"content": "half"}}]}),
        events({"error": {"message": "went away"}}),
        raw(""),
    ],
)
async def test_what_is_no_stream_of_chunks_is_a_broken_stream(stream: Scripted) -> None:
    async with ScriptedModel([stream]) as server, client_of(server) as client:
        _, failed = await failure_of(client)

    assert failed.kind == "broken_stream"


async def test_an_error_inside_a_stream_keeps_its_kind_and_words() -> None:
    stream = events(
        {"choices": [{"delta": {"content": "so far"}}]},
        {"error": {"message": "Overloaded", "type": "overloaded_error"}},
    )
    async with ScriptedModel([stream]) as server, client_of(server) as client:
        parts, failed = await failure_of(client)

    assert parts == [TextDelta("so far")]
    assert (failed.kind, failed.message) == ("overloaded", "openai: Overloaded")


async def test_five_hundred_calls_in_one_reply_all_arrive() -> None:
    many = calls(*(call("Shell", command=f"echo {number}") for number in range(500)))
    async with ScriptedModel([many]) as server, client_of(server) as client:
        reply = await reply_from(client, asking())

    assert len({made.id for made in reply.calls}) == 500
    assert reply.calls[499].arguments == '{"command": "echo 499"}'


async def test_more_calls_than_any_model_makes_break_the_stream() -> None:
    flood = calls(*(call("Shell") for _ in range(1025)))
    async with ScriptedModel([flood]) as server, client_of(server) as client:
        _, failed = await failure_of(client)

    assert failed.message == "openai: the stream broke: more than 1024 tool calls"


async def test_reasoning_in_either_field_is_heard() -> None:
    stream = events(
        {"choices": [{"delta": {"reasoning": "a"}}]},
        {"choices": [{"delta": {"reasoning_content": "b"}, "finish_reason": "stop"}]},
        done=False,
    )
    async with ScriptedModel([stream]) as server, client_of(server) as client:
        parts = await parts_from(client)

    assert joined(parts) == [ReasoningDelta("ab"), Reply("", reasoning="ab")]
