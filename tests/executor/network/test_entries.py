"""What entries of hosts mean, what each covers, and that a project only takes away."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from executor.network.entries import BadEntry, Entry, narrowed, parse_entry
from executor.network.guard import NotReachable
from executor.network.reach import Reach, reach_of
from tests.executor.network.test_guard import PUBLIC, Recorded
from tests.requirements import covers


@pytest.mark.parametrize(
    ("text", "normal"),
    [
        ("github.com", "github.com"),
        (" GitHub.com. ", "github.com"),
        ("*.GitHubUserContent.com", "*.githubusercontent.com"),
        ("*.githubusercontent.com:8443", "*.githubusercontent.com:8443"),
        ("github.com:443", "github.com:443"),
        ("b\u00fccher.example", "xn--bcher-kva.example"),
        ("xn--bcher-kva.example", "xn--bcher-kva.example"),
        ("localhost:5432", "localhost:5432"),
        ("127.0.0.1:8000", "127.0.0.1:8000"),
        ("[::1]:8000", "[::1]:8000"),
        ("[0:0::0:1]:8000", "[::1]:8000"),
        ("[2606:2800:220:1::1]", "[2606:2800:220:1::1]"),
        ("2606:2800:220:1::1", "[2606:2800:220:1::1]"),
        ("1.1.1.1", "1.1.1.1"),
        ("10.0.0.7:5432", "10.0.0.7:5432"),
        ("wiki.internal:8080", "wiki.internal:8080"),
    ],
)
def test_an_entry_has_one_form(text: str, normal: str) -> None:
    assert parse_entry(text).text == normal
    assert parse_entry(normal) == parse_entry(text)


@covers("R-HOSTS-2")
@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "no name of a host"),
        ("*", "no name of a host"),
        ("all", "stands alone"),
        ("https://github.com", "is no port"),
        ("github.com/simple", "no name of a host"),
        ("user@github.com", "no name of a host"),
        ("github.com:", "is no port"),
        ("github.com:0", "is no port"),
        ("github.com:065", "is no port"),
        ("github.com:65536", "is no port"),
        ("github.com:https", "is no port"),
        ("github.*", "no name of a host"),
        ("git*.com", "no name of a host"),
        ("*.*.org", "no name of a host"),
        ("*.", "no name of a host"),
        ("*.10.0.0.1", "nothing beneath an address"),
        ("0x7f.1:80", "unusual form"),
        ("0177.0.0.1:80", "unusual form"),
        ("2130706433:80", "unusual form"),
        ("127.1:80", "unusual form"),
        ("fe80::1%eth0", "no certain host"),
        ("[::1", "no address"),
        ("[::1]8000", "no address"),
        ("[github.com]:80", "no address"),
        ("github.com\0.example", "no name of a host"),
        ("github.com example", "no name of a host"),
        ("fa\u00df.example", "xn-- form"),
        ("localhost", "name its port"),
        ("127.0.0.1", "name its port"),
        ("::1", "name its port"),
        ("169.254.169.254", "name its port"),
        ("192.168.1.1", "name its port"),
        ("wiki.internal", "name its port"),
        ("nas", "name its port"),
    ],
)
def test_what_is_no_entry_is_refused_by_name(text: str, words: str) -> None:
    with pytest.raises(BadEntry, match=words):
        parse_entry(text)


@covers("R-HOSTS-1")
@pytest.mark.parametrize(
    ("entry", "host", "port", "covered"),
    [
        ("github.com", "github.com", 443, True),
        ("github.com", "github.com", 80, True),
        ("github.com", "github.com", 8080, False),
        ("github.com", "github.com", 22, False),
        ("github.com", "evilgithub.com", 443, False),
        ("github.com", "github.com.evil.example", 443, False),
        ("github.com", "files.github.com", 443, False),
        ("github.com", "github.co", 443, False),
        ("*.github.com", "files.github.com", 443, True),
        ("*.github.com", "a.b.github.com", 443, True),
        ("*.github.com", "github.com", 443, False),
        ("*.github.com", "evilgithub.com", 443, False),
        ("*.github.com", "evil-github.com", 443, False),
        ("*.github.com", "github.com.evil.example", 443, False),
        ("github.com:8443", "github.com", 8443, True),
        ("github.com:8443", "github.com", 443, False),
        ("localhost:5432", "localhost", 5432, True),
        ("localhost:5432", "localhost", 5433, False),
        ("localhost:5432", "127.0.0.1", 5432, False),
        ("127.0.0.1:5432", "localhost", 5432, False),
        ("[::1]:80", "::1", 80, True),
        ("[::1]:80", "::ffff:127.0.0.1", 80, False),
        ("1.1.1.1", "1.1.1.1", 443, True),
        ("1.1.1.1", "1.0.0.1", 443, False),
    ],
)
def test_an_entry_covers_a_host_and_a_port(entry: str, host: str, port: int, covered: bool) -> None:
    assert parse_entry(entry).covers(host, port) is covered
    assert (reach_of([entry], []).refusal(host, port) is None) is covered


def test_a_rule_that_denies_a_host_wins_over_an_entry() -> None:
    reach = reach_of(["*.example.org", "example.com"], ["bad.example.org", "*.example.com"])

    assert reach.refusal("good.example.org", 443) is None
    assert reach.refusal("example.com", 443) is None
    assert reach.refusal("bad.example.org", 443) == (
        "bad.example.org is denied by the rule WebFetch(bad.example.org) of the user's policy"
    )


@pytest.mark.parametrize(
    ("host", "port", "wanted"),
    [
        ("evil.example", 443, '"evil.example"'),
        ("evil.example", 8080, '"evil.example:8080"'),
        ("localhost", 80, '"localhost:80"'),
        ("::1", 8080, '"[::1]:8080"'),
    ],
)
def test_a_refusal_says_what_is_allowed_and_what_the_user_could_add(
    host: str, port: int, wanted: str
) -> None:
    why = reach_of(["github.com", "*.githubusercontent.com"], []).refusal(host, port)

    assert why is not None
    assert "commands may reach (github.com, *.githubusercontent.com)" in why
    assert f"The user can allow it: {wanted} in network" in why
    parse_entry(wanted.strip('"'))


@covers("R-HOSTS-3")
@pytest.mark.parametrize(
    ("entry", "host", "port", "answer", "dialled"),
    [
        ("github.com", "github.com", 443, PUBLIC, True),
        ("github.com", "github.com", 443, "127.0.0.1", False),
        ("github.com", "github.com", 443, "10.0.0.1", False),
        ("github.com", "github.com", 443, "169.254.169.254", False),
        ("github.com", "github.com", 443, "::ffff:10.0.0.1", False),
        ("github.com", "github.com", 443, "fd00::1", False),
        ("github.com:8080", "github.com", 8080, "10.0.0.1", False),
        ("*.internal:80", "wiki.internal", 80, "10.0.0.1", False),
        ("wiki.internal:80", "wiki.internal", 80, "10.0.0.1", True),
        ("wiki.internal:80", "wiki.internal", 80, "127.0.0.1", False),
        ("metadata.internal:80", "metadata.internal", 80, "169.254.169.254", False),
        ("127.0.0.1:80", "127.0.0.1", 80, "", True),
        ("169.254.169.254:80", "169.254.169.254", 80, "", True),
        ("[fd00::1]:80", "fd00::1", 80, "", True),
    ],
)
def test_only_an_address_that_was_looked_at_is_dialled(
    entry: str, host: str, port: int, answer: str, dialled: bool
) -> None:
    world = Recorded([answer], ["127.0.0.1"])
    reach = Reach((parse_entry(entry),), (), world.resolve, world.connect)
    assert reach.refusal(host, port) is None

    if not dialled:
        with pytest.raises(NotReachable):
            reach.dial(host, port)
    else:
        reach.dial(host, port).close()
    assert world.dialled == ([answer or host] if dialled else [])


def test_localhost_is_this_machine_whatever_a_name_service_says() -> None:
    world = Recorded([PUBLIC], refusing=["127.0.0.1"])

    reach = Reach((parse_entry("localhost:80"),), (), world.resolve, world.connect)
    reach.dial("localhost", 80).close()

    assert (world.asked, world.dialled) == ([], ["127.0.0.1", "::1"])


@covers("R-HOSTS-5")
@pytest.mark.parametrize(
    ("mine", "theirs", "left"),
    [
        (["github.com"], ["all"], ["github.com"]),
        (["all"], ["github.com"], ["github.com"]),
        (["all"], ["all"], ["all"]),
        (["all"], [], []),
        ([], ["github.com"], []),
        ([], ["all"], []),
        (["github.com", "gitlab.com"], ["gitlab.com", "evil.example"], ["gitlab.com"]),
        (["*.hosted.org"], ["files.hosted.org"], ["files.hosted.org"]),
        (["*.hosted.org"], ["*.a.hosted.org"], ["*.a.hosted.org"]),
        (["*.hosted.org"], ["evilhosted.org"], []),
        (["files.hosted.org"], ["*.hosted.org"], ["files.hosted.org"]),
        (["github.com"], ["github.com:443"], ["github.com:443"]),
        (["github.com"], ["github.com:22"], []),
        (["github.com:443"], ["github.com"], ["github.com:443"]),
        (["localhost:5432"], ["localhost:5432"], ["localhost:5432"]),
        (["*.internal:80"], ["wiki.internal:80"], []),
    ],
)
def test_a_project_takes_hosts_away_and_adds_none(
    mine: list[str], theirs: list[str], left: list[str]
) -> None:
    assert narrowed(mine, theirs) == tuple(left)


HOSTS = st.sampled_from(["a.example", "b.a.example", "example", "c.example", "wiki.internal"])


def _is_entry(text: str) -> bool:
    try:
        parse_entry(text)
    except BadEntry:
        return False
    return True


PATTERNS = st.one_of(HOSTS, HOSTS.map(lambda host: f"*.{host}"))
TEXTS = st.builds(Entry, PATTERNS, st.sampled_from([None, 80, 443, 8080])).map(
    lambda entry: entry.text
)
ENTRIES = st.lists(TEXTS.filter(_is_entry), max_size=4, unique=True)


@covers("R-HOSTS-5")
@given(mine=ENTRIES, theirs=ENTRIES, host=HOSTS, port=st.sampled_from([80, 443, 8080]))
def test_what_remains_is_allowed_by_the_user_and_wished_by_the_project(
    mine: list[str], theirs: list[str], host: str, port: int
) -> None:
    left = list(map(parse_entry, narrowed(mine, theirs)))
    own = list(map(parse_entry, mine))

    if any(entry.covers(host, port) for entry in left):
        assert any(entry.covers(host, port) for entry in own)
        assert any(parse_entry(text).covers(host, port) for text in theirs)
    if any(entry.opens and entry.covers(host, port) for entry in left):
        assert any(entry.opens and entry.covers(host, port) for entry in own)
