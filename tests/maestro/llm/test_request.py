"""The bytes of a request: what they say, and that they only grow."""

import itertools
import json
import weakref
from typing import Any

import pytest
from msgspec.structs import replace

from maestro.domain.conversation import (
    AssistantTurn,
    ModelCall,
    ModelRequest,
    ToolSpec,
    ToolTurn,
    Turn,
    UserTurn,
)
from maestro.llm.providers import Quirks
from maestro.llm.request import RequestEncoder
from protocol.wire import ImageContent, TextContent

TOOLS = (ToolSpec("Shell", "Run a command.", {"type": "object"}),)
IMAGE = ImageContent("image/png", "iVBORw==")
URL = {"type": "image_url", "image_url": {"url": "data:image/png;base64,iVBORw=="}}


def _encoded(*turns: Turn, quirks: Quirks | None = None, **fields: Any) -> dict[str, Any]:
    request = replace(ModelRequest("p/m", "Be brief.", turns, ()), **fields)
    return json.loads(RequestEncoder(quirks or Quirks()).encode(request, "m"))


def _messages(*turns: Turn, quirks: Quirks | None = None) -> list[dict[str, Any]]:
    return _encoded(*turns, quirks=quirks)["messages"][1:]


def _called(arguments: str, call_id: str = "a") -> AssistantTurn:
    return AssistantTurn("", (ModelCall(call_id, "Shell", arguments),), reasoning="why")


def _history(length: int) -> list[Turn]:
    turns: list[Turn] = [UserTurn("Fix it: é €")]
    for step in range(length):
        call = ModelCall(f"call_{step}", "Shell", '{"command":"ls"}')
        turns += [AssistantTurn("Look.", (call,)), ToolTurn(call.id, "Shell", "a\nb")]
    return turns


def test_each_request_is_a_prefix_of_the_next_up_to_the_end_of_its_messages() -> None:
    turns = [*_history(20), AssistantTurn(""), UserTurn("more"), AssistantTurn("yes")]
    turns[4] = ToolTurn("call_1", "Shell", "seen", (IMAGE,))
    encoder = RequestEncoder(Quirks())
    bodies = [
        encoder.encode(ModelRequest("p/m", "s", tuple(turns[:count]), TOOLS), "m")
        for count in range(1, len(turns) + 1)
        # A request ends with a user's words, or with all answers of a reply.
        if not isinstance(turns[count - 1], AssistantTurn) or count == len(turns)
    ]

    for shorter, longer in itertools.pairwise(bodies):
        assert shorter.endswith(b"]}")
        assert longer.startswith(shorter.removesuffix(b"]}"))


def test_a_cold_encoder_makes_the_same_bytes() -> None:
    request = ModelRequest("p/m", "s", tuple(_history(3)), TOOLS, "high", "session")
    warm = RequestEncoder(Quirks())
    first = warm.encode(request, "m")

    assert warm.encode(request, "m") == first == RequestEncoder(Quirks()).encode(request, "m")


def test_a_turns_bytes_live_as_long_as_the_turn() -> None:
    encoder = RequestEncoder(Quirks())
    places: set[int] = set()
    for step in range(200):
        turn = UserTurn(f"step {step}")
        places.add(id(turn))
        body = encoder.encode(ModelRequest("p/m", "s", (turn,), ()), "m")
        assert f"step {step}".encode() in body
        assert encoder.encode(ModelRequest("p/m", "s", (turn,), ()), "m") == body
        alive = weakref.ref(turn)
        del turn
        assert alive() is None

    assert len(places) < 200, "no place in memory was used again: this showed nothing"


def test_a_whole_request_by_the_book() -> None:
    turns = (UserTurn("hi"), _called('{"command": "ls"}'), ToolTurn("a", "Shell", "x"))

    assert _encoded(*turns, tools=TOOLS, effort="low", session_id="s") == {
        "model": "m",
        "stream": True,
        "stream_options": {"include_usage": True},
        "reasoning_effort": "low",
        "tools": [
            {
                "type": "function",
                "function": {
                    "name": "Shell",
                    "description": "Run a command.",
                    "parameters": {"type": "object"},
                },
            }
        ],
        "messages": [
            {"role": "system", "content": "Be brief."},
            {"role": "user", "content": "hi"},
            {
                "role": "assistant",
                "content": None,
                "tool_calls": [
                    {
                        "id": "a",
                        "type": "function",
                        "function": {"name": "Shell", "arguments": '{"command": "ls"}'},
                    }
                ],
            },
            {"role": "tool", "tool_call_id": "a", "content": "x"},
        ],
    }


def test_quirks_change_the_head() -> None:
    quirks = Quirks(
        max_tokens=9, max_tokens_field="max_tokens", stream_options=False, effort=False,
        cache_key=True,
    )  # fmt: skip
    encoded = _encoded(UserTurn("hi"), quirks=quirks, effort="low", session_id="s")
    del encoded["messages"]
    key = encoded.pop("prompt_cache_key")

    assert encoded == {"model": "m", "stream": True, "max_tokens": 9}
    assert len(key) == 32
    assert key != "s"


def test_quirks_change_the_calls() -> None:
    quirks = Quirks(
        short_call_ids=True, reasoning_back="reasoning_content", thought_signature="skip"
    )
    made, answer = _messages(
        _called("{}", "call_long_id"), ToolTurn("call_long_id", "Shell", "x"), quirks=quirks
    )

    assert made["reasoning_content"] == "why"
    assert made["tool_calls"][0]["extra_content"] == {"google": {"thought_signature": "skip"}}
    assert made["tool_calls"][0]["id"] == answer["tool_call_id"]
    assert len(answer["tool_call_id"]) == 9


@pytest.mark.parametrize(
    ("written", "sent"),
    [
        ("", "{}"),
        ('{"a": 1}', '{"a": 1}'),
        ('{"a": ', '{"not_a_json_object":"{\\"a\\": "}'),
        ("[1]", '{"not_a_json_object":"[1]"}'),
        ("[" * 5000, f'{{"not_a_json_object":"{"[" * 5000}"}}'),
    ],
)
def test_arguments_in_the_history_are_always_an_object(written: str, sent: str) -> None:
    (message,) = _messages(_called(written))

    assert message["tool_calls"][0]["function"]["arguments"] == sent


def test_images_of_the_user_stand_in_the_message_and_those_of_tools_after_all_answers() -> None:
    shown = UserTurn("see", (IMAGE, TextContent("and this")))
    first = ToolTurn("a", "ReadFile", "one", (IMAGE,))
    second = ToolTurn("b", "ReadFile", "two")

    assert _messages(shown, first, second, UserTurn("so?")) == [
        {"role": "user", "content": [{"type": "text", "text": "see\n\nand this"}, URL]},
        {"role": "tool", "tool_call_id": "a", "content": "one"},
        {"role": "tool", "tool_call_id": "b", "content": "two"},
        {
            "role": "user",
            "content": [{"type": "text", "text": "Images from the tool results above:"}, URL],
        },
        {"role": "user", "content": "so?"},
    ]


def test_a_reply_without_words_and_calls_is_left_out() -> None:
    assert _messages(AssistantTurn("", reasoning="hm"), UserTurn("?")) == [
        {"role": "user", "content": "?"}
    ]
