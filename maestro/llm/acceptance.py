"""Tell from the head of a provider's answer whether a stream follows, and what is wrong otherwise.

Reads no connection: the two transports do.
"""

import time
from collections.abc import Mapping
from typing import Literal

from maestro.errors import ModelError
from maestro.llm import failures
from protocol.version import RELEASE

MAX_ERROR_BODY = 64 * 1024
REQUEST_HEADERS = {
    "Accept": "text/event-stream",
    "Accept-Encoding": "identity",
    "Content-Type": "application/json",
    "User-Agent": f"codegen-maestro/{RELEASE}",
}

# What a stream never is: an answer that came whole is an error, or something between us and it.
_WHOLE_ANSWERS = frozenset({"application/json", "text/html"})


def accepted(provider: str, status: int, headers: Mapping[str, str]) -> Literal["stream", "error"]:
    """What the body is, by a head with lower-case names. Raises ModelError where none is needed."""
    is_success = 200 <= status < 300
    encoding = headers.get("content-encoding", "identity").lower()
    if encoding != "identity":
        words = f"{provider}: an answer in {encoding!r}, which was not asked for (HTTP {status})"
        raise ModelError("overloaded" if status >= 500 else "bad_request", words)
    kind = headers.get("content-type", "").partition(";")[0].strip().lower()
    if is_success and kind not in _WHOLE_ANSWERS:
        return "stream"
    if is_success and kind == "text/html":
        words = "answers with a web page, not with a model's stream: is the address right?"
        raise ModelError("bad_request", f"{provider}: {words}")
    return "error"


def refused(provider: str, status: int, headers: Mapping[str, str], body: bytes) -> ModelError:
    """What an answer says that is no stream; `body` is its beginning."""
    if status in (301, 302, 303, 307, 308) and "location" in headers:
        words = f"redirects to {headers['location'][:200]!r}"
        return ModelError("bad_request", f"{provider}: {words}")
    return failures.from_response(provider, status, body, headers, time.time())


def words_of(cause: BaseException | None) -> str:
    """The first words in a chain of causes: the outermost often has none."""
    while cause is not None:
        if said := str(cause).strip():
            return said[:300]
        cause = cause.__cause__ or cause.__context__
    return "no further words"
