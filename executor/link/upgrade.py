"""RFC 6455, section 4, as a client speaks it: the request for a WebSocket, and its answer.

Text in, text out; no sockets. What is answered is taken from strangers, so all of it is bounded.
"""

import hashlib
import os
from binascii import b2a_base64
from collections.abc import Mapping
from urllib.parse import urlsplit

import msgspec

from executor.link.endpoint import Endpoint

MAX_HEAD = 64 * 1024
MAX_BODY = 64 * 1024
"""Bytes of a refusal's body that are read."""
_MAX_HEADERS = 128
_PROTOCOL = b"HTTP/1."
_GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
_SWITCHING = 101
_WITHOUT_BODY = {204, 304}
_LAST_CHUNK = b"0\r\n\r\n"


class NotAnAnswer(Exception):
    """What came is no answer to the request; says why."""


class Answer(msgspec.Struct, frozen=True):
    status: int
    headers: Mapping[str, str]
    """Names in lower case; of several with one name all values, joined by commas."""
    body: bytes = b""
    """Of a refusal: its beginning."""


def key() -> str:
    """What a server proves with that it has read this very request."""
    return _base64(os.urandom(16))


def request(endpoint: Endpoint, nonce: str) -> bytes:
    """The whole request; the only text that holds the token."""
    parts = urlsplit(endpoint.url)
    lines = [
        f"GET {parts.path} HTTP/1.1",
        f"Host: {parts.netloc}",
        "Upgrade: websocket",
        "Connection: Upgrade",
        f"Sec-WebSocket-Key: {nonce}",
        "Sec-WebSocket-Version: 13",
        "User-Agent: codegen",
    ]
    if endpoint.token is not None:
        lines.append(f"Authorization: Bearer {endpoint.token}")
    return "\r\n".join([*lines, "", ""]).encode()


def may_begin(text: bytes) -> bool:
    """Whether what came so far can be the beginning of an answer."""
    return len(text) <= MAX_HEAD and _PROTOCOL.startswith(text[: len(_PROTOCOL)])


def head(text: bytes) -> Answer:
    """What stands before the empty line. Raises NotAnAnswer."""
    first, *lines = text.decode("latin-1").split("\r\n")
    version, _, rest = first.partition(" ")
    status = rest[:3]
    if not version.startswith("HTTP/1.") or not (len(status) == 3 and status.isdecimal()):
        raise NotAnAnswer("what it says is not HTTP")
    headers: dict[str, str] = {}
    for line in lines:
        name, colon, value = line.partition(":")
        if not colon or not name or name != name.strip() or len(headers) == _MAX_HEADERS:
            raise NotAnAnswer("its headers are none")
        name, value = name.lower(), value.strip()
        headers[name] = f"{headers[name]}, {value}" if name in headers else value
    return Answer(int(status), headers)


def is_upgrade(answer: Answer, nonce: str) -> bool:
    """Whether a WebSocket begins; False for an answer of HTTP. Raises NotAnAnswer."""
    if answer.status != _SWITCHING:
        return False
    headers = answer.headers
    words = {word.strip().lower() for word in headers.get("connection", "").split(",")}
    if headers.get("upgrade", "").lower() != "websocket" or "upgrade" not in words:
        raise NotAnAnswer("it changes to something else")
    if headers.get("sec-websocket-accept") != proof(nonce):
        raise NotAnAnswer("it answers another request")
    if "sec-websocket-extensions" in headers or "sec-websocket-protocol" in headers:
        raise NotAnAnswer("it wants what was not offered")
    return True


def proof(nonce: str) -> str:
    """RFC 6455, 1.3: a fingerprint of the request, which keeps no secret."""
    return _base64(hashlib.sha1(nonce.encode() + _GUID, usedforsecurity=False).digest())


def is_whole(answer: Answer, body: bytes) -> bool:
    """Whether no more of the body is worth a wait; one of unknown length ends elsewhere."""
    if len(body) >= MAX_BODY or answer.status in _WITHOUT_BODY:
        return True
    length = answer.headers.get("content-length", "")
    if length.isdecimal() and len(length) < 10:
        return len(body) >= int(length)
    return "chunked" in answer.headers.get("transfer-encoding", "") and body.endswith(_LAST_CHUNK)


def _base64(value: bytes) -> str:
    return b2a_base64(value, newline=False).decode()
