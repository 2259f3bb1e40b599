"""The `maestro` command as a process of its own, in an empty home.

Starts and ends it by its id, and keeps all that it writes. Judges nothing.
"""

import asyncio
import contextlib
import re
import signal
import sys
from asyncio.subprocess import PIPE
from collections.abc import AsyncGenerator
from dataclasses import dataclass, field
from pathlib import Path

SECONDS = 20.0
_ADDRESS = re.compile(r"^maestro \w+: (\S+)$", re.MULTILINE)


@dataclass
class Ended:
    code: int
    out: str
    err: str


@dataclass
class Program:
    """A maestro that serves."""

    process: asyncio.subprocess.Process
    written: list[str] = field(default_factory=list[str])

    @property
    def err(self) -> str:
        """Everything on standard error so far."""
        return "".join(self.written)

    async def listening(self) -> str:
        """Its address, once it says so."""
        return (await self.says(_ADDRESS))[1]

    async def says(self, words: re.Pattern[str]) -> re.Match[str]:
        """Wait until it has written this on standard error."""
        while not (found := words.search(self.err)):
            assert await self._read_line(), self.err
        return found

    def terminate(self) -> None:
        self.process.send_signal(signal.SIGTERM)

    async def stop(self) -> Ended:
        """SIGTERM, and what was left behind."""
        self.terminate()
        return await self.ended()

    async def ended(self) -> Ended:
        while await self._read_line():
            pass
        assert self.process.stdout is not None
        out = (await self.process.stdout.read()).decode()
        return Ended(await self.process.wait(), out, self.err)

    async def _read_line(self) -> bool:
        assert self.process.stderr is not None
        line = await self.process.stderr.readline()
        self.written.append(line.decode())
        return bool(line)


@contextlib.asynccontextmanager
async def started(home: Path, *arguments: str, **environment: str) -> AsyncGenerator[Program]:
    """`maestro` with these arguments; killed at the end if it is still there."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "maestro", *arguments),
        env={"HOME": str(home), "PATH": "/usr/bin:/bin", **environment},
        stdin=asyncio.subprocess.DEVNULL,
        stdout=PIPE,
        stderr=PIPE,
    )
    try:
        async with asyncio.timeout(SECONDS):
            yield Program(process)
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


async def ran(home: Path, *arguments: str, **environment: str) -> Ended:
    """`maestro` with these arguments, to its own end."""
    async with started(home, *arguments, **environment) as program:
        out, err = await program.process.communicate()
        assert program.process.returncode is not None
        return Ended(program.process.returncode, out.decode(), err.decode())
