"""What a proxy understands of a request, and what it does not want to understand."""

import time
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from executor.network.requests import HEAD_MAX, BadRequest, Forward, Tunnel, read_head
from tests.requirements import covers


def _head(*lines: str) -> bytes:
    return "".join(f"{line}\r\n" for line in (*lines, "")).encode("latin-1")


@pytest.mark.parametrize(
    ("target", "host", "port"),
    [
        ("github.com:443", "github.com", 443),
        ("GitHub.com.:443", "github.com", 443),
        ("127.0.0.1:5432", "127.0.0.1", 5432),
        ("[::1]:80", "::1", 80),
        ("[0:0::1]:80", "::1", 80),
        ("xn--bcher-kva.example:443", "xn--bcher-kva.example", 443),
    ],
)
def test_a_tunnel_is_to_one_host_and_port(target: str, host: str, port: int) -> None:
    asked = read_head(_head(f"CONNECT {target} HTTP/1.1", "Host: anything.example"))

    assert asked == Tunnel(host, port)


@covers("R-HOSTS-2")
@pytest.mark.parametrize(
    "target",
    [
        "github.com",
        "github.com:",
        "github.com:0",
        "github.com:65536",
        "github.com:99999",
        "github.com:443:443",
        "user@github.com:443",
        "evil.example:443@github.com:443",
        "user:secret@github.com:443",
        "github.com%00.evil.example:443",
        "github.com/:443",
        "github.com?:443",
        "github.com#:443",
        "github.com\\:443",
        "http://github.com:443",
        "[::1%eth0]:80",
        "[github.com]:80",
        "::1:80",
        "0x7f.1:80",
        "0x7f000001:80",
        "0177.0.0.1:80",
        "2130706433:80",
        "127.1:80",
        "127.0.0.0x1:80",
        "-a.example:443",
        "a..example:443",
        ":443",
        "b\u00fccher.example:443",
        "github.com:443 x",
        "github.com\t:443",
        "github.com\0:443",
        "github.com:\u0664\u0664\u0663",
    ],
)
def test_a_tunnel_that_could_lead_elsewhere_is_refused(target: str) -> None:
    with pytest.raises(BadRequest):
        read_head(f"CONNECT {target} HTTP/1.1\r\n\r\n".encode())


def test_a_plain_request_is_passed_on_as_to_its_own_server() -> None:
    asked = read_head(
        _head(
            "POST http://Example.ORG/a/b?c=http://other.example/ HTTP/1.1",
            "Host: example.org:80",
            "Proxy-Authorization: Basic c2VjcmV0",
            "Proxy-Connection: keep-alive",
            "Connection: keep-alive, X-Hop, Content-Length",
            "X-Hop: 1",
            "X-Kept: a b",
            "Content-Length: 5",
        )
    )

    assert asked == Forward(
        "example.org",
        80,
        _head(
            "POST /a/b?c=http://other.example/ HTTP/1.1",
            "Host: example.org",
            "x-kept: a b",
            "content-length: 5",
            "Connection: close",
        ),
        5,
    )


@pytest.mark.parametrize(
    ("url", "line", "host"),
    [
        ("http://a.example", "GET / HTTP/1.0", "Host: a.example"),
        ("http://a.example:8080?q", "GET /?q HTTP/1.0", "Host: a.example:8080"),
        ("HTTP://A.example:80/x", "GET /x HTTP/1.0", "Host: a.example"),
        ("http://[::1]:8080//x", "GET //x HTTP/1.0", "Host: [::1]:8080"),
    ],
)
def test_the_address_of_a_plain_request_becomes_path_and_host(
    url: str, line: str, host: str
) -> None:
    asked = read_head(_head(f"GET {url} HTTP/1.0"))

    assert isinstance(asked, Forward)
    assert asked.head.decode().split("\r\n")[:2] == [line, host]


