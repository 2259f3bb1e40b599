"""What developers do all day goes on inside."""

import shutil
from pathlib import Path

import msgspec
import pytest

from executor.process.command import Exited
from tests.requirements import covers
from tests.security.sandbox.cell import Cell, Kind, confinement_of
from tests.security.sandbox.probes import PROBES

PTY = "import pty; pty.spawn(['echo', 'hi'])"
SHARED = (
    "import multiprocessing as m; q = m.get_context('fork').Queue(); q.put(1); print(q.get() == 1)"
)
SERVER = (
    "import socket, threading; s = socket.create_server(('127.0.0.1', 0)); "
    "threading.Thread(target=lambda: s.accept()[0].send(b'ok')).start(); "
    "print(socket.create_connection(s.getsockname()).recv(2) == b'ok')"
)
PACKAGE = '{"scripts": {"test": "node -e 0"}}'
UNIX_PAIR = "import socket; a, b = socket.socketpair(); a.send(b'x'); print(b.recv(1) == b'x')"


async def _works(cell: Cell, line: str) -> str:
    ended = await cell.ended(line)
    assert ended.outcome == Exited(0), (line, ended)
    return ended.output.head.decode()


@covers("R-SANDBOX-4")
@pytest.mark.parametrize(
    "line",
    [
        "echo x > src/new && mkdir src/d && mv src/new src/d/ && rm -r src/d",
        "cat < /dev/null > /dev/null; head -c 8 /dev/urandom | wc -c; echo x > $TMPDIR/f",
        "{python} src/app.py && {python} -m pytest --version",
        "ls -la / /usr /etc/passwd > $TMPDIR/listing || ls /usr /etc",
        "git status --short && git log -1 2>&1 | head -1; git diff --stat",
        f'{{python}} -c "{UNIX_PAIR}" | grep -q True',
        f'{{python}} -c "{PTY}"',
        "ps -ef > $TMPDIR/processes && cat /proc/cpuinfo | head -1 && df . && id -un",
        "command -v bash && sleep 0 & wait",
    ],
)
async def test_it_works_in_either(cell: Cell, line: str) -> None:
    await _works(cell, line)


@pytest.mark.parametrize(
    ("program", "line"),
    [
        ("gcc", "echo 'int main(void) { return 0; }' > src/a.c && gcc -o src/a src/a.c && src/a"),
        ("make", "printf 'all:\\n\\techo made > made\\n' > src/Makefile && make -C src"),
        ("node", "node -e \"require('child_process').execFileSync('true'); console.log(1)\""),
        ("npm", f"cd src && echo '{PACKAGE}' > package.json && npm test"),
    ],
)
async def test_a_tool_of_the_users_works_in_either(cell: Cell, program: str, line: str) -> None:
    if shutil.which(program) is None:
        pytest.skip(f"there is no {program} on this machine")
    await _works(cell, line)


@pytest.mark.parametrize("kind", ["bubblewrap"], indirect=True)
@pytest.mark.parametrize(
    "line",
    [
        "git add src && git -c user.name=a -c user.email=b commit -qm first && git log --oneline",
        "git checkout -qb other && git add src && git stash list && git branch",
        f'{{python}} -c "{SERVER}" | grep -q True',
        f'{{python}} -c "{SHARED}" | grep -q True',
        "echo x > new && mv new newer && rm newer && touch out.txt",
        "echo x > /tmp/kept && cat /dev/shm/none 2>&1 | grep -q such && echo x > /dev/shm/x",
    ],
)
async def test_it_works_in_namespaces(cell: Cell, line: str) -> None:
    await _works(cell, line)


async def test_what_is_put_into_tmp_is_there_for_the_next_command(cell: Cell) -> None:
    await _works(cell, "echo kept > $TMPDIR/note")

    assert await _works(cell, "cat $TMPDIR/note") == "kept\n"


async def test_a_failure_that_looks_like_the_sandboxs_is_told_as_that(cell: Cell) -> None:
    ended = await cell.ended("touch .git/hooks/x")

    assert "ran in a sandbox" in ended.hint
    assert (await cell.ended("exit 3")).hint == ""


async def test_an_open_network_opens_the_network_and_nothing_else(cell: Cell, kind: Kind) -> None:
    folder = Path(f"{cell.folder}-open")
    folder.mkdir()
    opened = Cell(folder, kind, ("all",))
    try:
        await opened.serve()
        reached = await opened.run(
            "{python} -c 'import socket; "
            'print(socket.create_connection(("127.0.0.1", {port})).recv(9))\''
        )
        assert "REACHED" in reached
        opened.accepted.clear()
        for probe in ("file_sockets", "abstract_sockets", "odd_families"):
            await opened.attempt(PROBES[probe])
    finally:
        await opened.close()


async def test_commands_of_a_user_without_a_home_run(cell: Cell, kind: Kind) -> None:
    nowhere = Path("/nonexistent")  # as the user database has it for some
    without = msgspec.structs.replace(cell.premises, home=nowhere)
    await cell.confinement.close()
    cell.use(confinement_of(kind, without))

    assert await _works(cell, "echo fine; echo x > src/made") == "fine\n"
    assert not nowhere.exists()
