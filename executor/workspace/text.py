"""Bytes as text and back without loss: encodings, byte order marks, line endings.

Every text that `decode` gives, `encode` turns into the very bytes that it came from.
"""

from bisect import bisect_left, bisect_right
from typing import Literal

import msgspec

from executor.errors import ToolFailure
from executor.workspace.encodings import Codec, decoded
from executor.workspace.kinds import binary_kind, signature

Ending = Literal["\n", "\r\n", "\r"]

_NAMES: dict[Codec, str] = {
    "utf-8": "",
    "utf-16-le": "UTF-16",
    "utf-16-be": "UTF-16",
    "utf-32-le": "UTF-32",
    "utf-32-be": "UTF-32",
    "latin-1": "Latin-1",
    "cp1252": "Windows-1252",
}


class Text(msgspec.Struct, frozen=True):
    """A text file's content; `text` has its line endings as they are, and no byte order mark."""

    text: str
    codec: Codec = "utf-8"
    bom: bytes = b""

    @property
    def ending(self) -> Ending:
        """The line ending that prevails."""
        if _is_classic(self.text):
            return "\r"
        windows = self.text.count("\r\n")
        return "\r\n" if windows > self.text.count("\n") - windows else "\n"

    @property
    def peculiarities(self) -> str:
        """What is not plain UTF-8 with line feeds, in words; empty for what is."""
        found = (
            _NAMES[self.codec],
            "byte order mark" if self.bom else "",
            self._odd_endings,
        )
        return ", ".join(part for part in found if part)

    @property
    def _odd_endings(self) -> str:
        if _is_classic(self.text):
            return "CR line endings"
        windows = self.text.count("\r\n")
        if not windows:
            return ""
        return "CRLF line endings" if windows == self.text.count("\n") else "mixed line endings"

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
                f"The file is {self.codec} and can't hold {char!a} ({char}). Leave that character "
                "out, or convert the whole file first.",
            ) from error


def decode(content: bytes) -> Text | None:
    """`content` as text, or None if it is not surely text."""
    found = decoded(content)
    return None if found is None else Text(*found)


UNKNOWN_TEXT = "text in an encoding that is not known here, or binary data"


def kind_of_binary(content: bytes) -> str:
    """What `content`, which is not surely text, may be."""
    kind = signature(content)
    unknown = b"\0" not in content and binary_kind(content) is None
    if unknown and kind == "binary data":
        return UNKNOWN_TEXT
    return kind


def lines_of(text: str) -> list[str]:
    """The lines without their endings; a last line without one counts, nothing after one not."""
    text = _with_line_feeds(text)
    lines = [line.removesuffix("\r") for line in text.split("\n")]
    if text.endswith("\n") or not text:
        lines.pop()
    return lines


def line_count(text: str) -> int:
    text = _with_line_feeds(text)
    return text.count("\n") + (bool(text) and not text.endswith("\n"))


def with_ending(text: str, ending: Ending) -> str:
    """`text` with every line feed, or CRLF, as `ending`."""
    return text.replace("\r\n", "\n").replace("\n", ending)


def _is_classic(text: str) -> bool:
    """Whether carriage returns alone end the lines, as on a Mac before 2001."""
    return "\r" in text and "\n" not in text


def _with_line_feeds(text: str) -> str:
    return text.replace("\r", "\n") if _is_classic(text) else text


class Unified:
    """A text with line feeds alone, and the way from its positions back to the original's."""

    def __init__(self, original: str) -> None:
        self.text = _with_line_feeds(original).replace("\r\n", "\n")
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
