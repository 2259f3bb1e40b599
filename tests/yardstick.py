"""How slow the machine is while a test measures, so that a bound holds the code alone.

A bound is a figure of one two-core machine, where the yardstick takes `_USUAL_SECONDS`. Elsewhere,
and in a bad moment, what is measured is divided by how much longer the yardstick takes right
beside it. A faster machine earns nothing. A tracer that counts lines is not paid for either.
"""

import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

_ROUNDS = 2_000
_FILES = 60
_USUAL_SECONDS = 0.0004


def least_cost(act: Callable[[], object], tries: int = 7) -> float:
    """Processor seconds of this thread for one `act`: the least of some tries."""
    tracer = sys.gettrace()
    sys.settrace(None)
    try:
        return min(_cost(act) for _ in range(tries))
    finally:
        sys.settrace(tracer)


def _cost(act: Callable[[], object]) -> float:
    before = _spent(_yardstick)
    cost = _spent(act)
    slowness = min(before, _spent(_yardstick)) / _USUAL_SECONDS
    return cost / max(1.0, slowness)


def _spent(act: Callable[[], object]) -> float:
    began = time.thread_time()
    act()
    return time.thread_time() - began


def _yardstick() -> None:
    """Calls, dictionaries, text, and some questions to the system: what most of this code does."""
    seen: dict[str, int] = {}
    folder = Path(tempfile.gettempdir())
    for _ in range(_FILES):
        folder.stat()
    for number in range(_ROUNDS):
        word = str(number % 97)
        seen[word] = seen.get(word, 0) + len(word)
