"""`maestro private`: the maestro that `codegen` starts for its own user.

Everything it needs comes by inherited descriptors; nothing by arguments or environment.
"""

import ctypes
import json
import os
import shutil
import socket
import sys
from pathlib import Path
from typing import Any

from maestro import failpoints
from maestro.errors import KeyMissing, MaestroError, SettingsError
from maestro.settings import NO_BOUNDS, Backends, ModelChoice, Settings, resolve

PR_SET_DUMPABLE = 4
MAX_TOLD_BYTES = 1024 * 1024
MIN_FREE_BYTES = 2 * 1024 * 1024
"""Of the state folder's disk: a few runs' worth of a ledger."""


def private(listen_fd: int, secrets_fd: int, ready_fd: int) -> int:
    """Serve the bound socket `listen_fd` as `secrets_fd` says; answer one line on `ready_fd`."""
    _hide_memory()
    try:
        told = _told(secrets_fd)
        listener = socket.socket(fileno=listen_fd)
        settings = _settings(told)
        failpoints.arm(told["environment"])
        _require_room(settings.backends.state)
        _serve(settings, listener, told, ready_fd)
    except KeyMissing as error:
        return _refused(ready_fd, f"{error}; codegen login PROVIDER keeps one")
    except MaestroError as error:
        return _refused(ready_fd, str(error))
    return 0


def _refused(ready_fd: int, words: str) -> int:
    _answer(ready_fd, f"error: {words}")
    sys.stderr.write(f"maestro: {words}\n")
    return 1


def _serve(settings: Settings, listener: socket.socket, told: dict[str, Any], ready: int) -> None:
    from maestro.bootstrap.logs import configure_logs, secrets_of
    from maestro.bootstrap.loops import run
    from maestro.bootstrap.serving import Private, serve

    configure_logs(settings.log_level, "json", {*secrets_of(settings), told["secret"]})
    forget = tuple(Path(name) for name in told["forget"])
    private = Private(listener, told["secret"], float(told["idle_seconds"]), forget)
    run(serve(settings, lambda _where: _answer(ready, "ready"), private))


def _require_room(folder: Path) -> None:
    """A disk that is full lets SQLite open its file, and takes nothing after."""
    while not folder.exists():
        folder = folder.parent
    free = shutil.disk_usage(folder).free
    if free < MIN_FREE_BYTES:
        raise SettingsError(
            f"the disk of {folder} is full: {free // 1024} KiB are free, sessions need "
            f"{MIN_FREE_BYTES // 1024}; make room, then codegen -c goes on"
        )


def _told(descriptor: int) -> dict[str, Any]:
    with os.fdopen(descriptor, "rb") as pipe:
        text = pipe.read(MAX_TOLD_BYTES)
    try:
        return json.loads(text)
    except ValueError as error:
        raise SettingsError(f"what was told over the pipe is not JSON: {error}") from error


def _settings(told: dict[str, Any]) -> Settings:
    environment: dict[str, str] = told["environment"]
    flags = {
        "model": told["model"],
        "base_url": told["base_url"],
        "record": told["record"],
        "state_dir": told["state"],
    }
    resolved = resolve(flags, environment)
    return Settings(
        backends=Backends(state=Path(told["state"])),
        model=ModelChoice(
            model=resolved.model.model,
            base_url=resolved.model.base_url,
            record=resolved.model.record,
            fallbacks=resolved.model.fallbacks,
            environment=environment,
        ),
        run=resolved.run,
        person=NO_BOUNDS,
        # An edge makes no generations, so needs no key; what it serves is the same ledger.
        role="all" if told["asks_models"] else "edge",
        log_level=resolved.log_level,
    )


def _answer(descriptor: int, words: str) -> None:
    """One line, once: the starter waits for nothing else."""
    try:
        os.write(descriptor, f"{words}\n".encode())
        os.close(descriptor)
    except OSError:
        sys.stderr.write("maestro: whoever started this is gone\n")


def _hide_memory() -> None:
    """Keep keys out of core dumps and away from other processes' eyes (Linux)."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_DUMPABLE, 0, 0, 0, 0)
