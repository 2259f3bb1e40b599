"""The shape of a tool contract: a name, typed parameters, an effect, words for the model.

Carries nothing out: executors do, each in its own way, held to the same contract.
"""

from typing import Any, cast

import msgspec

from protocol.from_executor import Effect
from protocol.wire import JsonObject


class Parameters(msgspec.Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True):
    """Base of every tool's parameters: an unknown one is an error, never ignored."""


class ToolContract(msgspec.Struct, frozen=True):
    name: str
    effect: Effect
    parameters: type[Parameters]
    description: str
    """For the model: when to use it, when not, what comes back."""

    def schema(self) -> JsonObject:
        """The JSON Schema of the parameters, without references, for a model's tool list."""
        (schema,), components = msgspec.json.schema_components(
            [self.parameters], ref_template="{name}"
        )
        resolved: JsonObject = _inlined(schema, components)
        for unwanted in ("title", "description"):
            resolved.pop(unwanted, None)
        return resolved


def _inlined(node: Any, components: dict[str, Any]) -> Any:
    """`node` with each `$ref` replaced by what it names."""
    if isinstance(node, dict):
        members = cast("dict[str, Any]", node)
        if "$ref" in members:
            return _inlined(components[members["$ref"]], components)
        return {key: _inlined(value, components) for key, value in members.items()}
    if isinstance(node, list):
        return [_inlined(item, components) for item in cast("list[Any]", node)]
    return node
