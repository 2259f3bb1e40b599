"""What providers do to tool calls, finishes and usage."""

import json
from typing import Any, Literal

import pytest

from maestro.domain.conversation import ModelCall, ReasoningDelta, Reply, TextDelta
from maestro.errors import ModelError
from maestro.llm.assembly import MAX_TOKENS, Assembly
from protocol.wire import Usage

JsonObject = dict[str, Any]


def _assembled(*chunks: JsonObject) -> Reply:
    assembly = Assembly("test")
    for chunk in chunks:
        list(assembly.add(json.dumps(chunk).encode()))
    return assembly.reply()


def _calls(*deltas: JsonObject, finish: str = "tool_calls") -> tuple[ModelCall, ...]:
    chunks = [{"choices": [{"delta": {"tool_calls": [delta]}}]} for delta in deltas]
    return _assembled(*chunks, {"choices": [{"finish_reason": finish}]}).calls


def _begin(call_id: str | None, name: str, index: int | None = None, said: Any = "") -> JsonObject:
    return {"index": index, "id": call_id, "function": {"name": name, "arguments": said}}


def _more(said: str, index: int | None = None, call_id: str | None = None) -> JsonObject:
    return {"index": index, "id": call_id, "function": {"arguments": said}}


A, B = ModelCall("a", "Read", "{1}"), ModelCall("b", "Shell", "{2}")


@pytest.mark.parametrize(
    "deltas",
    [
        pytest.param(
            [_begin("a", "Read", 0), _begin("b", "Shell", 1), _more("{1}", 0), _more("{2}", 1)],
            id="interleaved",
        ),
        pytest.param(
            [_begin("a", "Read", said="{1}"), _begin("b", "Shell"), _more("{2}")], id="no indices"
        ),
        pytest.param(
            [_begin("a", "Read", 0, "{1}"), _begin("b", "Shell", 0, "{2}")], id="all at index 0"
        ),
        pytest.param(
            [_begin("a", "Read", 3), _more("{1}", 3), _begin("b", "Shell", 7), _more("{2}", 7)],
            id="gaps",
        ),
        pytest.param(
            [
                _begin("a", "Read", 0, "{"),
                _begin("a", "Read", 0, "1}"),
                _begin("b", "Shell", 1, "{2}"),
            ],
            id="id and name in every delta",
        ),
        pytest.param(
            [_begin("a", "Read", 0, "{1"), _more("}", 0, "x"), _begin("b", "Shell", 1, "{2}")],
            id="another id without a name goes on",
        ),
    ],
)
def test_calls_are_told_apart_whatever_the_indices(deltas: list[JsonObject]) -> None:
    assert _calls(*deltas) == (A, B)


def test_missing_and_repeated_ids_are_replaced_by_free_ones() -> None:
    made = _calls(
        _begin("call_1", "X", 0),
        _begin(None, "Y", 1),
        _begin("call_1", "Z", 2),
        _begin("", "W", 3),
    )

    assert [call.name for call in made] == ["X", "Y", "Z", "W"]
    assert [call.id for call in made] == ["call_1", "call_1_", "call_2", "call_3"]


def test_arguments_that_come_as_an_object_become_its_text() -> None:
    assert _calls(_begin("a", "X", 0, {"path": "b"}))[0].arguments == '{"path":"b"}'


@pytest.mark.parametrize(
    ("said", "finish"),
    [("stop", "stop"), ("length", "length"), ("content_filter", "filter"), ("eos", "stop")],
)
def test_a_finish_is_told_in_our_words(
    said: str, finish: Literal["stop", "length", "filter"]
) -> None:
    reply = _assembled({"choices": [{"delta": {"content": "x"}, "finish_reason": said}]})

    assert reply == Reply("x", finish=finish)


@pytest.mark.parametrize("finish", ["length", "content_filter"])
def test_calls_of_a_reply_that_was_cut_short_are_dropped(finish: str) -> None:
    assert _calls(_begin("a", "X", 0, "{}"), finish=finish) == ()


def test_calls_under_a_plain_stop_are_calls() -> None:
    assert _calls(_begin("a", "X", 0, "{}"), finish="stop") == (ModelCall("a", "X", "{}"),)


@pytest.mark.parametrize("finish", ["error", None])
def test_a_stream_that_failed_or_never_finished_is_broken(finish: str | None) -> None:
    with pytest.raises(ModelError, match="test: the stream broke") as caught:
        _assembled({"choices": [{"delta": {"content": "x"}, "finish_reason": finish}]})

    assert caught.value.kind == "broken_stream"


def test_usage_is_taken_from_every_dialect() -> None:
    deepseek = {"prompt_tokens": 9, "completion_tokens": 2, "prompt_cache_hit_tokens": 4}
    openrouter = {
        "prompt_tokens": 9,
        "completion_tokens": 2,
        "prompt_tokens_details": {"cached_tokens": 4},
        "completion_tokens_details": {"reasoning_tokens": 1},
        "cost": 0.25,
    }
    done = {"choices": [{"finish_reason": "stop"}]}

    assert _assembled(done, {"usage": deepseek}).usage == Usage(
        input_tokens=9, cached_tokens=4, output_tokens=2
    )
    assert _assembled(done, {"choices": None, "usage": openrouter}).usage == Usage(
        input_tokens=9, cached_tokens=4, output_tokens=2, reasoning_tokens=1, cost_usd=0.25
    )


def test_content_in_parts_is_text_and_thought() -> None:
    assembly = Assembly("test")
    parts = [
        {"type": "thinking", "thinking": [{"type": "text", "text": "hm"}]},
        {"type": "text", "text": "yes"},
        {"type": "unheard of"},
    ]
    chunk = {"choices": [{"delta": {"content": parts}, "finish_reason": "stop"}]}

    shown = list(assembly.add(json.dumps(chunk).encode()))

    assert shown == [ReasoningDelta("hm"), TextDelta("yes")]
    assert assembly.reply() == Reply("yes", reasoning="hm")


def test_a_refusal_is_text_and_other_choices_are_not_heard() -> None:
    reply = _assembled(
        {"choices": [{"index": 1, "delta": {"content": "other"}}]},
        {"choices": [{"delta": {"refusal": "I won't."}, "finish_reason": "stop"}]},
    )

    assert reply == Reply("I won't.")


def test_nothing_after_the_end_is_heard() -> None:
    assembly = Assembly("test")
    list(assembly.add(b'{"choices":[{"finish_reason":"stop"}]}'))
    list(assembly.add(b"[DONE]"))

    assert list(assembly.add(b"not a chunk")) == []
    assert assembly.reply() == Reply("")


@pytest.mark.parametrize("told", [10**30, 2**63, -1])
def test_a_count_that_no_provider_means_fits_into_every_column(told: int) -> None:
    reply = _assembled(
        {"choices": [{"delta": {"content": "x"}, "finish_reason": "stop"}]},
        {"usage": {"prompt_tokens": told, "completion_tokens": told}},
    )

    assert reply.usage.input_tokens == reply.usage.output_tokens == max(0, min(told, MAX_TOKENS))


@pytest.mark.parametrize(("told", "kept"), [(-5.0, None), (1e300, None), (0.0, 0.0), (0.25, 0.25)])
def test_a_cost_below_nothing_buys_nothing_back(told: float, kept: float | None) -> None:
    reply = _assembled(
        {"choices": [{"delta": {"content": "x"}, "finish_reason": "stop"}]},
        {"usage": {"cost": told}},
    )

    assert reply.usage.cost_usd == kept
