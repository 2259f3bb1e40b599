"""What a tool of the user's own is, and what it may not be: names, schemas, sizes.

Values and checks; reads no file and runs nothing.
"""

import re
from collections.abc import Iterator
from typing import Any, cast

import msgspec

from executor.errors import UsageError
from executor.own_tools.marking import Effect
from protocol import tools
from protocol.from_executor import CustomTool
from protocol.wire import JsonObject

NAME = re.compile(r"[A-Za-z][A-Za-z0-9_-]{0,63}")
MAX_TOOLS = 64
MAX_DESCRIPTION = 8 * 1024
"""Characters."""
MAX_SCHEMA_BYTES = 64 * 1024
MAX_SCHEMA_DEPTH = 32
MAX_SECONDS = 1800


class Described(msgspec.Struct, frozen=True):
    """What a function of a tools file is to the model."""

    name: str
    description: str
    parameters: JsonObject
    effect: Effect


class CommandDefinition(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One table of tools.toml. The command gets its parameters as JSON on standard input."""

    command: tuple[str, ...]
    description: str = ""
    parameters: JsonObject = msgspec.field(default_factory=dict[str, Any])
    effect: Effect = "execute"
    timeout_s: int = 120
    environment: tuple[str, ...] = ()
    """Names of variables that are passed on besides the clean ones."""


def schema_of(parameters: type[msgspec.Struct]) -> JsonObject:
    """The JSON Schema of a struct, its definitions beside it."""
    (schema,), components = msgspec.json.schema_components(
        [parameters], ref_template="#/$defs/{name}"
    )
    whole: JsonObject = dict(components.pop(parameters.__name__, schema))
    whole.pop("title", None)
    return {**whole, "$defs": components} if components else whole


def declared(described: Described, where: str) -> CustomTool:
    """As it stands in a handshake; raises UsageError, which begins with `where`."""
    why = _refusal(described)
    if why is not None:
        raise UsageError(f"{where}: {described.name[:64]!r}: {why}")
    return CustomTool(described.name, described.description, described.parameters, described.effect)


def _refusal(described: Described) -> str | None:
    if not NAME.fullmatch(described.name):
        return f"a tool's name matches ^{NAME.pattern}$"
    if described.name.lower() in {name.lower() for name in tools.BY_NAME}:
        return "there is a built-in tool of this name; choose another"
    if len(described.description) > MAX_DESCRIPTION:
        return f"a description has at most {MAX_DESCRIPTION} characters"
    return _schema_refusal(described.parameters)


def _schema_refusal(schema: JsonObject) -> str | None:
    if len(msgspec.json.encode(schema)) > MAX_SCHEMA_BYTES:
        return f"parameters: a schema takes at most {MAX_SCHEMA_BYTES} bytes"
    if schema.get("type", "object") != "object":
        return "parameters: expected the JSON Schema of an object"
    for depth, node in _nodes(schema, 1):
        if depth > MAX_SCHEMA_DEPTH:
            return f"parameters: a schema nests at most {MAX_SCHEMA_DEPTH} levels"
        for keyword in ("$ref", "$dynamicRef", "$recursiveRef"):
            target = node.get(keyword)
            if isinstance(target, str) and not target.startswith("#"):
                return f"parameters: a schema holds no reference to elsewhere ({keyword})"
    return None


def _nodes(node: Any, depth: int) -> Iterator[tuple[int, JsonObject]]:
    if isinstance(node, dict):
        members = cast("JsonObject", node)
        yield depth, members
        if depth <= MAX_SCHEMA_DEPTH:
            for each in members.values():
                yield from _nodes(each, depth + 1)
    elif isinstance(node, list):
        for each in cast("list[Any]", node):
            yield from _nodes(each, depth + 1)
