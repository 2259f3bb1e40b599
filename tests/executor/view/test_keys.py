"""Keys mean the same however their bytes are split."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from executor.view.keys import Key, KeyDecoder, Pasted, Pressed, Typed

WORDS = "h\u00e9\r\x1b[A\x1b[200~a\x1b[31m\r\nb\x1b[201~\x1b\r\x1bOP\x7f\x04z".encode()
KEYS: list[Key] = [
    Typed("h"),
    Typed("\u00e9"),
    Pressed("enter"),
    Pressed("other"),
    Pasted("a\x1b[31m\nb"),
    Pressed("newline"),
    Pressed("other"),
    Pressed("backspace"),
    Pressed("end"),
    Typed("z"),
]


@given(st.lists(st.integers(0, len(WORDS)), max_size=6))
def test_split_bytes_are_the_same_keys(cuts: list[int]) -> None:
    ends = [*sorted(cuts), len(WORDS)]
    decoder = KeyDecoder()
    keys = [
        key
        for start, end in zip([0, *ends], ends, strict=False)
        for key in decoder.feed(WORDS[start:end])
    ]
    assert keys == KEYS


def test_a_lone_escape_is_a_key_once_nothing_follows() -> None:
    decoder = KeyDecoder()
    assert decoder.feed(b"\x1b") == []
    assert decoder.waits
    assert decoder.settle() == [Pressed("escape")]
    assert decoder.feed(b"y") == [Typed("y")]


@given(st.binary(max_size=200))
def test_any_bytes_are_taken(data: bytes) -> None:
    decoder = KeyDecoder()
    assert all(len(key.char) == 1 for key in decoder.feed(data) if isinstance(key, Typed))


@pytest.mark.parametrize("data", [b"\x00", b"\x1b[1;5C", b"\x1bOA"])
def test_controls_type_nothing(data: bytes) -> None:
    assert not any(isinstance(key, Typed) for key in KeyDecoder().feed(data))
