"""What of the machine a command is shown beside its project: tools, not their user's affairs.

Looks at names; says nothing of how a sandbox shows or hides them.
"""

import os
import pwd
import re
import stat
import sys
from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path

from executor.sandbox.premises import Premises

HIDDEN = ("/home", "/root", "/tmp", "/var/tmp", "/run", "/mnt", "/media",
          "/var/run", "/Users")  # fmt: skip
"""Other people's files, sockets, and disks that are not part of the system."""
CLOSED = (
    "/etc/shadow", "/etc/shadow-", "/etc/gshadow", "/etc/gshadow-", "/etc/sudoers",
    "/etc/sudoers.d", "/etc/ssl/private", "/etc/krb5.keytab", "/etc/docker",
    "/etc/kubernetes", "/etc/wireguard", "/etc/NetworkManager", "/var/lib/docker",
    "/var/lib/containerd", "/var/lib/kubelet", "/var/lib/private", "/var/spool", "/var/mail",
    "/var/log", "/var/backups",
)  # fmt: skip
"""Secrets of the system, for a user who could read them."""
KERNEL = ("sys", "fs", "scsi", "acpi", "driver")
"""Of /proc. What else root may write there bubblewrap makes read-only itself, or it takes a
capability that no command has."""
TOOLCHAINS = (
    ".pyenv", ".nvm", ".rustup", ".cargo/bin", ".cargo/registry", ".cargo/git", ".cargo/env",
    ".local/bin", ".local/lib", ".local/share/uv", ".local/share/pipx", ".local/share/pnpm",
    ".local/share/mise", ".local/share/fnm", ".local/share/virtualenvs", ".asdf", ".volta",
    ".bun/bin", ".deno/bin", ".rbenv", ".rvm", ".goenv", ".sdkman/candidates", ".jenv", ".ghcup",
    ".opam", ".elan", ".juliaup", ".julia/packages", ".dotnet", ".gvm", ".nix-profile",
    "go/bin", "go/pkg",
    "bin", "miniconda3", "anaconda3", "miniforge3", "mambaforge", ".m2/repository",
    ".gradle/wrapper",
)  # fmt: skip
"""Beneath a home: what runs and builds, without the files in which such tools keep tokens."""
TEMPORARY = Path("/tmp")
"""Where commands find a folder of the sandbox's own."""
GIT_CONFIGURATION = (".gitconfig", ".config/git/config", ".config/git/ignore")
"""Who commits, and how; shown only where no secret stands in it."""

_ROOTS = ("VIRTUAL_ENV", "CONDA_PREFIX", "GOROOT", "JAVA_HOME", "DOTNET_ROOT")
_FILES = ("NODE_EXTRA_CA_CERTS", "PIP_CERT", "REQUESTS_CA_BUNDLE", "SSL_CERT_FILE", "SSL_CERT_DIR")
_BIN = frozenset({"bin", "sbin", "shims", "libexec"})
_SECRET = re.compile(rb"://[^/\s]*@|token|password|-----BEGIN", re.IGNORECASE)
_MAX_SOCKETS = 200
_MAX_LOOKED = 200
_BASE = re.compile(r"^home\s*=\s*(\S.*)$", re.MULTILINE)


def hidden_folders(premises: Premises) -> tuple[Path, ...]:
    """Folders that are there and shown empty; none beneath another one."""
    named = [Path(name) for name in HIDDEN] + [premises.home, *_true_home()]
    real = {path for path in named if path.is_dir() and not path.is_symlink()}
    real = {path for path in real if path != Path("/")}
    return tuple(sorted(path for path in real if not real & set(path.parents)))


def shown_tools(premises: Premises, hidden: Iterable[Path]) -> tuple[Path, ...]:
    """What lies beneath `hidden` folders and is shown all the same; none beneath another one."""
    folders = tuple(hidden)
    found = {
        path
        for path in _tools(premises)
        if any(path.is_relative_to(folder) for folder in folders)
        and not premises.project.is_relative_to(path)
        and os.path.lexists(path)
    }
    return tuple(sorted(path for path in found if not found & set(path.parents)))


