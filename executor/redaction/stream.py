"""Text that comes in pieces: passed on as soon as no secret can be cut in two.

Holds back the last word, the line of a name that is followed by a secret, and an open key block.
"""

from executor.redaction.assignments import NEEDLES
from executor.redaction.patterns import open_block
from executor.redaction.redactor import Redactor
from executor.redaction.span import Span

HELD_MAX = 32 * 1024
"""Characters that are held back at most; more go on, cut where no secret is seen."""
_KEPT = 4096
"""Of a word without end, what stays: longer than any token that has a form."""
_BEFORE_A_SECRET = (*NEEDLES, "authorization", "bearer")


class RedactedStream:
    """One stream of one call."""

    def __init__(self, redactor: Redactor) -> None:
        self._redactor = redactor
        self._held = ""

    def feed(self, text: str) -> str:
        """What can be passed on, secrets replaced; maybe nothing yet."""
        self._held += text
        cut = self._safe_cut()
        if len(self._held) - cut > HELD_MAX:
            cut = self._forced_cut()
        ready, self._held = self._held[:cut], self._held[cut:]
        return self._redactor.redact(ready)

    def close(self) -> str:
        """The rest."""
        rest, self._held = self._held, ""
        return self._redactor.redact(rest)

    def _safe_cut(self) -> int:
        held = self._held
        cut = len(held)
        while cut and not held[cut - 1].isspace():
            cut -= 1
        line = max(held.rfind("\n"), held.rfind("\r")) + 1
        if line <= cut and any(needle in held[line:cut].lower() for needle in _BEFORE_A_SECRET):
            cut = line
        block = open_block(held)
        if block >= 0:
            cut = min(cut, block)
        for value in self._redactor.spaced():
            cut = min(cut, _beginning(held, value))
        astride = self._astride(cut)
        return cut if astride is None else astride.start

    def _forced_cut(self) -> int:
        cut = len(self._held) - _KEPT
        astride = self._astride(cut)
        return cut if astride is None else astride.start or astride.end

    def _astride(self, cut: int) -> Span | None:
        """The secret that would be cut in two."""
        spans = self._redactor.spans(self._held)
        return next((span for span in spans if span.start < cut < span.end), None)


def _beginning(text: str, value: str) -> int:
    """Where the end of `text` may be the beginning of `value`; its length where it can't."""
    for start in range(max(0, len(text) - len(value) + 1), len(text)):
        if value.startswith(text[start:]):
            return start
    return len(text)
