"""Where a private maestro's socket, secret, lock and log lie, and whether the folder is safe.

One place per user, version and configuration: a changed key or model gets a maestro of its own.
One more is for commands that ask no model: it is told no key.
"""

import hashlib
import json
import os
import secrets
import stat
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec

from executor.errors import UsageError
from executor.settings import Folders, Settings
from protocol.version import PROTOCOL_VERSION, RELEASE

MAX_SOCKET_PATH = 100
"""The kernel's limit is 107 bytes."""

NETWORK_VARIABLES = (
    "SSL_CERT_FILE", "SSL_CERT_DIR", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY",
    "http_proxy", "https_proxy", "all_proxy", "no_proxy",
)  # fmt: skip
"""How its connections are made: a part of its configuration."""


class Place(msgspec.Struct, frozen=True):
    folder: Path
    name: str
    asks_models: bool = True
    """False: it reads and writes the ledger alone, and is told nothing of models."""

    @property
    def socket(self) -> Path:
        return self.folder / f"{self.name}.sock"

    @property
    def secret(self) -> Path:
        return self.folder / f"{self.name}.secret"

    @property
    def lock(self) -> Path:
        return self.folder / f"{self.name}.lock"


def provider_environment(environment: Mapping[str, str]) -> dict[str, str]:
    """What the model side may need of this environment: keys, addresses, limits."""
    return {
        name: value
        for name, value in environment.items()
        if name.endswith(("_API_KEY", "_BASE_URL"))
        or name in ("HF_TOKEN", "OLLAMA_HOST")
        or name.startswith("MAESTRO_")
    }


def place(folders: Folders, settings: Settings, environment: Mapping[str, str]) -> Place:
    """The place for this configuration; made 0700, and refused when it is not this user's own."""
    folder = _safe_folder(folders.runtime)
    if serves_one_run(settings):
        return Place(folder, secrets.token_hex(8))
    told = {
        "release": RELEASE,
        "protocol": PROTOCOL_VERSION,
        "model": settings.model,
        "base_url": settings.base_url,
        "state": str(folders.state),
        "environment": provider_environment(environment),
        "network": {name: environment.get(name) for name in NETWORK_VARIABLES},
    }
    return Place(folder, _name(told))


def place_without_model(folders: Folders) -> Place:
    """The place for whatever asks no model, the same under every configuration; as `place`."""
    told = {"release": RELEASE, "protocol": PROTOCOL_VERSION, "state": str(folders.state)}
    return Place(_safe_folder(folders.runtime), _name(told), asks_models=False)


def serves_one_run(settings: Settings) -> bool:
    """A maestro that records or replays is nobody else's."""
    return settings.record is not None or settings.replays


def _name(told: Mapping[str, Any]) -> str:
    return hashlib.sha256(json.dumps(told, sort_keys=True).encode()).hexdigest()[:16]


def _safe_folder(folder: Path) -> Path:
    if len(os.fsencode(folder)) > MAX_SOCKET_PATH - 22:
        raise UsageError(
            f"{folder} is too long a path for a unix socket: set XDG_RUNTIME_DIR to a shorter one"
        )
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        status = folder.lstat()
    except OSError as error:
        raise UsageError(
            f"{folder} can't be made ({error.strerror}): set XDG_RUNTIME_DIR to a folder of yours"
        ) from error
    if not stat.S_ISDIR(status.st_mode) or status.st_uid != os.getuid():
        raise UsageError(
            f"{folder} is not a folder of this user: remove it, or set XDG_RUNTIME_DIR"
        )
    if stat.S_IMODE(status.st_mode) & 0o077:
        folder.chmod(0o700)
    return folder
