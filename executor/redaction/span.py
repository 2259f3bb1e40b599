"""A stretch of text that holds a secret, and what becomes of stretches that overlap.

Values only.
"""

from collections.abc import Iterable
from operator import attrgetter

import msgspec

_PLACE = attrgetter("start", "end")


class Span(msgspec.Struct, frozen=True, gc=False):
    """`text[start:end]` is a secret."""

    start: int
    end: int
    name: str
    """What kind of secret, or which variable's."""
    keep: bool = True
    """Look for the same value elsewhere from then on."""


def merged(spans: Iterable[Span]) -> list[Span]:
    """In order, and what overlaps as one: nothing of a secret sticks out of a shorter one."""
    whole: list[Span] = []
    for span in sorted(spans, key=_PLACE):
        last = whole[-1] if whole else None
        if last is None or span.start >= last.end:
            whole.append(span)
        elif span.end > last.end:
            wider = span.end - span.start > last.end - last.start
            chief = span if wider else last
            whole[-1] = Span(last.start, span.end, chief.name, chief.keep)
    return whole
