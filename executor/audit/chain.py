"""Lines of an audit log: each holds the digest of the one before it.

Bytes and values only. A line is a JSON object, `prev` and `n` first; its digest is the SHA-256 of
its bytes without the line feed. The first line's `prev` is 64 zeros.
"""

import hashlib
import json
from typing import Any

import msgspec

from protocol.strict_json import is_object

FIRST = "0" * 64
HEAD_BYTES = 85
"""`N DIGEST`, N of 20 places, and a line feed: written in place."""


class Link(msgspec.Struct, frozen=True):
    """Where a chain ends: after `n` lines, the last of which has this digest."""

    n: int = 0
    digest: str = FIRST

    def followed_by(self, line: bytes) -> "Link":
        return Link(self.n + 1, hashlib.sha256(line.rstrip(b"\n")).hexdigest())

    def as_head(self) -> bytes:
        return f"{self.n:020} {self.digest}\n"[:HEAD_BYTES].ljust(HEAD_BYTES).encode()


def line_of(link: Link, record: dict[str, Any]) -> bytes:
    """The line behind `link`."""
    whole = {"prev": link.digest, "n": link.n + 1, **record}
    return json.dumps(whole, separators=(",", ":")).encode() + b"\n"


def head_of(content: bytes) -> Link | None:
    """The anchored end; None where that is no head."""
    number, _, digest = content.decode("ascii", "replace").partition(" ")
    if not number.isdigit() or len(digest.strip()) != len(FIRST):
        return None
    return Link(int(number), digest.strip())


def record_of(line: bytes) -> dict[str, Any] | None:
    """None where the line is no JSON object."""
    try:
        record = json.loads(line)
    except (ValueError, RecursionError):
        return None
    return record if is_object(record) else None
