"""A text that is made to take long takes as long as it is long, and no longer."""

import pytest

from executor.redaction import Redactor
from executor.redaction.redactor import (
    MAX_KNOWN,
    MAX_OF_A_KIND,
    MAX_ORIGINAL_CHARACTERS,
    MAX_TOLD_AGAIN,
)
from tests.executor.redaction.hostile_texts import families, seconds
from tests.executor.redaction.texts import redactor

FAMILIES = dict(families())
LENGTH = 128 * 1024
MAX_GROWTH = 2.6
"""Of the time, when the text is twice as long. A square makes it 4."""
TRIES = 6


@pytest.mark.parametrize("name", FAMILIES)
def test_a_text_twice_as_long_takes_twice_the_time(name: str) -> None:
    once, twice = FAMILIES[name](LENGTH), FAMILIES[name](2 * LENGTH)
    short, long = seconds(once), seconds(twice)
    for _ in range(TRIES):
        if long <= MAX_GROWTH * short:
            break
        short, long = min(short, seconds(once)), min(long, seconds(twice))
    assert long <= MAX_GROWTH * short
    assert long < 2


def test_of_more_secrets_than_there_ever_are_the_rest_of_the_text_is_withheld() -> None:
    lines = [f"line {n} token=zq{n:06}-XkWvHu\n" for n in range(MAX_OF_A_KIND + 200)]
    safe = redactor().redact("".join(lines))
    assert safe.count("«secret:token:") == MAX_OF_A_KIND
    assert f"line {MAX_OF_A_KIND} token=«secret:too_many_secrets:" in safe
    assert f"line {MAX_OF_A_KIND + 1} " not in safe
    assert not any(line[-20:-1] in safe for line in lines)


def test_of_a_known_value_that_stands_everywhere_the_rest_of_the_text_is_withheld_too() -> None:
    made = redactor()
    safe = made.redact("quiet-river-stone," * (MAX_TOLD_AGAIN + 2))
    assert safe.count("«secret:DEPLOY_TOKEN:") == MAX_TOLD_AGAIN
    assert safe.count(",") == MAX_TOLD_AGAIN
    assert "river" not in safe


def test_a_known_value_that_lies_over_itself_is_replaced_as_one() -> None:
    made = redactor()
    made.redact('secret = "ab1Xq7zLab1X"')
    over = "ab1Xq7zL" * 3 + "ab1X"
    text = f"<{over}> <ab1Xq7zLab1X> {over[:-1]}"
    safe = made.redact(text)
    assert "ab1Xq7zLab" not in safe
    assert safe.count("«secret:") == 3
    assert made.put_back(safe) == text


@pytest.mark.parametrize("count", [3, MAX_KNOWN - 2])
@pytest.mark.parametrize("value", ["plain-value-15c", "wide-välue-15-c", "odd?value?15?c?"])
def test_a_value_is_found_wherever_it_stands_among_few_and_among_many(
    count: int, value: str
) -> None:
    made = redactor()
    for n in range(count - 2):
        made.redact(f"token=zq{n:06}-XkWvHuABCDEFG")
    made.redact(f"password='{value}'")
    for before in range(20):
        text = f"{'x' * before}{value}yyyyyyyyyyyyyyyyyyyy«"
        assert value not in made.redact(text)
        assert made.redact(text.replace(value, "no")) == text.replace(value, "no")


def test_a_value_that_only_looks_alike_in_plain_letters_stays() -> None:
    made = redactor()
    made.redact("password='odd?value?of?20?ch'")
    assert made.redact("oddävalueäofä20äch") == "oddävalueäofä20äch"


def test_what_can_be_put_back_is_bounded_by_its_length_too() -> None:
    made = redactor()
    first = made.redact("token=first-1-of-all")
    long = "sk-" + "a1" * (1 << 20)
    for n in range(1 + MAX_ORIGINAL_CHARACTERS // len(long)):
        made.redact(f"{long}{n}")
    assert made.put_back(made.redact("zq-1-of-two")) == "zq-1-of-two"
    with pytest.raises(Exception, match="stands for no secret"):
        made.put_back(first)


def test_a_value_named_in_one_line_is_replaced_bare_in_another_of_the_same_text() -> None:
    safe = Redactor().redact("it says tr0ub4dor-3\npassword: tr0ub4dor-3\n")
    assert "tr0ub4dor-3" not in safe
