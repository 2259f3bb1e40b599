"""Commands in containers of a real engine, where one can be started."""

import asyncio
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import msgspec
import pytest

from executor.errors import ToolFailure
from executor.process.command import Command, Exited, NotStarted, TimedOut
from executor.process.live import Stream
from executor.process.programs import shell_argv
from executor.process.survivors import marked
from executor.sandbox.container import Contained
from tests.e2e.machine import Machine
from tests.executor.process.polling import until
from tests.scripted_model import ScriptedModel, call, calls, text
from tests.security.sandbox.cell import CANARY, PROCESSES, Cell
from tests.security.sandbox.probes import PROBES
from tests.servers.container_engine import CLIENT, IMAGE, NoEngine, container_engine, containers

_ENDLESS = frozenset({"nohup", "double_fork", "fork_bomb", "kill_executor"})
"""Probes of what is left of a command: there are tests of their own."""
_WITHOUT_PYTHON = sorted(
    name for name, line in PROBES.items() if "{python}" not in line and name not in _ENDLESS
)
"""The image has none."""


@pytest.fixture(scope="module")
def engine() -> Iterator[str]:
    try:
        with container_engine() as address:
            yield address
    except NoEngine as reason:
        pytest.skip(str(reason))


@pytest.fixture
async def contained(tmp_path: Path, engine: str) -> AsyncIterator[Cell]:
    """Its project's name needs every kind of quoting."""
    cell = Cell(tmp_path, "container", project='a, "b" ç', engine=engine)
    yield cell
    await cell.close()
    assert containers(engine) == []


async def test_probes_reach_nothing_from_a_container(contained: Cell) -> None:
    await contained.serve()
    probes = "\n".join(
        f"echo {name}; timeout 5 sh -c '{PROBES[name].strip().replace(chr(39), _QUOTE)}' </dev/null"
        for name in _WITHOUT_PYTHON
    )
    written = await contained.attempt(f"{probes}\necho all tried", watched=os.getpid())

    assert len(_WITHOUT_PYTHON) > 15
    assert written.endswith("all tried\n")
    assert "Is a directory" in written or "Read-only" in written


_QUOTE = "'\\''"


async def test_a_command_in_a_container_writes_as_its_user_and_ends_as_it_ends(
    contained: Cell,
) -> None:
    assert await contained.run("echo x > src/made; echo kept > ~/note; id -u") == f"{os.getuid()}\n"
    made = (contained.root / "src" / "made").stat()
    assert (made.st_uid, made.st_gid) == (os.getuid(), os.getgid())
    assert await contained.run("cat ~/note; cat .env") == "kept\n"
    for line, code in (("exit 7", 7), ("exit 125", 125), ("echo docker: x >&2; exit 127", 127)):
        assert (await contained.ended(line)).outcome == Exited(code)


async def test_what_a_command_in_a_container_writes_is_seen_while_it_runs(
    contained: Cell,
) -> None:
    seen = asyncio.Event()
    handle = os.open(contained.root, os.O_RDONLY)
    line = "echo begun; until [ -e src/go ]; do sleep 0.05; done; cd src; echo done"
    command = Command(shell_argv(line, tells_place=True), handle, "call", 30, tells_place=True)

    def see(_stream: Stream, _text: str) -> None:
        seen.set()

    task = asyncio.create_task(contained.processes.run(command, see))
    async with asyncio.timeout(20):
        await seen.wait()
    (contained.root / "src" / "go").touch()
    ended = await task
    os.close(handle)

    assert ended.output.head == b"begun\ndone\n"
    assert ended.place == f"{contained.root}/src\n".encode()


async def test_nothing_is_left_of_a_container_whose_command_was_cancelled_or_took_too_long(
    contained: Cell, engine: str
) -> None:
    line = "trap '' TERM; touch src/begun; setsid sleep 600 & sleep 600"
    task = asyncio.create_task(contained.run(line))
    await until((contained.root / "src" / "begun").exists, seconds=20)
    assert len(containers(engine)) == 1
    assert marked(f"{contained.owner}.call")
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    assert (containers(engine), marked(f"{contained.owner}.call")) == ([], [])

    (contained.root / "src" / "begun").unlink()
    assert (await contained.ended(line, 8.0)).outcome == TimedOut(8.0)
    assert (contained.root / "src" / "begun").exists()
    assert (containers(engine), marked(f"{contained.owner}.call")) == ([], [])
    assert sorted(os.listdir(contained.root)) == [".env", ".git", ".vscode", "src"]


