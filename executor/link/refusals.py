"""Why there is no connection, in one line for the user.

Words only; what came over the network is cut and never believed.
"""

import socket

import msgspec

from executor.link.endpoint import Endpoint
from executor.link.socket import DialFailed, Hope
from executor.link.upgrade import Answer

OPEN_SECONDS = 10.0
_WORDS = 300
"""Characters of a refusal that are shown."""
_PHRASES = {
    429: "too many requests",
    500: "internal server error",
    502: "bad gateway",
    503: "service unavailable",
    504: "gateway timeout",
}


class _Words(msgspec.Struct):
    message: str


class _Refusal(msgspec.Struct):
    """The body of a maestro's refusal."""

    error: _Words


def no_maestro(why: object) -> DialFailed:
    return DialFailed(f"what answers is not a maestro: {why}", "later")


def unreached(endpoint: Endpoint, error: OSError) -> DialFailed:
    """Nobody answered, or TLS failed."""
    if endpoint.url.startswith("wss:"):
        tls = _tls_failed(error)
        if tls is not None:
            return tls
    match error:
        case socket.gaierror():
            return DialFailed("its name is not known (DNS)", "later")
        case TimeoutError():
            return DialFailed(f"no answer within {OPEN_SECONDS:.0f} s", "later")
        case ConnectionRefusedError():
            return DialFailed("nobody listens there (connection refused)", "later")
        case FileNotFoundError() if endpoint.socket is not None:
            return DialFailed("there is no such socket", "later")
        case ConnectionResetError():
            return DialFailed("the connection was reset", "soon")
        case _:
            return DialFailed(error.strerror or str(error), "later")


def refused(answer: Answer) -> DialFailed:
    """Something answered, and not with a WebSocket."""
    code = answer.status
    kind = answer.headers.get("content-type", "").split(";")[0]
    hope: Hope = "later"
    match code:
        case 401:
            why, hope = "the token is missing or wrong: see codegen login", "none"
        case 403:
            why, hope = "it refuses this client", "none"
        case 404:
            why = "there is no maestro at this path"
        case 300 | 301 | 302 | 303 | 307 | 308:
            why = "it sends to another address, as the sign-in page of a network does"
        case 429:
            return _limited(answer)
        case 500 | 502 | 503 | 504:
            why, hope = f"it can't serve now: {_PHRASES[code]}", "busy"
        case _ if kind == "text/html":
            why = "a web page answers, not a maestro"
        case _:
            why = "what answers is not a maestro"
    return DialFailed(f"{why} (HTTP {code})", hope)


def _tls_failed(error: OSError) -> DialFailed | None:
    import ssl

    match error:
        case ssl.SSLCertVerificationError(verify_message=why):
            return DialFailed(f"its certificate is not trusted: {why}", "later")
        case ssl.SSLError():
            return DialFailed(f"no TLS connection: {error.reason or error}", "later")
        case _:
            return None


def _limited(answer: Answer) -> DialFailed:
    """The user is at a limit: in the maestro's own words, with the time that it names."""
    given = answer.headers.get("retry-after", "")
    seconds = float(given) if given.isdecimal() and len(given) < 6 else None
    body = answer.body
    try:
        # From brace to brace: a proxy may have put it in a chunk.
        words = msgspec.json.decode(body[body.find(b"{") : body.rfind(b"}") + 1], type=_Refusal)
        said = words.error.message
    except msgspec.DecodeError:
        said = _PHRASES[429]
    again = "" if seconds is None else f"; again in {seconds:.0f} s"
    why = f"it can't serve now: {said[:_WORDS]}{again} (HTTP 429)"
    return DialFailed(why, "busy", retry_after=seconds)
