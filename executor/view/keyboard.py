"""The keys of a terminal, one by one, to whoever listens, on the running loop.

Reads only while somebody listens: what is typed before stays for the next program.
"""

import asyncio
import os
from collections.abc import Callable
from typing import Protocol

from executor.view.keys import Key, KeyDecoder
from executor.view.modes import KeyMode

_READ = 4096
_ESCAPE_SECONDS = 0.05
"""How long a lone Escape may still be the beginning of a sequence."""


class Listener(Protocol):
    def key(self, key: Key, /) -> None: ...

    def hung_up(self) -> None:
        """No key will ever come again."""
        ...


class Keyboard:
    def __init__(self, descriptor: int, redraw: Callable[[], None]) -> None:
        """`redraw` is called when the program was stopped and goes on."""
        self._descriptor = descriptor
        self._mode = KeyMode(descriptor, redraw)
        self._decoder = KeyDecoder()
        self._listener: Listener | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._escape: asyncio.TimerHandle | None = None

    def enter(self) -> None:
        """Single keys and no echo, until `leave`."""
        self._mode.enter()

    def leave(self) -> None:
        self.listen(None)
        self._mode.leave()

    def listen(self, listener: Listener | None) -> None:
        """Give every key to `listener`; None: to nobody."""
        if self._loop is not None:
            self._loop.remove_reader(self._descriptor)
            self._loop = None
        self._listener = listener
        if listener is not None:
            self._loop = asyncio.get_running_loop()
            self._loop.add_reader(self._descriptor, self._read)

    def forget(self) -> None:
        """Throw away what was typed so far."""
        self._mode.forget_typed()
        self._decoder.clear()

    def _read(self) -> None:
        try:
            data = os.read(self._descriptor, _READ)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        listener = self._listener
        if not data:
            self.listen(None)
            if listener is not None:
                listener.hung_up()
            return
        self._give(self._decoder.feed(data))
        if self._decoder.waits and self._loop is not None:
            self._escape = self._loop.call_later(_ESCAPE_SECONDS, self._settle)

    def _settle(self) -> None:
        self._give(self._decoder.settle())

    def _give(self, keys: list[Key]) -> None:
        if self._escape is not None:
            self._escape.cancel()
            self._escape = None
        for key in keys:
            if self._listener is not None:
                self._listener.key(key)
