"""The sandbox of one session with bubblewrap: looks at the machine, and wraps each command.

Everything here that touches the disk does so in a thread.
"""

import asyncio
import os
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

import msgspec

from executor.errors import SandboxBroken, not_set_up
from executor.sandbox import bubblewrap
from executor.sandbox.hints import PROJECT_WRITABLE, hint
from executor.sandbox.launch import Held, Launch, Opened
from executor.sandbox.limits import Group, group_name, memory_of, namespace_bound
from executor.sandbox.outline import COMMON_FOLDER_CONTENT, Outline, outline
from executor.sandbox.premises import EVERYWHERE, Premises
from executor.sandbox.scan import Scan
from executor.sandbox.scratch import inner_environment, prepare
from executor.sandbox.seccomp import program as seccomp_program
from executor.sandbox.status import StatusFiles, said, was_begun
from executor.sandbox.stubs import Stubs
from executor.sandbox.surroundings import (
    TEMPORARY,
    closed_paths,
    git_configuration,
    hidden_folders,
    kernel_settings,
    listening_sockets,
    shown_tools,
)
from executor.workspace.waiting import in_thread


class _Machine(msgspec.Struct, frozen=True):
    """What is looked at once: it changes with what is installed, not with what commands do."""

    hidden: tuple[Path, ...]
    places: tuple[tuple[Path, Path], ...]
    readable: tuple[Path, ...]
    closed: tuple[Path, ...]
    group: Group
    namespace_bound: int | None


class _Looks(msgspec.Struct, frozen=True):
    """What is looked at before each command; while it is the same, so are the arguments."""

    seen: Outline
    held: tuple[str, ...]
    kernel: tuple[Path, ...]
    sockets: tuple[Path, ...]
    are_folders: tuple[bool, ...]
    """Of the secrets: which are shut as folders."""
    workdir: str


