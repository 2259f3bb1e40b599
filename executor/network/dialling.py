"""Resolve a host once, have its addresses checked, and connect to one of those.

The only place that opens sockets on behalf of a model. Blocks; knows no loop and no TLS.
"""

import socket
from collections.abc import Callable, Sequence

import msgspec

from executor.network.addresses import is_address
from executor.network.guard import check, check_name

CONNECT_SECONDS = 5.0
ADDRESSES_MAX = 4
"""How many addresses of a host are tried."""

Resolve = Callable[[str, int], Sequence[str]]
Connect = Callable[[str, int, float], socket.socket]
"""Address, port and seconds to a connected socket."""


def system_resolver(host: str, port: int) -> Sequence[str]:
    """Numeric addresses in the system's order. Raises OSError."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, proto=socket.IPPROTO_TCP)
    return tuple(dict.fromkeys(str(address[0]) for *_, address in found))


def connect(address: str, port: int, seconds: float) -> socket.socket:
    """A socket to a numeric address. Raises OSError."""
    return socket.create_connection((address, port), seconds)


class Dialler(msgspec.Struct, frozen=True):
    """Connects to hosts that the guard lets pass."""

    opened: frozenset[str] = frozenset()
    """Normal hosts that need not be public."""
    resolve: Resolve = system_resolver
    connect: Connect = connect

    def dial(self, host: str, port: int) -> socket.socket:
        """A socket to a normal host. Raises NotReachable, and OSError of the last address."""
        check_name(host, self.opened)
        addresses = (host,) if is_address(host) else self.resolve(host, port)
        check(host, addresses, self.opened)
        failed: OSError | None = None
        for address in addresses[:ADDRESSES_MAX]:
            try:
                return self.connect(address, port, CONNECT_SECONDS)
            except OSError as error:
                failed = error
        raise failed or OSError(f"{host} has no address")
