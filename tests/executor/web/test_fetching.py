"""What becomes of answers: real sockets, and servers that say anything."""

import gzip
import hashlib
import socket
import ssl
import zlib
from contextlib import suppress
from pathlib import Path

import pytest

from executor.web.fetching import BODY_MAX, FetchFailed, fetch
from executor.web.inflating import inflated
from executor.web.reading import read
from executor.web.reports import PAGE_MAX, Elsewhere, Page, Problem, Report
from tests.executor.web.site import ADDRESS, Answer, Site, answer
from tests.requirements import covers
from tests.servers.certificates import self_signed

URL = "http://site.test/page"
HTML = "text/html; charset=utf-8"


def report_of(given: Answer, url: str = URL, path: str = "/page") -> Report:
    with Site({path: given}) as site:
        return reported(site, url)


def reported(site: Site, url: str = URL) -> Report:
    try:
        fetched = fetch(url, site.dialler(), None)
    except FetchFailed as error:
        return Problem(error.code, error.message)
    return fetched if isinstance(fetched, Elsewhere) else read(fetched)


def text_of(given: Answer) -> str:
    report = report_of(given)
    assert isinstance(report, Page), report
    return report.text


RAW_DEFLATE = zlib.compressobj(wbits=-15)
UMLAUTS = "grün\n"
PNG = b"\x89PNG\r\n\x1a\n\0\0\0"
PDF_DIGEST = hashlib.sha256(b"%PDF-1.4").hexdigest()
CHUNKED = (
    b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nTransfer-Encoding: chunked\r\n\r\n"
    b"3;x=y\r\none\r\n4\r\n two\r\n0\r\nTrailer: x\r\n\r\n"
)


@covers("R-WEB-1")
@pytest.mark.parametrize(
    ("given", "text"),
    [
        (answer(b"plain\n", Content_Type="text/plain"), "plain\n"),
        (answer(b'{"a": 1}', Content_Type="application/json"), '{"a": 1}'),
        (answer(b'{"a": 1}', Content_Type="application/problem+json"), '{"a": 1}'),
        (answer(b"<a/>", Content_Type="application/xml"), "<a/>"),
        (answer(b"# md", Content_Type="text/markdown"), "# md"),
        (answer(b"a = 1", Content_Type="application/octet-stream"), "a = 1"),
        (answer(b"no type"), "no type"),
        (answer(b"", Content_Type="text/plain"), ""),
        (answer(b"<html><p>x</p></html>"), "x\n"),
        (answer(b"<p>x</p>", Content_Type="application/xhtml+xml"), "x\n"),
        (CHUNKED, "one two"),
        (b"HTTP/1.0 200 OK\r\nContent-Type: text/plain\r\n\r\nto the end", "to the end"),
        (answer(UMLAUTS.encode(), Content_Type="text/plain"), UMLAUTS),
        (answer(UMLAUTS.encode("latin-1"), Content_Type="text/plain"), UMLAUTS),
        (answer(UMLAUTS.encode("latin-1"), Content_Type="text/plain; charset=latin1"), UMLAUTS),
        (answer(UMLAUTS.encode("utf-16"), Content_Type="text/plain"), UMLAUTS),
        (answer(UMLAUTS.encode("utf-16-le"), Content_Type="text/plain; charset=utf-16le"), UMLAUTS),
        (answer("日本".encode("shift-jis"), Content_Type="text/plain; charset=Shift_JIS"), "日本"),
        (answer(b"abc", Content_Type="text/plain; charset=rot13"), "abc"),
        (answer(b"abc", Content_Type="text/plain; charset=no-such"), "abc"),
        (
            answer(
                b'<meta charset="koi8-r"><p>' + "да".encode("koi8-r") + b"</p>",
                Content_Type="text/html",
            ),
            "да\n",
        ),
        (answer(gzip.compress(b"zip"), Content_Type="text/plain", Content_Encoding="gzip"), "zip"),
        (
            answer(zlib.compress(b"zip"), Content_Type="text/plain", Content_Encoding="deflate"),
            "zip",
        ),
        (
            answer(
                RAW_DEFLATE.compress(b"zip") + RAW_DEFLATE.flush(),
                Content_Type="text/plain",
                Content_Encoding="deflate",
            ),
            "zip",
        ),
        (
            answer(PNG, Content_Type="image/png"),
            f"[binary: PNG image (image/png), 11 bytes, SHA-256 {hashlib.sha256(PNG).hexdigest()}]",
        ),
        (
            answer(PNG, Content_Type="text/html"),
            f"[binary: PNG image (text/html), 11 bytes, SHA-256 {hashlib.sha256(PNG).hexdigest()}]",
        ),
        (
            answer(b"%PDF-1.4", Content_Type="application/pdf"),
            f"[binary: PDF document (application/pdf), 8 bytes, SHA-256 {PDF_DIGEST}]",
        ),
    ],
)
def test_an_answer_is_shown_as_what_it_is(given: bytes, text: str) -> None:
    assert text_of(given) == text


