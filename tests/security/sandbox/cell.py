"""A machine in a folder (a home with secrets, an executor's state, a project), and a sandbox in it.

Real files, servers and processes; judges what was reached, not how it was tried.
"""

import asyncio
import os
import secrets
import socket
import subprocess
import sys
from collections.abc import Callable, Coroutine, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Literal

from executor.network.reach import reach_of
from executor.policy.places import PROTECTED_FOLDERS, PROTECTED_NAMES
from executor.process.command import Command, Ended
from executor.process.processes import Processes
from executor.process.programs import shell_argv
from executor.sandbox.container import Contained
from executor.sandbox.detect import look
from executor.sandbox.gated import gated
from executor.sandbox.landlocked import Landlocked
from executor.sandbox.launch import Confinement
from executor.sandbox.namespaced import Bubblewrapped
from executor.sandbox.premises import EVERYWHERE, Bounds, Network, Premises
from tests.servers.container_engine import CLIENT, IMAGE

Kind = Literal["bubblewrap", "landlock", "container"]

Answer = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Coroutine[None, None, None]]
CANARY = "canary-7f31"
REACHED = "REACHED"
SECRETS = (
    "home/.ssh/id_ed25519", "home/.aws/credentials", "state/token", "outside.txt", "home/.bashrc",
)  # fmt: skip
PROCESSES = 64

FINDINGS = look()


