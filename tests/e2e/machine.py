"""One developer's machine: a home of its own, the installed commands, and a project to work in.

Starts real processes and ends the private maestros that they leave behind; judges nothing.
"""

import asyncio
import json
import os
import signal
import sys
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.e2e.processes import end, is_maestro

SECONDS = 30.0
KEY = "sk-test-0000"
_MODULES = {"codegen": "executor.cli.main", "maestro": "maestro"}


def installed(name: str) -> list[str]:
    """The command as it is installed beside this interpreter, else the module behind it."""
    script = Path(sys.executable).with_name(name)
    return [str(script)] if script.exists() else [sys.executable, "-m", _MODULES[name]]


@dataclass(frozen=True)
class Ran:
    """A process that has ended."""

    code: int
    out: str
    err: str

    @property
    def result(self) -> dict[str, Any]:
        """The last line of its output as JSON."""
        return json.loads(self.out.splitlines()[-1])

    @property
    def complaint(self) -> str:
        """The one line that it ended with; anything more would not be one line."""
        (line,) = self.err.splitlines()
        return line


class Machine:
    def __init__(self, folder: Path) -> None:
        """`folder` is short, as paths of unix sockets are."""
        self.folder = folder
        self.project = folder / "project"
        self.project.mkdir()
        self.environment: dict[str, str] = {
            "PATH": os.environ["PATH"],
            "HOME": str(folder),
            "LANG": "C.UTF-8",
            "XDG_CONFIG_HOME": str(folder / "config"),
            "XDG_STATE_HOME": str(folder / "state"),
            "XDG_RUNTIME_DIR": str(folder / "run"),
            "TMPDIR": str(folder),
            "PYTHON_KEYRING_BACKEND": "keyring.backends.null.Keyring",
        }

    @property
    def config_file(self) -> Path:
        file = self.folder / "config" / "codegen" / "config.toml"
        file.parent.mkdir(parents=True, exist_ok=True)
        return file

    def use_model(self, base_url: str) -> None:
        """From here on the private maestro asks this provider."""
        self.environment |= {
            "OPENAI_API_KEY": KEY,
            "OPENAI_BASE_URL": base_url,
            "CODEGEN_MODEL": "openai/scripted",
        }

    def use_server(self, address: str, token: str) -> None:
        """From here on the team's maestro is asked."""
        self.environment |= {"CODEGEN_SERVER": address, "CODEGEN_TOKEN": token}

    async def codegen(self, *arguments: str, stdin: str = "", **environment: str) -> Ran:
        """Run `codegen` in the project to its end, without a terminal."""
        return await ended(await self.start(*arguments, stdin=stdin, **environment))

    async def start(
        self, *arguments: str, stdin: str = "", **environment: str
    ) -> asyncio.subprocess.Process:
        """The same, at work; to be given to `ended`."""
        return await started(
            [*installed("codegen"), *arguments],
            self.project,
            self.environment | environment,
            stdin,
        )

    def private_maestros(self) -> list[int]:
        """The ids of those that were started and run still."""
        log = self.folder / "state" / "codegen" / "maestro.log"
        lines = log.read_text().splitlines() if log.exists() else []
        pids: list[int] = []
        for line in lines:
            with suppress(ValueError, KeyError, TypeError):
                pids.append(json.loads(line)["pid"])
        return [pid for pid in pids if is_maestro(pid)]

    def end_private_maestros(self) -> None:
        for pid in self.private_maestros():
            end(pid, signal.SIGKILL)


async def started(
    command: list[str], folder: Path, environment: Mapping[str, str], stdin: str = ""
) -> asyncio.subprocess.Process:
    process = await asyncio.create_subprocess_exec(
        *command,
        cwd=folder,
        env=environment,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        start_new_session=True,
    )
    assert process.stdin is not None
    process.stdin.write(stdin.encode())
    process.stdin.close()
    return process


async def ended(process: asyncio.subprocess.Process, seconds: float = SECONDS) -> Ran:
    """Wait for the end of `process`, and end it when it takes too long."""
    try:
        async with asyncio.timeout(seconds):
            out, err = await process.communicate()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    assert process.returncode is not None
    return Ran(process.returncode, out.decode(), err.decode())
