"""Find the private maestro of a place, or start one: elected by a lock, reached by a socket.

The child inherits a bound socket and two pipes and nothing else; keys and the access secret come
by pipe, never in arguments or environment.
"""

import contextlib
import fcntl
import json
import os
import secrets
import select
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Generator, Mapping
from pathlib import Path
from typing import Any

import msgspec

from executor.errors import ServerUnreachable, UsageError
from executor.local_maestro.place import (
    NETWORK_VARIABLES,
    Place,
    provider_environment,
    serves_one_run,
)
from executor.settings import Folders, Settings

START_SECONDS = 20.0
IDLE_SECONDS = 300.0
OWN_IDLE_SECONDS = 5.0
"""A maestro that records or replays serves one run and goes."""
MAX_LOG_BYTES = 4 * 1024 * 1024
KEPT_VARIABLES = (
    "PATH", "HOME", "LANG", "LC_ALL", "TMPDIR", "XDG_STATE_HOME", *NETWORK_VARIABLES
)  # fmt: skip
"""What the child's environment holds: nothing of PYTHON*, no key, no token."""


class PrivateMaestro(msgspec.Struct, frozen=True):
    """A running one: connect to `socket` with `secret` as the token."""

    socket: Path
    secret: str
    started: bool
    """This call started it."""


def join(place: Place) -> PrivateMaestro | None:
    """The place's maestro, None where none runs."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        try:
            probe.connect(str(place.socket))
            return PrivateMaestro(place.socket, place.secret.read_text(), started=False)
        except OSError:
            return None  # nobody listens there: it is to be started


def ensure(
    place: Place,
    folders: Folders,
    settings: Settings,
    environment: Mapping[str, str],
    *,
    idle_seconds: float = IDLE_SECONDS,
) -> PrivateMaestro:
    """Join the place's maestro or start it; blocks for up to START_SECONDS.

    Raises UsageError in the child's own words when its settings will not do (no key, an unknown
    model), ServerUnreachable when it does not come up.
    """
    found = join(place)
    if found is not None:
        return found
    try:
        with _elected(place):
            told = _told(place, folders, settings, environment)
            told["idle_seconds"] = idle_seconds if _is_shared(place, settings) else OWN_IDLE_SECONDS
            told["forget"] = [str(path) for path in _leading_there(place, settings)]
            return join(place) or _start(place, folders, told, environment)
    except OSError as error:
        raise ServerUnreachable(f"the private maestro can't be started: {error}") from error


@contextlib.contextmanager
def _elected(place: Place) -> Generator[None]:
    descriptor = os.open(place.lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    try:
        deadline = time.monotonic() + START_SECONDS
        while True:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() > deadline:
                    raise ServerUnreachable(
                        f"another codegen has been starting the private maestro for "
                        f"{START_SECONDS:.0f} s: see {place.lock}"
                    ) from None
                time.sleep(0.02)
        yield
    finally:
        os.close(descriptor)


def _start(
    place: Place, folders: Folders, told: dict[str, Any], environment: Mapping[str, str]
) -> PrivateMaestro:
    # The secret first: whoever can connect must find the right one.
    _write_secret(place.secret, told["secret"])
    log = _log(folders.state)
    listener = _listener(place)
    secrets_read, secrets_write = os.pipe()
    ready_read, ready_write = os.pipe()
    try:
        child = _spawn((listener.fileno(), secrets_read, ready_write), log, environment)
    finally:
        listener.close()
        for descriptor in (secrets_read, ready_write, log):
            os.close(descriptor)
    # It is reaped where it ends before us, and goes on where we do.
    threading.Thread(target=child.wait, name="private maestro", daemon=True).start()
    _tell(secrets_write, told)
    try:
        _await_ready(ready_read, folders.state)
    except (UsageError, ServerUnreachable):
        for path in (place.socket, place.secret):  # nobody will answer there
            path.unlink(missing_ok=True)
        raise
    return PrivateMaestro(place.socket, told["secret"], started=True)


def _spawn(
    inherited: tuple[int, int, int], log: int, environment: Mapping[str, str]
) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [
            sys.executable, "-P", "-m", "maestro", "private",
            "--listen-fd", str(inherited[0]),
            "--secrets-fd", str(inherited[1]),
            "--ready-fd", str(inherited[2]),
        ],
        cwd="/",
        env={name: environment[name] for name in KEPT_VARIABLES if name in environment},
        stdin=subprocess.DEVNULL,
        stdout=log,
        stderr=log,
        pass_fds=inherited,
        start_new_session=True,
    )  # fmt: skip


def _listener(place: Place) -> socket.socket:
    with contextlib.suppress(FileNotFoundError):
        place.socket.unlink()
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    previous = os.umask(0o177)
    try:
        listener.bind(str(place.socket))
    finally:
        os.umask(previous)
    listener.listen(128)
    return listener


def _told(
    place: Place, folders: Folders, settings: Settings, environment: Mapping[str, str]
) -> dict[str, Any]:
    asks = place.asks_models
    return {
        "secret": secrets.token_urlsafe(32),
        "state": str(folders.state / "maestro"),
        "asks_models": asks,
        "model": _from_anywhere(settings.model) if asks else None,
        "base_url": settings.base_url if asks else None,
        "record": str(settings.record.absolute()) if asks and settings.record else None,
        "environment": provider_environment(environment) if asks else {},
    }


def _is_shared(place: Place, settings: Settings) -> bool:
    return not (place.asks_models and serves_one_run(settings))


def _leading_there(place: Place, settings: Settings) -> tuple[Path, ...]:
    """What a maestro takes away that ends by itself; a shared place keeps its lock."""
    lock = () if _is_shared(place, settings) else (place.lock,)
    return (place.socket, place.secret, *lock)


def _from_anywhere(model: str | None) -> str | None:
    """A recording by its whole path: the child works in another directory."""
    scheme, separator, file = (model or "").partition(":")
    if scheme != "replay" or not separator:
        return model
    return f"replay:{Path(file).expanduser().absolute()}"


def _tell(descriptor: int, told: Mapping[str, Any]) -> None:
    # A child that ended without reading says why over its own pipe.
    with contextlib.suppress(BrokenPipeError), os.fdopen(descriptor, "w", encoding="utf-8") as pipe:
        json.dump(told, pipe)


def _await_ready(descriptor: int, state: Path) -> None:
    """Read the child's one line: `ready`, or what is wrong."""
    os.set_blocking(descriptor, False)
    deadline = time.monotonic() + START_SECONDS
    line = b""
    with os.fdopen(descriptor, "rb", buffering=0) as pipe:
        while b"\n" not in line:
            ready, _, _ = select.select([pipe], [], [], max(0.0, deadline - time.monotonic()))
            piece = pipe.read(4096) if ready else None
            if not piece:
                raise ServerUnreachable(
                    f"the private maestro did not start; its log is {state / 'maestro.log'}"
                )
            line += piece
    words = line.decode(errors="replace").strip()
    if words != "ready":
        raise UsageError(words.removeprefix("error: "))


def _write_secret(path: Path, secret: str) -> None:
    with contextlib.suppress(FileNotFoundError):
        path.unlink()
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(secret)


def _log(state: Path) -> int:
    state.mkdir(mode=0o700, parents=True, exist_ok=True)
    path = state / "maestro.log"
    flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW | os.O_CLOEXEC
    descriptor = os.open(path, flags, 0o600)
    if os.fstat(descriptor).st_size > MAX_LOG_BYTES:
        os.ftruncate(descriptor, 0)
    return descriptor