class Cell:
    """One project, one sandbox, and what is to stay as it is."""

    def __init__(
        self,
        folder: Path,
        kind: Kind,
        network: Network = (),
        *,
        project: str = "project",
        engine: str = "",
    ) -> None:
        """`engine`: the address of the one that makes containers."""
        self.folder = folder
        self.home = folder / "home"
        self.root = folder / project
        self.port = 0
        self.accepted: list[str] = []
        self._servers: list[asyncio.Server] = []
        for name in SECRETS:
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_text(f"{CANARY}\n")
        self.foreign = Path("/tmp") / f"foreign-{secrets.token_hex(6)}"
        self.foreign.write_text(f"{CANARY}\n")
        self._project()
        self.environment = {
            "PATH": f"{Path(sys.executable).parent}:.::bin:{os.environ['PATH']}",
            "HOME": str(self.home),
            "XDG_CONFIG_HOME": str(self.home / ".config"),
            "LANG": "C.UTF-8",
            **({"DOCKER_HOST": engine} if engine else {}),
            **_POISON,
        }
        self.told: list[tuple[str, int, str]] = []
        self.premises = self._premises(network)
        self.confinement = self._confinement(kind)
        self.owner = f"cell-{secrets.token_hex(6)}"
        self.use(self.confinement)
        self._before = self._outside()

    def use(self, confinement: Confinement) -> None:
        """Run what follows in there."""
        self.confinement = confinement
        self.processes = Processes(self.owner, self.environment, None, confinement)

    def _confinement(self, kind: Kind) -> Confinement:
        if kind == "landlock" or self.premises.network in ((), EVERYWHERE):
            return confinement_of(kind, self.premises)
        reach = reach_of(self.premises.network, ())
        return gated(self.premises, _bubblewrapped, reach, self._tell)

    def _tell(self, mark: str, host: str, port: int, verdict: str) -> None:
        assert mark == f"{self.owner}.call"
        self.told.append((host, port, verdict))

    def _project(self) -> None:
        self.root.mkdir()
        (self.root / "src").mkdir()
        (self.root / "src" / "app.py").write_text("print('fine')\n")
        (self.root / ".env").write_text(f"KEY={CANARY}\n")
        (self.root / ".vscode").mkdir()
        (self.root / ".vscode" / "settings.json").write_text("{}\n")
        subprocess.run(["git", "init", "-q", str(self.root)], check=True)

    def _premises(self, network: Network) -> Premises:
        facts = self.root.stat()
        return Premises(
            project=self.root,
            identity=(facts.st_dev, facts.st_ino),
            home=self.home,
            scratch=self.folder / "state" / "sandbox",
            environment=self.environment,
            protected=frozenset((*PROTECTED_FOLDERS, *PROTECTED_NAMES)),
            own=(self.folder / "state",),
            network=network,
            bounds=Bounds(processes=PROCESSES, memory_bytes=1 << 30),
        )

    async def serve(self) -> None:
        """Servers of the machine's own that answer whoever comes."""
        server = await asyncio.start_server(self._answer("tcp"), "127.0.0.1", 0)
        self.port = server.sockets[0].getsockname()[1]
        self._servers.append(server)
        with suppress(OSError):
            self._servers.append(await asyncio.start_server(self._answer("tcp6"), "::1", self.port))
        for path in (self.home / "agent.sock", self.root / "src" / "no.sock"):
            with suppress(OSError):
                self._servers.append(await asyncio.start_unix_server(self._answer(path.name), path))
        abstract = socket.socket(socket.AF_UNIX)
        abstract.bind(f"\0{self.abstract}")
        self._servers.append(
            await asyncio.start_unix_server(self._answer("abstract"), sock=abstract)
        )

    @property
    def abstract(self) -> str:
        return f"cell-{self.folder.name}-{os.getpid()}"

    async def run(self, line: str, **named: object) -> str:
        """What `line` writes, in the sandbox; names in braces stand for places of this machine."""
        return (await self.ended(line, 20, **named)).output.head.decode("utf-8", "replace")

    async def ended(self, line: str, within: float = 20, **named: object) -> Ended:
        places: Mapping[str, object] = {
            "python": sys.executable, "home": self.home, "folder": self.folder, "port": self.port,
            "foreign": self.foreign, "pid": os.getpid(), "abstract": self.abstract, **named,
        }  # fmt: skip
        for name, place in places.items():
            line = line.replace("{" + name + "}", str(place))
        handle = os.open(self.root, os.O_RDONLY)
        try:
            return await self.processes.run(Command(shell_argv(line), handle, "call", within))
        finally:
            os.close(handle)

    async def attempt(self, line: str, **named: object) -> str:
        """Run a probe: whatever it wrote, it must have reached and changed nothing out there."""
        written = await self.run(line, **named)
        assert CANARY not in written
        assert REACHED not in written
        assert self._outside() == self._before
        assert self.accepted == []
        return written

    def _outside(self) -> dict[str, bytes]:
        """Whatever no command may change."""
        kept = [self.folder / name for name in SECRETS]
        kept += [self.foreign, self.root / ".env", *self._guarded()]
        content = {str(path): path.read_bytes() for path in kept if path.is_file()}
        found = (self.folder.glob("*"), self.home.rglob("*"), Path("/etc").glob("codegen-*"))
        names = sorted(str(path) for paths in found for path in paths if not path.is_socket())
        return {**content, "": "\n".join(names).encode()}

    def _guarded(self) -> list[Path]:
        root = self.root
        folders = (root / ".git" / "hooks", root / ".vscode", root / ".codegen")
        inside = [path for folder in folders for path in folder.rglob("*")]
        return [*inside, *(root / name for name in (".git/config", ".bashrc", ".envrc"))]

    def _answer(self, name: str) -> Answer:
        async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            del reader
            self.accepted.append(name)
            writer.write(REACHED.encode())
            writer.close()

        return answer

    async def close(self) -> None:
        await self.processes.close()
        for server in self._servers:
            server.close()
        self.foreign.unlink(missing_ok=True)


_POISON = {
    "OPENAI_API_KEY": CANARY, "MY_TOKEN": CANARY, "DB_SECRET": CANARY, "GIT_DIR": "/nowhere",
    "BASH_ENV": "/nowhere", "PYTHONSTARTUP": "/nowhere", "NODE_OPTIONS": "--nowhere",
    "PERL5OPT": "-Mnowhere", "LD_PRELOAD": "/nowhere.so", "SSH_AUTH_SOCK": "/nowhere",
}  # fmt: skip


def confinement_of(kind: Kind, premises: Premises) -> Confinement:
    if kind == "landlock":
        return Landlocked(premises)
    return Contained(premises, CLIENT, IMAGE) if kind == "container" else _bubblewrapped(premises)


def _bubblewrapped(premises: Premises) -> Confinement:
    assert FINDINGS.bubblewrap is not None
    return Bubblewrapped(premises, FINDINGS.bubblewrap, takes_handle=FINDINGS.takes_handle)
