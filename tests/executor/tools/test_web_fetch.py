"""`WebFetch`: the tool with its program, and every spelling of an address that leads astray."""

import asyncio
import socket
import time

import pytest

from executor.errors import ToolFailure
from executor.tool_context import Prechecked, ToolOutcome
from executor.web.pages import Pages
from executor.web.target import target_of
from protocol.from_executor import ResultMetadata
from protocol.tools.web_fetch import WebFetch
from tests.executor.tools.world import BY_NAME, World
from tests.executor.web.site import Site, answer
from tests.requirements import covers

LOCAL = frozenset({"127.0.0.1"})


@covers("R-WEB-6")
@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1/", "https://127.0.0.1:8443/", "http://127.0.0.1./", "http://127.1/",
        "http://127.0.1/", "http://2130706433/", "http://017700000001/", "http://0177.0.0.1/",
        "http://0x7f.0.0.1/", "http://0x7f000001/", "http://0x7f.1/", "http://0/", "http://0.0.0.0/",
        "http://[::1]/", "http://[::]/", "http://[::ffff:127.0.0.1]/", "http://[::ffff:7f00:1]/",
        "http://[0:0:0:0:0:ffff:127.0.0.1]/", "http://[::127.0.0.1]/", "http://[fe80::1%25eth0]/",
        "http://[64:ff9b::127.0.0.1]/", "http://[2002:7f00:1::]/", "http://[fd00::1]/",
        "http://169.254.169.254/latest/meta-data/", "http://[fd00:ec2::254]/", "http://10.0.0.1/",
        "http://172.16.0.1/", "http://192.168.1.1/", "http://100.64.0.1/", "http://224.0.0.1/",
        "http://255.255.255.255/", "http://localhost/", "http://LOCALHOST:80/", "http://localhost./",
        "http://a.localhost/", "http://user@127.0.0.1/", "http://docs.test@127.0.0.1/",
        "http://docs.test:80@127.0.0.1/", "http://127.0.0.1\\@docs.test/", "http://docs.test\0/",
        "http://docs.test%00.evil.test/", "http://docs.test\n/", "http://docs test/",
        "http://\uff11\uff12\uff17.0.0.1/", "http://\u2460\u2461\u2466.0.0.1/",
        "http://127\u30020\u30020\u30021/", "http://\uff4cocalhost/", "http://stra\u00dfe.test/",
        "http://a..b/", "http:///x", "http://", "//docs.test/", "docs.test", "file:///etc/passwd",
        "ftp://docs.test/", "gopher://docs.test/", "javascript:alert(1)", "data:text/html,x",
        "http://docs.test:0/", "http://docs.test:99999/", "http://[::1/", "http://[v1.x]/",
        "jar:http://docs.test/", "http+unix://x/", "HTTP://127.0.0.1/", " http://127.0.0.1/",
    ],
)  # fmt: skip
async def test_no_spelling_of_an_address_leads_to_a_private_host(world: World, url: str) -> None:
    parameters = WebFetch(url)
    tool = BY_NAME["WebFetch"]

    code, message = await world.failure("WebFetch", url=url)

    assert code in ("invalid_url", "not_reachable")
    assert message.startswith("Not fetched: ") or "is not on the public network" in message
    assert isinstance(tool, Prechecked)
    with pytest.raises(ToolFailure):  # and nobody is asked about it
        await tool.check(parameters, world.context())


@pytest.mark.parametrize(
    ("url", "normal"),
    [
        ("https://Docs.Python.ORG./3/", "https://docs.python.org/3/"),
        ("http://docs.test:80", "http://docs.test/"),
        ("https://docs.test:443/?q", "https://docs.test/?q"),
        ("https://docs.test:444/#part", "https://docs.test:444/"),
        ("https://b\u00fccher.test/\u00fc?\u00e4=1", "https://xn--bcher-kva.test/%C3%BC?%C3%A4=1"),
        ("https://[2606:2800:220:1:0:0:0:1]/", "https://[2606:2800:220:1::1]/"),
        ("https://docs.test/a%2Fb/../c;d", "https://docs.test/a%2Fb/../c;d"),
    ],
)
def test_an_address_has_one_form(url: str, normal: str) -> None:
    assert target_of(url).url == normal


@covers("R-WEB-2", "R-NET-3")
async def test_a_page_of_a_host_that_the_user_opened_is_fetched_by_the_program(
    world: World,
) -> None:
    page = b"<title>Till</title><p>See <a href='/more'>more</a>.</p>"
    world.pages = Pages(LOCAL)
    with Site({"/": answer(page, Content_Type="text/html")}) as site:
        root = f"http://127.0.0.1:{site.port}"
        outcome = await world.run("WebFetch", url=root)

    assert outcome == ToolOutcome(
        f"# Till\n\nSee [more]({root}/more).\n[{root}/: text/html, {len(page)} bytes]",
        metadata=ResultMetadata(total_bytes=len(page)),
    )