def closed_paths() -> tuple[Path, ...]:
    """Those of CLOSED that this user could read."""
    return tuple(path for name in CLOSED if os.access(path := Path(name), os.R_OK))


def kernel_settings() -> tuple[Path, ...]:
    """What of /proc root may write by being root alone; a namespace does not keep it from that."""
    if os.getuid() != 0:
        return ()
    return tuple(Path("/proc") / name for name in KERNEL if _is_writable(f"/proc/{name}"))


def _is_writable(path: str) -> bool:
    """Whether its owner may write anything in there, going by modes; a big tree counts as such."""
    files = (f"{folder}/{name}" for folder, _, names in os.walk(path) for name in names)
    return any(_owner_may_write(file) for file in islice(files, _MAX_LOOKED)) or any(files)


def _owner_may_write(path: str) -> bool:
    try:
        return bool(os.lstat(path).st_mode & stat.S_IWUSR)
    except OSError:
        return True


def listening_sockets(premises: Premises, hidden: Iterable[Path]) -> tuple[Path, ...]:
    """Sockets in the file system that no hidden folder hides; those of the project stay."""
    # One that was bound by way of a handle is named below /proc.
    covered = tuple(f"{place}/" for place in (*hidden, premises.project, "/proc"))
    try:
        with open("/proc/net/unix", encoding="utf-8", errors="surrogateescape") as table:
            names = {line.rstrip("\n").partition(" /")[2] for line in table}
    except OSError:
        return ()
    paths = (f"/{name}" for name in sorted(names) if name)
    bare = (Path(path) for path in paths if not path.startswith(covered))
    return tuple(path for path in bare if path.is_socket())[:_MAX_SOCKETS]


def git_configuration(home: Path) -> tuple[Path, ...]:
    """The user's files about git that hold no secret."""
    return tuple(path for name in GIT_CONFIGURATION if _is_innocent(path := home / name))


def _is_innocent(path: Path) -> bool:
    try:
        return not path.is_symlink() and not _SECRET.search(path.read_bytes()[: 1 << 16])
    except OSError:
        return False


def _tools(premises: Premises) -> Iterator[Path]:
    for home in (premises.home, *_true_home()):
        yield from (home / name for name in TOOLCHAINS)
    environment = premises.environment
    yield from (Path(environment[name]) for name in (*_ROOTS, *_FILES) if environment.get(name))
    yield Path("/run/current-system")
    yield Path("/run/systemd/resolve")
    entries = [Path(entry) for entry in environment.get("PATH", "").split(":")]
    entries.append(Path(os.path.realpath(sys.executable)).parent)
    for entry in entries:
        yield from _programs(entry, premises)


def _programs(entry: Path, premises: Premises) -> Iterator[Path]:
    """A folder of PATH and, where it is part of an installation, that."""
    if not entry.is_absolute() or entry.is_relative_to(premises.project):
        return
    yield entry
    root = entry.parent
    if entry.name not in _BIN or not _is_installation(root, premises.home):
        return
    yield root
    with_base = root / "pyvenv.cfg"
    if with_base.is_file():
        base = _BASE.search(with_base.read_text("utf-8", "replace"))
        if base is not None:
            yield from _programs(Path(base[1].strip()), premises)


def _is_installation(root: Path, home: Path) -> bool:
    """Whether `root` holds programs and what they need, and nobody's files."""
    if root in (home / ".local", home / ".cargo", home / "go", *home.parents, home):
        return False
    return len(root.parts) > 2 and root.parent not in (Path("/home"), Path("/Users"))


def _true_home() -> Iterator[Path]:
    """By the user database: HOME may say otherwise."""
    try:
        yield Path(pwd.getpwuid(os.getuid()).pw_dir)
    except KeyError:
        return
