"""What a command costs in each sandbox of this machine.

    python -m benchmarks.sandbox [--commands 60] [--json FILE] [--quick]

A fresh git repository with a secret file, and your own home and tools around it; `echo ok` runs in
each sandbox in turn, one command after the other, through the same warden as in a session. Beside
them a bare bubblewrap (the system read-only, namespaces, and no more), started with a plain spawn.
"""

import argparse
import asyncio
import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import msgspec

from benchmarks.report import add_options, machine, machine_line, percentile, write_json
from benchmarks.table import table
from executor.bootstrap.confining import ChosenLate, Grounds, chosen
from executor.errors import UsageError
from executor.process.command import Command, Exited
from executor.process.processes import Processes
from executor.process.programs import shell_argv
from executor.sandbox.bubblewrap import NAMESPACES
from executor.sandbox.detect import find
from executor.sandbox.launch import Launch
from executor.settings import Folders, SandboxWish, Settings

KINDS: tuple[SandboxWish, ...] = ("none", "landlock", "bubblewrap")
PARTS = ("whole", "prepare", "launch", "close")
_LINE = "echo ok"
_TIMEOUT_S = 30.0


class Measured(msgspec.Struct, frozen=True):
    """Milliseconds of each command, by part; `launch` is the command itself too."""

    sandbox: str
    ms: dict[str, list[float]]


class Report(msgspec.Struct, frozen=True):
    machine: dict[str, str]
    commands: int
    sandboxes: list[Measured]
    bare_bubblewrap_ms: list[float]


class Timed:
    """A confinement whose parts are timed; see `executor.sandbox.launch.Confinement`."""

    def __init__(self, inner: ChosenLate) -> None:
        self._inner = inner
        self.prepare_ms = self.close_ms = 0.0

    @asynccontextmanager
    async def around(
        self, argv: tuple[str, ...], environment: Mapping[str, str], folder: int
    ) -> AsyncGenerator[Launch]:
        async with AsyncExitStack() as put_up:
            began = time.perf_counter()
            launch = await put_up.enter_async_context(self._inner.around(argv, environment, folder))
            self.prepare_ms = (time.perf_counter() - began) * 1000
            yield launch
            began = time.perf_counter()
        self.close_ms = (time.perf_counter() - began) * 1000

    async def broken(self, launch: Launch, code: int, output: bytes) -> str:
        return await self._inner.broken(launch, code, output)

    def hint(self, output: bytes, mark: str) -> str:
        return self._inner.hint(output, mark)

    async def close(self) -> None:
        await self._inner.close()


class Session:
    """Commands in one project and one sandbox."""

    def __init__(self, kind: SandboxWish, folder: Path, environment: Mapping[str, str]) -> None:
        project = _project(folder / "project")
        folders = Folders(folder / "config", folder / "state", folder / "run")
        settings = Settings(sandbox=kind)
        chosen(settings, folders)
        self.measured = Measured(kind, {part: [] for part in PARTS})
        self._timed = Timed(ChosenLate(Grounds(settings, folders, project, environment)))
        self._folder = os.open(project, os.O_RDONLY | os.O_DIRECTORY)
        self._processes = Processes(f"bench-{kind}", environment, None, self._timed)

    async def command(self, *, counts: bool) -> None:
        began = time.perf_counter()
        ended = await self._processes.run(
            Command(shell_argv(_LINE), self._folder, "call", _TIMEOUT_S)
        )
        whole = (time.perf_counter() - began) * 1000
        assert ended.outcome == Exited(0), ended
        if counts:
            prepare, close = self._timed.prepare_ms, self._timed.close_ms
            parts = (whole, prepare, whole - prepare - close, close)
            for name, figure in zip(PARTS, parts, strict=True):
                self.measured.ms[name].append(figure)

    async def close(self) -> None:
        await self._processes.close()
        os.close(self._folder)


def _project(root: Path) -> Path:
    (root / "src").mkdir(parents=True)
    (root / "src" / "app.py").write_text("print('fine')\n")
    (root / "README.md").write_text("A project.\n")
    (root / ".env").write_text("KEY=not-for-commands\n")
    subprocess.run([shutil.which("git") or "/usr/bin/git", "init", "-q", str(root)], check=True)
    return root


def _sessions(folder: Path, environment: Mapping[str, str]) -> list[Session]:
    """One for each sandbox that this machine can do."""
    made: list[Session] = []
    for kind in KINDS:
        try:
            made.append(Session(kind, folder / kind, environment))
        except UsageError as missing:
            print(f"{kind} is left out: {missing}")
    return made


def _bare(program: str) -> float:
    view = ("--ro-bind", "/", "/", "--dev", "/dev", "--proc", "/proc", "--unshare-net")
    argv = (program, *NAMESPACES, *view, "--", *shell_argv(_LINE))
    began = time.perf_counter()
    subprocess.run(argv, stdin=subprocess.DEVNULL, capture_output=True, check=True)
    return (time.perf_counter() - began) * 1000


async def _measure(folder: Path, commands: int, environment: Mapping[str, str]) -> Report:
    sessions = _sessions(folder, environment)
    program = find(folder / "found.json").bubblewrap
    bare: list[float] = []
    try:
        for number in range(commands + 1):
            for session in sessions:
                await session.command(counts=number > 0)  # the first looks at the machine
            if program is not None and number > 0:
                bare.append(_bare(program))
    finally:
        for session in sessions:
            await session.close()
    return Report(machine(), commands, [session.measured for session in sessions], bare)


def _rows(report: Report) -> list[tuple[str, ...]]:
    def both(figures: Sequence[float]) -> tuple[str, str]:
        return f"{percentile(figures, 0.5):.1f}", f"{percentile(figures, 0.95):.1f}"

    rows = [
        (one.sandbox, *(cell for part in PARTS for cell in both(one.ms[part])))
        for one in report.sandboxes
    ]
    if report.bare_bubblewrap_ms:
        rest = ("",) * (2 * len(PARTS) - 2)
        rows.append(("a bare bubblewrap, no warden", *both(report.bare_bubblewrap_ms), *rest))
    return rows


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.sandbox")
    parser.add_argument("--commands", type=int, default=60, help="in each sandbox")
    add_options(parser)
    given = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory(prefix="cg-", dir="/var/tmp") as name:
        commands = 3 if given.quick else given.commands
        report = asyncio.run(_measure(Path(name), commands, dict(os.environ)))
    print(machine_line(report.machine), end="\n\n")
    heads = [word for part in PARTS for word in (f"{part} ms", "p95")]
    print(table(("sandbox", *heads), _rows(report)))
    write_json(given.json, report)


if __name__ == "__main__":
    main()
