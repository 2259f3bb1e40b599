"""Ask the program of a container engine (docker, podman) what there is, and to take it away.

Each question is bounded in time. What is run in a container is told elsewhere.
"""

import os
import re
import secrets
import subprocess
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from executor.errors import SandboxBroken
from executor.sandbox.status import said

_SECONDS = 20.0
_NEEDED = frozenset(
    {"PATH", "HOME", "XDG_RUNTIME_DIR", "XDG_CONFIG_HOME", "XDG_DATA_HOME", "DOCKER_HOST"}
    | {"DOCKER_CONTEXT", "DOCKER_CONFIG", "CONTAINER_HOST", "CONTAINERS_CONF"}
)
"""By which such a program finds its engine."""
_FAILED = (125, 126, 127)
"""What it exits with where a container, or the command in it, could not be started: also what
the command itself may exit with."""
_NEVER = "0001-01-01"
_NONE_SUCH = "no such "
_NAME = re.compile(r"(codegen-[0-9]+)-([0-9]+)-[0-9a-f]+-[0-9]+")


class Engine:
    """Of one session: the containers that it makes are known by their names."""

    def __init__(self, program: str, environment: Mapping[str, str]) -> None:
        """`environment` is the executor's own."""
        self.program = program
        self.environment = {name: environment[name] for name in _NEEDED & environment.keys()}
        self._stem = f"codegen-{_namespace()}"
        self._session = f"{self._stem}-{os.getpid()}-{secrets.token_hex(8)}"
        self._number = 0
        self._standing: set[str] = set()

    def fresh_name(self) -> str:
        """That of a container to come; `remove` ends what may have come of it."""
        self._number += 1
        return f"{self._session}-{self._number}"

    def remove(self, name: str) -> None:
        """End and remove this container, if it was made. Where that fails, `clear` tries again."""
        self._standing.add(name)
        done = self._ask("rm", "--force", "--volumes", name)
        if done.returncode == 0 or _NONE_SUCH in done.stderr.lower():
            self._standing.discard(name)

    def clear(self) -> None:
        """Remove what could not be removed before. Raises SandboxBroken where it stands still."""
        for name in tuple(self._standing):
            self.remove(name)
        if self._standing:
            raise SandboxBroken(
                f"containers of earlier commands can't be removed: {', '.join(self._standing)}"
            )

    def remove_left(self) -> None:
        """Remove the containers of executors that were killed. Raises SandboxBroken where the
        engine does not answer."""
        for name in self._names():
            made = _NAME.fullmatch(name)
            if made is not None and made[1] == self._stem and not _is_alive(int(made[2])):
                self.remove(name)

    def close(self) -> None:
        """Remove what this session has made and was not there yet when it was to be removed."""
        if not self._number:
            return
        with suppress(SandboxBroken):  # the next executor tries again
            for name in self._names():
                if name.startswith(f"{self._session}-"):
                    self.remove(name)

    def failure(self, name: str, code: int, output: bytes) -> str:
        """Why the command in this container was never started; empty: it was, or nobody knows."""
        if code not in _FAILED:
            return ""
        form = "{{.State.StartedAt}} {{.State.Error}}"
        done = self._ask("container", "inspect", "--format", form, name)
        if done.returncode != 0:
            return _reason(output) if _NONE_SUCH in done.stderr.lower() else ""
        began, _, error = done.stdout.strip().partition(" ")
        if not began.startswith(_NEVER):
            return ""
        return error.rpartition(" UTC ")[2].strip() or _reason(output)

    def _names(self) -> list[str]:
        form = "{{.Names}}"
        done = self._ask("ps", "--all", "--filter", f"name={self._stem}-", "--format", form)
        if done.returncode != 0:
            words = done.stderr.strip().removesuffix(".")[:300]
            raise SandboxBroken(f"the container engine does not answer: {words}")
        return done.stdout.split()

    def _ask(self, *words: str) -> subprocess.CompletedProcess[str]:
        try:
            return subprocess.run(
                (self.program, *words),
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                errors="replace",
                env=self.environment,
                cwd="/",
                timeout=_SECONDS,
                check=False,
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            return subprocess.CompletedProcess(words, -1, "", str(error))


def _reason(output: bytes) -> str:
    """What the program said itself, without where to read on."""
    words = said(output, b"docker").removeprefix("Error response from daemon: ")
    return words.partition("; See '")[0].rstrip(".")


def _namespace() -> int:
    """Which processes' ids are meant: an engine may be shared by machines within this one."""
    try:
        return Path("/proc/self/ns/pid").stat().st_ino
    except OSError:
        return 0


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
