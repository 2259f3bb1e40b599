"""What a parser said of a text.

A value; finds nothing itself.
"""

import msgspec

_MESSAGE_MAX = 300


class Trouble(msgspec.Struct, frozen=True):
    """The first error; an empty `message` says that there is none."""

    message: str = ""
    line: int | None = None
    """Counted from 1."""

    @property
    def where(self) -> str:
        return "" if self.line is None else f"line {self.line:,}: "


def trouble(message: object, line: int | None) -> Trouble:
    """The trouble of these words, as one bounded line."""
    words = " ".join(str(message).split()).rstrip(".")
    return Trouble(words[:_MESSAGE_MAX] or "it can't be parsed", line)
