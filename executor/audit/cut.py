"""Values as a log holds them: bounded, without secrets, and a digest of the whole.

Pure.
"""

import hashlib
import json
from collections.abc import Callable
from typing import Any

from protocol.strict_json import is_array, is_object

MAX_CHARACTERS = 2000
"""Of one string."""
MAX_MEMBERS = 50
MAX_LEVELS = 4

Redact = Callable[[str], str]


def shortened(value: Any, redact: Redact, levels: int = MAX_LEVELS) -> Any:
    """A JSON value of bounded size; what was left out is said."""
    if isinstance(value, str):
        safe = redact(value[: 2 * MAX_CHARACTERS])
        left_out = len(value) - MAX_CHARACTERS
        return f"{safe[:MAX_CHARACTERS]}[... {left_out} more]" if left_out > 0 else safe
    if not (is_object(value) or is_array(value)):
        return value
    if not levels or len(value) > MAX_MEMBERS:
        return f"[{len(value)} values]"
    if is_object(value):
        return {
            shortened(key, redact, levels): shortened(child, redact, levels - 1)
            for key, child in value.items()
        }
    return [shortened(child, redact, levels - 1) for child in value]


def digest_of(value: Any) -> str:
    """SHA-256 of a text, or of another value as JSON with sorted keys."""
    text = value if isinstance(value, str) else json.dumps(value, sort_keys=True)
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
