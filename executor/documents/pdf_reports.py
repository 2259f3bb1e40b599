"""What is asked of the program that reads PDF documents, and what it answers.

Values only: whoever starts the program must not load what it loads.
"""

import msgspec


class Request(msgspec.Struct, frozen=True):
    path: str
    """Relative to the root."""
    digest: str
    """SHA-256 of the bytes that are meant."""
    first: int
    last: int | None
    """None: to the end."""
    pages_max: int


class Document(msgspec.Struct, frozen=True, tag="document"):
    pages: int


class Page(msgspec.Struct, frozen=True, tag="page"):
    number: int
    """Counted from 1."""
    text: str
    damaged: bool = False
    left_out: int = 0
    """Characters beyond those that are passed on."""


class Problem(msgspec.Struct, frozen=True, tag="problem"):
    """Why the document can't be read, to follow `because`."""

    why: str


class Done(msgspec.Struct, frozen=True, tag="done"):
    """All that was asked for has come."""


Report = Document | Page | Problem | Done
