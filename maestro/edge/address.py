"""Whose address a request comes from, seen through the load balancers that are trusted.

Pure. Believes no header of anybody else.
"""

import ipaddress
from collections.abc import Sequence
from typing import assert_never

Network = ipaddress.IPv4Network | ipaddress.IPv6Network


def client_address(
    peer: str | None, forwarded: Sequence[str], trusted: Sequence[Network]
) -> str | None:
    """The nearest address that is no trusted proxy's; None where there is none (a unix socket).

    `forwarded`: the values of X-Forwarded-For, in order. IPv6 is told by its /64, which is what
    one customer has.
    """
    hops = [hop.strip() for value in forwarded for hop in value.split(",")]
    address = _parsed(peer or "")
    while address is not None and hops and any(address in network for network in trusted):
        address = _parsed(hops.pop())
    match address:
        case ipaddress.IPv6Address():
            return str(ipaddress.ip_network((address, 64), strict=False))
        case ipaddress.IPv4Address():
            return str(address)
        case None:
            return None
        case _:
            assert_never(address)


def _parsed(text: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return None
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    return mapped or address
