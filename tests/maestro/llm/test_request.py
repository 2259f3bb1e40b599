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
from maestro.llm.images import CHARACTERS_MAX, IMAGES_MAX
from maestro.llm.providers import Quirks, providers
from maestro.llm.request import RequestEncoder
from protocol.wire import ImageContent, TextContent
from tests.requirements import covers

TOOLS = (ToolSpec("Shell", "Run a command.", {"type": "object"}),)
IMAGE = ImageContent("image/png", "iVBORw==")
SEEING = Quirks(sees=("*",))
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
    encoder = RequestEncoder(SEEING)
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

    assert _messages(shown, first, second, UserTurn("so?"), quirks=SEEING) == [
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


@covers("R-FILE-8")
def test_a_model_that_sees_nothing_is_told_how_many_images_there_are() -> None:
    shown = UserTurn("see", (IMAGE, IMAGE))
    answer = ToolTurn("a", "ReadFile", "[a.png: PNG image]", (IMAGE,))

    assert _messages(shown, answer) == [
        {"role": "user", "content": "see\n\n[2 image(s) not shown: this model sees none]"},
        {
            "role": "tool",
            "tool_call_id": "a",
            "content": "[a.png: PNG image]\n\n[1 image(s) not shown: this model sees none]",
        },
    ]


def test_one_provider_shows_a_turn_to_the_models_that_see_and_to_no_other() -> None:
    encoder = RequestEncoder(Quirks(sees=("gpt-5*",)))
    request = ModelRequest("p/m", "s", (UserTurn("see", (IMAGE,)),), ())

    bodies = [encoder.encode(request, name) for name in ("gpt-5.2", "gpt-oss", "GPT-5.2")]

    assert [b"image_url" in body for body in bodies] == [True, False, True]


def test_an_image_of_a_kind_that_providers_refuse_is_told_and_not_sent() -> None:
    answer = ToolTurn("a", "Look", "it", (ImageContent("image/tiff", "SUkqAA=="),))

    assert _messages(answer, quirks=SEEING) == [
        {
            "role": "tool",
            "tool_call_id": "a",
            "content": "it\n\n[1 image(s) not shown: of a kind that no model takes]",
        }
    ]


def test_a_conversation_shows_its_first_images_and_tells_of_the_others() -> None:
    turns = [ToolTurn(str(n), "ReadFile", "it", (IMAGE,)) for n in range(IMAGES_MAX + 2)]
    large = ImageContent("image/png", "A" * (CHARACTERS_MAX // 2 + 1))

    many = _messages(*turns, quirks=SEEING)[-1]["content"]
    two = _messages(*(ToolTurn(n, "ReadFile", "it", (large,)) for n in "ab"), quirks=SEEING)

    words = "more not shown: this conversation has shown too many images already]"
    assert many[1:] == [*[URL] * IMAGES_MAX, {"type": "text", "text": f"[2 {words}"}]
    assert [part["type"] for part in two[-1]["content"]] == ["text", "image_url", "text"]


@pytest.mark.parametrize(
    ("model", "sees"),
    [
        ("openai/gpt-5.2", True),
        ("openai/gpt-4o-mini", True),
        ("openai/o3-mini", False),
        ("anthropic/claude-sonnet-5-5", True),
        ("gemini/gemini-3.6-flash", True),
        ("mistral/mistral-large-latest", True),
        ("mistral/codestral-latest", False),
        ("deepseek/deepseek-v4-pro", False),
        ("groq/openai/gpt-oss-120b", False),
        ("xai/grok-4.6", True),
        ("openrouter/anthropic/claude-sonnet-5-5", True),
        ("openrouter/openai/gpt-oss-120b", False),
        ("ollama/qwen3-vl:8b", True),
        ("ollama/gpt-oss:20b", False),
        ("llamacpp/default", False),
    ],
)
def test_the_table_says_which_models_see(model: str, sees: bool) -> None:
    provider, _, name = model.partition("/")

    assert providers()[provider].quirks.model_sees(name) is sees