@covers("R-WEB-2")
@pytest.mark.parametrize(
    ("html", "text"),
    [
        ("<h1>T</h1><p>a <b>b</b></p>", "# T\n\na **b**\n"),
        ("<title>T</title><p>x", "# T\n\nx\n"),
        ("<title>T</title><h1>T</h1>", "# T\n"),
        ("<a href='/x?y=1'>l</a>", "[l](http://site.test/x?y=1)\n"),
        ("<a href='x'>l</a>", "[l](http://site.test/x)\n"),
        ("<a href='javascript:alert(1)'>l</a>", "l\n"),
        ("<a href='data:text/html,x'>l</a>", "l\n"),
        ("<a href='http://[bad'>l</a>", "l\n"),
        ("<img src='data:image/png;base64,AAAA' alt='dot'>", "dot\n"),
        ("<img src='/i.png' alt='dot'>", "![dot](http://site.test/i.png)\n"),
        ("a<script>evil()</script><style>p{}</style><!-- c -->b", "ab\n"),
        ("<noscript>x</noscript><template>y</template><p hidden>z</p><p>a</p>", "a\n"),
        ("<iframe src=x>y</iframe><object>z</object><svg><text>s</text></svg>a", "a\n"),
        ("<ul><li>a</li><li>b</li></ul>", "- a\n- b\n"),
        ("<pre><code>a\n  b</code></pre>", "```\na\n  b\n```\n"),
        ("<table><tr><th>h</th></tr><tr><td>d</td></tr></table>", "| h |\n| --- |\n| d |\n"),
        ("<p>a</p>\n\n\n\n<div></div><div></div><p>b</p>", "a\n\nb\n"),
        ("<p>unclosed <b>bold", "unclosed **bold**\n"),
    ],
)
def test_html_becomes_markdown(html: str, text: str) -> None:
    assert text_of(answer(html.encode(), Content_Type=HTML)) == text


def test_a_page_that_is_nested_too_deeply_is_its_bare_text() -> None:
    html = b"<p>" + b"<div>" * 3000 + b"deep" + b"</div>" * 3000

    assert report_of(answer(html, Content_Type=HTML)) == Page(
        URL, "text/html", len(html), "deep\n", "too deeply nested to be converted: the bare text"
    )


