"""Ask a maestro over its REST door, for the commands that are not a run.

One request, one answer; the run itself has its WebSocket.
"""

import base64
import http.client
import json
import socket
import urllib.parse
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from executor.errors import ServerRefused, ServerUnreachable, UsageError
from executor.link import Endpoint
from executor.link.endpoint import CONNECT_PATH
from executor.link.websocket import is_proxied, trusted

if TYPE_CHECKING:
    from ssl import SSLContext

HTTPS_PORT = 443
SECONDS = 15.0
MAX_BYTES = 16 * 1024 * 1024


def ask(endpoint: Endpoint, method: str, path: str, body: Mapping[str, Any] | None = None) -> Any:
    """The decoded JSON answer, None for an empty one; `body` is sent as JSON.

    Raises ServerUnreachable, and ServerRefused with the maestro's own words.
    """
    connection = _connection(endpoint)
    base = urllib.parse.urlsplit(endpoint.url).path.removesuffix(CONNECT_PATH)
    headers = {"Accept": "application/json"}
    content = None
    if body is not None:
        content = json.dumps(body)
        headers["Content-Type"] = "application/json"
    if endpoint.token is not None:
        headers["Authorization"] = f"Bearer {endpoint.token}"
    try:
        connection.request(method, base + path, content, headers)
        response = connection.getresponse()
        answer = response.read(MAX_BYTES)
    except (OSError, http.client.HTTPException) as error:
        raise ServerUnreachable(f"{endpoint.shown}: {error}") from error
    finally:
        connection.close()
    return _answer(endpoint, response.status, answer)


def _answer(endpoint: Endpoint, status: int, body: bytes) -> Any:
    try:
        answer = json.loads(body) if body else None
    except ValueError as error:
        raise ServerUnreachable(f"{endpoint.shown} is no maestro (HTTP {status})") from error
    if status >= 400:
        raise ServerRefused(f"{endpoint.shown}: {_words(answer) or f'HTTP {status}'}")
    return answer


def _words(answer: Any) -> str:
    try:
        return str(answer["error"]["message"])
    except (TypeError, KeyError):
        return ""


class _UnixConnection(http.client.HTTPConnection):
    def __init__(self, path: str) -> None:
        super().__init__("localhost", timeout=SECONDS)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(SECONDS)
        self.sock.connect(self._path)


def _connection(endpoint: Endpoint) -> http.client.HTTPConnection:
    """The way that the run's own socket takes: trust and proxy are the same."""
    if endpoint.socket is not None:
        return _UnixConnection(str(endpoint.socket))
    parts = urllib.parse.urlsplit(endpoint.url)
    host = parts.hostname or ""
    if parts.scheme == "ws":
        return http.client.HTTPConnection(host, parts.port, timeout=SECONDS)
    tls = trusted(endpoint)
    if not is_proxied(endpoint):
        return http.client.HTTPSConnection(host, parts.port, timeout=SECONDS, context=tls)
    return _by_proxy(endpoint, host, parts.port, tls)


def _by_proxy(
    endpoint: Endpoint, host: str, port: int | None, tls: "SSLContext"
) -> http.client.HTTPConnection:
    from executor.link.proxied import proxy_of

    proxy = proxy_of(endpoint)
    if proxy is None:
        return http.client.HTTPSConnection(host, port, timeout=SECONDS, context=tls)
    if proxy.scheme != "http":
        raise UsageError(f"a {proxy.scheme} proxy serves prompts alone: {endpoint.shown}")
    connection = http.client.HTTPSConnection(proxy.host, proxy.port, timeout=SECONDS, context=tls)
    user = ":".join(proxy.user_info or ())
    known = base64.b64encode(user.encode()).decode()
    connection.set_tunnel(
        host, port or HTTPS_PORT, {"Proxy-Authorization": f"Basic {known}"} if user else {}
    )
    return connection
