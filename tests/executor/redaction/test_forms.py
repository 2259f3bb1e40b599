"""A known secret in another form, or a part of one: what is sure to be seen, and what it costs."""

import base64
import html
import json
import urllib.parse
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from executor.redaction import Known, RedactedStream, Redactor
from executor.redaction.forms import SHORTEST, other_forms
from executor.redaction.known import file_secrets
from executor.redaction.redactor import FEW_KNOWN, MAX_FORMS, MAX_KNOWN
from tests.examples import examples
from tests.executor.redaction.samples import HARMLESS, KEY_BLOCK, KEY_LINE
from tests.requirements import covers

PLAIN = "quiet-river-stone/7+x?"
ODD = "corréct \"horse\" & <bättery>\\ 'staple'"
FORMS: dict[str, Callable[[str], str]] = {
    "hexadecimal": lambda value: value.encode().hex(),
    "HEXADECIMAL": lambda value: value.encode().hex().upper(),
    "base64": lambda value: base64.b64encode(value.encode()).decode(),
    "base64 of addresses": lambda value: base64.urlsafe_b64encode(value.encode()).decode(),
    "of an address": lambda value: urllib.parse.quote(value, safe=""),
    "of a path": urllib.parse.quote,
    "of a form": urllib.parse.quote_plus,
    "of an address, low": lambda value: _low(urllib.parse.quote(value, safe="")),
    "JSON": lambda value: json.dumps(value)[1:-1],
    "wide JSON": lambda value: json.dumps(value, ensure_ascii=False)[1:-1],
    "JSON of PHP": lambda value: json.dumps(value)[1:-1].replace("/", "\\/"),
    "HTML": html.escape,
    "HTML without quotes": lambda value: html.escape(value, quote=False),
    "a shell's word": lambda value: value.replace("'", "'\\''"),
    "reversed": lambda value: value[::-1],
}


def _low(text: str) -> str:
    return "".join(part.lower() if part[:1] == "%" else part for part in _escapes(text))


def _escapes(text: str) -> list[str]:
    parts: list[str] = []
    while text:
        length = 3 if text[0] == "%" else 1
        parts.append(text[:length])
        text = text[length:]
    return parts


def knowing(*values: str) -> Redactor:
    return Redactor(
        lambda: [Known(f"N{n}", value) for n, value in enumerate(values)], key=bytes(32)
    )


def shows(text: str, form: str) -> bool:
    """Whether eight characters of `form` in a row are left."""
    return any(form[at : at + 8] in text for at in range(len(form) - 7))


@covers("R-SECRET-1")
@pytest.mark.parametrize("value", [PLAIN, ODD], ids=["plain", "odd"])
@pytest.mark.parametrize("name", FORMS)
def test_a_known_secret_is_seen_in_another_form(name: str, value: str) -> None:
    form = FORMS[name](value)
    text = f"it prints {form}, and ends\n"
    made = knowing("unlike-any-other-1", value)
    safe = made.redact(text)
    assert not shows(safe, form)
    assert "it prints «secret:N1:" in safe
    assert made.put_back(safe) == text


@settings(max_examples=examples(100))
@given(st.binary(max_size=7), st.binary(max_size=7), st.booleans())
def test_base64_is_seen_whatever_stands_before_and_behind(
    before: bytes, behind: bytes, in_address: bool
) -> None:
    content = before + PLAIN.encode() + behind
    encode = base64.urlsafe_b64encode if in_address else base64.b64encode
    text = encode(content).decode()
    safe = knowing(PLAIN).redact(f"<{text}>")
    assert "«secret:N0:" in safe
    alone = encode(PLAIN.encode()).decode()
    first = -(-8 * len(before) // 6)
    inner = text[first : first + len(alone) - 4]
    assert not shows(safe, inner)


@pytest.mark.parametrize("text", HARMLESS)
def test_what_is_none_of_its_forms_stays(text: str) -> None:
    assert knowing(PLAIN, ODD).redact(text) == Redactor().redact(text)


def test_a_form_that_could_stand_anywhere_is_not_looked_for() -> None:
    assert all(len(form) >= SHORTEST for form in other_forms("hunter22"))
    assert "22retnuh" not in other_forms("hunter22")
    assert PLAIN not in other_forms(PLAIN)
    assert other_forms("\ud800" * 20)


def test_forms_take_no_place_of_other_secrets_and_are_bounded() -> None:
    values = [f"välue-number-{n:08}-of-many" for n in range(MAX_KNOWN)]
    made = knowing(*values)
    for value in values[:50]:
        assert "«secret:" in made.redact(value.encode().hex())
    assert "«secret:" in made.redact(values[-1])
    assert "«secret:" in made.redact(values[0][::-1])
    assert "«secret:" not in made.redact(values[-1][::-1])
    assert len(list(made.wanted())) <= MAX_KNOWN + MAX_FORMS
    few = knowing(PLAIN)
    few.redact(PLAIN.encode().hex())
    learned = [f"token=zq{n:05}-XkWvHuABCDEFG" for n in range(MAX_KNOWN - 1)]
    for text in learned:
        few.redact(text)
    assert learned[-1].partition("=")[2] not in few.redact(learned[-1].partition("=")[2])


@pytest.mark.parametrize("count", [1, FEW_KNOWN])
def test_a_form_is_seen_among_few_and_among_many(count: int) -> None:
    made = knowing(PLAIN, *(f"other-number-{n:08}-of-many" for n in range(count)))
    for before in range(20):
        assert "«secret:N0:" in made.redact(f"{'x' * before}{PLAIN.encode().hex()}yyyyyy")


@pytest.mark.parametrize("name", FORMS)
def test_no_part_of_a_form_is_shown_wherever_a_stream_is_cut(name: str) -> None:
    form = FORMS[name](ODD)
    text = f"it prints {form} and ends\n"
    whole = knowing(ODD).redact(text)
    for cut in range(len(text)):
        stream = RedactedStream(knowing(ODD))
        shown = stream.feed(text[:cut])
        assert whole.startswith(shown)
        assert whole.startswith(shown + stream.feed(text[cut:]))


def test_each_line_of_a_key_that_lies_in_a_secret_file_is_seen_by_itself() -> None:
    made = Redactor(lambda: file_secrets(KEY_BLOCK, pairs=False))
    safe = made.redact(f"line 2: {KEY_LINE}\nno key: {KEY_LINE[:20]}\n")
    assert safe.startswith("line 2: «secret:private_key:")
    assert safe.endswith(f"no key: {KEY_LINE[:20]}\n")
    assert made.put_back(safe).startswith(f"line 2: {KEY_LINE}")


UNFINISHED = [
    ("it is multi ", 6), ("it is multi word and", 0), ("it is multi word", 10), ("multi wo", 8),
    ("a multi multi ", 6), ("mul", 0), ("it is mult", 4), ("", 0), ("multi word secret", 0),
    ("mult multi", 5),
]  # fmt: skip


@pytest.mark.parametrize(("text", "length"), UNFINISHED)
def test_what_may_be_the_beginning_of_a_known_secret_is_told(text: str, length: int) -> None:
    assert knowing("unlike-any-other-1", "multi word secret").unfinished(text) == length
    assert Redactor().unfinished(text) == 0