@covers("R-HOSTS-2")
@pytest.mark.parametrize(
    ("lines", "words"),
    [
        (["GET / HTTP/1.1", "Host: a.example"], "this is a proxy"),
        (["GET https://a.example/ HTTP/1.1", "Host: a.example"], "this is a proxy"),
        (["GET ftp://a.example/ HTTP/1.1", "Host: a.example"], "this is a proxy"),
        (["GET //a.example/ HTTP/1.1", "Host: a.example"], "this is a proxy"),
        (["GET http:a.example/ HTTP/1.1", "Host: a.example"], "this is a proxy"),
        (["GET http://a.example/ HTTP/1.1", "Host: b.example"], "another host"),
        (["GET http://a.example/ HTTP/1.1", "Host: a.example:81"], "another host"),
        (["GET http://a.example:81/ HTTP/1.1", "Host: a.example"], "another host"),
        (["GET http://a.example/ HTTP/1.1"], "one Host header"),
        (["GET http://a.example/ HTTP/1.1", "Host: a.example", "Host: a.example"], "one Host"),
        (["GET http://a.example/ HTTP/1.1", "Host: a.example", "hOsT: b.example"], "one Host"),
        (["GET http://a.example/ HTTP/1.1", "Host: a.example/"], "names no host"),
        (["GET http://a.example/ HTTP/1.1", "Host: x@a.example"], "names no host"),
        (["GET http://a.example/ HTTP/1.1", "Host:"], "names no host"),
        (["GET http://x@a.example/ HTTP/1.1", "Host: a.example"], "@"),
        (["GET http://a.example@b.example/ HTTP/1.1", "Host: a.example"], "@"),
        (["GET http://a.example\\@b.example/ HTTP/1.1", "Host: a.example"], "backslash"),
        (["GET http://a.example#@b.example/ HTTP/1.1", "Host: a.example"], "fragment"),
        (["GET http://0x7f.1/ HTTP/1.1", "Host: 0x7f.1"], "unusual form"),
        (["GET http://a.example:0/ HTTP/1.1", "Host: a.example:0"], "no port 0"),
        (["GET http://a.example:99999/ HTTP/1.1", "Host: a.example"], "can't be read"),
        (["GET http://a.example/ HTTP/1.1", "Host : a.example"], "header can't be read"),
        (["GET http://a.example/ HTTP/1.1", "Host: a.example", " folded"], "header can't"),
        (["GET http://a.example/ HTTP/1.1", "Host: a.example", "X: a\nHost: b"], "header can't"),
        (["GET http://a.example/ HTTP/1.1", "Host: a.example", "X: a\rb"], "header can't"),
        (["GET http://a.example/ HTTP/1.1", "Host: a.example", "X: a\0b"], "header can't"),
        (["GET http://a.example/ HTTP/1.1", "Host: a.example", "no colon"], "header can't"),
        (["GET http://a.example/ HTTP/2.0", "Host: a.example"], "request line"),
        (["GET http://a.example/  HTTP/1.1", "Host: a.example"], "request line"),
        (["GET  http://a.example/ HTTP/1.1", "Host: a.example"], "request line"),
        (["get http://a.example/ HTTP/1.1", "Host: a.example"], "request line"),
        (["PRI * HTTP/2.0"], "request line"),
        ([""], "request line"),
        (["\x16\x03\x01\x02"], "request line"),
    ],
)
def test_a_plain_request_that_could_be_read_in_two_ways_is_refused(
    lines: list[str], words: str
) -> None:
    with pytest.raises(BadRequest, match=words):
        read_head(_head(*lines))


@covers("R-HOSTS-2")
@pytest.mark.parametrize(
    ("fields", "status"),
    [
        (["Content-Length: 1", "Content-Length: 1"], 400),
        (["Content-Length: 1", "content-length: 2"], 400),
        (["Content-Length: 1, 1"], 400),
        (["Content-Length: +1"], 400),
        (["Content-Length: -1"], 400),
        (["Content-Length: 0x1"], 400),
        (["Content-Length: \u00b2"], 400),
        (["Content-Length: 9999999999999999"], 400),
        (["Content-Length:"], 400),
        (["Transfer-Encoding: chunked"], 411),
        (["Transfer-Encoding: chunked", "Content-Length: 1"], 411),
        (["Transfer-Encoding: identity"], 411),
        (["tRANSFER-eNCODING: x"], 411),
    ],
)
@pytest.mark.parametrize(
    "first", ["POST http://a.example/ HTTP/1.1", "CONNECT a.example:443 HTTP/1.1"]
)
def test_a_body_whose_end_is_not_certain_is_refused(
    first: str, fields: list[str], status: int
) -> None:
    with pytest.raises(BadRequest) as caught:
        read_head(_head(first, "Host: a.example", *fields))

    assert caught.value.status == status


def test_there_are_no_more_headers_than_a_bound() -> None:
    fields = [f"X-{number}: 1" for number in range(100)]

    with pytest.raises(BadRequest, match="more than 100 headers"):
        read_head(_head("GET http://a.example/ HTTP/1.1", "Host: a.example", *fields))


@pytest.mark.parametrize("filling", [" ", "\t ", "a", "a ", ":", ","])
def test_no_head_within_the_bound_takes_long(filling: str) -> None:
    long = filling * (HEAD_MAX // len(filling) - 100)
    began = time.process_time()
    for line in (f"X: {long}\0", f"Connection: {long}", f"Content-Length: {long}", f"{long}\0"):
        with suppress(BadRequest):
            read_head(_head("GET http://a.example/ HTTP/1.1", "Host: a.example", line))

    assert time.process_time() - began < 0.5


@given(st.binary(max_size=200))
def test_no_bytes_break_it(noise: bytes) -> None:
    for head in (noise, noise + b"\r\n\r\n", b"CONNECT " + noise + b" HTTP/1.1\r\n\r\n"):
        try:
            asked = read_head(head)
        except BadRequest:
            continue
        assert asked.host == asked.host.lower()


@covers("R-HOSTS-2")
@given(st.text(alphabet="a.:@/[]%#?\\0x1-\t ", max_size=30))
def test_a_tunnel_that_is_understood_names_its_host_literally(target: str) -> None:
    try:
        asked = read_head(_head(f"CONNECT {target} HTTP/1.1"))
    except BadRequest:
        return
    assert target.rpartition(":")[0].strip("[]").removesuffix(".") in (
        asked.host,
        target[1:-1],
    ) or (":" in asked.host)
