"""Find out what this machine can confine commands with.

Tries each sandbox once and keeps the answer, which holds until the next start of the machine or
another bubblewrap; says nothing of which one is wanted.
"""

import os
import platform
import subprocess
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Literal

import msgspec

from executor.sandbox import landlock
from executor.sandbox.bubblewrap import NAMESPACES
from executor.sandbox.seatbelt import BASE, PROGRAM
from executor.sandbox.syscalls import NUMBERS

Kind = Literal["bubblewrap", "landlock", "seatbelt", "container"]

PROGRAMS = (
    "/usr/bin/bwrap",
    "/bin/bwrap",
    "/usr/local/bin/bwrap",
    "/run/current-system/sw/bin/bwrap",
)
ENGINES = ("/usr/bin/docker", "/usr/local/bin/docker", "/usr/bin/podman", "/usr/local/bin/podman")
_PROBE_SECONDS = 10.0
_WRITABLE_BY_OTHERS = 0o022


class Findings(msgspec.Struct, frozen=True):
    """What there is; where there is not, `why` tells by kind."""

    bubblewrap: str | None = None
    takes_handle: bool = False
    landlock: bool = False
    container: str | None = None
    seatbelt: bool = False
    why: dict[str, str] = msgspec.field(default_factory=dict[str, str])

    @property
    def best(self) -> Kind | None:
        """What is taken when nothing is asked for."""
        if self.bubblewrap is not None:
            return "bubblewrap"
        if self.landlock:
            return "landlock"
        return "seatbelt" if self.seatbelt else None


class _Kept(msgspec.Struct, frozen=True):
    key: str
    findings: Findings


def to_install(system: str = sys.platform) -> str:
    """What to get where there is no sandbox, or a wide one."""
    if system == "darwin":  # there is no bubblewrap
        return "install Docker or podman, and use --sandbox container"
    return "install bubblewrap (apt install bubblewrap, dnf install bubblewrap)"


def find(cache: Path) -> Findings:
    """What this machine has; `cache` is a file of this user's alone, which need not exist."""
    key = _key()
    with suppress(OSError, msgspec.DecodeError):
        kept = msgspec.json.decode(cache.read_bytes(), type=_Kept)
        if kept.key == key:
            return kept.findings
    findings = look()
    with suppress(OSError):  # then it is looked for again
        cache.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        fresh = cache.with_name(f"{cache.name}.{os.getpid()}")
        fresh.write_bytes(msgspec.json.encode(_Kept(key, findings)))
        os.replace(fresh, cache)
    return findings


def look(
    programs: tuple[str, ...] = PROGRAMS,
    system: str = sys.platform,
    seatbelt: str = PROGRAM,
) -> Findings:
    """The same, tried now."""
    why: dict[str, str] = {}
    bubblewrap = _tried(lambda: _bubblewrap(programs), why, "bubblewrap")
    takes_handle = bubblewrap is not None and _knows(bubblewrap, "--bind-fd")
    speaks = _tried(_landlock, why, "landlock")
    container = _tried(lambda: _trusted(ENGINES, "no docker or podman"), why, "container")
    belt = _tried(lambda: _seatbelt(system, seatbelt), why, "seatbelt")
    return Findings(bubblewrap, takes_handle, speaks is not None, container, belt is not None, why)


def _tried(attempt: Callable[[], str], why: dict[str, str], kind: Kind) -> str | None:
    try:
        return attempt()
    except OSError as error:
        why[kind] = str(error)
        return None


def _bubblewrap(programs: tuple[str, ...]) -> str:
    program = _trusted(programs, "it is not installed")
    probe = (program, *NAMESPACES, "--unshare-net", "--ro-bind", "/", "/", "--dev", "/dev")
    done = _run((*probe, "--proc", "/proc", "--", "/bin/sh", "-c", ":"))
    if done.returncode != 0:
        raise OSError(f"it does not work here: {done.stderr.strip()[:200]}")
    return program


def _landlock() -> str:
    if not sys.platform.startswith("linux"):
        raise OSError("it is Linux's")
    if platform.machine() not in NUMBERS:
        raise OSError(f"no filter of system calls is known for {platform.machine()}")
    found = landlock.abi()
    if found < landlock.ABI_MIN:
        raise OSError(
            f"the kernel speaks version {found} of it; {landlock.ABI_MIN} is needed (Linux 6.12)"
        )
    return str(found)


def _seatbelt(system: str, program: str) -> str:
    if system != "darwin":
        raise OSError("it is the Mac's")
    trusted = _trusted((program,), "it is not there")
    done = _run((trusted, "-p", BASE, "/bin/sh", "-c", ":"))
    if done.returncode != 0:
        raise OSError(f"it does not work here: {done.stderr.strip()[:200]}")
    return trusted


def _trusted(programs: tuple[str, ...], otherwise: str) -> str:
    """The first that is there and that nobody but root can change. Raises OSError."""
    for program in programs:
        try:
            facts = os.stat(program)
        except OSError:
            continue
        if facts.st_uid != 0 or facts.st_mode & _WRITABLE_BY_OTHERS:
            raise OSError(f"{program} can be changed by others than root")
        return program
    raise OSError(otherwise)


def _knows(program: str, option: str) -> bool:
    return option in _run((program, "--help")).stdout


def _run(argv: tuple[str, ...]) -> subprocess.CompletedProcess[str]:
    try:
        return subprocess.run(
            argv,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            env={"PATH": "/usr/bin:/bin", "LC_ALL": "C"},
            cwd="/",
            timeout=_PROBE_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise OSError(f"{argv[0]} did not answer within {_PROBE_SECONDS:g} s") from error


def _key() -> str:
    """Whatever an answer depends on."""
    parts = [platform.release(), str(os.getuid())]
    for path in ("/proc/sys/kernel/random/boot_id", "/proc/sys/user/max_user_namespaces"):
        with suppress(OSError):
            parts.append(Path(path).read_text(encoding="ascii").strip())
    for program in (*PROGRAMS, *ENGINES, PROGRAM):
        with suppress(OSError):
            parts.append(f"{program} {os.stat(program).st_mtime_ns}")
    return "\n".join(parts)
