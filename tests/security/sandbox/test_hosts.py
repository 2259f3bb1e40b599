"""Commands in a sandbox with a way out: real programs reach what is allowed, and nothing else."""

import asyncio
import http.server
import os
import shutil
import subprocess
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack
from functools import partial
from pathlib import Path

import pytest

from executor.bootstrap.confining import ChosenLate, Grounds
from executor.process.command import Exited
from executor.settings import Folders, Settings
from tests.requirements import covers
from tests.security.sandbox.cell import FINDINGS, Cell
from tests.security.sandbox.probes import PROBES

pytestmark = pytest.mark.skipif(FINDINGS.bubblewrap is None, reason="no bubblewrap on this machine")

CLONE = "git clone -q"
PROXIED = "NO_PROXY= no_proxy="
INSTALL = (
    "pip install -q --disable-pip-version-check --no-deps "
    "-i http://127.0.0.1:{site}/simple --target src/t tiny 2>/dev/null"
)
IMPORT = 'import sys; sys.path.append("src/t"); import tiny; print(tiny.word)'
URLLIB = (
    "import urllib.request as u; "
    'print(u.urlopen("http://127.0.0.1:{site}/page").read().decode(), end="")'
)
SOCKET = (
    'import socket; s = socket.create_connection(("localhost", {site})); '
    's.sendall(b"GET /page HTTP/1.0\\r\\n\\r\\n"); print(s.makefile().read()[-7:], end="")'
)
DIRECT = """{python} -c 'import socket
for family, kind, place in (
    (2, 1, ("127.0.0.1", {port})), (2, 1, ("93.184.216.34", 443)), (2, 1, ("1.1.1.1", 53)),
    (10, 1, ("::1", {port})), (10, 1, ("2606:4700:4700::1111", 443)),
    (2, 2, ("1.1.1.1", 53)), (10, 2, ("2606:4700:4700::1111", 53)),
):
    try:
        asking = socket.socket(family, kind); asking.settimeout(2); asking.connect(place)
        asking.send(b"x"); print("REACHED", place)
    except OSError: pass'"""
BY_PROXY = """{python} -c 'import socket
for place in ("127.0.0.1:{port}", "localhost:{port}", "[::1]:{port}", "evil.example:443",
              "169.254.169.254:80", "0x7f.1:{port}", "localhost:{allowed}@evil.example:80"):
    asking = socket.create_connection(("127.0.0.1", 3128), 2)
    asking.sendall(b"CONNECT %s HTTP/1.1\\r\\n\\r\\n" % place.encode())
    print(asking.recv(99).split(b":")[0])'"""
TAMPER = """way=$(ls -d {folder}/state/sandbox/way-out-*); ls $way
rm -f $way/*; echo x > $way/forwarder.pyc; mv $way $way.2; mkdir $way/sub; ln -s / $way/3
{python} -c 'import os, socket, sys
os.chdir(sys.argv[1])
for name in sorted(os.listdir(".")):
    try:
        asking = socket.socket(socket.AF_UNIX); asking.connect(name)
        asking.sendall(b"CONNECT 127.0.0.1:{port} HTTP/1.1\\r\\n\\r\\n"); print(asking.recv(12))
    except OSError as error: print(error.strerror)' $way"""


class _Files(http.server.SimpleHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base's own name
        """Not into the tests' output."""


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    """A server of files on this machine's loopback; its port."""
    folder = tmp_path_factory.mktemp("site")
    (folder / "big").write_bytes(os.urandom(2_000_000))
    (folder / "page").write_text("a page\n")
    _package(folder / "simple" / "tiny")
    _repository(folder)
    serving = partial(_Files, directory=str(folder))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), serving) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield server.server_address[1]
        server.shutdown()
        thread.join()


