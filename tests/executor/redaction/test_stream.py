"""Text in pieces: no part of a secret goes out before the whole is seen, and the rest flows."""

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from executor.redaction import Known, RedactedStream, Redactor
from tests.examples import examples
from tests.executor.redaction.samples import A40, KEY_BLOCK, KEY_LINE, SECRETS
from tests.executor.redaction.texts import KNOWN, redactor, texts
from tests.requirements import covers


@settings(max_examples=examples(200))
@given(texts, st.lists(st.integers(0, 400), max_size=8))
def test_a_stream_in_any_pieces_says_the_same_and_shows_no_secret(
    text: str, cuts: list[int]
) -> None:
    made = redactor()
    stream = RedactedStream(made)
    ends = sorted(cut for cut in cuts if cut < len(text))
    parts = [text[a:b] for a, b in zip([0, *ends], [*ends, len(text)], strict=True)]
    shown = "".join(stream.feed(part) for part in parts) + stream.close()

    assert made.put_back(shown) == text
    for one in KNOWN:
        assert one.value not in shown


@covers("R-SECRET-1")
@settings(max_examples=examples(200))
@given(texts, st.lists(st.integers(0, 400), max_size=8))
def test_what_a_stream_has_shown_is_at_every_moment_how_the_whole_text_begins(
    text: str, cuts: list[int]
) -> None:
    assume(not bare_before_named(text))
    whole = redactor().redact(text)
    stream = RedactedStream(redactor())
    ends = sorted({cut for cut in cuts if cut < len(text)})
    shown = ""
    for start, end in zip([0, *ends], [*ends, len(text)], strict=True):
        shown += stream.feed(text[start:end])
        assert whole.startswith(shown)
    assert shown + stream.close() == whole


def bare_before_named(text: str) -> bool:
    """Whether a value stands somewhere before anything calls it a secret."""
    spans = redactor().spans(text)
    named = {text[span.start : span.end] for span in spans if span.keep}
    return any(text.count(value) > 1 for value in named)


@covers("R-SECRET-1")
@pytest.mark.parametrize("name", SECRETS)
def test_no_part_of_a_secret_is_shown_wherever_its_text_is_cut(name: str) -> None:
    around, secret = SECRETS[name]
    text = f"log line\n{around.format(secret)}\n"
    whole = redactor().redact(text)
    for cut in range(len(text)):
        stream = RedactedStream(redactor())
        first = stream.feed(text[:cut])
        assert whole.startswith(first)
        assert whole.startswith(first + stream.feed(text[cut:]))
    stream = RedactedStream(redactor())
    shown = ""
    for char in text:
        shown += stream.feed(char)
        assert whole.startswith(shown)
    assert shown + stream.close() == whole


def test_a_private_key_that_comes_byte_by_byte_is_replaced() -> None:
    stream = RedactedStream(redactor())
    shown = "".join(stream.feed(char) for char in f"$ cat key\n{KEY_BLOCK}\n$ ") + stream.close()
    assert KEY_LINE not in shown
    assert shown.startswith("$ cat key\n-----BEGIN")


def test_what_holds_no_secret_flows_on() -> None:
    stream = RedactedStream(redactor())
    assert stream.feed("compiling 1 of 9\ncompiling 2 ") == "compiling 1 of 9\ncompiling 2 "
    assert stream.feed("\r 10 %\r") == "\r 10 %\r"
    assert stream.feed("word") == ""
    assert stream.close() == "word"


def test_a_known_secret_of_several_words_is_held_until_it_is_whole() -> None:
    stream = RedactedStream(redactor())
    assert stream.feed("it is multi ") == "it is "
    assert stream.feed("word\n") == ""
    assert stream.feed("secret, no?\n").startswith("«secret:PIN:")
    assert stream.feed("a multi ") + stream.feed("tude ") == "a multi tude "


def test_a_word_without_end_is_held_back_no_longer_than_it_must_be() -> None:
    made = redactor()
    stream = RedactedStream(made)
    noise = "x." * 40_000
    shown = stream.feed(noise)
    assert len(noise) - len(shown) == 4096
    secret = "gh" + "p_" + A40
    assert secret not in shown + stream.feed("/" + secret + "." * 40_000) + stream.close()
    stream = RedactedStream(made)
    whole = "gh" + "p_" + "a1" * 20_000
    assert whole[:100] not in stream.feed(whole) + stream.close()


def test_dots_that_a_program_prints_one_by_one_are_shown_as_they_come() -> None:
    stream = RedactedStream(redactor())
    shown = [stream.feed(part) for part in ("tests/a.py ", ".", ".", "..", "F.", ".s", "\n")]
    assert shown == ["tests/a.py ", "", "..", "..", "", "F..", "s\n"]
    cautious = RedactedStream(Redactor(lambda: [Known("TOKEN", "..odd..value")]))
    assert cautious.feed("....") == ""
    assert "odd" not in cautious.feed("odd..value") + cautious.close()


@pytest.mark.parametrize(
    "text",
    ["postgresql://a..b:s3cr3tpw@h", "x='..'; token=a1b2..c3d4e5f6", "Bearer x..1Yq7z.0aB9kLm2"],
)
def test_dots_within_what_may_be_a_secret_are_held_back(text: str) -> None:
    whole = redactor().redact(f"{text}\n")
    assert "«secret:" in whole
    stream = RedactedStream(redactor())
    shown = ""
    for char in f"{text}\n":
        shown += stream.feed(char)
        assert whole.startswith(shown)


FILLER = "x" * 30_000
LATE = {
    "a name": "password='s3cr3t-horse-battery-7'",
    "an address": "postgresql://ada:s3cr3t-horse-battery-7@db.test/x",
    "a key in one line": KEY_BLOCK.replace("\n", "\\n"),
}


@pytest.mark.parametrize("name", LATE)
def test_where_too_much_is_held_the_cut_parts_no_secret_from_what_shows_it(name: str) -> None:
    late = LATE[name]
    for behind in range(4000, 4100 + len(late), 5):
        text = f"{FILLER},{late},{'z' * behind}"
        stream = RedactedStream(redactor())
        shown = stream.feed(text)
        assert len(text) - len(shown) <= 5000
        shown += stream.close()
        assert "horse-battery" not in shown
        assert KEY_LINE[:20] not in shown
        assert KEY_LINE[:20:-1] not in shown


def test_a_secret_that_is_longer_than_what_is_held_is_replaced_as_far_as_it_came() -> None:
    stream = RedactedStream(redactor())
    long = "sk-" + "a1" * 20_000
    assert stream.feed(long) == redactor().redact(long)


def test_a_scheme_without_its_header_is_held_back_too() -> None:
    stream = RedactedStream(redactor())
    assert stream.feed("Proxy: Basic ") == ""
    assert "dXNlcjpwYXNzd29yZDE" not in stream.feed("dXNlcjpwYXNzd29yZDE=\n")


def test_the_short_last_line_of_a_key_is_held_until_its_end_is_passed_on_with_it() -> None:
    stream = RedactedStream(redactor())
    shown = stream.feed(f"{KEY_BLOCK.removesuffix('X-----')}")
    assert "q8Zt4w==" not in shown + stream.feed("X-----\n")
