"""Turn what a provider answered, or failed to answer, into one ModelError in the provider's words.

Judges and words; retries nothing and knows no HTTP client.
"""

import re
from collections.abc import Mapping
from datetime import UTC
from email.utils import parsedate_to_datetime
from typing import Any, cast

import msgspec

from maestro.errors import ModelError, ModelErrorKind

MAX_WORDS = 500
"""Characters of a provider's own words."""

_BY_STATUS: dict[int, ModelErrorKind] = {
    401: "auth",
    402: "refused",
    403: "auth",
    404: "not_found",
    408: "overloaded",
    409: "overloaded",
    413: "context_length",
    425: "overloaded",
    429: "rate_limited",
}
_BY_CODE: dict[str, ModelErrorKind] = {
    "context_length_exceeded": "context_length",
    "insufficient_quota": "refused",
    "billing_hard_limit_reached": "refused",
    "invalid_api_key": "auth",
    "authentication_error": "auth",
    "permission_error": "auth",
    "model_not_found": "not_found",
    "not_found_error": "not_found",
    "content_policy_violation": "refused",
    "invalid_request_error": "bad_request",
    "rate_limit_exceeded": "rate_limited",
    "rate_limit_error": "rate_limited",
    "overloaded_error": "overloaded",
    "server_error": "overloaded",
    "api_error": "overloaded",
}
# How providers without a code for it say that the conversation no longer fits.
_TOO_LONG = re.compile(
    r"context (?:length|window|size)|maximum context|prompt is too long|too many (?:input )?tokens"
    r"|input token count .{0,40}exceeds|reduce the length",
    re.IGNORECASE,
)
_NUMBER = re.compile(r"\s*\d{1,12}(?:\.\d{1,12})?\s*")


class _Told(msgspec.Struct, frozen=True):
    """What a body says of itself."""

    words: str
    codes: tuple[str, ...] = ()
    """Its `code`, `type` and `status`, those that are strings."""
    status: int | None = None


def from_response(
    who: str, status: int, body: bytes, headers: Mapping[str, str], now: float
) -> ModelError:
    """The error of an HTTP answer that is not a success.

    `who` is the `provider/model`; `body` as much of it as was read; `now` in Unix seconds.
    """
    told = _told_by(body)
    words = told.words or "no further words"
    return ModelError(
        _kind(status, told),
        f"{who}: {words} (HTTP {status})",
        status=status,
        retry_after=retry_after(headers, now),
    )


def from_event(who: str, error: Any) -> ModelError:
    """The error that came as an event inside a stream."""
    told = _told_in(error)
    kind = _kind(told.status, told) if told.status or told.codes else "broken_stream"
    return ModelError(kind, f"{who}: {told.words or 'an error without words'}", status=told.status)


def retry_after(headers: Mapping[str, str], now: float) -> float | None:
    """Seconds to wait by `retry-after-ms` or `retry-after` (seconds or a date), in lower case."""
    try:
        if _NUMBER.fullmatch(milliseconds := headers.get("retry-after-ms", "")):
            return float(milliseconds) / 1000
        if _NUMBER.fullmatch(given := headers.get("retry-after", "")):
            return float(given)
        when = parsedate_to_datetime(given)
        # A date without a zone is GMT (RFC 9110, 5.6.7).
        aware = when if when.tzinfo else when.replace(tzinfo=UTC)
        return max(0.0, aware.timestamp() - now)
    except (ValueError, OverflowError):
        return None


def _kind(status: int | None, told: _Told) -> ModelErrorKind:
    """A code that says more than the status wins; a status wins over a general code."""
    named: list[ModelErrorKind] = [_BY_CODE[code] for code in told.codes if code in _BY_CODE]
    if "context_length" in named or (status in {400, 413, 422, None} and _says_too_long(told)):
        return "context_length"
    if "refused" in named:
        return "refused"
    if status is None:
        return named[0] if named else "broken_stream"
    if status in _BY_STATUS:
        return _BY_STATUS[status]
    if status >= 500:
        return "overloaded"
    if "auth" in named:
        return "auth"
    return "not_found" if "not_found" in named else "bad_request"


def _says_too_long(told: _Told) -> bool:
    return _TOO_LONG.search(told.words) is not None


def _told_by(body: bytes) -> _Told:
    text = body.decode("utf-8", "replace").strip()
    try:
        return _told_in(msgspec.json.decode(body))
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return _Told(_plain(text))


def _told_in(value: Any) -> _Told:
    """`{"error": {"message", "type", "code"}}` and the shapes near it that providers use."""
    if isinstance(value, str):
        return _Told(_capped(value))
    if isinstance(value, list) and value:
        return _told_in(value[0])
    if not isinstance(value, dict):
        return _Told("")
    told = cast("dict[str, Any]", value)
    if isinstance(told.get("error"), dict | str):
        return _told_in(told["error"])
    return _told_in_object(told)


def _told_in_object(value: dict[str, Any]) -> _Told:
    words = next((value[key] for key in ("message", "msg", "detail") if value.get(key)), None)
    code = value.get("code")
    named = (code, value.get("type"), value.get("status"))
    codes = tuple(name.lower() for name in named if isinstance(name, str))
    status = code if isinstance(code, int) and 400 <= code < 600 else None
    if isinstance(words, str):
        return _Told(_capped(words), codes, status)
    # Without a message: the whole as it stands tells more than nothing.
    return _Told(_capped(msgspec.json.encode(words or value).decode()), codes, status)


def _plain(text: str) -> str:
    """The words of a page or a plain text."""
    return _capped(re.sub(r"<[^>]{0,200}>", " ", text))


def _capped(words: str) -> str:
    line = " ".join(words[: 4 * MAX_WORDS].split())
    return line if len(line) <= MAX_WORDS else line[: MAX_WORDS - 1] + "…"
