"""Real desktops that nobody sees, with a real program of the clipboard: X11 and Wayland.

Each is a process of its own with a folder of its own, and ends with its block.
"""

import os
import select
import shutil
import subprocess
import tempfile
import time
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.servers.postgres_server import unprivileged

STARTED_S = 10.0
_TARGET = ("-selection", "clipboard", "-target")
PROGRAMS = {"xclip": ("xclip",), "xsel": ("xsel",), "wl-clipboard": ("wl-copy", "wl-paste")}


@dataclass(frozen=True)
class Desktop:
    program: str
    environment: dict[str, str]
    """With one way to its clipboard, by `program`."""

    def copy_picture(self, content: bytes) -> None:
        """As another program of the desktop would; xsel can't."""
        writing, reading = {
            "xclip": (
                ("xclip", *_TARGET, "image/png", "-in"),
                ("xclip", *_TARGET, "image/png", "-o"),
            ),
            "wl-clipboard": (("wl-copy", "--type", "image/png"), ("wl-paste", "--no-newline")),
        }[self.program]
        self._run(writing, content)
        deadline = time.monotonic() + STARTED_S
        while self._run(reading) != content:
            assert time.monotonic() < deadline, "the picture is not on the clipboard"

    def _run(self, argv: tuple[str, ...], given: bytes = b"") -> bytes:
        # What it leaves in the background keeps the output that it is given.
        with tempfile.TemporaryFile() as output:
            subprocess.run(
                argv, env=self.environment, input=given, stdout=output, check=False,
                timeout=STARTED_S,
            )  # fmt: skip
            output.seek(0)
            return output.read()


@contextmanager
def desktop(program: str) -> Generator[Desktop]:
    """Skips the test where something is not installed."""
    server = "sway" if program == "wl-clipboard" else "Xvfb"
    missing = [name for name in (server, *PROGRAMS[program]) if shutil.which(name) is None]
    if missing:
        pytest.skip(f"not installed: {', '.join(missing)}")
    with tempfile.TemporaryDirectory(prefix="desktop-") as folder:
        place = Path(folder)
        (place / "bin").mkdir()
        for name in (*PROGRAMS[program], "cat"):  # which wl-copy runs
            (place / "bin" / name).symlink_to(shutil.which(name) or name)
        environment = {"PATH": str(place / "bin"), "HOME": folder}
        start = _wayland if server == "sway" else _x11
        with start(place) as more:
            yield Desktop(program, environment | more)


@contextmanager
def _x11(folder: Path) -> Generator[dict[str, str]]:
    ours, theirs = os.pipe()
    argv = ("Xvfb", "-displayfd", str(theirs), "-screen", "0", "64x64x8", "-nolisten", "tcp")
    server = subprocess.Popen(argv, pass_fds=(theirs,), cwd=folder, stderr=subprocess.DEVNULL)
    os.close(theirs)
    with _ending(server, ours):
        yield {"DISPLAY": f":{_line(ours)}"}


@contextmanager
def _wayland(folder: Path) -> Generator[dict[str, str]]:
    """Of the compositors without a screen it is one that lets programs in the background copy."""
    wrapper = unprivileged()
    if wrapper is None:
        pytest.skip("sway does not run as root, and there is no way to be somebody else")
    folder.chmod(0o700)
    told = folder / "told"
    os.mkfifo(told)
    ours = os.open(told, os.O_RDONLY | os.O_NONBLOCK)
    configuration = folder / "sway"
    configuration.write_text(f'xwayland disable\nexec "echo $WAYLAND_DISPLAY > {told}"\n')
    server = subprocess.Popen(
        [*wrapper, "sway", "--config", str(configuration)],
        cwd=folder,
        stderr=subprocess.DEVNULL,
        env={
            "PATH": os.environ["PATH"],
            "HOME": str(folder),
            "XDG_RUNTIME_DIR": str(folder),
            "WLR_BACKENDS": "headless",
            "WLR_LIBINPUT_NO_DEVICES": "1",
            "WLR_RENDERER": "pixman",
        },
    )
    with _ending(server, ours):
        yield {"WAYLAND_DISPLAY": _line(ours), "XDG_RUNTIME_DIR": str(folder)}


@contextmanager
def _ending(server: "subprocess.Popen[bytes]", descriptor: int) -> Generator[None]:
    try:
        yield
    finally:
        os.close(descriptor)
        server.terminate()
        server.wait(STARTED_S)


def _line(descriptor: int) -> str:
    """What the server writes once it can be spoken to."""
    told = b""
    while not told.endswith(b"\n"):
        readable, _, _ = select.select([descriptor], [], [], STARTED_S)
        assert readable, "the desktop did not start"
        told += os.read(descriptor, 100)
    return told.decode().strip()
