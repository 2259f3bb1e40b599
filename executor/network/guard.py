"""The guard: which addresses of a host may be dialled.

Pure. It sees the addresses that are dialled afterwards, so that a name which means one thing when
it is looked at and another when it is dialled gains nothing.
"""

from collections.abc import Collection, Sequence

from executor.network.addresses import is_address, kind_of

_ON_NO_PUBLIC_SERVER = ("localhost", "local", "internal", "home.arpa", "lan", "test")
"""Names beneath these are nobody's on the public network, RFC 6761, 6762, 8375 among others."""


class NotReachable(ValueError):
    """The guard's no; the message says `why`, and what the user could do."""

    def __init__(self, why: str, remedy: str = "") -> None:
        super().__init__(f"{why}. {remedy}" if remedy else why)
        self.why = why


def can_be_opened(host: str) -> bool:
    """Whether an exact rule for a normal host opens the addresses that are not public.

    Only of a number, or a name that no stranger can point anywhere: a rule for a public name was
    given for its public pages.
    """
    return (
        is_address(host)
        or "." not in host
        or host.endswith(tuple(f".{name}" for name in _ON_NO_PUBLIC_SERVER))
    )


def check_name(host: str, opened: Collection[str]) -> None:
    """What can be said of a normal host before it is resolved. Raises NotReachable."""
    if is_address(host):
        check(host, [host], opened)
    elif host == "localhost" or host.endswith(".localhost"):
        check(host, ["127.0.0.1"], opened)


def check(host: str, addresses: Sequence[str], opened: Collection[str]) -> None:
    """Whether all `addresses` of a normal host may be dialled. Raises NotReachable.

    `opened`: hosts that the user's own rules name exactly.
    """
    if not addresses:
        raise NotReachable(f"{host} has no address")
    if host in opened and can_be_opened(host):
        return
    for address in addresses:
        kind = kind_of(address)
        if kind is not None:
            shown = host if host == address else f"{host} is {address}, which"
            raise NotReachable(
                f"{shown} is not on the public network ({kind}): not reached", _remedy(host)
            )


def _remedy(host: str) -> str:
    if can_be_opened(host):
        return f'The user can open it: "WebFetch({host})" in [policy] allow of their configuration.'
    return "Only an address, or a name such as localhost, can be opened by the user."
