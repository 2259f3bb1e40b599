"""Read one JSON object from the network: bounded, unambiguous, well-formed Unicode.

Knows nothing of messages; what the object means is the codec's business.
"""

import json
import math
import re
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any, Final, TypeGuard

from protocol.errors import CloseCode, ErrorCode, RemoteProtocolError
from protocol.version import MAX_DEPTH, MAX_INTEGER_DIGITS, MAX_VALUES

_SURROGATE: Final = re.compile("[\ud800-\udfff]")
_STRING: Final = re.compile(r'"[^"\\]*+(?:\\.[^"\\]*+)*+(?:"|\Z)', re.DOTALL)
"""A string, or what there is of one that never ends: each character is looked at once."""


def parse_object(text: str | bytes, max_bytes: int) -> dict[str, Any]:
    """The object that `text` holds; no string in it has a lone surrogate.

    Raises RemoteProtocolError: TOO_LARGE above `max_bytes` of UTF-8, else BAD_FRAME.
    """
    text = _sized(text, max_bytes)
    openings = text.count("{") + text.count("[")
    if openings + text.count(",") >= MAX_VALUES:
        _count_values(text)
    try:
        root: Any = _DECODER.decode(text)
    except RecursionError:
        raise _too_deep() from None
    except json.JSONDecodeError as error:
        raise _bad(f"not JSON: {error.msg}, at character {error.pos}") from None
    if not is_object(root):
        raise _bad("a frame is a JSON object")
    if openings > MAX_DEPTH and _is_too_deep(root):
        raise _too_deep()
    return map_strings(root, well_formed) if "\\ud" in text or "\\uD" in text else root


def well_formed(text: str) -> str:
    """`text` with each lone surrogate replaced by U+FFFD, so that it can be encoded."""
    return text if text.isascii() else _SURROGATE.sub("\ufffd", text)


def is_object(value: Any) -> TypeGuard[dict[str, Any]]:
    """Whether the JSON value is an object."""
    return isinstance(value, dict)


def is_array(value: Any) -> TypeGuard[Sequence[Any]]:
    """Whether the JSON value is an array: a list as parsed, a tuple as the messages have it."""
    return isinstance(value, list | tuple)


def map_strings(value: Any, change: Callable[[str], str]) -> Any:
    """A copy of a JSON value with `change` applied to each string, keys included."""
    if isinstance(value, str):
        return change(value)
    if is_object(value):
        return _object([(change(key), map_strings(child, change)) for key, child in value.items()])
    if is_array(value):
        return [map_strings(child, change) for child in value]
    return value


def _bad(message: str) -> RemoteProtocolError:
    return RemoteProtocolError(ErrorCode.BAD_FRAME, message)


def _too_deep() -> RemoteProtocolError:
    return _bad(f"a frame nests at most {MAX_DEPTH} levels")


def _sized(text: str | bytes, max_bytes: int) -> str:
    """`text` as a string that can be encoded, once its size is known to be allowed."""
    if len(text) > max_bytes:
        raise _too_large(max_bytes)
    if isinstance(text, bytes):
        try:
            return text.decode()
        except UnicodeDecodeError as error:
            raise _bad(f"not UTF-8, at byte {error.start}") from None
    if text.isascii():
        return text
    try:
        size = len(text.encode())
    except UnicodeEncodeError:
        text = well_formed(text)
        size = len(text.encode())
    if size > max_bytes:
        raise _too_large(max_bytes)
    return text


def _too_large(max_bytes: int) -> RemoteProtocolError:
    return RemoteProtocolError(
        ErrorCode.TOO_LARGE,
        f"a frame holds at most {max_bytes} bytes",
        close_code=CloseCode.TOO_LARGE,
    )


def _count_values(text: str) -> None:
    """Refuse too many values before one of them is built; called where there may be too many."""
    bare = "".join(_STRING.sub("0", text).split())
    empty = bare.count("{}") + bare.count("[]")
    # The root, and in each container that is not empty one value more than it has commas.
    values = 1 + bare.count(",") + bare.count("{") + bare.count("[") - empty
    if values > MAX_VALUES:
        raise _bad(f"a frame holds at most {MAX_VALUES} values")


def _is_too_deep(root: Any) -> bool:
    level: list[Any] = [root]
    for _ in range(MAX_DEPTH):
        level = [child for node in level for child in _containers_in(node)]
        if not level:
            return False
    return True


def _containers_in(container: Any) -> list[Any]:
    children = container.values() if is_object(container) else container
    return [child for child in children if is_object(child) or is_array(child)]


def _object(members: list[tuple[str, Any]]) -> dict[str, Any]:
    built = dict(members)
    if len(built) == len(members):
        return built
    twice = Counter(key for key, _ in members).most_common(1)[0][0]
    raise _bad(f"duplicate key {json.dumps(twice[:100])}")


def _integer(digits: str) -> int:
    if len(digits.removeprefix("-")) > MAX_INTEGER_DIGITS:
        raise _bad(f"an integer has at most {MAX_INTEGER_DIGITS} digits")
    return int(digits)


def _float(literal: str) -> float:
    number = float(literal)
    if math.isinf(number):
        raise _bad(f"the number {literal[:100]} is out of range")
    return number


def _constant(name: str) -> Any:
    raise _bad(f"{name} is not JSON")


_DECODER: Final = json.JSONDecoder(
    object_pairs_hook=_object, parse_int=_integer, parse_float=_float, parse_constant=_constant
)
