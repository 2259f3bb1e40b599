"""Which addresses are dialled, and that it is those that were looked at."""

import ipaddress
import socket
from collections.abc import Sequence
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from executor.network.addresses import kind_of
from executor.network.dialling import Dialler
from executor.network.guard import NotReachable, can_be_opened
from tests.requirements import covers

PUBLIC = "93.184.216.34"


@covers("R-NET-1")
@pytest.mark.parametrize(
    ("address", "kind"),
    [
        (PUBLIC, None),
        ("8.8.8.8", None),
        ("100.63.255.255", None),
        ("100.128.0.0", None),
        ("172.15.0.1", None),
        ("172.32.0.1", None),
        ("2606:2800:220:1::1", None),
        ("2001:4860:4860::8888", None),
        ("0.1.2.3", "unspecified"),
        ("10.1.2.3", "private"),
        ("100.64.0.1", "a provider's own"),
        ("100.127.255.255", "a provider's own"),
        ("127.0.0.1", "loopback"),
        ("127.255.255.254", "loopback"),
        ("169.254.169.254", "link-local"),
        ("172.16.0.1", "private"),
        ("172.31.255.255", "private"),
        ("192.0.0.170", "reserved"),
        ("192.168.1.1", "private"),
        ("198.19.0.1", "reserved"),
        ("224.0.0.1", "multicast"),
        ("240.0.0.1", "reserved"),
        ("255.255.255.255", "reserved"),
        ("::", "unspecified"),
        ("::1", "loopback"),
        ("::127.0.0.1", "reserved"),
        ("::ffff:127.0.0.1", "an IPv4 address in disguise"),
        ("::ffff:8.8.8.8", "an IPv4 address in disguise"),
        ("64:ff9b::7f00:1", "an IPv4 address in disguise"),
        ("64:ff9b:1::1", "an IPv4 address in disguise"),
        ("2001::1", "an IPv4 address in disguise"),
        ("2001:2::1", "reserved"),
        ("2001:db8::1", "reserved"),
        ("2002:7f00:1::", "an IPv4 address in disguise"),
        ("3fff::1", "reserved"),
        ("100::1", "reserved"),
        ("5f00::1", "reserved"),
        ("fc00::1", "private"),
        ("fd12:3456::1", "private"),
        ("fe80::1", "link-local"),
        ("fe80::1%eth0", "link-local"),
        ("fec0::1", "private"),
        ("ff02::1", "multicast"),
    ],
)
def test_an_address_is_public_or_told_by_its_kind(address: str, kind: str | None) -> None:
    assert kind_of(address) == kind


@given(st.ip_addresses())
def test_nothing_is_public_that_the_standard_library_holds_for_private(
    address: ipaddress.IPv4Address | ipaddress.IPv6Address,
) -> None:
    if kind_of(str(address)) is None:
        assert address.is_global
        assert not address.is_multicast


class Recorded:
    """A resolver and a dialler that remember what they were asked."""

    def __init__(self, *answers: Sequence[str], refusing: Sequence[str] = ()) -> None:
        self._answers = list(answers)
        self._refusing = refusing
        self.asked: list[tuple[str, int]] = []
        self.dialled: list[str] = []

    def resolve(self, host: str, port: int) -> Sequence[str]:
        self.asked.append((host, port))
        return self._answers.pop(0)

    def connect(self, address: str, port: int, seconds: float) -> socket.socket:
        del port, seconds
        self.dialled.append(address)
        if address in self._refusing:
            raise ConnectionRefusedError(111, "Connection refused")
        return socket.socket()

    def dial(self, host: str, *opened: str) -> None:
        Dialler(frozenset(opened), self.resolve, self.connect).dial(host, 443).close()


@covers("R-NET-2")
def test_a_name_is_resolved_once_and_that_very_address_dialled() -> None:
    rebinding = Recorded([PUBLIC], ["127.0.0.1"])

    rebinding.dial("rebinding.test")

    assert (rebinding.asked, rebinding.dialled) == ([("rebinding.test", 443)], [PUBLIC])


def test_an_address_that_answers_nothing_is_followed_by_the_next() -> None:
    two = Recorded(["2606:2800:220:1::1", PUBLIC], refusing=["2606:2800:220:1::1"])

    two.dial("two.test")

    assert two.dialled == ["2606:2800:220:1::1", PUBLIC]


def test_a_host_that_answers_at_none_of_its_addresses_is_an_os_error() -> None:
    down = Recorded([PUBLIC] * 9, refusing=[PUBLIC])

    with pytest.raises(ConnectionRefusedError):
        down.dial("down.test")

    assert len(down.dialled) == 4


@covers("R-NET-1")
@pytest.mark.parametrize(
    ("host", "answer"),
    [
        ("one.example.com", ["127.0.0.1"]),
        ("mixed.example.com", [PUBLIC, "10.0.0.1"]),
        ("mapped.example.com", ["::ffff:10.0.0.1"]),
        ("metadata.example.com", ["169.254.169.254"]),
        ("1.2.3.4.nip.io", ["100.64.0.1"]),
        ("zone.example.com", ["fe80::1%eth0"]),
        ("none.example.com", []),
        ("127.0.0.1", []),
        ("::1", []),
        ("localhost", []),
        ("x.localhost", []),
    ],
)
def test_a_host_of_which_any_address_is_not_public_is_not_dialled(
    host: str, answer: list[str]
) -> None:
    world = Recorded(answer)

    with pytest.raises(NotReachable, match=r"not on the public network|no address"):
        world.dial(host)

    assert world.dialled == []


@pytest.mark.parametrize("host", ["localhost", "x.localhost"])
def test_a_name_of_this_machine_is_refused_before_anybody_is_asked_for_it(host: str) -> None:
    world = Recorded([PUBLIC])

    with pytest.raises(NotReachable, match="not on the public network"):
        world.dial(host)

    assert (world.asked, world.dialled) == ([], [])


@covers("R-NET-3")
@pytest.mark.parametrize(
    ("host", "opened", "answer", "dialled"),
    [
        ("localhost", "localhost", ["127.0.0.1"], True),
        ("127.0.0.1", "127.0.0.1", [], True),
        ("::1", "::1", [], True),
        ("wiki.internal", "wiki.internal", ["10.0.0.7"], True),
        ("nas", "nas", ["192.168.0.9"], True),
        ("127.0.0.1", "localhost", [], False),
        ("localhost", "127.0.0.1", ["127.0.0.1"], False),
        ("docs.example.com", "docs.example.com", ["127.0.0.1"], False),
        ("docs.example.com", "docs.example.com", ["169.254.169.254"], False),
    ],
)
def test_the_user_opens_an_exact_host_and_never_a_name_that_others_may_point_elsewhere(
    host: str, opened: str, answer: list[str], dialled: bool
) -> None:
    world = Recorded(answer)

    with suppress(NotReachable):
        world.dial(host, opened)

    assert bool(world.dialled) == dialled


def test_a_refusal_names_what_the_user_could_do() -> None:
    with pytest.raises(NotReachable) as caught:
        Recorded(["10.0.0.1"]).dial("wiki.internal")

    assert str(caught.value) == (
        "wiki.internal is 10.0.0.1, which is not on the public network (private): not reached. "
        'The user can open it: "WebFetch(wiki.internal)" in [policy] allow of their configuration.'
    )
    assert not can_be_opened("wiki.example.com")
