"""Run `codegen` as a process for one made-up user, and end the maestros that it leaves.

The user's home, configuration and runtime folder are below one folder; nothing of ours leaks in.
"""

import asyncio
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import AsyncGenerator, Generator
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from tests.executor.local_maestro.running import end, listener_pid

SECONDS = 30


@dataclass
class Ended:
    code: int
    out: str
    err: str


@dataclass
class User:
    home: Path
    environment: dict[str, str] = field(default_factory=dict[str, str])

    @property
    def project(self) -> Path:
        return self.home / "project"

    @property
    def state(self) -> Path:
        return self.home / ".local" / "state" / "codegen"

    @property
    def config(self) -> Path:
        return self.home / ".config" / "codegen"

    @property
    def surroundings(self) -> dict[str, str]:
        own = {
            "PATH": os.environ["PATH"],
            "HOME": str(self.home),
            "XDG_RUNTIME_DIR": str(self.home / "r"),
            "PYTHON_KEYRING_BACKEND": "keyring.backends.fail.Keyring",
        }
        return own | self.environment

    def codegen(self, *arguments: str, told: bytes | None = None) -> Ended:
        """To its end; `told` comes by a pipe, else standard input is /dev/null."""
        done = subprocess.run(
            [sys.executable, "-P", "-m", "executor.cli.main", *arguments],
            cwd=self.project,
            env=self.surroundings,
            input=told,
            stdin=subprocess.DEVNULL if told is None else None,
            capture_output=True,
            timeout=SECONDS,
            check=False,
        )
        return Ended(done.returncode, done.stdout.decode(), done.stderr.decode())

    def bash(self, script: str) -> Ended:
        """A script for bash in which `codegen` is a command."""
        function = f'codegen() {{ "{sys.executable}" -P -m executor.cli.main "$@"; }}'
        done = subprocess.run(
            ["bash", "--noprofile", "--norc", "-c", f"{function}\n{script}"],
            cwd=self.project,
            env=self.surroundings,
            capture_output=True,
            timeout=SECONDS,
            check=False,
        )
        return Ended(done.returncode, done.stdout.decode(), done.stderr.decode())


@asynccontextmanager
async def served(base_url: str) -> AsyncGenerator[str]:
    """A team's maestro in a process of its own, its model at `base_url`; its address."""
    with tempfile.TemporaryDirectory(prefix="cg-") as folder:
        environment = {
            "PATH": os.environ["PATH"],
            "HOME": folder,
            "OPENAI_API_KEY": "sk-test-0000",
        }
        address = f"unix:{folder}/maestro.sock"
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-P", "-m", "maestro", "serve", "--uds", f"{folder}/maestro.sock"),
            *("--auth", "none", "--model", "openai/scripted", "--base-url", base_url),
            cwd=folder,
            env=environment,
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.PIPE,
        )
        assert process.stderr is not None
        try:
            async with asyncio.timeout(SECONDS):
                await process.stderr.readline()
            yield address
        finally:
            process.terminate()
            await process.wait()


@contextmanager
def user() -> Generator[User]:
    with tempfile.TemporaryDirectory(prefix="cg-") as folder:
        made = User(Path(folder).resolve())
        made.project.mkdir()
        try:
            yield made
        finally:
            for path in (made.home / "r" / "codegen").glob("*.sock"):
                with suppress(OSError):
                    end(listener_pid(path), signal.SIGTERM)
