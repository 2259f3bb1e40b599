"""Which tools of a handshake are taken."""

import time
from typing import Any

import pytest

from maestro.edge.tool_offers import (
    MAX_CUSTOM_TOOLS,
    MAX_OBJECTS,
    MAX_SCHEMA_OBJECTS,
    OBJECT_SECONDS,
    seconds,
    sift,
)
from maestro.planning.schema_check import complaint
from protocol.from_executor import CustomTool
from protocol.from_maestro import RejectedTool

OBJECT: dict[str, Any] = {"type": "object", "properties": {"n": {"type": "integer"}}}


def deep(levels: int) -> dict[str, Any]:
    schema: dict[str, Any] = {"type": "object"}
    for _ in range(levels):
        schema = {"type": "object", "properties": {"a": schema}}
    return schema


def test_known_names_and_sound_schemas_are_accepted() -> None:
    recursive = {**OBJECT, "$defs": {"a": {"$ref": "#/$defs/a"}}}
    tools = (CustomTool("Deploy", "d", OBJECT), CustomTool("a-b_9"), CustomTool("R", "", recursive))
    offers = sift(("Shell", "ReadFile", "Shell"), tools)

    assert offers.known == ("Shell", "ReadFile")
    assert offers.custom == tools
    assert offers.accepted == ("Shell", "ReadFile", "Deploy", "a-b_9", "R")
    assert offers.rejected == ()


def test_an_unknown_name_is_named_with_why() -> None:
    why = "not a built-in tool of this maestro"

    assert sift(("Teleport",), ()).rejected == (RejectedTool("Teleport", why),)


@pytest.mark.parametrize(
    ("tool", "why"),
    [
        (CustomTool("9lives"), "a name matches"),
        (CustomTool("a" * 65), "a name matches"),
        (CustomTool("a\n"), "a name matches"),
        (CustomTool("ReadFile"), "the name of a built-in tool"),
        (CustomTool("T", "d" * 9000), "a description has at most"),
        (CustomTool("T", "", {"type": "string"}), "not the schema of an object"),
        (CustomTool("T", "", {"enum": ["x" * 70_000]}), "a schema takes at most"),
        (CustomTool("T", "", deep(40)), "a schema nests at most"),
        (CustomTool("T", "", {"$ref": "https://evil.example/s"}), "no reference to elsewhere"),
        (
            CustomTool("T", "", {"properties": {"a": {"$ref": "file:///etc/passwd"}}}),
            "no reference to elsewhere",
        ),
        (CustomTool("T", "", {"properties": {"a": {"type": "nothing"}}}), "not a JSON Schema"),
    ],
)
def test_an_unsound_tool_is_rejected_with_why(tool: CustomTool, why: str) -> None:
    offers = sift((), (tool,))

    assert offers.custom == ()
    [rejected] = offers.rejected
    assert rejected.name == tool.name[:64]
    assert why in rejected.why


@pytest.mark.parametrize(
    "pattern",
    [
        pytest.param("(a+)+$", id="explodes-when-run"),
        pytest.param("(?i)" + "[\u0100-\U0010ffff]" * 2000, id="slow-to-compile"),
        pytest.param("(" * 9000 + ")" * 9000, id="too-deep-to-compile"),
        pytest.param("a{99999999999999999999}", id="overflows"),
        pytest.param(r"^\p{L}+$", id="of-another-dialect"),
    ],
)
def test_a_pattern_is_accepted_unread_and_costs_nothing(pattern: str) -> None:
    text = {"type": "string", "pattern": pattern}
    schema = {"properties": {"a": text}, "patternProperties": {pattern: {"type": "string"}}}
    tool = CustomTool("T", "", {"type": "object", **schema})
    began = time.process_time()

    assert sift((), (tool,)).custom == (tool,)
    assert complaint(tool.parameters, {"a": "a" * 50_000 + "!"}) is None
    assert complaint(tool.parameters, {"a": 1}) == "1 is not of type 'string' - at `$.a`"
    assert time.process_time() - began < 1


def test_the_second_of_a_name_and_those_above_the_bound_are_rejected() -> None:
    names = [f"t{number}" for number in range(MAX_CUSTOM_TOOLS - 1)]
    offers = sift((), [CustomTool(name) for name in ("t0", *names, "over")])

    assert [tool.name for tool in offers.custom] == names
    assert [tool.name for tool in offers.rejected] == ["t0", "over"]


def wide(objects: int) -> CustomTool:
    """A schema of so many JSON objects."""
    return CustomTool(
        f"T{objects}", "", {"type": "object", "allOf": [{} for _ in range(objects - 1)]}
    )


def test_a_schema_of_too_many_objects_is_rejected_before_any_is_checked() -> None:
    offers = sift((), (wide(MAX_SCHEMA_OBJECTS), wide(MAX_SCHEMA_OBJECTS + 1)))

    assert offers.accepted == (f"T{MAX_SCHEMA_OBJECTS}",)
    assert [refused.why for refused in offers.rejected] == [
        f"a schema holds at most {MAX_SCHEMA_OBJECTS} objects"
    ]


def test_all_schemas_of_one_offer_hold_so_many_objects_together_and_are_charged() -> None:
    most = MAX_OBJECTS // MAX_SCHEMA_OBJECTS
    tools = tuple(
        CustomTool(f"T{number}", "", wide(MAX_SCHEMA_OBJECTS).parameters)
        for number in range(most + 2)
    )

    offers = sift((), tools)

    assert len(offers.accepted) == most
    assert {refused.why for refused in offers.rejected} == {
        f"the schemas hold more than {MAX_OBJECTS} objects in all"
    }
    assert seconds(tools) == OBJECT_SECONDS * MAX_OBJECTS
    assert seconds(tools[:1]) == OBJECT_SECONDS * MAX_SCHEMA_OBJECTS


ENUM: dict[str, Any] = {"properties": {"a": {"items": {"enum": list(range(10_000))}}}}
ITEMS: dict[str, Any] = {"properties": {"a": {"allOf": [{"items": OBJECT} for _ in range(1_000)]}}}


@pytest.mark.parametrize("schema", [ENUM, ITEMS], ids=["enum", "items"])
def test_what_a_check_compares_one_by_one_is_bounded(schema: dict[str, Any]) -> None:
    began = time.process_time()

    found = complaint({"type": "object", **schema}, {"a": [-1] * 30_000})

    assert time.process_time() - began < 5
    assert found is None, "the executor, whose schema it is, checks again"


def test_a_schema_that_costs_too_much_is_given_up_for_good() -> None:
    definitions: dict[str, Any] = {"a0": {}}
    for level in range(1, 20):
        definitions[f"a{level}"] = {"allOf": [{"$ref": f"#/$defs/a{level - 1}"}] * 2}
    schema = {"type": "object", "$defs": definitions, "$ref": "#/$defs/a19"}

    began = time.process_time()
    found = [complaint(schema, {}) for _ in range(200)]

    assert time.process_time() - began < 5
    assert set(found) == {None}
