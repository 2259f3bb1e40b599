"""Names of hosts, in the one form in which they are compared and dialled.

Pure; whether an address behind a name is private is not known before it is resolved. What two
programs could read in two ways is refused rather than mended.
"""

import ipaddress
import re
from urllib.parse import urlsplit

MAX_URL = 8192
_LABEL = re.compile(r"(?!-)[a-z0-9_-]{1,63}(?<!-)")
_ODD = re.compile(r"[\x00-\x20\x7f\\]")
_DEVIANT = frozenset("\u00df\u03c2\u200c\u200d")
"""What the two editions of internationalised names encode differently."""


class BadHost(ValueError):
    """No certain host; the message says why."""


def host_of(url: str) -> str:
    """The normal name of the host that `url` (http or https) leads to; raises BadHost."""
    if len(url) > MAX_URL:
        raise BadHost("the address is very long")
    if _ODD.search(url):
        raise BadHost("the address holds blanks, control characters or a backslash")
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        raise BadHost(f"the address can't be read: {error}") from error
    if parts.scheme not in ("http", "https"):
        raise BadHost("the address does not begin with https:// or http://")
    if "@" in parts.netloc:
        raise BadHost("the address holds a name before its host (@)")
    if "[" in parts.netloc and ":" not in (parts.hostname or ""):
        raise BadHost("what stands in its brackets is no address")
    if port == 0:
        raise BadHost("there is no port 0")
    return normal_host(parts.hostname or "")


def normal_host(name: str) -> str:
    """Lower case, ASCII, no dot at the end; addresses in their one usual form. Raises BadHost."""
    if "%" in name:
        raise BadHost(f"{name!r} is no certain host (%)")
    if ":" in name:
        try:
            return str(ipaddress.IPv6Address(name.strip("[]")))
        except ValueError as error:
            raise BadHost(f"{name!r} is no host: {error}") from error
    host = _ascii(name).lower().removesuffix(".")
    labels = host.split(".")
    if len(host) > 253 or not all(_LABEL.fullmatch(label) for label in labels):
        raise BadHost(f"{name!r} is no name of a host")
    if labels[-1].isdigit() or labels[-1].startswith("0x"):
        try:
            return str(ipaddress.IPv4Address(host))
        except ValueError as error:
            raise BadHost(f"{name!r} is an address in an unusual form") from error
    return host


def host_pattern(text: str) -> str:
    """A rule's pattern, normal: a host, or `*.` and the name that hosts must end in."""
    wild = text.strip().startswith("*.")
    name = text.strip().removeprefix("*.") if wild else text.strip()
    return f"*.{normal_host(name)}" if wild else normal_host(name)


def pattern_covers(pattern: str, host: str) -> bool:
    """Both are normal. `*.example.org` covers what lies beneath it, and not example.org."""
    return host.endswith(pattern[1:]) if pattern.startswith("*.") else host == pattern


def _ascii(name: str) -> str:
    if name.isascii():
        return name
    if _DEVIANT & set(name):
        raise BadHost(f"{name!r} is written differently by different programs; use its xn-- form")
    try:
        return name.encode("idna").decode("ascii")
    except UnicodeError as error:
        raise BadHost(f"{name!r} is no name of a host") from error
