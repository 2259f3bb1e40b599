"""What guards one session: its redactor, its audit log, and the process itself.

Reads the environment, and the secret files at the first level of a project that its user trusts.
"""

import hashlib
import os
import secrets
from collections.abc import Iterator, Mapping
from itertools import islice
from pathlib import Path

import msgspec

from executor.audit import AuditLog
from executor.bootstrap.project import Project
from executor.link import Endpoint
from executor.process.hardening import harden
from executor.redaction import Known, Redactor, environment_secrets, file_secrets
from executor.settings import Settings
from executor.workspace.secret_names import is_secret

MAX_FILES = 32
MAX_FILE_BYTES = 64 * 1024
_KEY_FILE = "placeholders.key"
_KEY_BYTES = 32


class Guards(msgspec.Struct, frozen=True):
    redactor: Redactor
    audit: AuditLog


def guards_of(
    project: Project,
    settings: Settings,
    endpoint: Endpoint,
    environment: Mapping[str, str],
    kept: tuple[Path, str],
) -> Guards:
    """`kept`: the folder for state, and the journal's id, known again when it is resumed."""
    state, session = kept
    redactor = redactor_of(project, environment, endpoint.token, state, session)
    opened = {"cwd": str(project.root), "server": endpoint.shown, "mode": settings.mode}
    audit = AuditLog(state, session, redactor.redact, opened)
    harden()
    return Guards(redactor, audit)


def redactor_of(
    project: Project, environment: Mapping[str, str], token: str | None, state: Path, session: str
) -> Redactor:
    """`token`: of the maestro; `session`: the journal's id, known again when it is resumed."""

    def known() -> Iterator[Known]:
        if token:
            yield Known("CODEGEN_TOKEN", token)
        yield from environment_secrets(environment)
        if project.trusted:
            yield from _of_files(project.root)

    key = hashlib.blake2b(session.encode(), key=_key(state), digest_size=32).digest()
    return Redactor(known, key=key)


def _of_files(root: Path) -> Iterator[Known]:
    try:
        names = [name for name in os.listdir(root) if is_secret((name,))]
    except OSError:
        return
    for name in islice(sorted(names), MAX_FILES):
        text = _text(root / name)
        if text:
            yield from file_secrets(text, pairs=name.lower().startswith(".env"))


def _text(file: Path) -> str:
    """The beginning of a regular file that is no link; empty where there is none to be read."""
    flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC
    try:
        descriptor = os.open(file, flags)
    except OSError:
        return ""
    try:
        return os.read(descriptor, MAX_FILE_BYTES).decode("utf-8", "replace")
    except OSError:  # a folder, a pipe
        return ""
    finally:
        os.close(descriptor)


def _key(state: Path) -> bytes:
    """This user's key, made at the first need; one for this process where the disk keeps none."""
    path = state / _KEY_FILE
    try:
        state.mkdir(mode=0o700, parents=True, exist_ok=True)
        made = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
    except FileExistsError:
        pass
    except OSError:
        return secrets.token_bytes(_KEY_BYTES)
    else:
        with os.fdopen(made, "wb") as file:
            file.write(secrets.token_bytes(_KEY_BYTES))
    try:
        key = path.read_bytes()
    except OSError:
        key = b""
    return key if len(key) == _KEY_BYTES else secrets.token_bytes(_KEY_BYTES)
