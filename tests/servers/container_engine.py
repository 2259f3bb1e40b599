"""Run a real dockerd of the tests' own, with an image of a few programs of this machine.

Needs root and Debian's docker.io or its like; never touches an engine that is there already.
"""

import contextlib
import os
import shutil
import signal
import subprocess
import tarfile
import tempfile
from collections.abc import Generator, Iterable
from pathlib import Path

from tests.servers.child import Child, StartError

IMAGE = "codegen-tests:1"
CLIENT = "/usr/bin/docker"
_PROGRAMS = ("bash", "busybox")
_LEFT_ALONE = ("iptables", "ip6tables", "ip-forward", "ip-masq", "userland-proxy")
"""Of the machine's network nothing is changed."""
_SECONDS = 60


class NoEngine(RuntimeError):
    """None can be started here; the message says why."""


@contextlib.contextmanager
def container_engine() -> Generator[str]:
    """The address of an engine that has IMAGE. Raises NoEngine."""
    daemon = shutil.which("dockerd")
    programs = [shutil.which(name) for name in _PROGRAMS]
    if daemon is None or not os.access(CLIENT, os.X_OK):
        raise NoEngine("there is no dockerd")
    if os.geteuid() != 0:
        raise NoEngine("dockerd wants root")
    if None in programs:
        raise NoEngine(f"an image needs {' and '.join(_PROGRAMS)}")
    with tempfile.TemporaryDirectory(prefix="cg-dock-", dir="/tmp") as folder:
        place = Path(folder)
        address = f"unix://{place}/docker.sock"
        (place / "config.json").write_text("{}")
        child = Child(_command(daemon, place, address), log=place / "log")
        try:
            child.wait_until(lambda: _asked(address, "version").returncode == 0)
        except StartError as error:
            raise NoEngine(f"dockerd does not start: {str(error)[-300:]}") from error
        try:
            _import(address, place / "image.tar", filter(None, programs))
            yield address
        finally:
            _asked(address, "rm", "--force", *containers(address))  # of a test that failed
            child.end(signal.SIGTERM)


def containers(address: str) -> list[str]:
    """The names of all that are there, running or not."""
    return _asked(address, "ps", "--all", "--format", "{{.Names}}").stdout.split()


def _command(daemon: str, place: Path, address: str) -> list[str]:
    return [
        *(daemon, "--host", address, "--bridge=none", "--storage-driver=vfs"),
        *(f"--{name}=false" for name in _LEFT_ALONE),
        *("--data-root", f"{place}/data", "--exec-root", f"{place}/exec"),
        *("--pidfile", f"{place}/pid", "--config-file", f"{place}/config.json"),
    ]


def _asked(address: str, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        (CLIENT, "--host", address, *words),
        capture_output=True,
        text=True,
        timeout=_SECONDS,
        check=False,
    )


def _import(address: str, archive: Path, programs: Iterable[str]) -> None:
    """An image with bash, and busybox under all its names."""
    files: dict[str, str] = {f"bin/{Path(program).name}": program for program in programs}
    for library in (each for program in tuple(files.values()) for each in _libraries(program)):
        files[library.lstrip("/")] = library
    folders = {str(folder) for name in files for folder in Path(name).parents}
    with tarfile.open(archive, "w") as image:
        for name in sorted(folders | {"tmp", "etc"}):
            folder = tarfile.TarInfo(name)
            folder.type, folder.mode = tarfile.DIRTYPE, 0o755
            image.addfile(folder)
        for name, path in files.items():
            image.add(os.path.realpath(path), name)
        for name in subprocess.check_output(("busybox", "--list"), text=True).split():
            if name not in _PROGRAMS:
                link = tarfile.TarInfo(f"bin/{name}")
                link.type, link.linkname = tarfile.SYMTYPE, "busybox"
                image.addfile(link)
    done = _asked(address, "import", str(archive), IMAGE)
    if done.returncode != 0:
        raise NoEngine(f"no image can be made: {done.stderr[-300:]}")


def _libraries(program: str) -> list[str]:
    """None where it needs none."""
    shown = subprocess.run(("ldd", program), capture_output=True, text=True, check=False).stdout
    return [word for word in shown.split() if word.startswith("/")]
