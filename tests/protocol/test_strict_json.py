"""Hostile and broken JSON is refused in time linear in its size."""

import json

import pytest

from protocol.errors import ErrorCode, RemoteProtocolError
from protocol.strict_json import parse_object
from protocol.version import MAX_DEPTH, MAX_FRAME_TO_MAESTRO, MAX_VALUES


def refusal(text: str | bytes) -> str:
    with pytest.raises(RemoteProtocolError) as raised:
        parse_object(text, MAX_FRAME_TO_MAESTRO)
    assert raised.value.code is ErrorCode.BAD_FRAME
    return raised.value.message


def nested(depth: int) -> str:
    """An object with arrays inside, `depth` levels in all."""
    return '{"a":' + "[" * (depth - 1) + "]" * (depth - 1) + "}"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "not JSON: Expecting value, at character 0"),
        ("  ", "not JSON: Expecting value, at character 2"),
        ("{", "not JSON: Expecting property name enclosed in double quotes, at character 1"),
        ('{"a":1,}', "not JSON: "),
        ("{'a':1}", "not JSON: "),
        ('{"a":1}{}', "not JSON: Extra data, at character 7"),
        ('{"a":"\n"}', "not JSON: Invalid control character at, at character 6"),
        ('{"a":"\\x"}', "not JSON: Invalid \\escape"),
        ('{"a":01}', "not JSON: "),
        ("\ufeff{}", "not JSON: "),
        (b"\xff\xfe{}", "not UTF-8, at byte 0"),
        (b'{"a":"\xc3"}', "not UTF-8, at byte 6"),
        (b'{"a":"\xed\xa0\x80"}', "not UTF-8, at byte 6"),
        ("[]", "a frame is a JSON object"),
        ("null", "a frame is a JSON object"),
        ('"text"', "a frame is a JSON object"),
        ("7", "a frame is a JSON object"),
        ('{"a":NaN}', "NaN is not JSON"),
        ('{"a":[Infinity]}', "Infinity is not JSON"),
        ('{"a":-Infinity}', "-Infinity is not JSON"),
        ('{"a":1e999}', "the number 1e999 is out of range"),
        ('{"a":1,"b":{"c":1,"c":2}}', 'duplicate key "c"'),
        ('{"a\\ud800":1,"a\\ud801":2}', 'duplicate key "a\\ufffd"'),
        ('{"a":' + "9" * 21 + "}", "an integer has at most 20 digits"),
        ('{"a":-' + "9" * 5000 + "}", "an integer has at most 20 digits"),
    ],
)
def test_what_is_not_plain_json_is_refused_in_words(text: str | bytes, words: str) -> None:
    assert refusal(text).startswith(words)


def test_integers_of_the_allowed_length_are_exact() -> None:
    assert parse_object('{"a":-%s,"b":1.5}' % ("9" * 20), 100) == {"a": -(10**20 - 1), "b": 1.5}


def test_the_depth_is_exact() -> None:
    assert parse_object(nested(MAX_DEPTH), 1000)
    assert refusal(nested(MAX_DEPTH + 1)) == f"a frame nests at most {MAX_DEPTH} levels"


def test_brackets_inside_strings_are_not_depth() -> None:
    text = json.dumps({"a": "[{" * 5000})

    assert parse_object(text, MAX_FRAME_TO_MAESTRO) == {"a": "[{" * 5000}


@pytest.mark.parametrize("opening", ['{"a":', "["])
def test_a_depth_bomb_is_refused(opening: str) -> None:
    assert refusal('{"a":' + opening * 200_000) == f"a frame nests at most {MAX_DEPTH} levels"


@pytest.mark.parametrize("value", ["0", "{}", "[ ]", '"a,[{"', "null"])
def test_the_number_of_values_is_exact(value: str) -> None:
    most = MAX_VALUES - 2  # the object and its array are two

    assert parse_object('{"a":[' + ",".join([value] * most) + "]}", MAX_FRAME_TO_MAESTRO)
    assert (
        refusal('{"a":[' + ",".join([value] * (most + 1)) + "]}")
        == f"a frame holds at most {MAX_VALUES} values"
    )


def test_values_in_containers_are_counted_each() -> None:
    text = '{"a":[' + ",".join(['["a"]'] * (MAX_VALUES // 2)) + "]}"

    assert refusal(text) == f"a frame holds at most {MAX_VALUES} values"


def test_commas_inside_strings_are_not_values() -> None:
    text = json.dumps({"a": ',"\\[' * 300_000})

    assert parse_object(text, MAX_FRAME_TO_MAESTRO) == {"a": ',"\\[' * 300_000}


@pytest.mark.parametrize(
    "piece", [',\\"', '\\"', '"\\', '"', "\\", ',"', "[[", '{"a":[{},', "\\ud800"]
)
def test_a_frame_full_of_one_piece_is_refused(piece: str) -> None:
    assert refusal('{"a":"' + piece * (3 * 1024 * 1024 // len(piece)))
