"""Commands that outlive their session because the user said so: what is on disk of each of them.

A folder each: a file that its keeper holds locked while it lives, a record, and the output. Reads,
lists and ends; who starts keepers is told elsewhere.
"""

import asyncio
import fcntl
import os
import secrets
import shutil
import signal
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import msgspec

from executor.process.command import Captured, Ended, Lost, Stopped

LIVE_MAX = 16
"""Of one user, in all projects."""
ENDED_MAX = 32
ENDED_SECONDS = 7 * 86_400.0
"""How long the output of one that has ended can be read."""
_SHOWN_BYTES = 24 * 1024
_POLL_S = 0.2
_END_S = 10.0


class Kept(msgspec.Struct, frozen=True, kw_only=True):
    """What is known of one."""

    key: str
    """By which its user names it."""
    shell_id: str
    """By which the model of its session does."""
    journal_id: str
    project: str
    command: str
    terminal: bool
    pid: int
    """Of its keeper."""
    began: float
    """Unix time, seconds."""
    output: str
    """The file that holds what it writes."""
    ended: Ended | None = None
    """None while it runs, and for ever where its keeper was killed."""


def all_kept(state: Path) -> Path:
    """The folder that holds theirs."""
    return state / "shells"


def new_folder(state: Path) -> Path:
    """One for a command that is about to start; its name is the key."""
    all_kept(state).mkdir(mode=0o700, parents=True, exist_ok=True)
    folder = all_kept(state) / secrets.token_hex(3)
    folder.mkdir(mode=0o700)
    return folder


def hold(folder: Path) -> int:
    """Prove that the keeper of `folder` lives, as long as the returned handle is open."""
    handle = os.open(folder / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    fcntl.flock(handle, fcntl.LOCK_EX)
    return handle


def is_alive(folder: Path) -> bool:
    try:
        handle = os.open(folder / "lock", os.O_RDWR | os.O_CLOEXEC)
    except OSError:
        return False
    try:
        fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)  # who looks hinders nobody who looks
    except BlockingIOError:
        return True
    else:
        return False
    finally:
        os.close(handle)


def write(folder: Path, kept: Kept) -> None:
    """Whole, or not at all."""
    fresh = folder / "record.new"
    fresh.write_bytes(msgspec.json.encode(kept, enc_hook=str))
    fresh.chmod(0o600)
    fresh.replace(folder / "record.json")


def read(folder: Path) -> Kept | None:
    try:
        return msgspec.json.decode((folder / "record.json").read_bytes(), type=Kept, dec_hook=_path)
    except (OSError, msgspec.MsgspecError):
        return None


def listed(state: Path) -> list[Kept]:
    """Those that can still be told of, the latest first; the oldest that have ended are removed."""
    found = sorted(_folders(state), key=lambda kept: kept.began, reverse=True)
    gone = [kept for kept in found if not is_alive(all_kept(state) / kept.key)]
    for place, kept in enumerate(gone):
        if place >= ENDED_MAX or time.time() - kept.began > ENDED_SECONDS:
            shutil.rmtree(all_kept(state) / kept.key, ignore_errors=True)
            found.remove(kept)
    return found


def ask_to_end(folder: Path) -> bool:
    """Tell its keeper; False where there is none any more."""
    kept = read(folder)
    if kept is None or not is_alive(folder):
        return False
    with suppress(ProcessLookupError):
        os.kill(kept.pid, signal.SIGTERM)
    return True


def _folders(state: Path) -> Iterator[Kept]:
    try:
        names = os.listdir(all_kept(state))
    except OSError:
        return  # none was kept, or nothing can be
    for name in names:
        kept = read(all_kept(state) / name)
        if kept is not None:
            yield kept


def _path(kind: type, value: Any) -> Any:
    return kind(value)


class _Written:
    """What it has written so far, by its file."""

    def __init__(self, file: Path) -> None:
        self._file = file

    def snapshot(self) -> Captured:
        try:
            with self._file.open("rb") as file:
                size = os.fstat(file.fileno()).st_size
                head = file.read(_SHOWN_BYTES)
                file.seek(max(size - _SHOWN_BYTES, len(head)))
                return Captured(head, file.read(_SHOWN_BYTES), size, self._file)
        except OSError:
            return Captured(b"", b"", 0)

    def keep_all(self, tail_bytes: int) -> None:
        """Its keeper does."""


class Elsewhere:
    """One that another process keeps, as `running.Running` is one of this process."""

    def __init__(self, folder: Path, kept: Kept) -> None:
        self._folder = folder
        self.kept = kept
        self.silence_s: float | None = None
        self.output = _Written(Path(kept.output))
        self._why = ""
        self._loop = asyncio.get_running_loop()
        self.ended: asyncio.Future[Ended] = self._loop.create_future()
        self._look()

    @property
    def seconds(self) -> float:
        return time.time() - self.kept.began

    def run_on(self, tail_bytes: int) -> None:
        """It does."""

    async def stop(self, why: str) -> Ended:
        self._why = why
        ask_to_end(self._folder)
        async with asyncio.timeout(_END_S):
            return await asyncio.shield(self.ended)

    def _look(self) -> None:
        """Now and then: the lock of another process's end tells nobody."""
        if is_alive(self._folder):
            self._loop.call_later(_POLL_S, self._look)
        elif not self.ended.done():
            self.ended.set_result(self._end())

    def _end(self) -> Ended:
        kept = read(self._folder)
        ended = None if kept is None else kept.ended
        if ended is None:
            milliseconds = round(self.seconds * 1000)
            return Ended(Lost(), self.output.snapshot(), milliseconds)
        if self._why and isinstance(ended.outcome, Stopped):
            return msgspec.structs.replace(ended, outcome=Stopped(self._why))
        return ended
