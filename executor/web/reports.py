"""What is asked of the program that fetches pages, and what it answers.

Values only: whoever starts the program must not load what it loads.
"""

import msgspec

FETCH_SECONDS = 10.0
"""From the first byte out to the last byte in, redirects included."""
PAGE_MAX = 250_000
"""Characters of a page after its conversion."""


class Request(msgspec.Struct, frozen=True):
    url: str
    opened: tuple[str, ...] = ()
    """Hosts that need not be on the public network."""
    seconds: float = FETCH_SECONDS


class Page(msgspec.Struct, frozen=True, tag="page"):
    url: str
    """Where it was found: after redirects."""
    media_type: str
    total_bytes: int
    """Of the body after decoding, as far as it was read."""
    text: str
    note: str = ""
    """What was left out, or done to it; empty for a whole text as it is."""


class Elsewhere(msgspec.Struct, frozen=True, tag="elsewhere"):
    """It leads to an address that has to be decided on by itself."""

    url: str
    target: str
    why: str


class Problem(msgspec.Struct, frozen=True, tag="problem"):
    """Why there is no page."""

    code: str
    message: str


Report = Page | Elsewhere | Problem
