"""Kinds and words of what providers answer instead of a stream."""

import json
from typing import Any

import pytest

from maestro.errors import ModelErrorKind
from maestro.llm.failures import MAX_WORDS, from_event, from_response, retry_after

NOW = 1_760_000_000.0  # Thu, 09 Oct 2025 08:53:20 GMT


@pytest.mark.parametrize(
    ("status", "body", "kind", "words"),
    [
        (
            429,
            {"error": {"message": "slow", "code": "rate_limit_exceeded"}},
            "rate_limited",
            "slow",
        ),
        (429, {"error": {"message": "pay", "code": "insufficient_quota"}}, "refused", "pay"),
        (402, {"error": {"message": "no credit", "code": 402}}, "refused", "no credit"),
        (
            400,
            {"error": {"message": "too long", "code": "context_length_exceeded"}},
            "context_length",
            "too long",
        ),
        (400, {"error": {"message": "prompt is too long: 3 > 2"}}, "context_length", None),
        (413, {"message": "Request too large"}, "context_length", "Request too large"),
        (422, {"object": "error", "message": {"detail": [{"msg": "Extra"}]}}, "bad_request", None),
        (422, {"detail": "Extra inputs"}, "bad_request", "Extra inputs"),
        (400, [{"error": {"message": "API key not valid", "status": "X"}}], "bad_request", None),
        (403, {"error": "no access"}, "auth", "no access"),
        (404, {"error": {"message": "model 'x' not found"}}, "not_found", "model 'x' not found"),
        (408, {}, "overloaded", "{}"),
        (409, {"message": "conflict"}, "overloaded", "conflict"),
        (500, {"error": {"message": ""}}, "overloaded", None),
        (529, {"type": "error", "error": {"message": "Overloaded"}}, "overloaded", "Overloaded"),
    ],
)
def test_status_and_code_make_the_kind(
    status: int, body: Any, kind: ModelErrorKind, words: str | None
) -> None:
    made = from_response("p", status, json.dumps(body).encode(), {}, NOW)

    assert (made.kind, made.status) == (kind, status)
    if words is not None:
        assert made.message == f"p: {words} (HTTP {status})"


@pytest.mark.parametrize("body", [b"", b"\xff\xfe", b"[]", b"{", b"[" * 5000, b"null", b"7"])
def test_any_body_at_all_makes_an_error(body: bytes) -> None:
    assert from_response("p", 500, body, {}, NOW).kind == "overloaded"


def test_words_are_capped_and_on_one_line() -> None:
    made = from_response("p", 500, b"a\n b\t" * 10_000, {}, NOW)

    assert "\n" not in made.message
    assert len(made.message) == len("p:  (HTTP 500)") + MAX_WORDS


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, None),
        ({"retry-after": "3"}, 3.0),
        ({"retry-after": " 0.5 "}, 0.5),
        ({"retry-after-ms": "250", "retry-after": "9"}, 0.25),
        ({"retry-after": "Thu, 09 Oct 2025 08:54:20 GMT"}, 60.0),
        ({"retry-after": "Thu, 09 Oct 2025 08:54:20 -0000"}, 60.0),
        ({"retry-after": "Thu, 09 Oct 2025 08:00:00 GMT"}, 0.0),
        ({"retry-after": "soon"}, None),
        ({"retry-after": "-5"}, None),
        ({"retry-after": "inf"}, None),
        ({"retry-after-ms": "nan"}, None),
    ],
)
def test_retry_after_is_read_in_every_form(headers: dict[str, str], seconds: float | None) -> None:
    assert retry_after(headers, NOW) == seconds


@pytest.mark.parametrize(
    ("error", "kind", "message"),
    [
        ({"message": "bad gateway", "code": 502}, "overloaded", "p: bad gateway"),
        ({"message": "slow", "type": "rate_limit_error"}, "rate_limited", "p: slow"),
        ({"message": "odd"}, "broken_stream", "p: odd"),
        ("text", "broken_stream", "p: text"),
        (7, "broken_stream", "p: an error without words"),
    ],
)
def test_an_error_event_has_the_kind_that_it_names(
    error: Any, kind: ModelErrorKind, message: str
) -> None:
    made = from_event("p", error)

    assert (made.kind, made.message) == (kind, message)
