"""Confine each command in a container of docker or podman, where the user asks for that.

Makes arguments; the image is the user's choice, and so is what runs in it.
"""

import os
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

import msgspec

from executor.errors import SandboxBroken, not_set_up
from executor.sandbox.engine import Engine
from executor.sandbox.hints import hint
from executor.sandbox.launch import Launch
from executor.sandbox.limits import memory_of
from executor.sandbox.outline import COMMON_FOLDER_CONTENT, Outline, outline
from executor.sandbox.premises import EVERYWHERE, Premises
from executor.sandbox.scan import Scan
from executor.sandbox.scratch import inner_environment, prepare
from executor.sandbox.stubs import Stubs
from executor.sandbox.surroundings import TEMPORARY
from executor.workspace.waiting import in_thread

_NOT_PASSED = frozenset({"PATH", "HOME", "SHELL", "TMPDIR", "USER", "LOGNAME"})
HOME_AT = "/codegen/home"
PLACE_AT = "/codegen/place"
_INSIDE = f'exec 3>{PLACE_AT} && exec "$@"'
_OUTSIDE = (
    'place=$1; shift; "$@" 3>&-; code=$?; '
    '{ [ ! -f "$place" ] || head -c 4096 "$place" >&3; } 2>/dev/null; exit $code'
)
"""No handle but the first three goes into a container: the folder that a command ends in comes out
by a file."""
NO_IMAGE = "--sandbox container needs an image: set it as `image` under [sandbox]"
RULES = "a container in which only the project exists"


class _PutUp(msgspec.Struct):
    """What stands for one command until it has ended."""

    name: str
    place: Path
    stubs: Stubs | None = None


class Contained:
    """See `launch.Confinement`. Only the project exists in there, at its own path, with what the
    configuration adds."""

    def __init__(self, premises: Premises, engine: str, image: str) -> None:
        self._premises = premises
        self._engine = Engine(engine, premises.environment)
        self._image = image
        self._shares_network = premises.network == EVERYWHERE
        self._scan = Scan(premises.project, premises.protected, premises.exposed)
        self._empty = premises.scratch / "empty"
        self._looked = False

    @asynccontextmanager
    async def around(
        self, argv: tuple[str, ...], environment: Mapping[str, str], folder: int
    ) -> AsyncGenerator[Launch]:
        name = self._engine.fresh_name()
        put_up = _PutUp(name, self._premises.scratch / name)
        try:
            yield await in_thread(lambda: self._prepared(put_up, argv, environment, folder))
        except SandboxBroken as error:
            raise not_set_up(error, "container") from error
        finally:
            await in_thread(lambda: self._taken_down(put_up))

    async def broken(self, launch: Launch, code: int, output: bytes) -> str:
        name = launch.argv[launch.argv.index("--name") + 1]
        why = await in_thread(lambda: self._engine.failure(name, code, output))
        return f"the container could not be set up: {why}" if why else ""

    def hint(self, output: bytes, mark: str) -> str:
        del mark
        return hint(output, RULES, self._premises.network)

    async def close(self) -> None:
        await in_thread(self._engine.close)

    def _prepared(
        self, put_up: _PutUp, argv: tuple[str, ...], environment: Mapping[str, str], folder: int
    ) -> Launch:
        premises = self._premises
        try:
            workdir = os.readlink(f"/proc/self/fd/{folder}")
            facts = premises.project.stat()
            if (facts.st_dev, facts.st_ino) != premises.identity:
                raise SandboxBroken("another folder stands in the project's place")
            self._look()
            seen = outline(premises, self._scan)
            names: dict[str, bytes | None] = dict.fromkeys(seen.missing)
            names |= dict.fromkeys(seen.missing_commons, COMMON_FOLDER_CONTENT)
            put_up.stubs = Stubs(premises.project, names, premises.scratch)
            mounts = self._mounts(seen, put_up.stubs.put_up())
            put_up.place.write_bytes(b"")
        except OSError as error:
            raise SandboxBroken(str(error)) from error
        inner = inner_environment(environment, closed=not self._shares_network)
        passed = {name: inner[name] for name in sorted(set(inner) - _NOT_PASSED)}
        mounts += (_bound(put_up.place, Path(PLACE_AT)),)
        return Launch(
            (
                *("/bin/sh", "-c", _OUTSIDE, "sh", str(put_up.place)),
                *self._arguments(put_up.name, mounts, workdir, passed),
                *("/bin/sh", "-c", _INSIDE, "sh", *argv),
            ),
            {**passed, **self._engine.environment},
        )

    def _look(self) -> None:
        """Once a session; before each command, that nothing is left of the last."""
        if not self._looked:
            prepare(self._premises, {"dot": COMMON_FOLDER_CONTENT})
            self._empty.mkdir(mode=0o755, exist_ok=True)
            self._engine.remove_left()
            self._looked = True
        self._engine.clear()

    def _taken_down(self, put_up: _PutUp) -> None:
        """The engine's own program may have been ended; what it has started is the engine's."""
        try:
            self._engine.remove(put_up.name)
        finally:
            put_up.place.unlink(missing_ok=True)
            if put_up.stubs is not None:
                put_up.stubs.close()

    def _mounts(self, seen: Outline, held: tuple[str, ...]) -> tuple[str, ...]:
        premises = self._premises
        root = premises.project
        commons = set(seen.missing_commons)
        shut = (*seen.secrets, *(path for path in held if path not in commons))
        own = (path for path in premises.own if path.is_relative_to(root) and path.is_dir())
        return (
            _bound(premises.temporary, TEMPORARY),
            _bound(premises.home_kept, Path(HOME_AT)),
            *(_bound(path, path) for path in premises.writable),
            *(_bound(path, path, read_only=True) for path in premises.readable),
            _bound(root, root),
            *(_bound(root / path, root / path) for path in seen.repositories),
            *(_bound(root / path, root / path, read_only=True) for path in seen.protected),
            *(
                _bound(premises.scratch / "dot", root / path, read_only=True)
                for path in held
                if path in commons
            ),
            *(self._shut(path) for path in (*(root / path for path in shut), *own)),
        )

    def _shut(self, path: Path) -> str:
        return _bound(self._empty if path.is_dir() else Path(os.devnull), path, read_only=True)

    def _arguments(
        self, name: str, mounts: tuple[str, ...], workdir: str, passed: Mapping[str, str]
    ) -> tuple[str, ...]:
        """Values of the environment are not among them: the engine's program has its own."""
        bounds = self._premises.bounds
        return (
            *(self._engine.program, "run", "--init", "--name", name, "--pull", "never"),
            *("--network", "host" if self._shares_network else "none"),
            *("--cap-drop", "ALL", "--security-opt", "no-new-privileges", "--read-only"),
            *("--pids-limit", str(bounds.processes), "--memory", str(memory_of(bounds))),
            *("--oom-score-adj", "500", "--ulimit", "core=0"),
            *("--user", f"{os.getuid()}:{os.getgid()}", "--workdir", workdir),
            *("--env", f"HOME={HOME_AT}", "--env", f"TMPDIR={TEMPORARY}"),
            *(part for name in passed for part in ("--env", name)),
            *(part for mount in mounts for part in ("--mount", mount)),
            self._image,
        )


def _bound(source: Path, place: Path, *, read_only: bool = False) -> str:
    fields = [f"src={source}", f"dst={place}", *(("ro",) if read_only else ())]
    return ",".join(("type=bind", *map(_field, fields)))


def _field(text: str) -> str:
    """A mount is a line of comma separated values."""
    quoted = text.replace('"', '""')
    return f'"{quoted}"' if any(sign in text for sign in ',"\n') else text
