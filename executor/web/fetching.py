"""Fetch one address by HTTP/1.1: the bytes of its body, or the address that it leads to.

Sends no cookie, no credential and no referrer, and asks no proxy. Follows redirects on the same
host only: any other host is for the policy to decide on. Blocks; the time is its caller's business.
"""

import http.client
import ssl
from email.message import Message

import msgspec

from executor.network.dialling import Dialler
from executor.network.guard import NotReachable
from executor.network.hosts import BadHost
from executor.web.inflating import Inflated, NotInflatable, inflated
from executor.web.reports import Elsewhere
from executor.web.target import Target, redirected, target_of

REDIRECTS_MAX = 5
WIRE_MAX = 5 * 1024 * 1024
BODY_MAX = 5 * 1024 * 1024
"""Of the body after decoding: a small answer may blow up."""
READ_SECONDS = 10.0
_CHUNK = 64 * 1024
_REDIRECTS = (301, 302, 303, 307, 308)
_HEADERS = {
    "Accept": "text/markdown, text/html;q=0.9, text/*;q=0.8, application/json;q=0.8, */*;q=0.1",
    "Accept-Encoding": "gzip, deflate",
    "Connection": "close",
    "User-Agent": "codegen",
}


class FetchFailed(Exception):
    """No answer; the message is for the model."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


class Fetched(msgspec.Struct, frozen=True):
    url: str
    status: int
    reason: str
    media_type: str
    """Lower case, without parameters; empty if the server does not say."""
    charset: str | None
    body: bytes
    cut: bool
    """There was more than is read of one page."""


def fetch(url: str, dialler: Dialler, trust: ssl.SSLContext | None) -> Fetched | Elsewhere:
    """The answer at `url`, of whatever status. Raises FetchFailed."""
    try:
        first = target = target_of(url)
        for _ in range(REDIRECTS_MAX + 1):
            answer = _exchange(target, dialler, trust)
            if isinstance(answer, Fetched):
                return answer
            following = redirected(target, answer)
            why = _not_followed(target, following)
            if why is not None:
                return Elsewhere(target.url, following.url, why)
            target = following
    except BadHost as error:
        raise FetchFailed("invalid_url", f"Not fetched: {error}.") from error
    except NotReachable as error:
        raise FetchFailed("not_reachable", f"{error}") from error
    raise FetchFailed("redirects", f"{first.url} redirects more than {REDIRECTS_MAX} times.")


def _not_followed(target: Target, following: Target) -> str | None:
    if following.host != target.host:
        return "which is another host"
    if target.scheme == "https" and following.scheme == "http":
        return "which is not encrypted"
    return None


def _exchange(target: Target, dialler: Dialler, trust: ssl.SSLContext | None) -> Fetched | str:
    """One request: its answer, or where that sends."""
    try:
        sock = dialler.dial(target.host, target.port)
    except OSError as error:
        raise FetchFailed("unreachable", f"{target.host}: {_words(error)}.") from error
    connection = http.client.HTTPConnection(target.host, target.port)
    connection.sock = sock
    try:
        sock.settimeout(READ_SECONDS)
        if target.scheme == "https":
            trusted = trust or ssl.create_default_context()
            connection.sock = trusted.wrap_socket(sock, server_hostname=target.host)
        connection.putrequest("GET", target.path, skip_host=True, skip_accept_encoding=True)
        for name, value in {"Host": target.authority, **_HEADERS}.items():
            connection.putheader(name, value)
        connection.endheaders()
        response = connection.getresponse()
        location = response.getheader("Location")
        if response.status in _REDIRECTS and location:
            return location
        return _answer(target, response)
    except NotInflatable as error:
        raise FetchFailed("bad_answer", f"{target.url}: {error}.") from error
    except (OSError, http.client.HTTPException) as error:
        raise FetchFailed("unreachable", f"{target.url}: {_words(error)}.") from error
    finally:
        connection.close()
        sock.close()


def _answer(target: Target, response: http.client.HTTPResponse) -> Fetched:
    body = inflated(
        iter(lambda: response.read(_CHUNK), b""),
        response.getheader("Content-Encoding", ""),
        WIRE_MAX,
        BODY_MAX,
    )
    if not body.cut and response.length:
        raise FetchFailed("unreachable", f"{target.url}: the connection broke before its end.")
    media_type, charset = _type(response.getheader("Content-Type", ""))
    return _fetched(target, response, media_type, charset, body)


def _fetched(
    target: Target,
    response: http.client.HTTPResponse,
    media_type: str,
    charset: str | None,
    body: Inflated,
) -> Fetched:
    reason = response.reason[:100]
    return Fetched(
        target.url, response.status, reason, media_type, charset, body.content, cut=body.cut
    )


def _type(header: str) -> tuple[str, str | None]:
    message = Message()
    message["Content-Type"] = header[:1000] or "application/octet-stream"
    charset = message.get_content_charset()
    return (message.get_content_type() if header else ""), charset


def _words(error: OSError | http.client.HTTPException) -> str:
    match error:
        case ssl.SSLCertVerificationError(verify_message=why):
            return f"its certificate is not trusted ({why})"
        case ssl.SSLError():
            return f"no TLS connection ({error.reason or error})"
        case TimeoutError():
            return "no answer in time"
        case ConnectionRefusedError():
            return "nobody listens there (connection refused)"
        case ConnectionError():
            return "the connection was closed before an answer"
        case OSError():
            return error.strerror or str(error)
        case _:
            return f"what answers is no HTTP ({type(error).__name__})"
