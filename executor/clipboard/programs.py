"""Run the programs of a clipboard: bounded in time and size, with an environment of few names.

Not by `process`: whoever writes to a clipboard of X11 or Wayland owns it from then on, and stays
until somebody else does; a command of the session leaves nothing behind.
"""

import asyncio
import os
import signal
import tempfile
from collections.abc import Mapping
from contextlib import suppress
from typing import IO

from executor.clipboard.ways import Argv
from executor.process.environment import absolute_entries

SECONDS = 5.0
_GONE_SECONDS = 1.0
_SAID_MAX = 300
_NAMES = (
    "DISPLAY", "HOME", "LANG", "LC_ALL", "LC_CTYPE", "LOGNAME", "TMPDIR", "USER",
    "WAYLAND_DISPLAY", "XAUTHORITY", "XDG_RUNTIME_DIR",
)  # fmt: skip


class ProgramFailed(Exception):
    """It could not be started, took too long, or ended with an error; the message says which."""


async def read_from(
    argv: Argv, environment: Mapping[str, str], most: int, seconds: float = SECONDS
) -> bytes:
    """At most `most` + 1 bytes of what the program writes. Raises ProgramFailed."""
    with tempfile.TemporaryFile() as said:
        process = await _started(
            argv, environment, asyncio.subprocess.DEVNULL, asyncio.subprocess.PIPE, said
        )
        try:
            async with asyncio.timeout(seconds):
                content = await _at_most(process.stdout, most + 1)
                if len(content) > most:
                    return content
                await _well_ended(process, argv, said)
                return content
        except TimeoutError as error:
            raise ProgramFailed(f"{argv[0]} gave nothing within {seconds:g} s") from error
        finally:
            await _gone(process)


async def write_to(
    argv: Argv, environment: Mapping[str, str], content: bytes, seconds: float = SECONDS
) -> None:
    """Give `content` to the program and wait until it has it. Raises ProgramFailed."""
    with tempfile.TemporaryFile() as given, tempfile.TemporaryFile() as said:
        given.write(content)
        given.seek(0)
        process = await _started(argv, environment, given, asyncio.subprocess.DEVNULL, said)
        try:
            async with asyncio.timeout(seconds):
                await _well_ended(process, argv, said)
        except TimeoutError as error:
            raise ProgramFailed(f"{argv[0]} did not take it within {seconds:g} s") from error
        finally:
            await _gone(process)


async def _started(
    argv: Argv,
    environment: Mapping[str, str],
    stdin: int | IO[bytes],
    stdout: int,
    said: IO[bytes],
) -> asyncio.subprocess.Process:
    kept = {name: environment[name] for name in _NAMES if name in environment}
    try:
        return await asyncio.create_subprocess_exec(
            *argv,
            stdin=stdin,
            stdout=stdout,
            stderr=said,
            cwd="/",
            env=kept | {"PATH": absolute_entries(environment.get("PATH", ""))},
            start_new_session=True,
        )
    except OSError as error:
        raise ProgramFailed(f"{argv[0]} can't be started: {error.strerror}") from error


async def _at_most(stream: asyncio.StreamReader | None, most: int) -> bytes:
    content = b""
    while stream is not None and len(content) < most:
        chunk = await stream.read(most - len(content))
        if not chunk:
            break
        content += chunk
    return content


async def _well_ended(process: asyncio.subprocess.Process, argv: Argv, said: IO[bytes]) -> None:
    code = await process.wait()
    if code != 0:
        said.seek(0)
        words = " ".join(said.read(_SAID_MAX).decode("utf-8", "replace").split())
        raise ProgramFailed(f"{argv[0]} ended with exit code {code}{words and f': {words}'}")


async def _gone(process: asyncio.subprocess.Process) -> None:
    """End what has not ended by itself; who has gone to the background stays."""
    if process.returncode is not None:
        return
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    # The loop learns of an end only when the output has been read to its own.
    with suppress(TimeoutError):
        async with asyncio.timeout(_GONE_SECONDS):
            while process.stdout is not None and await process.stdout.read(64 * 1024):
                pass
            await process.wait()
