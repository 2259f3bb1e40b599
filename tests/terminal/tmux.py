"""A real terminal of a given size with a program in it, by tmux: keys in, the screen out.

Every wait is bounded; the program and its terminal end with the block.
"""

import os
import shlex
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

WAIT_SECONDS = 15.0
_POLL_SECONDS = 0.02

# Stays through Ctrl-C, which is the program's, and waits to be ended with the terminal.
_TELLS_ITS_END = 'trap : INT; "$@"; echo $? >"$0"; exec sleep 60'

needs_tmux = pytest.mark.skipif(shutil.which("tmux") is None, reason="tmux is not installed")


class Terminal:
    """What a user has before them: looks at the screen, presses keys."""

    def __init__(self, socket: Path, code: Path) -> None:
        """`code`: the file that the program's exit code is written to."""
        self._socket = socket
        self._code = code

    def tmux(self, *words: str) -> str:
        done = subprocess.run(
            ["tmux", "-S", str(self._socket), *words], capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    def screen(self, *, painted: bool = False) -> str:
        """What can be seen, with its colours as escape sequences if `painted`."""
        return self.tmux("capture-pane", "-p", *(["-e"] if painted else []))

    def scrollback(self, *, painted: bool = False) -> str:
        """Everything that was printed, blank lines at the end left out."""
        whole = self.tmux("capture-pane", "-p", "-S", "-", *(["-e"] if painted else []))
        return f"{whole.rstrip()}\n"

    def type(self, text: str) -> None:
        self.tmux("send-keys", "-l", "--", text)

    def press(self, *keys: str) -> None:
        """Keys by tmux's names: `Enter`, `C-c`, `Escape`."""
        self.tmux("send-keys", *keys)

    def resize(self, width: int, height: int) -> None:
        self.tmux("resize-window", "-x", str(width), "-y", str(height))

    def wait_for(self, seen: str | Callable[[str], bool]) -> str:
        """The screen as soon as it holds the text; fails with the screen when it never does."""
        deadline = time.monotonic() + WAIT_SECONDS
        while not _is_on(screen := self.screen(), seen):
            assert time.monotonic() < deadline, f"never on the screen: {seen!r}\n{screen}"
            time.sleep(_POLL_SECONDS)
        return screen

    def cursor_is_shown(self) -> bool:
        return self.tmux("display-message", "-p", "#{cursor_flag}").strip() == "1"

    def wait_for_end(self) -> int:
        """The program's exit code, as a shell tells it."""
        deadline = time.monotonic() + WAIT_SECONDS
        while not (self._code.exists() and (code := self._code.read_text().strip())):
            assert time.monotonic() < deadline, self.screen()
            time.sleep(_POLL_SECONDS)
        return int(code)


def _is_on(screen: str, seen: str | Callable[[str], bool]) -> bool:
    return seen in screen if isinstance(seen, str) else seen(screen)


@contextmanager
def terminal(
    command: Sequence[str],
    *,
    width: int = 80,
    height: int = 24,
    environment: Mapping[str, str] | None = None,
    cwd: Path | None = None,
) -> Generator[Terminal]:
    """Run `command` with exactly this environment and the terminal's own variables."""
    with tempfile.TemporaryDirectory(prefix="term-") as folder:
        socket = Path(folder) / "s"
        given = {"PATH": os.environ["PATH"], "LANG": "C.UTF-8", **(environment or {})}
        start = [
            *("tmux", "-S", str(socket), "-f", os.devnull, "-u"),
            *("new-session", "-d", "-x", str(width), "-y", str(height), "sleep", "60"),
        ]
        subprocess.run(start, check=True, env={**given, "TERM": "xterm-256color"})
        code = Path(folder) / "code"
        shown = Terminal(socket, code)
        server = int(shown.tmux("display-message", "-p", "#{pid}"))
        try:
            shown.tmux("set-option", "-g", "status", "off")
            shown.tmux("set-option", "-g", "history-limit", "10000")
            pairs = [f"{name}={value}" for name, value in given.items()]
            clean = ["env", "-i", "TERM=tmux-256color", *pairs, *command]
            program = shlex.join(["sh", "-c", _TELLS_ITS_END, str(code), *clean])
            place = ["-c", str(cwd)] if cwd is not None else []
            shown.tmux("respawn-pane", "-k", *place, f"exec {program}")
            yield shown
        finally:
            # The terminal's end is a hang-up for everything on it.
            with suppress(ProcessLookupError):
                os.kill(server, signal.SIGKILL)