class Bubblewrapped:
    """See `launch.Confinement`."""

    def __init__(self, premises: Premises, program: str, *, takes_handle: bool) -> None:
        self._premises = premises
        self._program = program
        self._takes_handle = takes_handle
        self._shares_network = premises.network == EVERYWHERE
        self._scan = Scan(premises.project, premises.protected, premises.exposed)
        self._statuses = StatusFiles(premises.scratch)
        self._looking = asyncio.Lock()
        self._machine: _Machine | None = None
        self._filter: str | None = None
        self._last: tuple[_Looks, tuple[str, ...]] | None = None

    @asynccontextmanager
    async def around(
        self, argv: tuple[str, ...], environment: Mapping[str, str], folder: int
    ) -> AsyncGenerator[Launch]:
        held: list[Stubs] = []
        status = self._statuses.take()
        try:
            async with self._looking:
                launch = await in_thread(lambda: self._prepared(held, argv, environment, folder))
            told = Opened(bubblewrap.STATUS_AT, status, written=True)
            yield msgspec.structs.replace(launch, opened=(*launch.opened, told))
        except SandboxBroken as error:
            raise not_set_up(error) from error
        finally:
            self._statuses.give_back(status)
            for stubs in held:
                await in_thread(stubs.close)

    async def broken(self, launch: Launch, code: int, output: bytes) -> str:
        if code != bubblewrap.BROKEN:
            return ""
        path = next(file.path for file in launch.opened if file.written)
        begun = await in_thread(lambda: was_begun(path))
        return "" if begun else f"the sandbox could not be set up: {said(output, b'bwrap')}"

    def hint(self, output: bytes, mark: str) -> str:
        del mark
        return hint(output, PROJECT_WRITABLE, self._premises.network, by_host=True)

    async def close(self) -> None:
        if self._machine is not None:
            self._machine.group.close()
            await in_thread(self._statuses.close)

    def _prepared(
        self,
        held: list[Stubs],
        argv: tuple[str, ...],
        environment: Mapping[str, str],
        folder: int,
    ) -> Launch:
        """What is put up for the command goes into `held` as soon as it stands."""
        premises = self._premises
        try:
            machine = self._machine = self._machine or self._looked_at()
            workdir = os.readlink(f"/proc/self/fd/{folder}")
            seen = outline(premises, self._scan)
            names: dict[str, bytes | None] = dict.fromkeys(seen.missing)
            names |= dict.fromkeys(seen.missing_commons, COMMON_FOLDER_CONTENT)
            stubs = Stubs(premises.project, names, premises.scratch)
            held.append(stubs)
            looks = _Looks(
                seen,
                stubs.put_up(),
                kernel_settings(),
                listening_sockets(premises, machine.hidden),
                tuple(os.path.isdir(premises.project / path) for path in seen.secrets),
                workdir,
            )
        except OSError as error:
            raise SandboxBroken(str(error)) from error
        if self._last is None or self._last[0] != looks:
            self._last = looks, self._own_arguments(machine, self._sight(machine, looks), workdir)
        return Launch(
            (*self._last[1], *argv),
            inner_environment(environment, closed=not self._shares_network),
            opened=self._opened(machine),
            folder_at=bubblewrap.FOLDER_AT,
            join=machine.group.join,
            held=_held(premises, names),
        )

    def _own_arguments(
        self, machine: _Machine, sight: bubblewrap.Sight, workdir: str
    ) -> tuple[str, ...]:
        premises = self._premises
        bounds = msgspec.structs.replace(premises.bounds, memory_bytes=memory_of(premises.bounds))
        return bubblewrap.arguments(
            self._program,
            sight,
            workdir,
            bounds=bounds,
            shares_network=self._shares_network,
            takes_handle=self._takes_handle,
            filtered=self._filter is not None,
            namespace_bound=machine.namespace_bound,
        )

    def _sight(self, machine: _Machine, looks: _Looks) -> bubblewrap.Sight:
        premises = self._premises
        project = premises.project
        seen, held = looks.seen, looks.held
        commons = set(seen.missing_commons)
        inside = tuple(path for path in premises.own if path.is_relative_to(project))
        return bubblewrap.Sight(
            kernel=looks.kernel,
            hidden=machine.hidden,
            places=machine.places,
            readable=(*machine.readable, *premises.readable),
            writable=premises.writable,
            project=project,
            kept_writable=seen.repositories,
            protected=seen.protected,
            shut=(
                *(project / path for path in seen.secrets),
                *(project / path for path in held if path not in commons),
                *inside,
                *looks.sockets,
            ),
            closed=machine.closed,
            constant=tuple((premises.scratch / "dot", path) for path in held if path in commons),
        )

    def _opened(self, machine: _Machine) -> tuple[Opened, ...]:
        premises = self._premises
        project = Opened(bubblewrap.PROJECT_AT, str(premises.project), premises.identity)
        return (
            *(
                (Opened(bubblewrap.FILTER_AT, str(premises.scratch / self._filter)),)
                if self._filter
                else ()
            ),
            *((project,) if self._takes_handle else ()),
            *(
                (Opened(bubblewrap.SETTINGS_AT, bubblewrap.SETTINGS),)
                if machine.namespace_bound is not None
                else ()
            ),
        )

    def _looked_at(self) -> _Machine:
        premises = self._premises
        sockets = "shared network" if self._shares_network else "own network"
        program = seccomp_program(os.uname().machine, sockets, own_ipc=True)
        self._filter = None if program is None else f"filter for {sockets}"
        files = {"dot": COMMON_FOLDER_CONTENT}
        prepare(premises, files if program is None else {**files, str(self._filter): program})
        self._statuses.remove_left()
        hidden = (*hidden_folders(premises),)
        own = [path for path in premises.own if path.is_dir() and not _beneath(path, hidden)]
        hidden = (*hidden, *(path for path in own if not path.is_relative_to(premises.project)))
        readable = (*shown_tools(premises, hidden), *git_configuration(premises.home))
        group = Group(group_name(self), premises.bounds)
        bound = None if group.join else namespace_bound(premises.bounds)
        places = [(premises.temporary, TEMPORARY)]  # first: homes in there are laid over it
        if premises.home.is_dir() or _beneath(premises.home, hidden):
            places.append((premises.home_kept, premises.home))
        return _Machine(hidden, tuple(places), readable, closed_paths(), group, bound)


def _held(premises: Premises, names: Mapping[str, bytes | None]) -> Held:
    told = {name: None if text is None else text.decode() for name, text in names.items()}
    return Held(str(premises.project), told, str(premises.scratch))


def _beneath(path: Path, folders: tuple[Path, ...]) -> bool:
    return any(path.is_relative_to(folder) for folder in folders)
