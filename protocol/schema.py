"""The whole wire as one JSON Schema, made from the messages themselves.

Pure: `protocol/schema.json` is written with
`python -c "from protocol.schema import schema_text; print(schema_text(), end='')"`.
"""

import json
from typing import get_args

import msgspec

from protocol.codec import Envelope
from protocol.from_executor import FromExecutor
from protocol.from_maestro import FromMaestro
from protocol.state import type_name
from protocol.version import PROTOCOL_VERSION
from protocol.wire import JsonObject, Message

_DIRECTIONS = {"FromExecutor": get_args(FromExecutor), "FromMaestro": get_args(FromMaestro)}


def schema() -> JsonObject:
    """A schema that every frame of either direction meets; each direction has its own `$defs`."""
    messages = list(dict.fromkeys(member for members in _DIRECTIONS.values() for member in members))
    _, definitions = msgspec.json.schema_components(
        [*messages, Envelope], ref_template="#/$defs/{name}"
    )
    envelope = definitions.pop(Envelope.__name__)["properties"]
    for message in messages:
        _move_type_to_the_envelope(definitions[message.__name__])
    for direction, members in _DIRECTIONS.items():
        definitions[direction] = {"oneOf": [_frame(member, envelope) for member in members]}
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": f"CodeGen protocol, version {PROTOCOL_VERSION}",
        "anyOf": [{"$ref": f"#/$defs/{direction}"} for direction in _DIRECTIONS],
        "$defs": definitions,
    }


def schema_text() -> str:
    """The schema as it is committed."""
    return json.dumps(schema(), indent=2, ensure_ascii=False) + "\n"


def _move_type_to_the_envelope(definition: JsonObject) -> None:
    """The flat struct is tagged; on the wire the tag stands beside the payload."""
    del definition["properties"]["type"]
    definition["required"].remove("type")


def _frame(message: type[Message], envelope: JsonObject) -> JsonObject:
    return {
        "type": "object",
        "properties": {
            "type": {"const": type_name(message)},
            "payload": {"$ref": f"#/$defs/{message.__name__}"},
            **envelope,
        },
        "required": ["type", "payload"],
    }
