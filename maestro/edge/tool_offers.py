"""Which of the tools that a handshake offers are taken, and why the others are not.

Judges names and schemas; a tool's effect is the executor's own affair.
"""

import re
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple, cast

import jsonschema
import msgspec

from protocol import tools
from protocol.from_executor import CustomTool
from protocol.from_maestro import RejectedTool

MAX_CUSTOM_TOOLS = 128
MAX_SCHEMA_BYTES = 64 * 1024
MAX_SCHEMA_DEPTH = 32
MAX_SCHEMA_OBJECTS = 1_000
"""JSON objects in one schema; each takes some 0.2 ms to check, whatever is in it."""
MAX_OBJECTS = 5_000
"""In all schemas of one offer."""
OBJECT_SECONDS = 0.000_2
MAX_DESCRIPTION = 8 * 1024
"""Characters."""

_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_-]{0,63}")
_ECHOED = 64
"""How many characters of a rejected name are repeated."""


class Offers(NamedTuple):
    known: tuple[str, ...]
    custom: tuple[CustomTool, ...]
    rejected: tuple[RejectedTool, ...]

    @property
    def accepted(self) -> tuple[str, ...]:
        return (*self.known, *(tool.name for tool in self.custom))


def sift(known_tools: Sequence[str], custom_tools: Sequence[CustomTool]) -> Offers:
    """What is accepted, in the order of the offer, each name once."""
    known: dict[str, None] = {}
    custom: dict[str, CustomTool] = {}
    rejected: list[RejectedTool] = []
    left = MAX_OBJECTS
    for name in known_tools[: 2 * MAX_CUSTOM_TOOLS]:
        if name in tools.BY_NAME:
            known[name] = None
        else:
            rejected.append(RejectedTool(name[:_ECHOED], "not a built-in tool of this maestro"))
    for tool in custom_tools[:MAX_CUSTOM_TOOLS]:
        why = "there are two of this name" if tool.name in custom else _refusal(tool, left)
        left -= _objects_in(tool)
        if why is None:
            custom[tool.name] = tool
        else:
            rejected.append(RejectedTool(tool.name[:_ECHOED], why))
    rejected.extend(
        RejectedTool(tool.name[:_ECHOED], f"more than {MAX_CUSTOM_TOOLS} custom tools")
        for tool in custom_tools[MAX_CUSTOM_TOOLS : 2 * MAX_CUSTOM_TOOLS]
    )
    return Offers(tuple(known), tuple(custom.values()), tuple(rejected))


def seconds(custom_tools: Sequence[CustomTool]) -> float:
    """Of one processor, at most, to sift them."""
    objects = sum(_objects_in(tool) for tool in custom_tools[:MAX_CUSTOM_TOOLS])
    return OBJECT_SECONDS * min(objects, MAX_OBJECTS)


def _objects_in(tool: CustomTool) -> int:
    """Of its schema, if it is looked at."""
    return min(sum(1 for _ in _objects(tool.parameters)), MAX_SCHEMA_OBJECTS)


def _refusal(tool: CustomTool, left: int) -> str | None:
    if not _NAME.fullmatch(tool.name):
        return f"a name matches ^{_NAME.pattern}$"
    if tool.name in tools.BY_NAME:
        return "the name of a built-in tool"
    if len(tool.description) > MAX_DESCRIPTION:
        return f"a description has at most {MAX_DESCRIPTION} characters"
    if _objects_in(tool) > left:
        return f"the schemas hold more than {MAX_OBJECTS} objects in all"
    return _schema_refusal(tool.parameters)


def _schema_refusal(schema: dict[str, Any]) -> str | None:
    if len(msgspec.json.encode(schema)) > MAX_SCHEMA_BYTES:
        return f"a schema takes at most {MAX_SCHEMA_BYTES} bytes"
    if schema.get("type", "object") != "object":
        return "the parameters are not the schema of an object"
    for number, (depth, node) in enumerate(_objects(schema), start=1):
        if number > MAX_SCHEMA_OBJECTS:
            return f"a schema holds at most {MAX_SCHEMA_OBJECTS} objects"
        if depth > MAX_SCHEMA_DEPTH:
            return f"a schema nests at most {MAX_SCHEMA_DEPTH} levels"
        for keyword in ("$ref", "$dynamicRef", "$recursiveRef"):
            target = node.get(keyword)
            if isinstance(target, str) and not target.startswith("#"):
                return f"a schema holds no reference to elsewhere ({keyword})"
    try:
        # No formats: a hostile regular expression is costly even to compile, and none is run here.
        jsonschema.Draft202012Validator.check_schema(schema, jsonschema.FormatChecker(()))
    except jsonschema.SchemaError as error:
        return f"not a JSON Schema: {error.message[:200]}"
    return None


def _objects(schema: dict[str, Any]) -> Iterator[tuple[int, dict[str, Any]]]:
    """Every JSON object in `schema` with its depth, breadth first."""
    level: list[Any] = [schema]
    depth = 0
    while level:
        depth += 1
        for node in level:
            if isinstance(node, dict):
                yield depth, cast("dict[str, Any]", node)
        level = [child for node in level for child in _children(node)]


def _children(node: Any) -> list[Any]:
    match node:
        case dict():
            return list(cast("dict[str, Any]", node).values())
        case list():
            return cast("list[Any]", node)
        case _:
            return []
