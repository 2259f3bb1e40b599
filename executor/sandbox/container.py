"""Confine each command in a container of docker or podman, where the user asks for that.

Makes arguments; the image is the user's choice, and so is what runs in it.
"""

import os
import secrets
import subprocess
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager, suppress
from pathlib import Path

from executor.errors import SandboxBroken, ToolFailure
from executor.sandbox.hints import hint, network_words
from executor.sandbox.launch import MARK, Launch
from executor.sandbox.limits import memory_of
from executor.sandbox.outline import Outline, outline
from executor.sandbox.premises import EVERYWHERE, Premises
from executor.sandbox.scan import Scan
from executor.sandbox.scratch import prepare
from executor.sandbox.stubs import Stubs
from executor.sandbox.surroundings import TEMPORARY
from executor.workspace.waiting import in_thread

_ENGINE_NEEDS = ("PATH", "HOME", MARK)
_NOT_PASSED = frozenset({"PATH", "HOME", "SHELL", "TMPDIR", "USER", "LOGNAME", "XDG_RUNTIME_DIR"})
_REMOVAL_SECONDS = 15.0
NO_IMAGE = "--sandbox container needs an image: set it as `image` under [sandbox]"


class Contained:
    """See `launch.Confinement`. Only the project exists in there, at its own path."""

    def __init__(self, premises: Premises, engine: str, image: str) -> None:
        self._premises = premises
        self._engine = engine
        self._image = image
        self._shares_network = premises.network == EVERYWHERE
        self._scan = Scan(premises.project, premises.protected, premises.exposed)

    @asynccontextmanager
    async def around(
        self, argv: tuple[str, ...], environment: Mapping[str, str], folder: int
    ) -> AsyncGenerator[Launch]:
        held: list[Stubs] = []
        name = f"codegen-{secrets.token_hex(8)}"
        try:
            yield await in_thread(lambda: self._prepared(held, argv, environment, (folder, name)))
        except SandboxBroken as error:
            words = f"The container could not be set up, so nothing was run: {error}."
            raise ToolFailure("not_started", words) from error
        finally:
            await in_thread(lambda: self._removed(name, held))

    async def broken(self, launch: Launch, code: int, output: bytes) -> str:
        del launch, code, output
        return ""

    def hint(self, output: bytes, mark: str) -> str:
        del mark
        network = network_words(self._premises.network)
        rules = f"a container in which only the project exists; {network}"
        return hint(output, rules, network=not self._shares_network)

    async def close(self) -> None:
        pass

    def _prepared(
        self,
        held: list[Stubs],
        argv: tuple[str, ...],
        environment: Mapping[str, str],
        where: tuple[int, str],
    ) -> Launch:
        premises = self._premises
        folder, name = where
        try:
            workdir = os.readlink(f"/proc/self/fd/{folder}")
            if "," in f"{premises.project}":
                raise SandboxBroken("the project's path has a comma, which no mount can name")
            prepare(premises, {})
            seen = outline(premises, self._scan)
            stubs = Stubs(premises.project, dict.fromkeys(seen.missing), premises.scratch)
            held.append(stubs)
            mounts = self._mounts(seen, stubs.put_up())
        except OSError as error:
            raise SandboxBroken(str(error)) from error
        own = {name: environment[name] for name in _ENGINE_NEEDS if name in environment}
        return Launch((*self._arguments(name, mounts, workdir, environment), *argv), own)

    def _removed(self, name: str, held: list[Stubs]) -> None:
        """The engine's own program may have been ended; what it has started is the engine's."""
        with suppress(OSError, subprocess.SubprocessError):
            subprocess.run(
                (self._engine, "rm", "--force", name),
                stdin=subprocess.DEVNULL,
                capture_output=True,
                timeout=_REMOVAL_SECONDS,
                check=False,
            )
        for stubs in held:
            stubs.close()

    def _mounts(self, seen: Outline, stubs: tuple[str, ...]) -> tuple[str, ...]:
        root = self._premises.project
        paths = (*seen.protected, *seen.secrets, *stubs)
        if any("," in path for path in paths):
            raise SandboxBroken("a path to be protected has a comma, which no mount can name")
        return (
            f"type=bind,src={root},dst={root}",
            *(f"type=bind,src={root / path},dst={root / path}" for path in seen.repositories),
            *(f"type=bind,src={root / path},dst={root / path},ro" for path in seen.protected),
            *(_shut(root / path) for path in (*seen.secrets, *stubs)),
        )

    def _arguments(
        self, name: str, mounts: tuple[str, ...], workdir: str, environment: Mapping[str, str]
    ) -> tuple[str, ...]:
        bounds = self._premises.bounds
        passed = sorted(set(environment) - _NOT_PASSED)
        return (
            *(self._engine, "run", "--rm", "--init", "--name", name, "--pull", "never"),
            *("--network", "host" if self._shares_network else "none"),
            *("--cap-drop", "ALL", "--security-opt", "no-new-privileges", "--read-only"),
            *("--tmpfs", f"{TEMPORARY}:rw,exec,size={bounds.scratch_bytes}"),
            *("--pids-limit", str(bounds.processes), "--memory", str(memory_of(bounds))),
            *("--user", f"{os.getuid()}:{os.getgid()}", "--workdir", workdir),
            *("--ulimit", "core=0", "--env", f"HOME={TEMPORARY}"),
            *(part for name in passed for part in ("--env", f"{name}={environment[name]}")),
            *(part for mount in mounts for part in ("--mount", mount)),
            self._image,
        )


def _shut(path: Path) -> str:
    if path.is_dir():
        return f"type=tmpfs,dst={path},tmpfs-size=0,tmpfs-mode=0555"
    return f"type=bind,src=/dev/null,dst={path},ro"