def _package(folder: Path) -> None:
    """What pip would find at an index: a wheel, made by hand."""
    folder.mkdir(parents=True)
    inside = folder / "inside"
    facts = inside / "tiny-1.0.dist-info"
    facts.mkdir(parents=True)
    (inside / "tiny.py").write_text("word = 'tiny was installed'\n")
    (facts / "METADATA").write_text("Metadata-Version: 2.1\nName: tiny\nVersion: 1.0\n")
    (facts / "WHEEL").write_text("Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
    (facts / "RECORD").write_text("tiny.py,,\n")
    wheel = folder / "tiny-1.0-py3-none-any.whl"
    shutil.make_archive(str(wheel), "zip", inside)
    wheel.with_name(f"{wheel.name}.zip").rename(wheel)
    shutil.rmtree(inside)
    (folder / "index.html").write_text(f'<a href="{wheel.name}">{wheel.name}</a>')


def _repository(folder: Path) -> None:
    work = folder / "work"
    git = ("git", "-c", "user.name=a", "-c", "user.email=b", "-C", str(work))
    subprocess.run(["git", "init", "-q", str(work)], check=True)
    (work / "README").write_text("cloned\n")
    subprocess.run([*git, "add", "."], check=True)
    subprocess.run([*git, "commit", "-qm", "x"], check=True)
    bare = folder / "repo.git"
    subprocess.run(["git", "clone", "-q", "--bare", str(work), str(bare)], check=True)
    subprocess.run(["git", "-C", str(bare), "update-server-info"], check=True)


@pytest.fixture
async def gated(tmp_path: Path, site: int) -> AsyncIterator[Cell]:
    folder = tmp_path / "cell"
    folder.mkdir()
    cell = Cell(folder, "bubblewrap", (f"localhost:{site}", f"127.0.0.1:{site}", "github.com"))
    yield cell
    await cell.close()


@covers("R-HOSTS-1")
@pytest.mark.parametrize(
    ("program", "line", "written"),
    [
        ("curl", "curl -sS http://localhost:{site}/page", "a page\n"),
        ("curl", "curl -sS http://127.0.0.1:{site}/page", "a page\n"),
        ("curl", "curl -sS --noproxy x -p http://localhost:{site}/big | wc -c", "2000000\n"),
        ("git", f"{PROXIED} {CLONE} http://127.0.0.1:{{site}}/repo.git src/r; cat src/r/README",
         "cloned\n"),
        ("pip", f"{PROXIED} {INSTALL}; {{python}} -c '{IMPORT}'", "tiny was installed\n"),
        ("sh", f"{PROXIED} {{python}} -c '{URLLIB}'", "a page\n"),
        ("sh", f"{{python}} -c '{SOCKET}'", "a page\n"),
    ],
)  # fmt: skip
async def test_programs_reach_an_allowed_host_by_what_they_always_do(
    gated: Cell, site: int, program: str, line: str, written: str
) -> None:
    if shutil.which(program) is None:
        pytest.skip(f"there is no {program} on this machine")
    ended = await gated.ended(line, site=site)

    assert ended.output.head.decode() == written, ended
    assert (ended.outcome, ended.left_behind, ended.hint) == (Exited(0), 0, "")
    assert {verdict for *_, verdict in gated.told} == {"allowed"}


@covers("R-HOSTS-1", "R-SANDBOX-2")
@pytest.mark.parametrize(
    "probe",
    ["http", "name_service", "shells_own_sockets", "ping", "local_servers", "file_sockets",
     "abstract_sockets", "ipv6", "read_executor_token"],
)  # fmt: skip
async def test_a_probe_reaches_nobody_where_other_hosts_are_allowed(
    gated: Cell, probe: str
) -> None:
    await gated.serve()
    await gated.attempt(PROBES[probe])


@covers("R-HOSTS-1")
async def test_nothing_but_the_proxy_leads_out(gated: Cell) -> None:
    await gated.serve()

    assert await gated.attempt(DIRECT) == ""


@covers("R-HOSTS-1", "R-HOSTS-2", "R-HOSTS-3")
async def test_the_proxy_leads_nowhere_else(gated: Cell, site: int) -> None:
    await gated.serve()

    written = await gated.attempt(BY_PROXY, allowed=site)

    assert written.splitlines() == [
        *["b'HTTP/1.1 403 Forbidden'"] * 5,
        *["b'HTTP/1.1 400 Bad Request'"] * 2,
    ]
    assert {verdict for *_, verdict in gated.told} == {"refused"}


async def test_the_way_out_can_be_neither_changed_nor_widened_from_within(gated: Cell) -> None:
    await gated.serve()
    written = await gated.attempt(TAMPER)

    assert written.splitlines()[:2] == ["1", "forwarder.pyc"]
    assert "b'HTTP/1.1 403'" in written
    again = await gated.run("ls {folder}/state/sandbox/way-out-*")
    await gated.close()
    assert again.split() == ["2", "forwarder.pyc"]
    assert not list((gated.folder / "state" / "sandbox").glob("way-out-*"))


@covers("R-HOSTS-4")
async def test_a_refused_host_is_named_also_where_the_command_ends_well(gated: Cell) -> None:
    ended = await gated.ended("curl -sS -m 5 https://evil.example/x 2>&1 || true")
    other = await gated.ended("echo permission denied")

    assert b"403" in ended.output.head
    assert ended.hint.startswith("The sandbox kept this command from evil.example:443. Do not")
    assert other.hint == ""
    assert gated.told == [("evil.example", 443, "refused")]


@pytest.mark.parametrize("entry", ["localhost", "127.0.0.1"])
async def test_a_port_of_this_machine_is_led_to_under_its_own_number(
    tmp_path: Path, site: int, entry: str
) -> None:
    cell = Cell(tmp_path, "bubblewrap", (f"{entry}:{site}", "localhost:3128"))
    written = await cell.run(
        "curl -sS http://127.0.0.1:{site}/page; curl -sS http://localhost:{site}/page; "
        "echo $HTTP_PROXY $NO_PROXY",
        site=site,
    )
    await cell.close()

    assert written.splitlines() == [
        *["a page"] * 2,
        "http://127.0.0.1:3129 localhost,127.0.0.1,::1",
    ]
    assert cell.told == [(entry, site, "allowed")]


async def test_what_runs_on_is_ended_and_counted_as_ever(gated: Cell) -> None:
    ended = await gated.ended("sleep 60 & echo begun")

    assert ended.output.head == b"begun\n"
    assert ended.left_behind == 1


async def test_a_server_of_the_commands_own_is_reached_past_the_proxy(gated: Cell) -> None:
    line = (
        "{python} -m http.server 8123 --bind 127.0.0.1 >/dev/null 2>&1 & "
        "for _ in $(seq 100); do curl -sSf -o /dev/null http://localhost:8123/ 2>/dev/null && "
        "echo reached && break; sleep 0.1; done; kill %1"
    )
    assert await gated.run(line) == "reached\n"
    assert gated.told == []


@pytest.mark.skipif(not FINDINGS.landlock, reason="no Landlock on this machine")
async def test_hosts_open_nothing_where_they_cannot_be_told_apart(tmp_path: Path) -> None:
    cell = Cell(tmp_path, "landlock", ("a.example",))
    await cell.serve()
    await cell.attempt(DIRECT)
    ended = await cell.ended("curl -sS https://a.example/ || exit 6")
    await cell.close()

    assert "no network: only bubblewrap can let single hosts through" in ended.hint


async def test_commands_that_begin_together_share_one_way_out(tmp_path: Path) -> None:
    project = tmp_path / "project"
    project.mkdir()
    folders = Folders(tmp_path / "config", tmp_path / "state", tmp_path / "run")
    settings = Settings(sandbox="bubblewrap", network=("a.example",))
    late = ChosenLate(Grounds(settings, folders, project, {"HOME": str(tmp_path / "home")}))
    handle = os.open(project, os.O_RDONLY)
    try:
        async with AsyncExitStack() as stack:
            begun = (late.around((name,), {}, handle) for name in ("a", "b"))
            launches = await asyncio.gather(*map(stack.enter_async_context, begun))
            ways = {Path(launch.argv[launch.argv.index("-S") + 2]).parent for launch in launches}
            assert len(ways) == 1
    finally:
        os.close(handle)
        await late.close()
