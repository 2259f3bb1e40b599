"""Read and check the arguments that a model wrote for a call.

Refuses with words that teach the model how to mend them; knows nothing of which tools there are.
"""

import re
from typing import Any

import msgspec

from maestro.planning.schema_check import complaint
from protocol.errors import ErrorCode, RemoteProtocolError
from protocol.from_executor import CustomTool
from protocol.strict_json import is_object, parse_object
from protocol.tools.contract import ToolContract
from protocol.wire import JsonObject

ENVELOPE_BYTES = 4096
"""What is left of a `run_tool` for everything but the parameters."""

_MAX_COMPLAINT = 1000
_POSITION = re.compile(r"at character (\d+)")
_AROUND = 40
"""Characters shown on each side of the place where the JSON breaks."""


class Refused(Exception):
    """The arguments can't be used; the message is for the model."""

    def __init__(self, code: ErrorCode, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


def read_arguments(text: str, frame_bytes: int) -> JsonObject:
    """The object that the model wrote; nothing at all is an empty one.

    Raises Refused, also for what would not fit into a `run_tool` of `frame_bytes`.
    """
    limit = frame_bytes - ENVELOPE_BYTES
    if not text.strip():
        return {}
    try:
        parameters = parse_object(text, limit)
    except RemoteProtocolError as error:
        if error.code is ErrorCode.TOO_LARGE:
            raise _too_large(limit) from None
        why = error.message.replace("a frame", "the arguments")
        raise Refused(
            ErrorCode.INVALID_PARAMETERS,
            f"The arguments must be one JSON object: {why}.{_place(text, why)}",
        ) from None
    if len(msgspec.json.encode(parameters)) > limit:
        raise _too_large(limit)
    return parameters


def _too_large(limit: int) -> Refused:
    return Refused(
        ErrorCode.TOO_LARGE,
        f"The arguments take more than {limit} bytes. Do it in several smaller calls.",
    )


def _place(text: str, why: str) -> str:
    found = _POSITION.search(why)
    if found is None:
        return ""
    position = int(found[1])
    start = max(0, position - _AROUND)
    return f" Around it you wrote: {text[start : position + _AROUND]!r}"


def check_built_in(contract: ToolContract, parameters: JsonObject) -> None:
    """Raises Refused, naming the parameter."""
    try:
        msgspec.convert(parameters, contract.parameters)
    except msgspec.ValidationError as error:
        raise _invalid(contract.name, str(error), contract.parameters.__struct_fields__) from None


def check_custom(tool: CustomTool, parameters: JsonObject) -> None:
    """Raises Refused, naming the parameter."""
    found = complaint(tool.parameters, parameters)
    if found is not None:
        properties: Any = tool.parameters.get("properties")
        raise _invalid(tool.name, found, tuple(properties) if is_object(properties) else ())


def _invalid(tool_name: str, found: str, names: tuple[str, ...]) -> Refused:
    known = ", ".join(names) or "none"
    return Refused(
        ErrorCode.INVALID_PARAMETERS,
        f"{found[:_MAX_COMPLAINT]}. Parameters of {tool_name}: {known}.",
    )
