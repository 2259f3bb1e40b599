"""Find the encoding of a file's bytes, and decode them so that encoding gives the same bytes back.

Guesses only where nothing else is likely; knows nothing of lines.
"""

import codecs
from collections.abc import Iterator
from typing import Literal

from executor.workspace.kinds import LOOKED_AT, binary_kind, holds_controls

Codec = Literal["utf-8", "utf-16-le", "utf-16-be", "utf-32-le", "utf-32-be", "latin-1", "cp1252"]

SINGLE_BYTE: frozenset[Codec] = frozenset({"latin-1", "cp1252"})

_BOMS: tuple[tuple[bytes, Codec], ...] = (
    (codecs.BOM_UTF8, "utf-8"),
    # Before UTF-16: its little-endian mark begins with that one's.
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_C1 = bytes(range(0x80, 0xA0))
_FEW = 8
_MOSTLY = 0.6
"""The share of characters below U+0100 from which UTF-16 without a mark is taken for sure."""


def decoded(content: bytes) -> tuple[str, Codec, bytes] | None:
    """Text, codec and byte order mark of `content`; None if it is not surely text.

    `mark + text.encode(codec)` is `content`, for every `content`.
    """
    return next(_candidates(content), None)


def _candidates(content: bytes) -> Iterator[tuple[str, Codec, bytes]]:
    for bom, codec in _BOMS:
        if content.startswith(bom):
            text = _strictly(content[len(bom) :], codec)
            if text is not None and "\0" not in text:
                yield text, codec, bom
    if b"\0" in content[:LOOKED_AT]:
        yield from _wide(content)
        return
    if binary_kind(content) is not None:
        return
    text = _strictly(content, "utf-8")
    if text is not None:
        yield text, "utf-8", b""
    elif (narrow := _narrow(content)) is not None:
        yield content.decode(narrow), narrow, b""


def _wide(content: bytes) -> Iterator[tuple[str, Codec, bytes]]:
    """UTF-16 without a mark: every second byte of Western text is zero, and none of the others."""
    start = content[:LOOKED_AT]
    wide: tuple[tuple[Codec, int], ...] = (("utf-16-le", 1), ("utf-16-be", 0))
    for codec, high in wide:
        zeros = start[high::2].count(0)
        if start[1 - high :: 2].count(0) or zeros < max(2, _MOSTLY * (len(start) // 2)):
            continue
        text = _strictly(content, codec)
        if text is not None and not holds_controls(text.encode("utf-8")):
            yield text, codec, b""


def _narrow(content: bytes) -> Codec | None:
    """The single-byte encoding of Western text; None for bytes that have no meaning in either.

    Those are of a multi-byte encoding (Shift JIS, Big5, GBK), whose second bytes look like letters:
    a change by single bytes could cut a character in two.
    """
    if holds_controls(content.removesuffix(b"\x1a")):  # the end of a file under DOS
        return None
    marks = len(content) - len(content.translate(None, _C1))
    if not marks:
        return "latin-1"
    if 4 * marks > len(content) + _FEW:
        return None  # quotes and dashes are not every other character of a text
    return "cp1252" if _strictly(content, "cp1252") is not None else None


def _strictly(content: bytes, codec: Codec) -> str | None:
    try:
        return content.decode(codec)
    except UnicodeDecodeError:
        return None
