"""Hosts that commands may reach, as their user names them: what an entry means and covers.

Pure: names and ports are compared here; addresses are looked at where they are dialled.
"""

import re
from collections.abc import Sequence

import msgspec

from executor.network.addresses import is_address, kind_of
from executor.network.guard import can_be_opened
from executor.network.hosts import BadHost, host_pattern, pattern_covers

EVERY = "all"
"""Alone in the list: the machine's network as it is."""
USUAL_PORTS = (80, 443)
"""Of an entry that names none."""
_PORT = re.compile(r"[1-9][0-9]{0,4}")


class BadEntry(ValueError):
    """No entry; the message says why."""


class Entry(msgspec.Struct, frozen=True):
    """`github.com`, `*.githubusercontent.com`, `localhost:5432`, `[::1]:8080`."""

    pattern: str
    """Normal, as `hosts.host_pattern` gives it."""
    port: int | None = None
    """None: the usual ones."""

    @property
    def text(self) -> str:
        host = f"[{self.pattern}]" if ":" in self.pattern else self.pattern
        return host if self.port is None else f"{host}:{self.port}"

    @property
    def opens(self) -> bool:
        """Whether it is given for a host that need not be on the public network."""
        return self.port is not None and "*" not in self.pattern and can_be_opened(self.pattern)

    def covers(self, host: str, port: int) -> bool:
        """`host` is normal."""
        ports = USUAL_PORTS if self.port is None else (self.port,)
        return port in ports and pattern_covers(self.pattern, host)

    def within(self, other: "Entry") -> bool:
        """Whether `other` covers all that this one does."""
        if other.port is None:
            port = self.port is None or self.port in USUAL_PORTS
        else:
            port = self.port == other.port
        return port and pattern_covers(other.pattern, self.pattern)


def parse_entry(text: str) -> Entry:
    """The entry that `text` spells. Raises BadEntry, which quotes it."""
    host, port = _divided(text.strip())
    if host == EVERY:
        raise BadEntry(f"{EVERY!r} stands alone, or not at all")
    try:
        pattern = host_pattern(host)
    except BadHost as error:
        raise BadEntry(
            f"{text!r} is no host that could be allowed ({error}): "
            "expected github.com, *.githubusercontent.com or localhost:5432"
        ) from error
    if is_address(pattern.removeprefix("*.")) and pattern.startswith("*."):
        raise BadEntry(f"{text!r}: there is nothing beneath an address")
    entry = Entry(pattern, port)
    if port is None and _is_not_public(pattern):
        raise BadEntry(f"{text!r} is not on the public network: name its port, as in {host}:8080")
    return entry


def narrowed(mine: Sequence[str], theirs: Sequence[str]) -> tuple[str, ...]:
    """What both lists allow: what remains of the user's where a project asks for less.

    A project's narrower entry stands for the wider one that covers it, but never opens what only
    the user may open.
    """
    if tuple(theirs) == (EVERY,):
        return tuple(mine)
    if tuple(mine) == (EVERY,):
        return tuple(theirs)
    own = [parse_entry(text) for text in mine]
    wished = [parse_entry(text) for text in theirs]
    kept = [entry for entry in own if any(entry.within(wish) for wish in wished)]
    kept += [
        wish
        for wish in wished
        if wish not in kept and not wish.opens and any(wish.within(entry) for entry in own)
    ]
    return tuple(dict.fromkeys(entry.text for entry in kept))


def _divided(text: str) -> tuple[str, int | None]:
    """The host, and the port where one is named."""
    if text.startswith("["):
        host, closed, rest = text[1:].partition("]")
        if not closed or ":" not in host or not (rest == "" or rest.startswith(":")):
            raise BadEntry(f"{text!r}: what stands in its brackets is no address")
        return host, _port(text, rest[1:]) if rest else None
    if text.count(":") == 1:
        host, _, port = text.partition(":")
        return host, _port(text, port)
    return text, None


def _port(text: str, port: str) -> int:
    if not _PORT.fullmatch(port) or int(port) > 65535:
        raise BadEntry(f"{text!r}: {port!r} is no port")
    return int(port)


def _is_not_public(pattern: str) -> bool:
    if "*" in pattern:
        return False
    if is_address(pattern):
        return kind_of(pattern) is not None
    return can_be_opened(pattern)
