"""The profile that macOS's sandbox-exec holds a command to, and the line that starts it.

Makes text of paths that are the kernel's own names. Written without a Mac, and never run on one.
"""

import re
from collections.abc import Iterable
from pathlib import Path

import msgspec

from executor.errors import SandboxBroken
from executor.sandbox.outline import COMMON_FOLDER, GIT_PARTS
from executor.sandbox.premises import Bounds

PROGRAM = "/usr/bin/sandbox-exec"
HIDDEN = (
    "/Users", "/Volumes", "/private/tmp", "/private/var/tmp", "/private/var/folders",
    "/private/var/root", "/private/var/run", "/Library/Keychains", "/private/etc/ssh",
    "/private/var/db", "/private/var/log", "/private/var/mail", "/private/var/spool",
)  # fmt: skip
"""Other people's files, keys and sockets, by the kernel's names: /tmp is /private/tmp."""
_SHOWN = ("/private/var/db/timezone", "/private/var/db/dyld", "/private/var/db/xcode_select_link")

BASE = """\
(version 1)
(deny default)
(allow process-exec process-fork)
(allow process-info* (target same-sandbox))
(allow signal (target same-sandbox))
(allow sysctl-read)
(allow ipc-posix-sem)
(allow mach-lookup
  (global-name "com.apple.system.logger")
  (global-name "com.apple.system.notification_center")
  (global-name "com.apple.system.opendirectoryd.libinfo"))
(allow file-read* (subpath "/"))
(allow file-write-data (literal "/dev/null") (literal "/dev/zero") (literal "/dev/dtracehelper"))
(allow file-read* file-write-data (literal "/dev/tty"))
(allow file-ioctl (literal "/dev/tty") (literal "/dev/dtracehelper") (regex #"^/dev/ttys[0-9]+$"))
"""
"""What every command needs, and the whole machine to read: what must not be follows."""
_NETWORK = """\
(allow system-socket)
(allow network-outbound (remote ip "*:*"))
(allow network-inbound (local ip "*:*"))
(allow network-bind (local ip "*:*"))
(allow network-outbound (literal "/private/var/run/mDNSResponder"))
(allow mach-lookup
  (global-name "com.apple.SystemConfiguration.configd")
  (global-name "com.apple.SystemConfiguration.DNSConfiguration")
  (global-name "com.apple.SecurityServer")
  (global-name "com.apple.ocspd")
  (global-name "com.apple.trustd.agent"))
"""
"""Addresses; of sockets in files only the one that names are resolved by."""
_PRELUDE = (
    'ulimit -d "$2" 2>/dev/null; running=$(/bin/ps -x -o pid= | /usr/bin/wc -l); '
    "running=$((running + $1)); { ulimit -u $running || ulimit -p $running; } 2>/dev/null; "
    'shift 2; exec "$@"'
)
"""Before the profile holds: a Mac counts the processes of a user, so the bound is on top of those
that there are. Where the system takes a limit for too high, its own stays."""
_PLAIN = re.compile(r"[A-Za-z0-9/_-]")


class Sight(msgspec.Struct, frozen=True):
    """What a command may read and write, in the order in which it is told: the last rule holds."""

    root: Path
    """The project."""
    homes: tuple[Path, ...]
    """What is hidden beside HIDDEN."""
    shown: tuple[Path, ...]
    """Of what is hidden: tools, and what the configuration shows."""
    writable: tuple[Path, ...]
    own: tuple[Path, ...]
    """The executor's."""
    places: tuple[Path, ...]
    """Home and temporary folder of the sandbox's own."""
    readable: tuple[Path, ...]
    """Of the executor's, all the same."""
    names: frozenset[str]
    """That may not be written at in the project's first level, in any case of their letters."""
    repositories: tuple[str, ...]
    protected: tuple[str, ...]
    secrets: tuple[str, ...]


def profile(sight: Sight, *, shares_network: bool) -> str:
    """Raises SandboxBroken where a path can't be written down."""
    root = sight.root
    shown = (*sight.shown, *map(Path, _SHOWN))
    passed = (*shown, *sight.writable, *sight.places, *sight.readable, root)
    ways = sorted({outer for path in passed for outer in path.parents})
    every = "file-read* file-write*"
    rules = [
        _rule("deny", every, _subpaths((*map(Path, HIDDEN), *sight.homes))),
        _rule("allow", "file-read-metadata", _filters("literal", ways)),
        _rule("allow", "file-read*", _subpaths(shown)),
        _rule("allow", every, _subpaths((*sight.writable, root))),
        _rule("deny", every, _subpaths(sight.own)),
        _rule("allow", every, _subpaths(sight.places)),
        _rule("allow", "file-read*", _subpaths(sight.readable)),
        _rule("deny", "file-write*", _protected(sight)),
        _rule("deny", every, _subpaths(root / path for path in sight.secrets)),
    ]
    return BASE + (_NETWORK if shares_network else "") + "".join(rules)


def arguments(program: str, text: str, bounds: Bounds) -> tuple[str, ...]:
    """What a command's own line is put behind; `program` is PROGRAM."""
    limits = (str(bounds.processes), str(bounds.memory_bytes >> 10))
    return ("/bin/sh", "-c", _PRELUDE, "sh", *limits, program, "-p", text)


def _protected(sight: Sight) -> list[str]:
    """By name, so that what does not exist yet is covered too; a repository is written in, but
    neither replaced nor told to run something."""
    root = _pattern(str(sight.root))
    names = sorted(sight.names - {".git"})
    repositories = sorted({".git", *sight.repositories})
    parts = "|".join(map(_any_case, (*GIT_PARTS, COMMON_FOLDER)))
    return [
        *(f'(regex #"^{root}/{_any_case(name)}(/|$)")' for name in names),
        *(f'(regex #"^{root}/{_any_case(path)}(/({parts})(/|$)|$)")' for path in repositories),
        *_subpaths(sight.root / path for path in sight.protected),
    ]


def _rule(verb: str, what: str, filters: list[str]) -> str:
    lines = "\n  ".join((f"({verb} {what}", *filters))
    return f"{lines})\n" if filters else ""


def _subpaths(paths: Iterable[Path]) -> list[str]:
    return _filters("subpath", paths)


def _filters(kind: str, paths: Iterable[Path]) -> list[str]:
    return [f"({kind} {_quoted(str(path))})" for path in paths]


def _quoted(path: str) -> str:
    if not path.isprintable():
        raise SandboxBroken(f"no profile can name {path!r}")
    escaped = path.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def _pattern(path: str) -> str:
    """One that fits `path`, if not only that: a quote can't stand in it, and of a letter beyond
    ASCII nobody tells how it is spelled there. Too much is denied then, not too little."""
    parts = re.findall(r"[\x00-\x7f]|[^\x00-\x7f]+", path)
    return "".join(_sign(part) for part in parts)


def _sign(part: str) -> str:
    if _PLAIN.fullmatch(part):
        return part
    if not part.isascii():
        return ".+"
    return "." if part in '"\\[]^' else f"[{part}]"


def _any_case(name: str) -> str:
    """The pattern of `name` in whatever case of its letters."""
    return "".join(
        f"[{sign.lower()}{sign.upper()}]" if sign.isascii() and sign.isalpha() else _sign(sign)
        for sign in name
    )
