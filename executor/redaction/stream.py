"""Text that comes in pieces: passed on as soon as no secret can be cut in two.

Holds back the last word, the line of a name that is followed by a secret, and an open key block,
until more comes or the end: never by the clock, as half of a secret would be out then.
"""

from executor.redaction.assignments import NEEDLES
from executor.redaction.occurrences import begun
from executor.redaction.patches import open_patch
from executor.redaction.patterns import key_blocks, open_block
from executor.redaction.redactor import Redactor
from executor.redaction.span import Span

HELD_MAX = 32 * 1024
"""Characters that are held back at most; more go on, cut where no secret is seen."""
_KEPT = 4096
"""Of a word without end, what stays: longer than any token that has a form."""
_BEFORE = 200
"""Characters before a secret that show it to be one: a name, `Bearer`, `postgres://ada:`."""
_BEHIND = 2
"""And after it: the host of an address."""
_BEFORE_A_SECRET = (*NEEDLES, "authorization", "bearer", "basic", "diff ")
_DOTS = ".."
"""Of a test's progress. No token that has a form holds two in a row."""
_ADDRESS = "://"


class RedactedStream:
    """One stream of one call."""

    def __init__(self, redactor: Redactor) -> None:
        self._redactor = redactor
        self._held = ""
        self._patch = ""
        """The beginning of the secret file's patch that goes on."""

    def feed(self, text: str) -> str:
        """What can be passed on, secrets replaced; maybe nothing yet."""
        self._held += text
        cut = self._safe_cut()
        if len(self._held) - cut > HELD_MAX:
            cut = self._forced_cut()
        ready, self._held = self._held[:cut], self._held[cut:]
        return self._passed_on(ready)

    def close(self) -> str:
        """The rest."""
        rest, self._held = self._held, ""
        return self._passed_on(rest)

    def _passed_on(self, text: str) -> str:
        patch = self._patch
        whole = patch + text
        self._patch = open_patch(whole)
        return self._redactor.redact(whole).removeprefix(self._redactor.redact(patch))

    def _safe_cut(self) -> int:
        held = self._held
        cut = len(held)
        while cut and not held[cut - 1].isspace():
            cut -= 1
        cut = self._behind_dots(cut)
        for one in self._redactor.wanted():
            if one.spaced:
                cut = min(cut, len(held) - begun(held, one.value))
        spans = self._redactor.spans(held)
        while (before := self._before(cut, spans)) < cut:
            cut = before
        return cut

    def _behind_dots(self, cut: int) -> int:
        """What a program prints a dot at a time is watched as it comes."""
        dots = self._held.rfind(_DOTS, cut)
        word = self._held[cut:]
        if dots < 0 or _ADDRESS in word or _announces(word):
            return cut
        may_be_known = any(one.dotted for one in self._redactor.wanted())
        return cut if may_be_known else dots + len(_DOTS)

    def _before(self, cut: int, spans: list[Span]) -> int:
        """`cut`, or a place before it where it parts less that belongs together."""
        held = self._held
        line = max(held.rfind("\n", 0, cut), held.rfind("\r", 0, cut)) + 1
        if line < cut and (_announces(held[line:cut]) or open_patch(self._patch + held[:cut])):
            return line
        block = open_block(held[:cut])
        if block >= 0:
            return held.rfind("\n", 0, block) + 1
        return next((span.start for span in spans if span.start < cut < span.end), cut)

    def _forced_cut(self) -> int:
        """The last place, far enough from the end, that parts no secret from what shows it."""
        wholes = [(block.begin, block.end) for block in key_blocks(self._held)]
        end = 0
        for span in self._redactor.spans(self._held):
            wholes.append((max(end, span.start - _BEFORE), span.end + _BEHIND))
            end = span.end
        cut = len(self._held) - _KEPT
        for start, end in sorted(wholes, reverse=True):
            if start < cut < end:
                cut = start or end
        return cut


def _announces(text: str) -> bool:
    """Whether a secret may follow in the same line."""
    lowered = text.lower()
    return any(word in lowered for word in _BEFORE_A_SECRET)
