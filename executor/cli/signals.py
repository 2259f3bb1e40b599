"""What Ctrl-C and the signals to end do while a run goes on.

Hands them to the two functions that it is given; a second Ctrl-C is theirs to tell.
"""

import asyncio
import contextlib
import signal
from collections.abc import Callable, Generator


@contextlib.contextmanager
def on_signals(*, interrupt: Callable[[], None], leave: Callable[[], None]) -> Generator[None]:
    """SIGINT calls `interrupt`, SIGTERM and SIGHUP `leave`, on the running loop."""
    loop = asyncio.get_running_loop()
    called = {signal.SIGINT: interrupt, signal.SIGTERM: leave, signal.SIGHUP: leave}
    for number, call in called.items():
        loop.add_signal_handler(number, call)
    try:
        yield
    finally:
        for number in called:
            loop.remove_signal_handler(number)
