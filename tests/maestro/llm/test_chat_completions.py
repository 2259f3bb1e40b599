"""Chat Completions over real HTTP, against a scripted provider."""

import asyncio
from contextlib import aclosing

import pytest

from maestro.domain.conversation import ModelCall, ReasoningDelta, Reply, TextDelta
from maestro.errors import ModelErrorKind
from maestro.llm.providers import Price
from maestro.llm.timeouts import Timeouts
from protocol.wire import Usage
from tests.maestro.llm.asking import (
    KEY,
    asking,
    client_of,
    failure_of,
    joined,
    parts_from,
    reply_from,
)
from tests.scripted_model import (
    Reply as Scripted,
)
from tests.scripted_model import (
    ScriptedModel,
    call,
    calls,
    error,
    hang,
    held,
    raw,
    reasoning,
    text,
)
from tests.scripted_model.script import Tokens

USAGE = Usage(input_tokens=100, output_tokens=10)


@pytest.fixture(autouse=True, params=["direct", "by the way that knows proxies"])
def way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Both ways to a provider hold all of this; a named proxy chooses the second."""
    if request.param != "direct":
        monkeypatch.setenv("HTTPS_PROXY", "http://proxy.example:3128")
        monkeypatch.setenv("NO_PROXY", "127.0.0.1")


async def test_text_and_reasoning_stream_and_the_reply_holds_the_whole() -> None:
    tokens = Tokens(prompt=90, cached=60, completion=20, reasoning=5)
    script = [reasoning("Hm", ", well", then=text("Hel", "lo", tokens=tokens))]
    async with ScriptedModel(script) as server, client_of(server) as client:
        parts = await parts_from(client)

    assert joined(parts) == [
        ReasoningDelta("Hm, well"),
        TextDelta("Hello"),
        Reply(
            "Hello",
            usage=Usage(input_tokens=90, cached_tokens=60, output_tokens=20, reasoning_tokens=5),
            reasoning="Hm, well",
            model="scripted",
        ),
    ]


async def test_parallel_calls_come_with_whole_arguments_in_the_models_order() -> None:
    script = [calls(call("Shell", command="ls -l"), call("ReadFile", file_path="é"), say="Look:")]
    async with ScriptedModel(script) as server, client_of(server) as client:
        reply = await reply_from(client)

    assert reply == Reply(
        "Look:",
        calls=(
            ModelCall("call_0_0", "Shell", '{"command": "ls -l"}'),
            ModelCall("call_0_1", "ReadFile", '{"file_path": "\\u00e9"}'),
        ),
        finish="calls",
        usage=USAGE,
        model="scripted",
    )


async def test_what_is_sent_is_the_request_and_the_key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_ORG_ID", "org-of-somebody")
    monkeypatch.setenv("OPENAI_PROJECT_ID", "project-of-somebody")
    async with ScriptedModel([text("ok")], api_key=KEY) as server, client_of(server) as client:
        await reply_from(client)

    sent = server.requests[0]
    assert sent.path == "/v1/chat/completions"
    assert sent.headers["content-type"] == "application/json"
    assert sent.headers["accept-encoding"] == "identity"
    assert not {"openai-organization", "openai-project"} & sent.headers.keys()
    assert sent.json == {
        "model": "scripted",
        "stream": True,
        "stream_options": {"include_usage": True},
        "messages": [
            {"role": "system", "content": "You are a test."},
            {"role": "user", "content": "hello"},
        ],
    }


async def test_one_connection_serves_many_generations() -> None:
    script = [text("one"), text("two"), calls(call("Shell"))]
    async with ScriptedModel(script) as server, client_of(server) as client:
        for _ in script:
            await reply_from(client)

    assert len({request.peer for request in server.requests}) == 1


async def test_a_known_price_makes_a_cost() -> None:
    prices = {"scripted": Price(input=2.0, cached=0.5, output=10.0)}
    tokens = Tokens(prompt=1_000_000, cached=400_000, completion=100_000)
    async with (
        ScriptedModel([text("ok", tokens=tokens)]) as server,
        client_of(server, prices=prices) as client,
    ):
        reply = await reply_from(client)

    assert reply.usage.cost_usd == pytest.approx(0.6 * 2 + 0.4 * 0.5 + 0.1 * 10)


async def test_a_consumer_that_leaves_ends_the_stream() -> None:
    script = [hang(text("a", "b"), after=2)]
    async with ScriptedModel(script) as server, client_of(server) as client, asyncio.timeout(20):
        async with aclosing(client.generate(asking())) as parts:
            assert await anext(parts) == TextDelta("a")
        assert (await server.answered(1)).cut


async def test_a_cancelled_generation_ends_the_stream() -> None:
    async with ScriptedModel([hang(text("a"))]) as server, client_of(server) as client:
        async with asyncio.timeout(20):
            task = asyncio.create_task(reply_from(client))
            await server.requested(1)
            task.cancel()
            assert (await server.answered(1)).cut
        with pytest.raises(asyncio.CancelledError):
            await task


async def test_deltas_come_as_they_are_sent() -> None:
    async with (
        ScriptedModel([held(text("a", "b"), "go", after=2)]) as server,
        client_of(server) as client,
        asyncio.timeout(20),
        aclosing(client.generate(asking())) as parts,
    ):
        assert await anext(parts) == TextDelta("a")
        server.open("go")
        assert await anext(parts) == TextDelta("b")


@pytest.mark.parametrize(
    ("scripted", "kind", "words"),
    [
        (error(401, "bad key"), "auth", "openai: bad key (HTTP 401)"),
        (error(404, "no model x"), "not_found", "openai: no model x (HTTP 404)"),
        (error(400, "bad field"), "bad_request", "openai: bad field (HTTP 400)"),
        (error(529, body="<h1>Busy</h1>"), "overloaded", "openai: Busy (HTTP 529)"),
        (error(503, body=""), "overloaded", "openai: no further words (HTTP 503)"),
        (
            error(302, body="", headers={"location": "http://elsewhere.test/"}),
            "bad_request",
            "openai: redirects to 'http://elsewhere.test/'",
        ),
        (
            raw("<html>Log in</html>", content_type="text/html"),
            "bad_request",
            "openai: answers with a web page, not with a model's stream: is the address right?",
        ),
        (
            raw('{"error": "overloaded"}', content_type="application/json"),
            "bad_request",
            "openai: overloaded (HTTP 200)",
        ),
    ],
)
async def test_a_refusal_is_told_in_the_providers_own_words(
    scripted: Scripted, kind: ModelErrorKind, words: str
) -> None:
    async with ScriptedModel([scripted]) as server, client_of(server) as client:
        parts, failed = await failure_of(client)

    assert (parts, failed.kind, failed.message) == ([], kind, words)


async def test_a_key_that_a_provider_repeats_is_not_told() -> None:
    async with ScriptedModel([error(401, f"wrong: {KEY}")]) as server, client_of(server) as client:
        _, failed = await failure_of(client)

    assert failed.message == "openai: wrong: *** (HTTP 401)"


async def test_an_address_where_nobody_listens_is_named() -> None:
    async with ScriptedModel([]) as server:
        pass
    async with client_of(server) as client:
        _, failed = await failure_of(client)

    address = server.base_url.removeprefix("http://").removesuffix("/v1")
    assert failed.kind == "unreachable"
    assert failed.message.startswith(f"openai: cannot reach {address} (")


@pytest.mark.parametrize(
    ("scripted", "timeouts", "kind", "words"),
    [
        (hang(text("a")), Timeouts(first_byte=0.05), "unreachable", "no answer within 0.05 s"),
        (hang(text("a"), after=2), Timeouts(idle=0.05), "broken_stream", "silent for 0.05 s"),
        (hang(text("a"), after=2), Timeouts(total=0.05), "broken_stream", "not done after 0.05 s"),
    ],
)
async def test_a_silent_provider_is_given_up(
    scripted: Scripted, timeouts: Timeouts, kind: ModelErrorKind, words: str
) -> None:
    async with (
        asyncio.timeout(20),
        ScriptedModel([scripted]) as server,
        client_of(server, timeouts=timeouts) as client,
    ):
        _, failed = await failure_of(client)

    assert (failed.kind, failed.message) == (kind, f"openai: {words}")
