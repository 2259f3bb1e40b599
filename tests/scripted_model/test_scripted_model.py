"""The scripted model itself: spoken to by the official client, and as a process."""

import asyncio
import json
from collections.abc import Mapping, Sequence
from pathlib import Path

import httpx2
import openai
import pytest
from openai.types.responses import (
    FunctionToolParam,
    ResponseFunctionToolCall,
    ResponseInputItemParam,
)

from tests.scripted_model import (
    Script,
    ScriptedModel,
    ShellSteps,
    call,
    calls,
    error,
    held,
    text,
)
from tests.scripted_model.launched import launched

Message = Mapping[str, object]
HELLO: Message = {"role": "user", "content": "hello"}


async def _ask(base_url: str, messages: Sequence[Message], **extra: object) -> httpx2.Response:
    async with httpx2.AsyncClient() as client:
        body = {"model": "scripted", "messages": messages, **extra}
        return await client.post(f"{base_url}/chat/completions", json=body)


async def test_the_official_client_understands_stream_and_whole() -> None:
    script = [text("Hel", "lo"), calls(call("Shell", command="ls"))]
    async with (
        ScriptedModel(script) as server,
        openai.AsyncOpenAI(api_key="sk-test-0000", base_url=server.base_url) as client,
    ):
        stream = await client.chat.completions.create(
            model="scripted",
            messages=[{"role": "user", "content": "hello"}],
            stream=True,
            stream_options={"include_usage": True},
        )
        chunks = [chunk async for chunk in stream]
        whole = await client.chat.completions.create(
            model="scripted", messages=[{"role": "user", "content": "hello"}]
        )
        models = await client.models.list()

    said = [chunk.choices[0].delta.content for chunk in chunks if chunk.choices]
    assert said == ["", "Hel", "lo", None]
    assert chunks[-1].usage is not None
    assert whole.choices[0].finish_reason == "tool_calls"
    assert [model.id for model in models.data] == ["scripted"]


async def test_the_official_client_has_a_call_answered_over_the_responses_api() -> None:
    script = Script(shell_steps=ShellSteps(1, final="done"))
    tool: FunctionToolParam = {
        "type": "function",
        "name": "Shell",
        "parameters": {"type": "object"},
        "strict": False,
    }
    asked: list[ResponseInputItemParam] = [{"role": "user", "content": "hello"}]
    async with (
        ScriptedModel(script) as server,
        openai.AsyncOpenAI(api_key="sk-test-0000", base_url=server.base_url) as client,
    ):
        stream = await client.responses.create(
            model="scripted", input=asked, tools=[tool], stream=True
        )
        made = [event.item async for event in stream if event.type == "response.output_item.done"]
        assert [item.type for item in made] == ["function_call"]
        order = made[0]
        assert isinstance(order, ResponseFunctionToolCall)
        asked.append(
            {
                "type": "function_call",
                "call_id": order.call_id,
                "name": order.name,
                "arguments": order.arguments,
            }
        )
        asked.append(
            {"type": "function_call_output", "call_id": order.call_id, "output": "step-1-ok"}
        )
        stream = await client.responses.create(
            model="scripted", input=asked, tools=[tool], stream=True
        )
        ended = [event async for event in stream if event.type == "response.completed"]

    assert (order.name, json.loads(order.arguments)) == ("Shell", {"command": "echo step-1-ok"})
    assert [len(server.requests), server.requests[1].roles] == [2, ["user", "assistant", "tool"]]
    assert len(ended) == 1


async def test_sessions_take_their_own_replies_by_a_word_in_the_request() -> None:
    script = Script(
        replies=(text("common"),), sessions={"alpha": (text("a1"), text("a2")), "beta": ()}
    )
    async with ScriptedModel(script) as server:
        said = [
            (await _ask(server.base_url, [{"role": "user", "content": word}])).json()
            for word in ("alpha", "other", "alpha", "beta")
        ]

    assert [one["choices"][0]["message"]["content"] for one in said[:3]] == ["a1", "common", "a2"]
    assert said[3]["error"]["message"] == "the script has no more replies"


async def test_shell_steps_follow_the_tool_messages_of_the_request() -> None:
    made = {"id": "a", "type": "function", "function": {"name": "Shell", "arguments": "{}"}}
    step: list[Message] = [
        {"role": "assistant", "tool_calls": [made]},
        {"role": "tool", "tool_call_id": "a", "content": "x"},
    ]
    async with ScriptedModel(Script(shell_steps=ShellSteps(2))) as server:
        second = (await _ask(server.base_url, [HELLO, *step])).json()
        last = (await _ask(server.base_url, [HELLO, *step, *step])).json()

    asked = second["choices"][0]["message"]["tool_calls"][0]["function"]["arguments"]
    assert json.loads(asked) == {"command": "echo step-2-ok"}
    assert last["choices"][0]["message"]["content"] == "All steps are done."


@pytest.mark.parametrize(
    ("messages", "words"),
    [
        ([], "'messages' must not be empty"),
        (
            [HELLO, {"role": "tool", "tool_call_id": "x", "content": ""}],
            "messages[1]: tool message 'x' answers no open tool call",
        ),
        (
            [{"role": "assistant", "tool_calls": [{"id": "a"}]}, HELLO],
            "messages[1]: tool calls ['a'] have no tool message",
        ),
        (
            [HELLO, {"role": "assistant", "content": ""}],
            "messages[1]: an assistant message needs content or tool_calls",
        ),
    ],
)
async def test_a_conversation_that_no_provider_takes_is_refused(
    messages: Sequence[Message], words: str
) -> None:
    async with ScriptedModel([text("never")]) as server:
        answer = await _ask(server.base_url, messages)

    assert (answer.status_code, answer.json()["error"]["message"]) == (400, words)


async def test_a_wrong_key_and_a_scripted_error_are_answered_with_their_status() -> None:
    async with ScriptedModel([error(429, "slow", retry_after=1)], api_key="sk-other") as server:
        wrong = await _ask(server.base_url, [HELLO])
    async with ScriptedModel([error(429, "slow", retry_after=1)]) as server:
        slow = await _ask(server.base_url, [HELLO])

    assert wrong.status_code == 401
    assert (slow.status_code, slow.headers["retry-after"]) == (429, "1")


async def test_a_script_runs_as_a_process(tmp_path: Path) -> None:
    async with launched(Script((text("from a file"),)), tmp_path) as base_url:
        answer = await _ask(base_url, [HELLO])
        async with httpx2.AsyncClient() as client:
            asked = await client.get(base_url.replace("/v1", "/scripted/requests"))

    assert answer.json()["choices"][0]["message"]["content"] == "from a file"
    assert json.loads(asked.json()[0]["body"])["messages"] == [HELLO]


async def test_a_gate_can_be_opened_over_http() -> None:
    async with ScriptedModel([held(text("now"), "go")]) as server, asyncio.timeout(20):
        asking = asyncio.create_task(_ask(server.base_url, [HELLO]))
        await server.requested(1)
        async with httpx2.AsyncClient() as client:
            await client.post(server.base_url.replace("/v1", "/scripted/gates/go"))
        answer = await asking

    assert answer.json()["choices"][0]["message"]["content"] == "now"
