"""The committed JSON Schema is the one of the messages, and frames meet it."""

import json
from pathlib import Path
from typing import Any, get_args

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from protocol import schema as schema_module
from protocol.codec import encode
from protocol.from_executor import FromExecutor
from protocol.from_maestro import FromMaestro
from protocol.schema import schema, schema_text
from protocol.wire import Frame
from tests.examples import examples
from tests.protocol import strategies
from tests.protocol.golden import ALL
from tests.requirements import covers

_COMMITTED = Path(schema_module.__file__).with_name("schema.json")
_DIRECTIONS = {"from_executor": "FromExecutor", "from_maestro": "FromMaestro"}


def validator(direction: str) -> Any:
    """Of the frames of one direction."""
    whole = schema()
    return Draft202012Validator({"$ref": f"#/$defs/{direction}", "$defs": whole["$defs"]})


def is_valid(direction: str, instance: Any) -> bool:
    return bool(validator(direction).is_valid(instance))


@covers("R-WIRE-14")
def test_the_committed_schema_is_the_one_of_the_messages() -> None:
    assert _COMMITTED.read_text(encoding="utf-8") == schema_text()


def test_the_schema_is_a_schema() -> None:
    Draft202012Validator.check_schema(schema())


@pytest.mark.parametrize(("direction", "frame"), [(way, frame) for way, _, frame in ALL])
def test_golden_frames_meet_the_schema(direction: str, frame: Frame[Any]) -> None:
    assert is_valid(_DIRECTIONS[direction], json.loads(encode(frame)))


@settings(max_examples=examples(100))
@given(
    st.sampled_from(
        [("FromExecutor", kind) for kind in get_args(FromExecutor)]
        + [("FromMaestro", kind) for kind in get_args(FromMaestro)]
    ),
    st.data(),
)
def test_whatever_is_encoded_meets_the_schema(sent: tuple[str, Any], data: Any) -> None:
    direction, kind = sent
    frame = data.draw(strategies.frames(kind, strategies.text()))

    assert is_valid(direction, json.loads(encode(frame)))


@pytest.mark.parametrize(
    "frame",
    [
        {},
        {"type": "interrupt"},
        {"type": "telepathy", "payload": {}},
        {"type": "tool_result", "payload": {"tool_id": "c"}},
        {"type": "interrupt", "payload": {"reason": 1}},
        {"type": "interrupt", "payload": {}, "seq": 0},
        {"type": "run_tool", "payload": {}},
    ],
)
def test_the_schema_refuses_what_the_codec_refuses(frame: Any) -> None:
    assert not is_valid("FromExecutor", frame)
