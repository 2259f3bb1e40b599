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
    followed = 0

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
    }
    extended = _jsonschema.validators.extend(Draft202012Validator, bounded)
    checker = extended(schema, registry=_referencing.Registry())

    def check(parameters: JsonObject) -> str | None:
        nonlocal followed
        followed = 0
        try:
            worst = _jsonschema.exceptions.best_match(checker.iter_errors(parameters))
        except (_TooMuch, RecursionError, Unresolvable, jsonschema.SchemaError):
            return None
        return None if worst is None else f"{worst.message} - at `{worst.json_path}`"

    return check


def _unchecked(
    _validator: Validator, _value: Any, _instance: Any, _schema: Any
) -> Iterator[ValidationError]:
    """Python's own regular expressions may take for ever on a hostile pattern."""
    return iter(())


def _additional_properties(
    validator: Validator, value: Any, instance: Any, schema: Any
) -> Iterator[ValidationError]:
    if "patternProperties" in schema:
        return iter(())
    standard: Keyword = Draft202012Validator.VALIDATORS["additionalProperties"]
    return standard(validator, value, instance, schema)