_EXECUTOR = """
import asyncio, os, sys
from pathlib import Path
from tests.security.sandbox.cell import Cell
async def main():
    cell = Cell(Path(sys.argv[1]), "container", engine=sys.argv[2])
    await cell.ended("touch src/begun; sleep 600", 600)
asyncio.run(main())
"""


async def test_the_container_of_a_killed_executor_is_removed_by_the_next(
    contained: Cell, engine: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("killed")
    with subprocess.Popen([sys.executable, "-c", _EXECUTOR, str(folder), engine]) as executor:
        await until((folder / "project" / "src" / "begun").exists, seconds=20)
        executor.send_signal(signal.SIGKILL)
    left = containers(engine)
    assert len(left) == 1

    await contained.run("true")
    assert containers(engine) == []


async def test_forks_in_a_container_meet_their_bound(contained: Cell) -> None:
    line = "n=0; while [ $n -lt 400 ]; do sleep 30 & n=$((n+1)); echo $n; done"
    ended = await contained.ended(f"sh -c '{line}' 2>&1")

    written = ended.output.head.decode()
    assert "can't fork" in written
    assert 1 < max(int(word) for word in written.split() if word.isdigit()) <= PROCESSES


async def test_a_container_that_can_not_be_made_runs_nothing_and_says_why(
    contained: Cell,
) -> None:
    contained.use(Contained(contained.premises, CLIENT, f"{IMAGE}-none"))
    ended = await contained.ended("touch src/ran")
    assert ended.outcome == NotStarted(
        f"the container could not be set up: No such image: {IMAGE}-none"
    )

    await contained.processes.close()

    unfit = msgspec.structs.replace(contained.premises, writable=(Path("/proc/sys/kernel"),))
    contained.use(Contained(unfit, CLIENT, IMAGE))
    ended = await contained.ended("touch src/ran")
    assert isinstance(ended.outcome, NotStarted)
    assert "cannot be mounted because it is inside /proc" in ended.outcome.reason
    await contained.processes.close()

    environment = {**contained.environment, "DOCKER_HOST": f"unix://{contained.folder}/none.sock"}
    premises = msgspec.structs.replace(contained.premises, environment=environment)
    contained.use(Contained(premises, CLIENT, IMAGE))
    with pytest.raises(ToolFailure, match="the container engine does not answer: Cannot connect"):
        await contained.ended("touch src/ran")
    assert os.listdir(contained.root / "src") == ["app.py"]


async def test_a_folder_that_holds_a_place_in_a_container_is_empty_and_can_be_listed(
    contained: Cell,
) -> None:
    written = await contained.run(
        "ls .codegen && echo seen; touch .codegen/x 2>&1; rmdir .codegen 2>&1"
    )

    assert written.startswith("seen\n")
    assert not (contained.root / ".codegen").exists()


async def test_codegen_runs_its_commands_in_a_container(engine: str) -> None:
    with tempfile.TemporaryDirectory(prefix="cg-", dir="/tmp") as folder:
        machine = Machine(Path(folder).resolve())
        machine.environment["DOCKER_HOST"] = engine
        machine.config_file.write_text(f'[sandbox]\nkind = "container"\nimage = "{IMAGE}"\n')
        (machine.folder / "diary").write_text(CANARY)
        (machine.project / "src").mkdir()
        script = [
            calls(call("Shell", command="cd src; busybox | head -n 1 > box; cat ../../diary")),
            calls(call("Shell", command="pwd; touch ../.envrc; exit 3")),
            text("Done."),
        ]
        async with ScriptedModel(script) as model:
            machine.use_model(model.base_url)
            ran = await machine.codegen("--mode", "auto", "do it")
        machine.end_private_maestros()

        first, second = [str(model.requests[n].messages[-1]["content"]) for n in (1, 2)]
        assert (ran.code, ran.out) == (0, "Done.\n")
        assert (machine.project / "src" / "box").read_text().startswith("BusyBox")
        assert CANARY not in first
        assert f"{machine.project}/src\n" in second
        assert "exit code 3" in second
        assert os.listdir(machine.project) == ["src"]
    assert containers(engine) == []
