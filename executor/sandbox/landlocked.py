"""The sandbox of one session with Landlock and seccomp, where there are no namespaces to be had.

Looks at the machine in a thread. It shares the machine's processes and network, so it closes what
it can't divide: no sockets at all without the network, none of the file system's even with it.
"""

import asyncio
import base64
import os
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

from executor.errors import SandboxBroken, not_set_up
from executor.sandbox import landlock
from executor.sandbox.hints import hint
from executor.sandbox.landlock import DEVICE, LIST, READ, WRITE, Tree
from executor.sandbox.launch import Grant, Launch, Restrictions
from executor.sandbox.limits import Group, group_name, memory_of
from executor.sandbox.outline import outline
from executor.sandbox.premises import EVERYWHERE, Premises
from executor.sandbox.scan import Scan
from executor.sandbox.scratch import inner_environment, prepare
from executor.sandbox.seccomp import program as seccomp_program
from executor.sandbox.surroundings import (
    HIDDEN,
    closed_paths,
    git_configuration,
    hidden_folders,
    shown_tools,
)
from executor.workspace.waiting import in_thread

RULES = (
    "what is in the project's folders is writable, the project's first level and .git are not, "
    "the rest is read-only or hidden"
)
_DEVICES = ("null", "zero", "full", "random", "urandom", "ptmx", "pts")
_SYSTEM_APART = ("dev", "proc", "sys")
_TOOL_HOMES = {"PYENV_ROOT": ".pyenv", "RUSTUP_HOME": ".rustup", "NVM_DIR": ".nvm"}


class Landlocked:
    """See `launch.Confinement`."""

    def __init__(self, premises: Premises) -> None:
        self._premises = premises
        self._shares_network = premises.network == EVERYWHERE
        self._scan = Scan(premises.project, premises.protected, premises.exposed)
        self._looking = asyncio.Lock()
        self._machine: tuple[tuple[Grant, ...], str] | None = None
        self._group: Group | None = None

    @asynccontextmanager
    async def around(
        self, argv: tuple[str, ...], environment: Mapping[str, str], folder: int
    ) -> AsyncGenerator[Launch]:
        del folder  # a restricted process starts in it like any other
        async with self._looking:
            try:
                launch = await in_thread(lambda: self._prepared(argv, environment))
            except (OSError, SandboxBroken) as error:
                raise not_set_up(error) from error
        yield launch

    async def broken(self, launch: Launch, code: int, output: bytes) -> str:
        """A process that can't restrict itself becomes no command, and its warden says so."""
        del launch, code, output
        return ""

    def hint(self, output: bytes, mark: str) -> str:
        del mark
        return hint(output, RULES, self._premises.network)

    async def close(self) -> None:
        if self._group is not None:
            self._group.close()

    def _prepared(self, argv: tuple[str, ...], environment: Mapping[str, str]) -> Launch:
        premises = self._premises
        system, program = self._machine = self._machine or self._looked_at()
        if self._group is None:
            self._group = Group(group_name(self), premises.bounds)
        restrictions = Restrictions(
            project=str(premises.project),
            identity=premises.identity,
            handled_fs=landlock.HANDLED,
            handled_net=0 if self._shares_network else landlock.BIND_TCP | landlock.CONNECT_TCP,
            scoped=landlock.SCOPE_ABSTRACT_SOCKETS | landlock.SCOPE_SIGNALS,
            grants=(*system, *self._project()),
            filter=program,
            limits=self._limits(),
        )
        inner = inner_environment(environment, closed=not self._shares_network)
        places = {"HOME": str(premises.home_kept), "TMPDIR": str(premises.temporary)}
        tools = {
            name: str(premises.home / folder)
            for name, folder in _TOOL_HOMES.items()
            if name not in inner and (premises.home / folder).is_dir()
        }
        return Launch(
            argv, {**inner, **tools, **places}, join=self._group.join, restrictions=restrictions
        )

    def _project(self) -> tuple[Grant, ...]:
        """Its folders, one by one: a right to make files in the project's own folder would be one
        to make them in every protected folder beneath it."""
        seen = outline(self._premises, self._scan)
        readable = {*seen.protected, *(f"{path}/.keep-apart" for path in seen.repositories)}
        readable |= {*seen.missing, *seen.missing_commons}  # another session may hold their places
        secrets = frozenset(seen.secrets)
        apart = frozenset(readable | secrets | {".keep-apart"})
        found = Tree(self._premises.project, apart, READ, "").grants(WRITE)
        return tuple(grant for grant in found if grant.path not in secrets)

    def _limits(self) -> dict[str, int]:
        """The bound on processes is the kernel's for all of this user's, threads counted, so it
        counts from there on; the machine's are told at once, and are never fewer."""
        bounds = self._premises.bounds
        running = int(Path("/proc/loadavg").read_bytes().split()[3].partition(b"/")[2])
        return {
            "RLIMIT_CORE": 0,
            "RLIMIT_DATA": memory_of(bounds),
            "RLIMIT_NPROC": running + bounds.processes,
        }

    def _looked_at(self) -> tuple[tuple[Grant, ...], str]:
        premises = self._premises
        sockets = "shared network" if self._shares_network else "none"
        program = seccomp_program(os.uname().machine, sockets, own_ipc=False)
        if program is None:
            raise SandboxBroken(f"no seccomp filter is known for {os.uname().machine}")
        prepare(premises, {})
        hidden = hidden_folders(premises)
        own = (*premises.own, premises.scratch)
        closed = (*hidden, *closed_paths(), *own, *map(Path, HIDDEN), premises.project)
        apart = frozenset(str(path.relative_to("/")) for path in closed) | {*_SYSTEM_APART}
        # The root's own listing would be that of every folder.
        system = [
            grant
            for grant in Tree(Path("/"), apart, 0, "/").grants(READ)
            if grant.rights != LIST or grant.path == "/etc"
        ]
        system += [Grant(str(path), READ) for path in shown_tools(premises, hidden)]
        system += [Grant(str(path), READ) for path in git_configuration(premises.home)]
        system += [Grant(str(path), READ) for path in premises.readable]
        system += [Grant(str(path), WRITE) for path in premises.writable]
        system += [Grant(str(path), WRITE) for path in (premises.home_kept, premises.temporary)]
        system += [Grant(f"/dev/{name}", DEVICE | READ) for name in _DEVICES]
        system += [Grant("/proc", READ), Grant("/sys", READ)]
        return tuple(system), base64.b64encode(program).decode()
