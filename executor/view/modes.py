"""The terminal's modes while a view reads single keys, and their way back, whatever happens.

Signals stay on: Ctrl-C and Ctrl-Z are the program's, not a key. Reads nothing.
"""

import atexit
import contextlib
import os
import signal
import termios
import threading
from collections.abc import Callable
from types import FrameType

from executor.view.screen import SHOW_CURSOR

_MARK_PASTES, _MARK_NO_PASTES = "\x1b[?2004h", "\x1b[?2004l"
_LOCAL_FLAGS = 3
_FATAL = (signal.SIGTERM, signal.SIGHUP)


class KeyMode:
    """No line buffering and no echo between `enter` and `leave`; both may be called again."""

    def __init__(self, descriptor: int, redraw: Callable[[], None]) -> None:
        """`descriptor`: the terminal. `redraw` is called when a stopped program goes on."""
        self._descriptor = descriptor
        self._redraw = redraw
        self._before: list[int | list[bytes | int]] | None = None
        self._caught: list[signal.Signals] = []

    def enter(self) -> None:
        """A terminal that has gone changes nothing here: whoever reads from it is told."""
        if self._before is not None:
            return
        with contextlib.suppress(termios.error):
            self._before = termios.tcgetattr(self._descriptor)
            mode = termios.tcgetattr(self._descriptor)
            mode[_LOCAL_FLAGS] &= ~(termios.ICANON | termios.ECHO)
            termios.tcsetattr(self._descriptor, termios.TCSADRAIN, mode)
            atexit.register(self.leave)
            self._catch()
            self._say(_MARK_PASTES)

    def leave(self) -> None:
        before, self._before = self._before, None
        if before is None:
            return
        atexit.unregister(self.leave)
        for number in self._caught:
            signal.signal(number, signal.SIG_DFL)
        self._caught.clear()
        self._say(f"{_MARK_NO_PASTES}{SHOW_CURSOR}")
        with contextlib.suppress(termios.error):
            termios.tcsetattr(self._descriptor, termios.TCSADRAIN, before)

    def forget_typed(self) -> None:
        """Throw away what was typed and not read yet."""
        with contextlib.suppress(termios.error):
            termios.tcflush(self._descriptor, termios.TCIFLUSH)

    def _catch(self) -> None:
        """Signals that would end or stop the program as it stands; others have an owner."""
        if threading.current_thread() is not threading.main_thread():
            return
        for number in (*_FATAL, signal.SIGTSTP):
            if signal.getsignal(number) == signal.SIG_DFL:
                signal.signal(number, self._step_aside)
                self._caught.append(number)

    def _step_aside(self, number: int, _frame: FrameType | None) -> None:
        self.leave()
        self._say("\r\n")
        os.kill(os.getpid(), number)
        # Only a stopped program comes here, when it goes on.
        if number == signal.SIGTSTP:
            self.enter()
            self._redraw()

    def _say(self, sequence: str) -> None:
        with contextlib.suppress(OSError):
            os.write(self._descriptor, sequence.encode())
