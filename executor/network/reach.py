"""What commands may reach: the user's entries, less what their rules deny, at checked addresses.

Decides and dials; knows no protocol above TCP. Blocks where it dials.
"""

import socket
from collections.abc import Sequence

import msgspec

from executor.network.addresses import kind_of
from executor.network.dialling import Connect, Dialler, Resolve, connect, system_resolver
from executor.network.entries import Entry, parse_entry
from executor.network.guard import NotReachable
from executor.network.hosts import host_pattern, pattern_covers

_LOCAL = ("127.0.0.1", "::1")
"""What `localhost` is, whatever a name service says (RFC 6761)."""
_NEVER_BY_NAME = frozenset({"loopback", "link-local", "unspecified", "multicast"})
"""Where no name but localhost may lead, even one that its user has opened."""
_NAMED_MAX = 12


class Reach(msgspec.Struct, frozen=True):
    """Of one session's commands."""

    entries: tuple[Entry, ...] = ()
    denied: tuple[str, ...] = ()
    """Patterns of hosts, normal: they win."""
    resolve: Resolve = system_resolver
    connect: Connect = connect

    @property
    def words(self) -> str:
        """The entries, for people and models; only the first of many."""
        named = [entry.text for entry in self.entries[:_NAMED_MAX]]
        more = len(self.entries) - len(named)
        return ", ".join(named) + (f" and {more} more" if more else "")

    @property
    def local_ports(self) -> dict[int, str]:
        """Ports of this machine's own that are opened, and by which of its names."""
        return {
            entry.port: entry.pattern
            for entry in sorted(self.entries, key=lambda entry: entry.pattern)  # localhost last
            if entry.port is not None and entry.pattern in ("127.0.0.1", "localhost")
        }

    def opens(self, host: str) -> bool:
        """Whether any port of a normal host that need not be public is open."""
        return any(entry.opens and entry.pattern == host for entry in self.entries)

    def refusal(self, host: str, port: int) -> str | None:
        """Why a normal host may not be reached at all; None: it may, if its addresses may."""
        for pattern in self.denied:
            if pattern_covers(pattern, host):
                return f"{host} is denied by the rule WebFetch({pattern}) of the user's policy"
        if any(entry.covers(host, port) for entry in self.entries):
            return None
        shown = Entry(host, port).text
        wanted = host if port in (80, 443) and not _opened_by_port(host) else shown
        return (
            f"{shown} is not among the hosts that commands may reach ({self.words}). "
            f'The user can allow it: "{wanted}" in network under [sandbox] of their configuration'
        )

    def dial(self, host: str, port: int) -> socket.socket:
        """A socket to a normal host that is not refused. Raises NotReachable, and OSError."""
        opened = any(entry.opens and entry.covers(host, port) for entry in self.entries)
        if not opened:
            return Dialler(frozenset(), self.resolve, self.connect).dial(host, port)
        return Dialler(frozenset({host}), self._opened, self.connect).dial(host, port)

    def _opened(self, host: str, port: int) -> Sequence[str]:
        """Addresses of a name that need not be public. Raises NotReachable, and OSError."""
        if host == "localhost":
            return _LOCAL
        found = self.resolve(host, port)
        for address in found:
            kind = kind_of(address)
            if kind in _NEVER_BY_NAME:
                raise NotReachable(f"{host} is {address}, which no name may lead to ({kind})")
        return found


def reach_of(entries: Sequence[str], denied: Sequence[str]) -> Reach:
    """Of entries as `entries.parse_entry` takes them, and patterns of a deny rule each."""
    return Reach(tuple(map(parse_entry, entries)), tuple(map(host_pattern, denied)))


def _opened_by_port(host: str) -> bool:
    entry = Entry(host, 1)
    return entry.opens