async def test_a_long_page_comes_in_parts(world: World) -> None:
    world.pages = Pages(LOCAL)
    with Site({"/": answer(b"x" * 150_000, Content_Type="text/plain")}) as site:
        url = f"http://127.0.0.1:{site.port}/"
        first = await world.run("WebFetch", url=url)
        second = await world.run("WebFetch", url=url, offset=100_000)
        beyond = await world.failure("WebFetch", url=url, offset=150_000)

    assert first.text.endswith(
        f"x\n[{url}: text/plain, 150,000 bytes; characters 0 to 100,000 of 150,000: "
        "offset=100000 goes on]"
    )
    assert (len(first.text.split("\n")[0]), first.metadata.truncated) == (100_000, True)
    assert second.text == f"{'x' * 50_000}\n[{url}: text/plain, 150,000 bytes]"
    assert beyond == ("invalid_parameters", "offset 150,000: the page has 150,000 characters.")


async def test_a_redirect_to_another_host_is_told_and_not_followed(world: World) -> None:
    world.pages = Pages(LOCAL)
    there = "http://169.254.169.254/latest/meta-data/"
    with Site({"/": answer(b"", "302 Found", Location=there)}) as site:
        url = f"http://127.0.0.1:{site.port}/"
        text = await world.text("WebFetch", url=url)

    assert text == (
        f"{url} redirects to {there}, which is another host. It was not followed: "
        "call WebFetch with that address if you want it."
    )


@pytest.mark.parametrize(
    ("given", "code"), [(answer(b"no", "404 Not Found"), "http_status"), (b"?", "unreachable")]
)
async def test_what_is_no_page_is_a_failure_that_says_why(
    world: World, given: bytes, code: str
) -> None:
    world.pages = Pages(LOCAL)
    with Site({"/": given}) as site:
        failed, message = await world.failure("WebFetch", url=f"http://127.0.0.1:{site.port}/")

    assert failed == code
    assert f"127.0.0.1:{site.port}" in message


class Tarpit:
    """Answers one byte after the other, without end."""

    def __init__(self) -> None:
        self.reached = asyncio.Event()
        self.left = asyncio.Event()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        del reader
        self.reached.set()
        try:
            writer.write(b"HTTP/1.1 200 OK\r\nX: ")
            while True:
                writer.write(b"x")
                await writer.drain()
                await asyncio.sleep(0.05)
        except OSError:
            self.left.set()
        finally:
            writer.close()


@covers("R-WEB-3")
async def test_a_server_that_drips_is_left_in_time(world: World) -> None:
    world.pages = Pages(LOCAL, seconds=0.5)
    tarpit = Tarpit()
    async with await asyncio.start_server(tarpit.serve, "127.0.0.1", 0) as server:
        url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/"
        with pytest.raises(ToolFailure) as caught:
            await world.run("WebFetch", url=url)
        async with asyncio.timeout(20):
            await tarpit.left.wait()

    assert (caught.value.status, caught.value.message) == (
        "timeout",
        f"{url}: not fetched within 0.5 s.",
    )


async def test_a_cancelled_call_leaves_the_server_at_once(world: World) -> None:
    world.pages = Pages(LOCAL)
    tarpit = Tarpit()
    async with await asyncio.start_server(tarpit.serve, "127.0.0.1", 0) as server:
        url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/"
        call = asyncio.create_task(world.run("WebFetch", url=url))
        async with asyncio.timeout(10):
            await tarpit.reached.wait()
            call.cancel()
            await asyncio.wait([call])
            await tarpit.left.wait()

    assert call.cancelled()


async def test_a_bomb_of_tags_ends_by_itself_and_is_told(world: World) -> None:
    world.pages = Pages(LOCAL)
    html = b"<p>" + b"<i>" * 60_000
    began = time.monotonic()
    with Site({"/": answer(html, Content_Type="text/html")}) as site:
        text = await world.text("WebFetch", url=f"http://127.0.0.1:{site.port}/")

    assert "too deeply nested" in text
    assert time.monotonic() - began < 25


async def test_what_the_program_is_told_is_not_read_as_something_else(world: World) -> None:
    world.pages = Pages(LOCAL)
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    code, message = await world.failure("WebFetch", url=f"http://127.0.0.1:{port}/--help")

    assert (code, message) == (
        "unreachable",
        "127.0.0.1: nobody listens there (connection refused).",
    )
