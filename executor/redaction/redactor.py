"""One session's secrets: out they go as placeholders, and back they come into files.

A placeholder is `«secret:NAME:TAG»`. The tag is a keyed digest of the value: the same in a whole
session, nothing to anybody without the key, and nothing in another session. Text that looks like a
placeholder by itself is replaced like a secret, so that putting back is the exact inverse. Which
calls get a secret back is decided here too; what a text means is not looked at.
"""

import hashlib
import re
import secrets
from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator
from itertools import chain, islice
from typing import Any

from executor.errors import ToolFailure
from executor.redaction.assignments import assigned_by_name
from executor.redaction.forms import other_forms
from executor.redaction.known import Known, usable
from executor.redaction.occurrences import Places, Rare, Wanted, begun, wanted
from executor.redaction.patches import in_patches
from executor.redaction.patterns import formed_by_kind
from executor.redaction.span import Span, merged
from protocol.strict_json import is_array, is_object
from protocol.wire import JsonObject

MAX_KNOWN = 256
"""Values that are looked for in every text; later ones are found by their form alone."""
MAX_FORMS = 2048
"""Other forms of them, and single lines of keys."""
MAX_SLOW_FORMS = 64
"""Of these, such as each text has to be searched for: they hold other than plain letters."""
FEW_KNOWN = 48
"""So many are looked for one by one: for more it is sooner told which of them may be there."""
SHORT = 4
"""Characters: fewer at the end of a text are no beginning of a secret that is worth the wait."""
MAX_ORIGINALS = 8192
"""Placeholders that can be put back; the oldest go first."""
MAX_ORIGINAL_CHARACTERS = 16 * 1024 * 1024
"""Of all of them."""
MAX_OF_A_KIND = 1000
"""Secrets of one kind in one text: from the next one on, the rest is one placeholder."""
MAX_TOLD_AGAIN = 10_000
"""The same, of one value that is known."""

_MARK = "«secret:"
_PLACEHOLDER = re.compile(r"«secret:([A-Za-z0-9_.]{1,40}):[0-9a-f]{12}»")
_ODD = re.compile(r"[^A-Za-z0-9_.]")
_LITERAL = "literal"
_REST = "too_many_secrets"