def drip_without_end(connection: socket.socket) -> None:
    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n\r\n")
    with suppress(OSError):
        for _ in range(2 * BODY_MAX // 65536):
            connection.sendall(b"x" * 65536)


BOMB = gzip.compress(b"x" * (BODY_MAX * 20))


@covers("R-WEB-3")
@pytest.mark.parametrize(
    "given",
    [
        answer(BOMB, Content_Type="text/plain", Content_Encoding="gzip"),
        answer(b"x" * (BODY_MAX + 1), Content_Type="text/plain"),
        answer(b"x" * 65536, Content_Type="text/plain", Content_Length="9" * 18) + b"x" * BODY_MAX,
        drip_without_end,
    ],
    ids=["a bomb", "too long", "a claim", "no end"],
)
def test_a_body_beyond_all_bounds_is_cut(given: Answer) -> None:
    assert report_of(given) == Page(
        URL,
        "text/plain",
        BODY_MAX,
        "x" * PAGE_MAX,
        f"more than 5 MiB: only the beginning was read; cut after {PAGE_MAX:,} of {BODY_MAX:,} "
        "characters",
    )


def test_inflating_holds_no_more_than_its_bound() -> None:
    bomb = zlib.compress(b"\0" * 10_000_000)

    assert inflated([bomb], "deflate", 1_000_000, 1000).content == b"\0" * 1000
    assert inflated([b"ab", b"cd", b"ef"], "", 3, 100).content == b"abc"


def refuse(connection: socket.socket) -> None:
    connection.close()


@pytest.mark.parametrize(
    ("given", "code", "words"),
    [
        (answer(b"gone away", "410 Gone", Content_Type="text/plain"), "http_status",
         f"{URL} answers 410 Gone.\ngone away"),
        (answer(b"", "500 Internal Server Error"), "http_status",
         f"{URL} answers 500 Internal Server Error."),
        (answer(b"", "304 Not Modified"), "http_status", f"{URL} answers 304 Not Modified."),
        (answer(b"", "302 Found"), "http_status", f"{URL} answers 302 Found."),
        (b"SSH-2.0-OpenSSH_9\r\n", "unreachable",
         f"{URL}: what answers is no HTTP (BadStatusLine)."),
        (b"HTTP/1.1 200 OK\r\n" + b"A: b\r\n" * 200 + b"\r\n", "unreachable",
         f"{URL}: what answers is no HTTP (HTTPException)."),
        (b"HTTP/1.1 200 OK\r\nA: " + b"b" * 70000 + b"\r\n\r\n", "unreachable",
         f"{URL}: what answers is no HTTP (LineTooLong)."),
        (answer(b"short", Content_Length="100"), "unreachable",
         f"{URL}: the connection broke before its end."),
        (CHUNKED[:-30], "unreachable", f"{URL}: what answers is no HTTP (IncompleteRead)."),
        (refuse, "unreachable", f"{URL}: the connection was closed before an answer."),
        (answer(b"x", Content_Encoding="br"), "bad_answer",
         f"{URL}: its body is encoded as 'br', which was not asked for."),
        (answer(b"not zipped", Content_Encoding="gzip"), "bad_answer",
         f"{URL}: its compressed body is damaged."),
    ],
)  # fmt: skip
def test_no_page_is_told_with_its_reason(given: Answer, code: str, words: str) -> None:
    assert report_of(given) == Problem(code, words)


@covers("R-WEB-4")
@pytest.mark.parametrize(
    ("location", "expected"),
    [
        ("/other", Page("http://site.test/other", "text/plain", 5, "there")),
        ("other", Page("http://site.test/other", "text/plain", 5, "there")),
        ("http://SITE.test./other#x", Page("http://site.test/other", "text/plain", 5, "there")),
        ("//site.test/other", Page("http://site.test/other", "text/plain", 5, "there")),
        ("http://site.test:81/other", Page("http://site.test:81/other", "text/plain", 5, "there")),
        ("http://else.test/x", Elsewhere(URL, "http://else.test/x", "which is another host")),
        ("//else.test/x", Elsewhere(URL, "http://else.test/x", "which is another host")),
        ("http://site.test.evil.test/", Elsewhere(
            URL, "http://site.test.evil.test/", "which is another host")),
        ("http://169.254.169.254/latest/meta-data/", Elsewhere(
            URL, "http://169.254.169.254/latest/meta-data/", "which is another host")),
        ("http://site.test@evil.test/", Problem(
            "invalid_url", "Not fetched: the address holds a name before its host (@).")),
        ("http://0x7f000001/", Problem(
            "invalid_url", "Not fetched: '0x7f000001' is an address in an unusual form.")),
        ("file:///etc/passwd", Problem(
            "invalid_url", "Not fetched: the address does not begin with https:// or http://.")),
        ("gopher://site.test/", Problem(
            "invalid_url", "Not fetched: the address does not begin with https:// or http://.")),
        ("/page", Problem("redirects", f"{URL} redirects more than 5 times.")),
    ],
)  # fmt: skip
def test_a_redirect_is_followed_on_the_same_host_only(location: str, expected: Report) -> None:
    answers: dict[str, Answer] = {
        "/page": answer(b"", "302 Found", Location=location),
        "/other": answer(b"there", Content_Type="text/plain"),
    }
    with Site(answers) as site:
        assert reported(site) == expected


@covers("R-NET-2")
def test_a_host_that_turns_private_between_two_redirects_is_not_reached_again() -> None:
    with Site({"/page": answer(b"", "302 Found", Location="/secret")}) as site:
        turned = site.dialler()
        answers = iter([[ADDRESS], ["127.0.0.1"]])
        rebinding = type(turned)(resolve=lambda _host, _port: next(answers), connect=turned.connect)
        with pytest.raises(
            FetchFailed, match=r"site\.test is 127\.0\.0\.1, which is not on the public"
        ):
            fetch(URL, rebinding, None)

        assert site.dialled == [(ADDRESS, 80)]


@covers("R-WEB-5")
def test_a_request_carries_its_host_and_nothing_of_the_user(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    with Site({"/p%C3%A4th?q=%20a": answer(b"x")}) as site:
        report = reported(site, "http://SITE.test.:8080/päth?q=%20a#fragment")

        assert isinstance(report, Page)
        assert site.dialled == [(ADDRESS, 8080)]
        assert b"".join(site.requests) == (
            b"GET /p%C3%A4th?q=%20a HTTP/1.1\r\nHost: site.test:8080\r\n"
            b"Accept: text/markdown, text/html;q=0.9, text/*;q=0.8, application/json;q=0.8, "
            b"*/*;q=0.1\r\nAccept-Encoding: gzip, deflate\r\nConnection: close\r\n"
            b"User-Agent: codegen\r\n\r\n"
        )


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Of site.test alone."""
    return self_signed("site.test", tmp_path_factory.mktemp("tls"))


@covers("R-NET-2")
def test_tls_is_held_to_the_name_and_not_to_the_address(certificate: Path) -> None:
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(certificate / "cert.pem", certificate / "key.pem")
    names: list[str | None] = []

    def named(_socket: object, name: str | None, _context: object) -> None:
        names.append(name)

    server.sni_callback = named
    trust = ssl.create_default_context(cafile=str(certificate / "cert.pem"))
    answers: dict[str, Answer] = {
        "/": answer(b"safe", Content_Type="text/plain"),
        "/down": answer(b"", "302 Found", Location="http://site.test/"),
    }
    with Site(answers, server) as site:
        dialler = site.dialler()
        safe = fetch("https://site.test/", dialler, trust)
        down = fetch("https://site.test/down", dialler, trust)
        with pytest.raises(FetchFailed, match=r"certificate is not trusted.*other\.test"):
            fetch("https://other.test/", dialler, trust)
        with pytest.raises(FetchFailed, match="certificate is not trusted"):
            fetch("https://site.test/", dialler, None)

    assert not isinstance(safe, Elsewhere)
    assert safe.body == b"safe"
    assert down == Elsewhere(
        "https://site.test/down", "http://site.test/", "which is not encrypted"
    )
    assert names[:3] == ["site.test", "site.test", "other.test"]
