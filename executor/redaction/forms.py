"""How a known value reads after a simple change of form: base64, hexadecimal, escapes, reversed.

Spells values; looks at no text. A form of fewer than SHORTEST characters is left out.
"""

import base64
import html
import json
from collections.abc import Iterator
from urllib.parse import quote, quote_plus

SHORTEST = 15
"""Characters: sooner told from others, and by no accident there."""
_GROUP = 3
"""Bytes that base64 spells together."""


def other_forms(value: str) -> tuple[str, ...]:
    """Each once, and none that is the value itself."""
    content = value.encode("utf-8", "surrogatepass")
    forms = dict.fromkeys((*_encoded(content), *_escaped(value, content)))
    return tuple(form for form in forms if form != value and len(form) >= SHORTEST)


def _encoded(content: bytes) -> Iterator[str]:
    """base64 also where more stands before and behind: what of it depends on the value alone."""
    yield content.hex()
    yield content.hex().upper()
    yield base64.b64encode(content).decode().rstrip("=")
    yield base64.urlsafe_b64encode(content).decode().rstrip("=")
    for before in range(_GROUP):
        start, end = -(-8 * before // 6), 8 * (before + len(content)) // 6
        padded = bytes(before) + content + bytes(_GROUP)
        yield base64.b64encode(padded).decode()[start:end]
        yield base64.urlsafe_b64encode(padded).decode()[start:end]


def _escaped(value: str, content: bytes) -> Iterator[str]:
    yield value[::-1]
    for plain in (json.dumps(value), json.dumps(value, ensure_ascii=False)):
        yield plain[1:-1]
        yield plain[1:-1].replace("/", "\\/")
    for spelt in (quote(content, safe=""), quote(content), quote_plus(content)):
        yield spelt
        yield _lower_digits(spelt)
    yield html.escape(value)
    yield html.escape(value, quote=False)
    yield value.replace("'", "'\\''")


def _lower_digits(spelt: str) -> str:
    """`%2f` for `%2F`."""
    first, *rest = spelt.split("%")
    return "%".join((first, *(part[:2].lower() + part[2:] for part in rest)))
