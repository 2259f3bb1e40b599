"""Turn frames into UTF-8 JSON and back, strictly.

Does not know when a frame may be sent (`state`), nor who the peer is (`connection`).
"""

import re
from typing import Annotated, Any, Final, TypeVar, get_args

import msgspec

from protocol.errors import ErrorCode, RemoteProtocolError
from protocol.fitting import FrameTooLarge, cut, cut_result, shorten
from protocol.from_executor import FromExecutor
from protocol.from_maestro import FromMaestro
from protocol.strict_json import is_object, map_strings, parse_object, well_formed
from protocol.version import MAX_ID_CHARS
from protocol.wire import Frame, FrameMetadata, Message, Positive

__all__ = [
    "Envelope",
    "FrameTooLarge",
    "Ignored",
    "cut",
    "cut_result",
    "decode_from_executor",
    "decode_from_maestro",
    "encode",
    "fit",
    "well_formed",
]

MessageT = TypeVar("MessageT", bound=Message)


class Ignored(msgspec.Struct, frozen=True):
    """A frame of a type that this version does not know: counted, otherwise left alone."""

    type: str


def encode(frame: Frame[Any]) -> bytes:
    """`frame` as UTF-8 JSON; lone surrogates in it become U+FFFD."""
    message: Message = frame.message
    # The struct's own encoding is flat: {"type":"...", and then what belongs into the payload.
    head = _HEADS[type(message)]
    payload = _json(message)[len(head) :].removeprefix(b",")
    parts = [head, b',"payload":{', payload]
    for name in _ENVELOPE:
        value: Any = getattr(frame, name)
        if value is not None:
            parts += (b',"', name.encode(), b'":', _json(value))
    parts.append(b"}")
    return b"".join(parts)


def _json(value: Any) -> bytes:
    try:
        return msgspec.json.encode(value)
    except UnicodeEncodeError:
        return msgspec.json.encode(map_strings(msgspec.to_builtins(value), well_formed))


def fit(frame: Frame[MessageT], max_bytes: int) -> Frame[MessageT]:
    """`frame`, cut and marked as `truncated` if it would not fit into `max_bytes`.

    Raises FrameTooLarge where cutting would change what the frame says (a tool call).
    """
    size = len(encode(frame))
    if size <= max_bytes:
        return frame
    return msgspec.structs.replace(frame, message=shorten(frame.message, size, max_bytes))


def decode_from_executor(text: str | bytes, *, max_bytes: int) -> Frame[FromExecutor] | Ignored:
    """The frame that an executor sent. Raises RemoteProtocolError."""
    return _decode(text, max_bytes, _FROM_EXECUTOR)


def decode_from_maestro(text: str | bytes, *, max_bytes: int) -> Frame[FromMaestro] | Ignored:
    """The frame that a maestro sent. Raises RemoteProtocolError."""
    return _decode(text, max_bytes, _FROM_MAESTRO)


def _decode(text: str | bytes, max_bytes: int, types: dict[str, type[Any]]) -> Any:
    members = parse_object(text, max_bytes)
    tag = members.get("type")
    if not isinstance(tag, str):
        raise _bad_field("type", "missing" if tag is None else "expected `str`", members)
    message_type = types.get(tag)
    if message_type is None:
        return Ignored(tag[:_MAX_QUOTED])
    payload = members.get("payload")
    if not is_object(payload):
        raise _bad_field("payload", "missing" if payload is None else "expected `object`", members)
    payload.pop("type", None)  # an unknown field here, but the tag of the flat struct
    try:
        message = msgspec.convert(payload, message_type)
    except msgspec.ValidationError as error:
        raise _bad_value("payload", str(error), members) from None
    try:
        envelope = msgspec.convert(members, Envelope)
    except msgspec.ValidationError as error:
        raise _bad_value("", str(error), members) from None
    return Frame(message, envelope.id, envelope.seq, envelope.timestamp, envelope.metadata)


def _bad_value(root: str, problem: str, members: dict[str, Any]) -> RemoteProtocolError:
    """A validation error in the library's words, with the path as the peer wrote it."""
    words, _, path = problem.partition(" - at `$")
    field = root + path.removesuffix("`")
    missing = _MISSING.fullmatch(words)
    if missing is not None:
        field, words = f"{field}.{missing[1]}", "missing"
    return _bad_field(field.removeprefix("."), words[:1].lower() + words[1:], members)


def _bad_field(field: str, words: str, members: dict[str, Any]) -> RemoteProtocolError:
    payload = members.get("payload")
    return RemoteProtocolError(
        ErrorCode.BAD_FRAME,
        f"{field}: {words[:_MAX_QUOTED]}",
        field=field,
        frame_id=_id_in(members, "id"),
        tool_id=_id_in(payload, "tool_id") if is_object(payload) else None,
    )


def _id_in(members: dict[str, Any], name: str) -> str | None:
    value = members.get(name)
    return value if isinstance(value, str) and len(value) <= MAX_ID_CHARS else None


class Envelope(msgspec.Struct, frozen=True):
    """The optional fields of the envelope, as they are checked."""

    id: Annotated[str, msgspec.Meta(min_length=1, max_length=MAX_ID_CHARS)] | None = None
    seq: Positive | None = None
    timestamp: str | None = None
    metadata: FrameMetadata | None = None


_ENVELOPE: Final = Envelope.__struct_fields__
_MISSING: Final = re.compile("Object missing required field `(.+)`")
_MAX_QUOTED: Final = 200
"""Characters of a peer's own words in an answer or a count."""


def _by_tag(union: Any) -> dict[str, type[Message]]:
    return {str(member.__struct_config__.tag): member for member in get_args(union)}


_FROM_EXECUTOR: Final = _by_tag(FromExecutor)
_FROM_MAESTRO: Final = _by_tag(FromMaestro)
_HEADS: Final = {
    member: b'{"type":"%s"' % tag.encode()
    for types in (_FROM_EXECUTOR, _FROM_MAESTRO)
    for tag, member in types.items()
}
