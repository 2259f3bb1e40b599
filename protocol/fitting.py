"""Make a message smaller where the peer's limit asks for it, at character boundaries.

Never touches a tool call: half a call is another call. Knows neither frames nor peers.
"""

from collections.abc import Iterator
from itertools import pairwise
from typing import Any, Final, TypeVar

import msgspec

from protocol.errors import LocalProtocolError
from protocol.from_executor import ToolResult, UserMessage
from protocol.from_maestro import AgentMessage, PlanUpdated, RunFinished, SessionEvent
from protocol.strict_json import is_array, is_object, map_strings, well_formed
from protocol.wire import Message

MessageT = TypeVar("MessageT", bound=Message)

CUTTABLE: Final = (ToolResult, UserMessage, AgentMessage, PlanUpdated, RunFinished, SessionEvent)
"""The messages that say `truncated` of themselves."""

_KEPT_ITEMS: Final = 100
"""How much of a long list stays when cutting strings is not enough."""
_KEPT_BYTES: Final = 128
"""No string is cut below this: names, states and ids are shorter."""
_FLAGS: Final = 128
"""Encoded bytes that `truncated` and `total_bytes` may add."""


class FrameTooLarge(LocalProtocolError):
    """A frame is above the peer's limit, and cutting it would change what it says."""

    def __init__(self, message: Message, size: int, max_size: int) -> None:
        super().__init__(
            f"{type(message).__name__} takes {size} bytes and the peer reads {max_size}"
        )


def cut(text: str, max_bytes: int) -> tuple[str, int | None]:
    """The start of `text` that fits into `max_bytes` of UTF-8, and the bytes of the whole if cut.

    What comes back has no lone surrogates.
    """
    if len(text) <= max_bytes and text.isascii():
        return text, None
    text = well_formed(text)
    encoded = text.encode()
    if len(encoded) <= max_bytes:
        return text, None
    return encoded[:max_bytes].decode("utf-8", "ignore"), len(encoded)


def cut_result(result: ToolResult, max_bytes: int) -> ToolResult:
    """`result` with its text cut to `max_bytes`; its metadata then says so."""
    text, total = cut(result.result, max_bytes)
    return result if total is None else _with_text(result, text, total)


def shorten(message: MessageT, size: int, max_size: int) -> MessageT:
    """`message`, whose frame takes `size` encoded bytes, so that the frame takes `max_size`.

    Attachments and content go first and whole: half an image is none. Raises FrameTooLarge.
    """
    if isinstance(message, CUTTABLE):
        fields = map_strings(msgspec.to_builtins(message), well_formed)
        rest = size - len(msgspec.json.encode(fields)) + _FLAGS
        for reduce in (_without_attachments, _with_short_lists):
            fields = reduce(fields)
            smaller = _with_short_strings(fields, max_size - rest)
            if smaller is not None:
                return _marked(message, smaller)
    raise FrameTooLarge(message, size, max_size)


def _marked(message: MessageT, fields: dict[str, Any]) -> MessageT:
    fields["truncated"] = True
    shorter = msgspec.convert(fields, type(message))
    match message, shorter:
        case ToolResult(result=whole), ToolResult(result=text) if text != whole:
            return _with_text(shorter, text, len(well_formed(whole).encode()))
        case _:
            return shorter


def _with_text(result: ToolResult, text: str, total: int) -> ToolResult:
    metadata = msgspec.structs.replace(
        result.metadata, truncated=True, total_bytes=result.metadata.total_bytes or total
    )
    return msgspec.structs.replace(result, result=text, metadata=metadata)


def _without_attachments(fields: dict[str, Any]) -> dict[str, Any]:
    return {
        name: value
        for name, value in fields.items()
        if not (name in {"attachments", "content"} and is_array(value))
    }


def _with_short_lists(value: Any) -> Any:
    if is_object(value):
        return {name: _with_short_lists(child) for name, child in value.items()}
    if is_array(value):
        return [_with_short_lists(child) for child in value[:_KEPT_ITEMS]]
    return value


def _with_short_strings(fields: dict[str, Any], max_size: int) -> dict[str, Any] | None:
    """`fields` with the longest strings cut to one length, so that they encode to `max_size`."""
    excess = len(msgspec.json.encode(fields)) - max_size
    if excess <= 0:
        return fields
    longest_first = sorted(len(msgspec.json.encode(text)) for text in _strings(fields))[::-1]
    ceiling = _ceiling(longest_first, excess)
    if ceiling < _KEPT_BYTES:
        return None
    return map_strings(fields, lambda text: _prefix(text, ceiling))


def _strings(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif is_object(value):
        for child in value.values():
            yield from _strings(child)
    elif is_array(value):
        for child in value:
            yield from _strings(child)


def _ceiling(longest_first: list[int], excess: int) -> int:
    """The length to which the longest are cut so that `excess` is gone; below 0: impossible."""
    total = -excess
    ceiling = -1
    for count, (length, following) in enumerate(pairwise([*longest_first, 0]), start=1):
        total += length
        ceiling = total // count
        if ceiling >= following:
            break
    return ceiling


def _prefix(text: str, max_size: int) -> str:
    """The longest start of `text` that encodes to `max_size` bytes, quotes included."""
    encoded = msgspec.json.encode(text)
    if len(encoded) <= max_size:
        return text
    end = max_size - 1
    while True:  # an escape or a character that was cut through is at most 6 bytes long
        try:
            return msgspec.json.decode(encoded[:end] + b'"', type=str)
        except (msgspec.DecodeError, UnicodeDecodeError):
            end -= 1
