"""Arguments of custom tools: checked, at a bounded cost, without reaching for anything."""

import time

import pytest

from maestro.planning.arguments import Refused, check_custom, read_arguments
from protocol.errors import ErrorCode
from protocol.from_executor import CustomTool
from protocol.version import MAX_FRAME_TO_EXECUTOR
from protocol.wire import JsonObject


def refusal(schema: JsonObject, parameters: JsonObject) -> str | None:
    try:
        check_custom(CustomTool("tool", "", schema), parameters)
    except Refused as refused:
        return refused.message
    return None


def test_no_arguments_at_all_are_an_empty_object() -> None:
    assert read_arguments(" \n", MAX_FRAME_TO_EXECUTOR) == {}


@pytest.mark.parametrize(
    "text", ["[]", "5", "null", "'a'", '{"a": 1e999}', '{"a":' * 70 + "1" + "}" * 70]
)
def test_what_is_no_plain_object_is_refused(text: str) -> None:
    with pytest.raises(Refused) as refused:
        read_arguments(text, MAX_FRAME_TO_EXECUTOR)

    assert refused.value.code is ErrorCode.INVALID_PARAMETERS
    assert "frame" not in refused.value.message


def test_a_missing_parameter_is_named() -> None:
    schema: JsonObject = {
        "type": "object",
        "properties": {"a": {"type": "string"}},
        "required": ["a"],
    }

    assert refusal(schema, {"a": "x"}) is None
    assert refusal(schema, {}) == "'a' is a required property - at `$`. Parameters of tool: a."
    assert (
        refusal(schema, {"a": 1}) == "1 is not of type 'string' - at `$.a`. Parameters of tool: a."
    )


def test_a_reference_within_the_schema_is_followed() -> None:
    schema: JsonObject = {
        "$defs": {"n": {"type": "integer"}},
        "properties": {"a": {"$ref": "#/$defs/n"}},
    }

    assert refusal(schema, {"a": "x"}) is not None
    assert refusal(schema, {"a": 1}) is None


def test_nothing_is_fetched_for_a_schema() -> None:
    assert refusal({"properties": {"a": {"$ref": "http://127.0.0.1:1/x.json"}}}, {"a": 1}) is None


def test_a_schema_that_unfolds_without_end_costs_little() -> None:
    levels = 40
    defs: JsonObject = {
        f"d{n}": {"allOf": [{"$ref": f"#/$defs/d{n + 1}"}] * 2} for n in range(levels)
    }
    defs[f"d{levels}"] = {"type": "integer"}
    schema: JsonObject = {"$defs": defs, "properties": {"a": {"$ref": "#/$defs/d0"}}}
    began = time.process_time()

    assert refusal(schema, {"a": "x"}) is None
    assert time.process_time() - began < 5


def test_a_hostile_pattern_is_not_run() -> None:
    schema: JsonObject = {
        "properties": {"a": {"pattern": "(a+)+$"}},
        "patternProperties": {"(b+)+$": {}},
        "additionalProperties": False,
    }

    assert refusal(schema, {"a": "a" * 50_000 + "!", "b" * 50_000 + "!": 1}) is None
