"""Where a maestro is, and what is needed to be let in.

Reads an address as users write it; connects to nothing.
"""

import ipaddress
import urllib.parse
from pathlib import Path

import msgspec

from executor.errors import UsageError

CONNECT_PATH = "/ws/v1/connect"
_SCHEMES = {"ws": "ws", "wss": "wss", "http": "ws", "https": "wss"}


class Endpoint(msgspec.Struct, frozen=True):
    """One maestro's door."""

    url: str
    """`ws://` or `wss://`, with the path; behind a unix socket the host is only a name."""
    shown: str
    """As the user knows it; holds no secret."""
    token: str | None = None
    socket: Path | None = None
    """The unix socket to connect to instead of the URL's host."""
    ca_file: Path | None = None
    """Certificates to trust beside the operating system's."""
    direct: bool = True
    """On this machine: no proxy in between."""

    def __repr__(self) -> str:
        return f"Endpoint({self.shown!r})"  # no token in any log


def endpoint(address: str, token: str | None = None, *, ca_file: Path | None = None) -> Endpoint:
    """The endpoint of `wss://host[:port][/base]`, `ws://` on this machine, or `unix:PATH`.

    `http` and `https` are taken for `ws` and `wss`. Raises UsageError, which names the address.
    """
    if token is not None and not (token.isascii() and token.isprintable()):
        raise UsageError("the token holds characters that no token has")
    if address.startswith("unix:"):
        socket = Path(address.removeprefix("unix:"))
        if not socket.is_absolute():
            raise UsageError(f"{address}: a unix socket is an absolute path")
        return Endpoint(f"ws://localhost{CONNECT_PATH}", address, token, socket)
    try:
        parts = urllib.parse.urlsplit(address)
        host, port = parts.hostname, parts.port
    except ValueError as error:
        raise UsageError(f"{address!r} is no address of a maestro: {error}") from error
    scheme = _SCHEMES.get(parts.scheme)
    if scheme is None or not host:
        raise UsageError(f"{address!r} is no address of a maestro: try wss://host")
    if parts.username is not None or parts.query or parts.fragment:
        raise UsageError(
            f"{scheme}://{host}: no user, query or fragment; a token is given by --token"
        )
    local = _is_this_machine(host)
    if scheme == "ws" and not local:
        raise UsageError(f"{address}: only wss:// leaves this machine, or the token could be read")
    authority = f"[{host}]" if ":" in host else host
    if port is not None:
        authority += f":{port}"
    path = parts.path.rstrip("/")
    if not path.endswith(CONNECT_PATH):
        path += CONNECT_PATH
    return Endpoint(
        url=f"{scheme}://{authority}{path}",
        shown=f"{scheme}://{authority}{path.removesuffix(CONNECT_PATH)}",
        token=token,
        ca_file=ca_file,
        direct=local,
    )


def _is_this_machine(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")
