"""Hold a call's parameters against the schema that the user gave.

Loads a validator, so it is imported at the first call of such a tool.
"""

from typing import Any

import jsonschema
import referencing
import referencing.exceptions

from protocol.wire import JsonObject


def misfit(schema: JsonObject, parameters: JsonObject) -> str | None:
    """Why `parameters` do not fit; None when they do. Fetches nothing."""
    validator: Any = jsonschema.Draft202012Validator(schema, registry=referencing.Registry())
    try:
        error = next(iter(validator.iter_errors(parameters)), None)
    except referencing.exceptions.Unresolvable as unresolved:
        return f"its schema refers to what is not there: {unresolved}"
    if error is None:
        return None
    where = "/".join(map(str, error.absolute_path))
    return f"{where}: {error.message}" if where else str(error.message)
