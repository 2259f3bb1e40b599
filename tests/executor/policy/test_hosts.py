"""Rules about hosts: one form for every spelling, and none for what could be read in two ways."""

from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from executor.errors import UsageError
from executor.network.hosts import BadHost, host_of
from executor.policy.call import PlannedCall
from executor.policy.rules import parse_rule
from executor.policy.verdict import Allow, Ask, Deny
from tests.executor.policy.ground import build, policy
from tests.requirements import covers


class Address(msgspec.Struct, frozen=True):
    url: str


def fetch(url: str) -> PlannedCall:
    return PlannedCall("WebFetch", "network", Address(url))


@pytest.mark.parametrize(
    ("url", "host"),
    [
        ("https://docs.python.org/3/", "docs.python.org"),
        ("http://DOCS.Python.ORG.:8080/x?y#z", "docs.python.org"),
        ("https://b\u00fccher.example/", "xn--bcher-kva.example"),
        ("https://xn--bcher-kva.example/", "xn--bcher-kva.example"),
        ("https://\uff45xample.org/", "example.org"),
        ("http://127.0.0.1/", "127.0.0.1"),
        ("http://[::1]:80/", "::1"),
        ("http://[0:0:0:0:0:ffff:127.0.0.1]/", "::ffff:7f00:1"),
        ("https://a_b.example/", "a_b.example"),
    ],
)
def test_a_host_has_one_name_however_it_is_spelt(url: str, host: str) -> None:
    assert host_of(url) == host


BAD = [
    "ftp://example.org/", "file:///etc/passwd", "example.org", "", "https://", "https:///x",
    "https://allowed.test@evil.test/", "https://a:b@evil.test/", "https://@evil.test/",
    "https://evil.test\\@allowed.test/", "https://evil.test\0.allowed.test/",
    "https://evil.test%00.allowed.test/", "https://evil%2etest/", "https://e vil.test/",
    "https://evil.test\n.allowed.test/", "https://evil.test\t/", "http://2130706433/",
    "http://0x7f.0.0.1/", "http://0x7f000001/", "http://0177.0.0.1/", "http://127.1/",
    "http://1.2.3.4.5/", "https://stra\u00dfe.example/", "https://a\u200db.example/",
    "https://a..b/", "https://.a/", "https://-a.example/", "https://[::1/", "https://[a]/", "https://[v1.x]/",
    "https://[fe80::1%25eth0]/", "https://a.test:99999/", "https://a.test:0/",
    "https://" + "a" * 64 + ".test/", "https://" + "a." * 130 + "test/", "https://\udc80.test/",
    "https://a.test/" + "x" * 9000,
]  # fmt: skip


@covers("R-POLICY-6")
@pytest.mark.parametrize("url", BAD)
def test_what_two_programs_could_read_in_two_ways_is_denied(url: str, tmp_path: Path) -> None:
    with pytest.raises(BadHost):
        host_of(url)
    with policy(build(tmp_path), mode="auto", allow=("WebFetch",)) as made:
        assert isinstance(made.decide(fetch(url)), Deny)


DOCS = "https://docs.python.org/3/"


@pytest.mark.parametrize(
    ("rules", "url", "expected"),
    [
        ({}, DOCS, Ask),
        ({"mode": "auto-edit"}, DOCS, Ask),
        ({"mode": "auto"}, DOCS, Allow),
        ({"mode": "read-only"}, DOCS, Deny),
        ({"mode": "read-only", "allow": ("WebFetch",)}, DOCS, Deny),
        ({"allow": ("WebFetch(docs.python.org)",)}, DOCS, Allow),
        ({"allow": ("WebFetch( Docs.Python.org. )",)}, "https://DOCS.python.org./x", Allow),
        ({"allow": ("WebFetch(*.python.org)",)}, DOCS, Allow),
        ({"allow": ("WebFetch(*.python.org)",)}, "https://python.org/", Ask),
        ({"allow": ("WebFetch(*.python.org)",)}, "https://evilpython.org/", Ask),
        ({"allow": ("WebFetch(*.python.org)",)}, "https://docs.python.org.evil.test/", Ask),
        ({"allow": ("WebFetch(docs.python.org)",)}, "https://x.docs.python.org/", Ask),
        ({"allow": ("WebFetch(b\u00fccher.example)",)}, "https://xn--bcher-kva.example/", Allow),
        ({"deny": ("WebFetch(*.python.org)",), "mode": "auto"}, DOCS, Deny),
        ({"deny": ("WebFetch",), "allow": ("WebFetch(docs.python.org)",)}, DOCS, Deny),
        ({"deny": ("WebFetch(127.0.0.1)",), "mode": "auto"}, "http://127.0.0.1/", Deny),
        ({"ask": ("WebFetch(*.org)",), "mode": "auto"}, DOCS, Ask),
    ],
)
def test_rules_about_hosts(rules: dict[str, Any], url: str, expected: type, tmp_path: Path) -> None:
    with policy(build(tmp_path), **rules) as made:
        verdict = made.decide(fetch(url))
    assert type(verdict) is expected, verdict


def test_a_yes_to_a_page_is_remembered_for_its_host(tmp_path: Path) -> None:
    with policy(build(tmp_path)) as made:
        ask = made.decide(fetch(DOCS))
        assert ask == Ask(
            "it reaches docs.python.org",
            "mode ask",
            "every page of docs.python.org",
            "WebFetch(docs.python.org)",
            lasting=True,
        )
        assert isinstance(ask, Ask)
        made.remember(ask)
        assert isinstance(made.decide(fetch("https://docs.python.org/x")), Allow)
        assert isinstance(made.decide(fetch("https://python.org/x")), Ask)


@pytest.mark.parametrize("pattern", ["*", "a*.org", "*.*.org", "http://a.org", "a.org/x", "1.2"])
def test_a_pattern_that_is_no_host_is_refused(pattern: str) -> None:
    with pytest.raises(UsageError, match="policy rule"):
        parse_rule(f"WebFetch({pattern})")


@given(url=st.text(max_size=60).map(lambda text: f"https://{text}"))
def test_whatever_passes_is_a_plain_name(url: str) -> None:
    try:
        host = host_of(url)
    except BadHost:
        return
    assert host.isascii()
    assert host == host.lower()
    assert not set(host) & set("/@\\% \t\n?#")


@pytest.mark.parametrize(
    ("offline", "allow", "expected"),
    [
        (True, (), Ask),
        (True, ("WebFetch(docs.python.org)",), Allow),
        (False, (), Allow),
    ],
)
def test_in_auto_the_web_asks_as_long_as_commands_are_kept_from_the_network(
    tmp_path: Path, offline: bool, allow: tuple[str, ...], expected: type
) -> None:
    with policy(build(tmp_path), mode="auto", allow=allow, offline=offline) as made:
        assert isinstance(made.decide(fetch(DOCS)), expected)
