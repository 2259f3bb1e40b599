"""Keep what this process holds (tokens, keys, what files said) from other processes' eyes.

Its memory and environment can't be read by processes of the same user, and never become a core
file. Root, and who traced it before, are not kept out.
"""

import resource
import sys

from executor.sandbox.c_library import c_function

_PR_SET_DUMPABLE = 4


def harden() -> None:
    """For the rest of this process; programs that it starts decide for themselves."""
    _, hard = resource.getrlimit(resource.RLIMIT_CORE)
    resource.setrlimit(resource.RLIMIT_CORE, (0, hard))
    if sys.platform == "linux":
        c_function("prctl")(_PR_SET_DUMPABLE, 0, 0, 0, 0)
