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
from typing import Any

from executor.errors import ToolFailure
from executor.redaction.assignments import assigned
from executor.redaction.known import Known, usable
from executor.redaction.patterns import formed
from executor.redaction.span import Span, merged
from protocol.strict_json import is_array, is_object
from protocol.wire import JsonObject

MAX_KNOWN = 256
"""Values that are looked for in every text; later ones are found by their form alone."""
MAX_ORIGINALS = 8192
"""Placeholders that can be put back; the oldest go first."""

_MARK = "«secret:"
_PLACEHOLDER = re.compile(r"«secret:([A-Za-z0-9_.]{1,40}):[0-9a-f]{12}»")
_LITERAL = "literal"


class Redactor:
    def __init__(
        self, known: Callable[[], Iterable[Known]] = tuple, *, key: bytes | None = None
    ) -> None:
        """`known` is asked once, at the first text. The same 16 to 64 byte `key`: the same tags."""
        self._ask = known
        self._asked = False
        self._key = key or secrets.token_bytes(32)
        self._names: dict[str, str] = {}
        self._originals: OrderedDict[str, str] = OrderedDict()

    def redact(self, text: str, *, echo: bool = False) -> str:
        """`text` with every secret replaced. `echo`: it repeats what came with placeholders."""
        spans = self.spans(text)
        if not spans:
            return text
        parts: list[str] = []
        position = 0
        for span in spans:
            value = text[span.start : span.end]
            parts.append(text[position : span.start])
            is_echo = echo and _PLACEHOLDER.fullmatch(value) is not None
            parts.append(value if is_echo else self._placeholder(span, value))
            position = span.end
        parts.append(text[position:])
        return "".join(parts)

    def spans(self, text: str) -> list[Span]:
        """Where the secrets of `text` are, in order, none over another."""
        self._learn_what_is_known()
        found = [*self._kept(text), *formed(text), *assigned(text)]
        if _MARK in text:
            found += [
                Span(*match.span(), _LITERAL, keep=False) for match in _PLACEHOLDER.finditer(text)
            ]
        return merged(found)

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

    def spaced(self) -> Iterator[str]:
        """The known values that hold white space."""
        self._learn_what_is_known()
        return (value for value in self._names if len(value.split()) > 1)

    def _learn_what_is_known(self) -> None:
        if self._asked:
            return
        self._asked = True
        for one in usable(self._ask()):
            self._keep(one.value, one.name)
            self._placeholder(Span(0, 0, one.name), one.value)

    def _keep(self, value: str, name: str) -> None:
        if len(self._names) < MAX_KNOWN:
            self._names.setdefault(value, name)

    def _kept(self, text: str) -> Iterator[Span]:
        for value, name in self._names.items():
            start = text.find(value)
            while start >= 0:
                yield Span(start, start + len(value), name)
                start = text.find(value, start + 1)

    def _placeholder(self, span: Span, value: str) -> str:
        content = value.encode("utf-8", "surrogatepass")
        tag = hashlib.blake2b(content, key=self._key, digest_size=6).hexdigest()
        name = re.sub(r"[^A-Za-z0-9_.]", "_", self._names.get(value, span.name))[:40]
        made = f"{_MARK}{name}:{tag}»"
        self._originals[made] = value
        self._originals.move_to_end(made)
        if len(self._originals) > MAX_ORIGINALS:
            self._originals.popitem(last=False)
        if span.keep:
            for one in usable((Known(name, value),)):
                self._keep(one.value, one.name)
        return made

    def _original(self, match: re.Match[str]) -> str:
        value = self._originals.get(match[0])
        if value is None:
            raise ToolFailure(
                "unknown_placeholder",
                f"A placeholder of {match[1]!r} stands for no secret that was shown in this "
                "session. Read what holds it again, and use the placeholder as it stands there.",
            )
        return value


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
