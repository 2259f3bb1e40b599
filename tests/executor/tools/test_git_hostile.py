"""`Git` in repositories that name programs: none of them runs, and each of them would."""

import http.server
import os
import signal
import subprocess
import threading
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from executor.errors import ToolFailure
from executor.process.git import hardened
from tests.executor.tools.hostile_git import BROAD, COMMANDS, HOSTILE, OFTEN, git
from tests.executor.tools.world import World
from tests.requirements import covers

SECONDS = 5.0


class _Locked(http.server.BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(401)
        self.send_header("WWW-Authenticate", 'Basic realm="x"')
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        """To nobody."""


@pytest.fixture(scope="module")
def site() -> Iterator[str]:
    """A server that wants to know who asks."""
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Locked) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


@pytest.fixture
def repository(world: World, site: str) -> Path:
    """Two branches that conflict, a change that is not committed, a remote."""
    root = world.root
    git(root, "init", "-q", "-b", "main")
    git(root, "config", "user.name", "Test")
    git(root, "config", "user.email", "test@example.invalid")
    for branch, content in (("main", "one\n"), ("side", "side\n")):
        git(root, "checkout", "-q", "-B", branch)
        world.file("a.txt", content)
        git(root, "add", ".")
        git(root, "commit", "-qm", branch)
    git(root, "switch", "-q", "main")
    git(root, "config", "remote.origin.url", site)
    git(root, "config", "remote.origin.fetch", "+refs/heads/*:refs/remotes/origin/*")
    world.file("a.txt", "two\n")
    return root


@pytest.fixture
def evil(world: World) -> Path:
    """A program that leaves a trace, `ran`, beside it."""
    program = world.outside / "evil.sh"
    program.write_text(f"#!/bin/sh\necho $0 $@ >> {world.outside}/ran\n")
    program.chmod(0o755)
    return program


@covers("R-GIT-2")
@pytest.mark.parametrize("hostility", HOSTILE)
async def test_nothing_that_a_repository_names_is_run(
    world: World, repository: Path, evil: Path, hostility: str
) -> None:
    HOSTILE[hostility](repository, str(evil))

    marker = evil.with_name("ran")
    for args in COMMANDS if hostility in BROAD else OFTEN:
        with suppress(ToolFailure):  # an alias of the repository is refused
            await world.run("Git", args=list(args))
        assert not marker.exists(), (args, marker.read_text())


@pytest.mark.parametrize("hostility", HOSTILE)
def test_a_git_that_nobody_holds_back_would_run_it(
    repository: Path, evil: Path, hostility: str
) -> None:
    HOSTILE[hostility](repository, str(evil))

    for args in COMMANDS if hostility in BROAD else OFTEN:
        if args[0] in ("difftool", "mergetool") and "tool" not in hostility:
            continue  # which would open whatever editor there is, and wait
        _at_a_terminal(repository, args)
        if evil.with_name("ran").exists():
            return
    pytest.fail("none of the commands runs it: the case proves nothing")


@pytest.mark.parametrize("command", ["log", "diff"])
def test_at_a_terminal_too_the_repositorys_pager_is_not_run(
    repository: Path, evil: Path, command: str
) -> None:
    HOSTILE["pager"](repository, str(evil))
    named = ("core.pager", "pager.log", "pager.diff")
    configuration = "".join(f"local\0{key}\nx\0" for key in named).encode()

    _at_a_terminal(repository, hardened((command,), configuration))

    assert not evil.with_name("ran").exists()


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("hook.linter.command", "true"),  # of git 2.54: `git help hook`
        ("sendemail.work.sendmailcmd", "false"),
        ("trailer.x.cmd", ""),
        ("filter.a.b.clean", ""),
    ],
)
def test_of_two_values_for_a_program_the_later_runs_nothing(key: str, value: str) -> None:
    arguments = hardened(("commit", "-m", "x"), f"local\0{key}\n/evil.sh\0".encode())
    assert f"{key}={value}" in arguments[: arguments.index("commit")]
    assert not any("evil" in word for word in arguments)
    own = hardened(("commit", "-m", "x"), f"global\0{key}\n/mine.sh\0".encode())
    assert not any(word.startswith(key) for word in own)


def _at_a_terminal(root: Path, args: tuple[str, ...]) -> None:
    """Run git as a user would, with an editor that changes nothing."""
    environment = {"PATH": os.environ["PATH"], "HOME": str(root.parent), "TERM": "xterm"}
    ours, theirs = os.openpty()
    reading = threading.Thread(target=_drained, args=(ours,))
    reading.start()
    program = subprocess.Popen(
        ["git", *args],
        cwd=root,
        stdin=subprocess.DEVNULL,
        stdout=theirs,
        stderr=theirs,
        env=environment | {"EDITOR": "true"},
        start_new_session=True,
    )
    os.close(theirs)
    try:
        program.wait(SECONDS)
    finally:
        with suppress(ProcessLookupError):  # what it has left has the terminal still
            os.killpg(program.pid, signal.SIGKILL)
        program.wait()
        reading.join()
        os.close(ours)


def _drained(descriptor: int) -> None:
    with suppress(OSError):
        while os.read(descriptor, 65536):
            pass
