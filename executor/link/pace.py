"""How long the link waits, and between what.

Numbers and arithmetic; who sleeps is the link.
"""

import random

import msgspec

from protocol.version import HANDSHAKE_SECONDS


class Pace(msgspec.Struct, frozen=True):
    """All in seconds."""

    first: float = 15.0
    """For the first connection, after which the user is told what is wrong."""
    open: float = 10.0
    """For a socket to open."""
    answer: float = HANDSHAKE_SECONDS
    """For `session_started`, once the socket is open."""
    give_up: float | None = None
    """For a lost connection to come back; None: as long as the user waits."""
    shortest: float = 0.5
    longest: float = 2.0
    """Between attempts to reach it: whoever comes back to a network is not kept waiting."""
    longest_busy: float = 10.0
    """The same where it answers that it can't serve now."""
    longest_limited: float = 120.0
    """The same where it names the time: so much of it is believed."""
    settled: float = 10.0
    """A connection that lived so long was a good one: what went wrong before is forgotten."""
    restarted: float = 1.0
    """The same for one that ended since its maestro restarts."""

    def pause(self, attempt: int, *, busy: bool = False, retry_after: float | None = None) -> float:
        """Before the attempt of that number, from 0: jittered, so that a crowd spreads out.

        `retry_after`: seconds that the maestro asked for.
        """
        if retry_after is not None:
            return min(self.longest_limited, retry_after) * random.uniform(1.0, 1.25)
        longest = self.longest_busy if busy else self.longest
        bound = min(longest, self.shortest * 2 ** min(attempt, 16))
        return bound * random.uniform(0.5, 1.0)
