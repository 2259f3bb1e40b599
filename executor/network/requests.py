"""What a client asks of an HTTP proxy, read strictly: a tunnel, or one request to pass on.

Pure: bytes in, values out. Whatever two programs could read in two ways is refused, not mended
(RFC 9112, sections 3.2 and 6.3).
"""

import re
from urllib.parse import urlsplit

import msgspec

from executor.network.hosts import BadHost, host_of, normal_host

HEAD_MAX = 32 * 1024
HEADERS_MAX = 100
_REQUEST = re.compile(r"([A-Z][A-Z-]{0,19}) ([\x21-\x7e]{1,8192}) HTTP/1\.([01])")
_FIELD = re.compile(r"([!#$%&'*+.^_`|~0-9A-Za-z-]+):([^\x00-\x08\x0a-\x1f\x7f]*)")
_AUTHORITY = re.compile(r"(\[[0-9A-Fa-f:.]+\]|[^\[\]:@/?#\\%]+):([0-9]{1,5})")
_LENGTH = re.compile(r"[0-9]{1,15}")
_HOP_BY_HOP = frozenset(
    {"connection", "keep-alive", "proxy-connection", "proxy-authorization", "proxy-authenticate",
     "te", "trailer", "upgrade"}
)  # fmt: skip
_NEVER_DROPPED = frozenset({"content-length", "host"})
"""Whatever `Connection` names."""


class BadRequest(ValueError):
    """Refused for its form; `status` is what it is answered with."""

    def __init__(self, words: str, status: int = 400) -> None:
        super().__init__(words)
        self.status = status


class Tunnel(msgspec.Struct, frozen=True):
    """CONNECT: from here on bytes go both ways."""

    host: str
    """Normal."""
    port: int


class Forward(msgspec.Struct, frozen=True):
    """One request in plain HTTP; the connection ends with its answer."""

    host: str
    port: int
    head: bytes
    """As it is passed on."""
    body: int
    """Bytes that follow the head."""


Asked = Tunnel | Forward


def read_head(head: bytes) -> Asked:
    """What `head` asks for, its last empty line included. Raises BadRequest."""
    if not head.endswith(b"\r\n\r\n"):
        raise BadRequest("the request has no end")
    first, *lines = head[:-4].decode("latin-1").split("\r\n")
    request = _REQUEST.fullmatch(first)
    if request is None:
        raise BadRequest("the request line can't be read")
    fields = _fields(lines)
    method, target, minor = request.groups()
    if "transfer-encoding" in dict(fields):
        raise BadRequest("a body needs its Content-Length here", 411)
    body = _length(fields)
    if method == "CONNECT":
        if body:
            raise BadRequest("CONNECT has no body")
        return _tunnel(target)
    return _forward(method, target, minor, fields)


def _fields(lines: list[str]) -> list[tuple[str, str]]:
    """Names in lower case, and values."""
    if len(lines) > HEADERS_MAX:
        raise BadRequest(f"more than {HEADERS_MAX} headers", 431)
    fields: list[tuple[str, str]] = []
    for line in lines:
        field = _FIELD.fullmatch(line)
        if field is None:
            raise BadRequest("a header can't be read")
        fields.append((field[1].lower(), field[2].strip(" \t")))
    return fields


def _length(fields: list[tuple[str, str]]) -> int:
    values = _values(fields, "content-length")
    if not values:
        return 0
    if len(values) > 1 or not _LENGTH.fullmatch(values[0]):
        raise BadRequest("its Content-Length is not one number")
    return int(values[0])


def _tunnel(target: str) -> Tunnel:
    match = _AUTHORITY.fullmatch(target)
    if match is None:
        raise BadRequest("CONNECT needs host:port and nothing else")
    return Tunnel(_normal(match[1]), _port(match[2]))


def _forward(method: str, target: str, minor: str, fields: list[tuple[str, str]]) -> Forward:
    if not target.lower().startswith("http://"):
        raise BadRequest("this is a proxy: ask for http://host/path, or CONNECT host:port")
    if "#" in target:
        raise BadRequest("the address has a fragment")
    host, port = _place(target)
    named = _values(fields, "host")
    if len(named) > 1 or (minor == "1" and not named):
        raise BadRequest("there must be one Host header")
    if named and _named(named[0]) != (host, port):
        raise BadRequest("the Host header names another host than the address")
    path = re.sub(r"^[^/?]*", "", target[len("http://") :])
    if not path.startswith("/"):
        path = f"/{path}"
    length = _values(fields, "content-length")
    authority = f"[{host}]" if ":" in host else host
    kept = _passed_on(fields)
    lines = [
        f"{method} {path} HTTP/1.{minor}",
        f"Host: {authority}" if port == 80 else f"Host: {authority}:{port}",
        *(f"{name}: {value}" for name, value in kept if name != "host"),
        "Connection: close",
    ]
    text = "\r\n".join(lines) + "\r\n\r\n"
    return Forward(host, port, text.encode("latin-1"), int(length[0]) if length else 0)


def _passed_on(fields: list[tuple[str, str]]) -> list[tuple[str, str]]:
    """Without what is said to this proxy alone."""
    named = {
        token.strip().lower()
        for value in _values(fields, "connection")
        for token in value.split(",")
    }
    dropped = _HOP_BY_HOP | (named - _NEVER_DROPPED)
    return [(name, value) for name, value in fields if name not in dropped]


def _named(value: str) -> tuple[str, int]:
    if not value or re.search(r"[\s/?#@\\]", value):
        raise BadRequest("the Host header names no host")
    return _place(f"http://{value}/")


def _place(url: str) -> tuple[str, int]:
    try:
        host = host_of(url)
        port = urlsplit(url).port
    except ValueError as error:
        raise BadRequest(f"{error}") from error
    return host, 80 if port is None else port


def _normal(host: str) -> str:
    try:
        return normal_host(host)
    except BadHost as error:
        raise BadRequest(f"{error}") from error


def _port(text: str) -> int:
    port = int(text)
    if not 0 < port < 65536:
        raise BadRequest(f"there is no port {port}")
    return port


def _values(fields: list[tuple[str, str]], name: str) -> list[str]:
    return [value for field, value in fields if field == name]
