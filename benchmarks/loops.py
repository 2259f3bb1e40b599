"""Run a benchmark's coroutine on the loop that the maestro itself runs on.

Nothing else.
"""

from maestro.bootstrap.loops import run

__all__ = ["run"]