class Redactor:
    def __init__(
        self, known: Callable[[], Iterable[Known]] = tuple, *, key: bytes | None = None
    ) -> None:
        """`known` is asked once, at the first text. The same 16 to 64 byte `key`: the same tags."""
        self._ask = known
        self._asked = False
        self._key = key or secrets.token_bytes(32)
        self._wanted: dict[str, Wanted] = {}
        self._forms = Rare(MAX_FORMS, MAX_SLOW_FORMS)
        self._originals: OrderedDict[str, str] = OrderedDict()
        self._characters = 0

    def redact(self, text: str, *, echo: bool = False, behind: int = 0) -> str:
        """`text` with every secret replaced. `echo`: it repeats what came with placeholders.

        `behind`: only what stands behind so many characters, a secret that goes on there included;
        those before show what is one.
        """
        spans = [span for span in self.spans(text) if span.end > behind]
        if not spans:
            return text[behind:]
        made: dict[str, str] = {}
        parts: list[str] = []
        position = behind
        for span in spans:
            value = text[span.start : span.end]
            parts.append(text[position : span.start])
            if value not in made:
                is_echo = echo and _PLACEHOLDER.fullmatch(value) is not None
                made[value] = value if is_echo else self._placeholder(span, value)
            parts.append(made[value])
            position = span.end
        parts.append(text[position:])
        return "".join(parts)

    def spans(self, text: str) -> list[Span]:
        """Where the secrets of `text` are, in order, none over another."""
        self._learn_what_is_known()
        found: list[Span] = []
        rest = len(text)
        places = Places(text)
        searches = self._searches(text, places)
        for some, most in chain(searches, self._seen_again(text, places, found)):
            of_a_kind = list(islice(some, most + 1))
            if len(of_a_kind) > most:
                rest = min(rest, of_a_kind.pop().start)
            found += of_a_kind
        if rest < len(text):
            found = [span for span in found if span.start < rest]
            found.append(Span(rest, len(text), _REST, keep=False))
        return merged(found)

    def _searches(self, text: str, places: Places) -> Iterator[tuple[Iterator[Span], int]]:
        """Each in order, and how many it may find."""
        many = len(self._wanted) > FEW_KNOWN
        for one in self._wanted.values():
            if not many or places.may_hold(one):
                yield places.of(one), MAX_TOLD_AGAIN
        for one in self._forms.within(places):
            yield places.of(one), MAX_TOLD_AGAIN
        for some in chain(formed_by_kind(text), assigned_by_name(text)):
            yield some, MAX_OF_A_KIND
        yield in_patches(text), MAX_OF_A_KIND
        if _MARK in text:
            yield _literals(text), MAX_OF_A_KIND

    def _seen_again(
        self, text: str, places: Places, found: Iterable[Span]
    ) -> Iterator[tuple[Iterator[Span], int]]:
        """What is named a secret in one place of a text, and stands bare in another."""
        named = {text[span.start : span.end]: span.name for span in found if span.keep}
        fresh = (Known(name, value) for value, name in named.items() if value not in self._wanted)
        for one in islice(usable(fresh), MAX_KNOWN - len(self._wanted)):
            yield places.of(wanted(one.value, one.name)), MAX_TOLD_AGAIN

    def put_back(self, text: str) -> str:
        """The inverse of `redact`. Raises ToolFailure for a placeholder that is not known here."""
        self._learn_what_is_known()
        return _PLACEHOLDER.sub(self._original, text) if _MARK in text else text

    def parameters(self, given: JsonObject, *, writes: bool) -> JsonObject:
        """A call's parameters as its tool gets them.

        Only what `writes` files gets secrets back; any other call that names a placeholder is
        refused (ToolFailure): a command, a search or a request could carry the secret away.
        """
        change = self.put_back if writes else _without
        return {key: _changed(value, change) for key, value in given.items()}

    def wanted(self) -> Iterable[Wanted]:
        """What is looked for in every text."""
        self._learn_what_is_known()
        return chain(self._wanted.values(), self._forms.values())

    def unfinished(self, text: str) -> int:
        """How many characters at the end of `text` may be the beginning of a known value."""
        return max((begun(text, one.value, shortest=SHORT) for one in self.wanted()), default=0)

    def _learn_what_is_known(self) -> None:
        if self._asked:
            return
        self._asked = True
        for one in usable(self._ask()):
            if one.is_part:
                self._forms.add(wanted(one.value, one.name))
                continue
            self._keep(one.value, one.name)
            self._placeholder(Span(0, 0, one.name), one.value)
            for form in other_forms(one.value):
                self._forms.add(wanted(form, one.name))

    def _keep(self, value: str, name: str) -> None:
        is_known = value in self._wanted or self._forms.get(value) is not None
        if len(self._wanted) < MAX_KNOWN and not is_known:
            self._wanted[value] = wanted(value, name)

    def _placeholder(self, span: Span, value: str) -> str:
        content = value.encode("utf-8", "surrogatepass")
        tag = hashlib.blake2b(content, key=self._key, digest_size=6).hexdigest()
        known = self._wanted.get(value) or self._forms.get(value)
        name = _ODD.sub("_", span.name if known is None else known.name)[:40]
        made = f"{_MARK}{name}:{tag}»"
        if span.name != _REST:
            self._put_by(made, value)
        if span.keep:
            for one in usable((Known(name, value),)):
                self._keep(one.value, one.name)
        return made

    def _put_by(self, made: str, value: str) -> None:
        self._characters += len(value) - len(self._originals.get(made, ""))
        self._originals[made] = value
        self._originals.move_to_end(made)
        while len(self._originals) > MAX_ORIGINALS or self._characters > MAX_ORIGINAL_CHARACTERS:
            self._characters -= len(self._originals.popitem(last=False)[1])

    def _original(self, match: re.Match[str]) -> str:
        value = self._originals.get(match[0])
        if value is None:
            raise ToolFailure(
                "unknown_placeholder",
                f"A placeholder of {match[1]!r} stands for no secret that was shown in this "
                "session. Read what holds it again, and use the placeholder as it stands there.",
            )
        return value


def _literals(text: str) -> Iterator[Span]:
    """What looks like a placeholder by itself."""
    for match in _PLACEHOLDER.finditer(text):
        yield Span(*match.span(), _LITERAL, keep=False)


def _changed(value: Any, change: Callable[[str], str]) -> Any:
    """A copy with `change` applied to each string but the keys: two must not become one."""
    if isinstance(value, str):
        return change(value)
    if is_object(value):
        return {key: _changed(child, change) for key, child in value.items()}
    if is_array(value):
        return [_changed(child, change) for child in value]
    return value


def _without(text: str) -> str:
    match = _PLACEHOLDER.search(text) if _MARK in text else None
    if match is None:
        return text
    raise ToolFailure(
        "secret_placeholder",
        f"The placeholder of {match[1]!r} is put back only where a file is written. In a command, "
        "a search or a request leave the secret out: let the program read it from where it lies "
        "(its variable, its file), or search for its name.",
    )
