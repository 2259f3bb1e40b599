"""An address of the web, taken apart once: what was checked is what is dialled and asked for.

Pure.
"""

from urllib.parse import quote, urljoin, urlsplit

import msgspec

from executor.network.hosts import BadHost, host_of

_PORTS = {"http": 80, "https": 443}
_AS_IT_IS = "/%:=&?~+!$,;'@()*[]-._"


class Target(msgspec.Struct, frozen=True):
    scheme: str
    host: str
    """Normal; an IPv6 address without brackets."""
    port: int
    path: str
    """With the query; ASCII."""

    @property
    def authority(self) -> str:
        """As it stands in `Host`."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == _PORTS[self.scheme] else f"{host}:{self.port}"

    @property
    def url(self) -> str:
        return f"{self.scheme}://{self.authority}{self.path}"


def target_of(url: str) -> Target:
    """Raises BadHost, which says what is wrong with `url`."""
    host = host_of(url)
    parts = urlsplit(url)
    path = quote(parts.path or "/", safe=_AS_IT_IS)
    if parts.query:
        path += f"?{quote(parts.query, safe=_AS_IT_IS)}"
    return Target(parts.scheme, host, parts.port or _PORTS[parts.scheme], path)


def redirected(target: Target, location: str) -> Target:
    """Where `location` leads from `target`. Raises BadHost."""
    try:
        # Header fields are Latin-1 to the standard library and UTF-8 to everybody else.
        url = urljoin(target.url, location.encode("latin-1", "replace").decode("utf-8", "replace"))
    except ValueError as error:
        raise BadHost(f"the address can't be read: {error}") from error
    return target_of(url)
