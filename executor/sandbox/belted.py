"""The sandbox of one session on a Mac: looks at the machine, and puts each command behind Seatbelt.

It shares the machine's processes. Written without a Mac, and never run on one.
"""

import fcntl
import os
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

import msgspec

from executor.errors import SandboxBroken, not_set_up
from executor.sandbox import seatbelt
from executor.sandbox.hints import PROJECT_WRITABLE, hint
from executor.sandbox.launch import Launch
from executor.sandbox.limits import memory_of
from executor.sandbox.outline import outline
from executor.sandbox.premises import EVERYWHERE, Premises
from executor.sandbox.scan import Scan
from executor.sandbox.scratch import inner_environment, prepare
from executor.sandbox.surroundings import git_configuration, hidden_folders, shown_tools
from executor.workspace.waiting import in_thread

_PATH_BYTES = 1024


class Belted:
    """See `launch.Confinement`."""

    def __init__(self, premises: Premises, program: str = seatbelt.PROGRAM) -> None:
        self._premises = premises
        self._program = program
        self._shares_network = premises.network == EVERYWHERE
        self._scan = Scan(premises.project, premises.protected, premises.exposed)
        self._prepared = False

    @asynccontextmanager
    async def around(
        self, argv: tuple[str, ...], environment: Mapping[str, str], folder: int
    ) -> AsyncGenerator[Launch]:
        del folder  # what is started stays where it begins
        try:
            launch = await in_thread(lambda: self._launch(argv, environment))
        except (OSError, SandboxBroken) as error:
            raise not_set_up(error) from error
        yield launch

    async def broken(self, launch: Launch, code: int, output: bytes) -> str:
        """Nothing tells what sandbox-exec says of itself from what a command says."""
        del launch, code, output
        return ""

    def hint(self, output: bytes, mark: str) -> str:
        del mark
        return hint(output, PROJECT_WRITABLE, self._premises.network)

    async def close(self) -> None:
        pass

    def _launch(self, argv: tuple[str, ...], environment: Mapping[str, str]) -> Launch:
        premises = self._premises
        facts = premises.project.stat()
        if (facts.st_dev, facts.st_ino) != premises.identity:
            raise SandboxBroken("another folder stands in the project's place")
        if not self._prepared:
            prepare(premises, {})
            self._prepared = True
        bounds = msgspec.structs.replace(premises.bounds, memory_bytes=memory_of(premises.bounds))
        text = seatbelt.profile(self._sight(), shares_network=self._shares_network)
        places = {"HOME": str(premises.home_kept), "TMPDIR": str(premises.temporary)}
        inner = inner_environment(environment, closed=not self._shares_network)
        return Launch(
            (*seatbelt.arguments(self._program, text, bounds), *argv), {**inner, **places}
        )

    def _sight(self) -> seatbelt.Sight:
        premises = self._premises
        seen = outline(premises, self._scan)
        homes = hidden_folders(premises)
        hidden = (*homes, *map(Path, seatbelt.HIDDEN))
        tools = (*shown_tools(premises, hidden), *git_configuration(premises.home))
        own = (*premises.own, premises.scratch)
        return seatbelt.Sight(
            root=named(premises.project),
            homes=tuple(map(named, homes)),
            shown=tuple(map(named, tools)),
            writable=tuple(map(named, premises.writable)),
            own=tuple(map(named, own)),
            places=(named(premises.home_kept), named(premises.temporary)),
            readable=tuple(map(named, premises.readable)),
            names=premises.protected,
            repositories=seen.repositories,
            protected=seen.protected,
            secrets=seen.secrets,
        )


def named(path: Path) -> Path:
    """`path` as the kernel names it, which rules are compared with: links followed, and letters as
    they are on the disk."""
    real = os.path.realpath(path)
    command: int | None = getattr(fcntl, "F_GETPATH", None)
    if command is None or not os.path.exists(real):
        return Path(real)
    handle = os.open(real, os.O_RDONLY | os.O_CLOEXEC)
    try:
        told = fcntl.fcntl(handle, command, bytes(_PATH_BYTES))
    finally:
        os.close(handle)
    return Path(os.fsdecode(told.rstrip(b"\0")))
