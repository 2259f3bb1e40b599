"""Check a custom tool's arguments against the JSON Schema that its executor stated.

The schema comes from outside: nothing is fetched for it, no pattern of it is run, and what it
unfolds is bounded. The executor, whose schema it is, checks again.
"""

from collections.abc import Callable, Iterator
from functools import lru_cache
from typing import Any, cast

import jsonschema
import msgspec
import referencing
from jsonschema import Draft202012Validator, ValidationError
from jsonschema.protocols import Validator
from referencing.exceptions import Unresolvable

from protocol.wire import JsonObject

MAX_REFERENCES = 10_000
"""Followed in one check: a small schema may unfold without end."""
MAX_STEPS = 10_000
"""Of one check, a tenth of a second: keywords, and the parts of what each of them compares."""
MAX_UNIQUE = 500
"""Items that are compared with each other."""

_jsonschema = cast("Any", jsonschema)
_referencing = cast("Any", referencing)
"""Untyped where it matters here."""

Keyword = Callable[[Validator, Any, Any, Any], Iterator[ValidationError]]


class _TooMuch(Exception):
    """The schema unfolds into more than one check may cost."""


def complaint(schema: JsonObject, parameters: JsonObject) -> str | None:
    """What is wrong with `parameters`, naming the place; None when they fit.

    A schema that can't be followed refuses nothing: the executor knows better.
    """
    return _checker(msgspec.json.encode(schema))(parameters)


@lru_cache(maxsize=512)
def _checker(encoded: bytes) -> Callable[[JsonObject], str | None]:
    schema = msgspec.json.decode(encoded)
    followed = steps = 0
    gave_up = False

    def counted(keyword: Keyword) -> Keyword:
        def look(
            validator: Validator, value: Any, instance: Any, whole: Any
        ) -> Iterator[ValidationError]:
            nonlocal steps
            steps += 1 + _parts(value) + _parts(instance)
            if steps > MAX_STEPS:
                raise _TooMuch
            yield from keyword(validator, value, instance, whole) or ()

        return look

    def follow(
        validator: Validator, reference: Any, instance: Any, whole: Any
    ) -> Iterator[ValidationError]:
        nonlocal followed
        followed += 1
        if followed > MAX_REFERENCES:
            raise _TooMuch
        yield from Draft202012Validator.VALIDATORS["$ref"](validator, reference, instance, whole)

    bounded: dict[str, Keyword] = {
        "$ref": follow,
        "$dynamicRef": follow,
        "pattern": _unchecked,
        "patternProperties": _unchecked,
        "additionalProperties": _additional_properties,
        "unevaluatedProperties": _unchecked,
        "uniqueItems": _unique_items,
    }
    standard: dict[str, Keyword] = dict(Draft202012Validator.VALIDATORS)
    keywords = {name: counted(keyword) for name, keyword in (standard | bounded).items()}
    extended = _jsonschema.validators.extend(Draft202012Validator, keywords)
    checker = extended(schema, registry=_referencing.Registry())

    def check(parameters: JsonObject) -> str | None:
        nonlocal followed, steps, gave_up
        if gave_up:  # one reply may call it many times
            return None
        followed = steps = 0
        try:
            worst = _jsonschema.exceptions.best_match(checker.iter_errors(parameters))
        except _TooMuch:
            gave_up = True
            return None
        except (RecursionError, Unresolvable, jsonschema.SchemaError):
            return None
        return None if worst is None else f"{worst.message} - at `{worst.json_path}`"

    return check


def _parts(value: Any) -> int:
    """What a keyword may look at one by one."""
    return len(cast("list[Any]", value)) if isinstance(value, list | dict) else 0


def _unchecked(
    _validator: Validator, _value: Any, _instance: Any, _schema: Any
) -> Iterator[ValidationError]:
    """Python's own regular expressions may take for ever on a hostile pattern."""
    return iter(())


def _unique_items(
    validator: Validator, value: Any, instance: Any, schema: Any
) -> Iterator[ValidationError]:
    if isinstance(instance, list) and len(cast("list[Any]", instance)) > MAX_UNIQUE:
        return iter(())
    standard: Keyword = Draft202012Validator.VALIDATORS["uniqueItems"]
    return standard(validator, value, instance, schema)


def _additional_properties(
    validator: Validator, value: Any, instance: Any, schema: Any
) -> Iterator[ValidationError]:
    if "patternProperties" in schema:
        return iter(())
    standard: Keyword = Draft202012Validator.VALIDATORS["additionalProperties"]
    return standard(validator, value, instance, schema)
