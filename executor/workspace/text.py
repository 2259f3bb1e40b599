"""Bytes as text and back without loss: encodings, byte order marks, line endings.

Every text that `decode` gives, `encode` turns into the very bytes that it came from.
"""

import codecs
from bisect import bisect_left, bisect_right
from typing import Literal

import msgspec

from executor.errors import ToolFailure
from executor.workspace.kinds import binary_kind

Codec = Literal["utf-8", "utf-16-le", "utf-16-be", "latin-1"]
Ending = Literal["\n", "\r\n"]

_BOMS: tuple[tuple[bytes, Codec], ...] = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)


class Text(msgspec.Struct, frozen=True):
    """A text file's content; `text` has its line endings as they are, and no byte order mark."""

    text: str
    codec: Codec = "utf-8"
    bom: bytes = b""

    @property
    def ending(self) -> Ending:
        """The line ending that prevails."""
        windows = self.text.count("\r\n")
        return "\r\n" if windows > self.text.count("\n") - windows else "\n"

    @property
    def peculiarities(self) -> str:
        """What is not plain UTF-8 with line feeds, in words; empty for what is."""
        windows = self.text.count("\r\n")
        plain = self.text.count("\n") - windows
        names = {"utf-8": "", "utf-16-le": "UTF-16", "utf-16-be": "UTF-16", "latin-1": "Latin-1"}
        found = [
            names[self.codec],
            "byte order mark" if self.bom else "",
            ("mixed line endings" if plain else "CRLF line endings") if windows else "",
        ]
        return ", ".join(part for part in found if part)

    def with_text(self, text: str) -> "Text":
        return msgspec.structs.replace(self, text=text)

    def encode(self) -> bytes:
        """Raises ToolFailure `unencodable` for characters that the file's encoding lacks."""
        try:
            return self.bom + self.text.encode(self.codec)
        except UnicodeEncodeError as error:
            char = self.text[error.start]
            raise ToolFailure(
                "unencodable",
                f"The file is {self.codec} and can't hold {char!a}. Leave that character out, or "
                "convert the whole file first.",
            ) from error


def decode(content: bytes) -> Text | None:
    """`content` as text, or None if it is binary."""
    for bom, codec in _BOMS:
        if content.startswith(bom):
            text = _decoded(content[len(bom) :], codec)
            if text is not None:
                return Text(text, codec, bom)
    if binary_kind(content) is not None:
        return None
    text = _decoded(content, "utf-8")
    return Text(text) if text is not None else Text(content.decode("latin-1"), "latin-1")


def _decoded(content: bytes, codec: Codec) -> str | None:
    try:
        return content.decode(codec)
    except UnicodeDecodeError:
        return None


def lines_of(text: str) -> list[str]:
    """The lines without their endings; a last line without one counts, nothing after one not."""
    lines = [line.removesuffix("\r") for line in text.split("\n")]
    if text.endswith("\n") or not text:
        lines.pop()
    return lines


def line_count(text: str) -> int:
    return text.count("\n") + (bool(text) and not text.endswith("\n"))


def with_ending(text: str, ending: Ending) -> str:
    """`text` with every line feed, or CRLF, as `ending`."""
    return text.replace("\r\n", "\n").replace("\n", ending)


class Unified:
    """A text with line feeds alone, and the way from its positions back to the original's."""

    def __init__(self, original: str) -> None:
        self.text = original.replace("\r\n", "\n")
        self._returns: list[int] = []
        at = original.find("\r\n")
        while at >= 0:
            self._returns.append(at - len(self._returns))
            at = original.find("\r\n", at + 2)

    def start(self, position: int) -> int:
        """Where in the original the character at `position` begins, a carriage return included."""
        return position + bisect_left(self._returns, position)

    def end(self, position: int) -> int:
        """Where in the original the text before `position` ends, a last CRLF whole."""
        return position + bisect_right(self._returns, position - 1)
