"""Bytes as text and back: the identity for whatever the bytes are."""

import codecs

import pytest
from hypothesis import given
from hypothesis import strategies as st

from executor.errors import ToolFailure
from executor.workspace.encodings import Codec
from executor.workspace.text import Text, Unified, decode, kind_of_binary, lines_of
from tests.requirements import covers

_CHARACTERS = st.characters(exclude_categories=("Cs",), exclude_characters="\0")
_ENDINGS = st.sampled_from(["\n", "\r\n", "\r"])
_MARKS: dict[Codec, bytes] = {
    "utf-8": codecs.BOM_UTF8,
    "utf-16-le": codecs.BOM_UTF16_LE,
    "utf-16-be": codecs.BOM_UTF16_BE,
    "utf-32-le": codecs.BOM_UTF32_LE,
    "utf-32-be": codecs.BOM_UTF32_BE,
}


@covers("R-FILE-4")
@given(st.binary(max_size=200))
def test_whatever_is_taken_for_text_becomes_the_same_bytes_again(content: bytes) -> None:
    text = decode(content)

    if text is None:
        assert kind_of_binary(content)
    else:
        assert text.encode() == content


@covers("R-FILE-4")
@given(
    st.sampled_from(sorted(_MARKS)),
    st.lists(st.tuples(st.text(_CHARACTERS), _ENDINGS), max_size=5),
)
def test_a_text_with_a_mark_keeps_encoding_mark_and_every_line_ending(
    codec: Codec, lines: list[tuple[str, str]]
) -> None:
    written = "".join(line + ending for line, ending in lines)
    content = _MARKS[codec] + written.encode(codec)

    text = decode(content)

    assert text is not None
    assert (text, text.encode()) == (Text(written, codec, _MARKS[codec]), content)


@given(
    st.sampled_from(["utf-16-le", "utf-16-be"]),
    st.text(st.characters(codec="latin-1", categories=["L", "N", "P", "Zs"]), min_size=4),
)
def test_western_utf_16_needs_no_mark(codec: Codec, written: str) -> None:
    assert decode(written.encode(codec)) == Text(written, codec)


@given(st.text(st.characters(codec="latin-1", categories=["L", "N", "P", "S", "Zs"])))
def test_what_latin_1_can_say_is_read_as_latin_1_or_as_utf_8(written: str) -> None:
    content = written.encode("latin-1")
    text = decode(content)

    assert text is not None
    assert (text.text if text.codec == "latin-1" else text.encode()) in (written, content)


@pytest.mark.parametrize(
    ("codec", "char"), [("latin-1", "€"), ("cp1252", "→"), ("latin-1", "\ud800")]
)
def test_what_an_encoding_lacks_is_named(codec: Codec, char: str) -> None:
    with pytest.raises(ToolFailure, match="can't hold"):
        Text(f"a{char}", codec).encode()


@given(st.text(st.sampled_from("ab\r\n")))
def test_unified_positions_lead_back_to_the_original(original: str) -> None:
    unified = Unified(original)

    assert unified.start(0) == 0
    assert unified.end(len(unified.text)) == len(original)
    for position in range(len(unified.text)):
        first, last = unified.start(position), unified.end(position + 1)
        passage = original[first:last]
        assert passage.replace("\r\n", "\n").replace("\r", "\n") == unified.text[
            position : position + 1
        ].replace("\r", "\n")


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        ("", []),
        ("a", ["a"]),
        ("a\n", ["a"]),
        ("a\n\n", ["a", ""]),
        ("a\r\nb\r\n", ["a", "b"]),
        ("a\rb\r", ["a", "b"]),
        ("a\rb\n", ["a\rb"]),
    ],
)
def test_lines_end_as_they_do_in_the_file(text: str, lines: list[str]) -> None:
    assert lines_of(text) == lines
