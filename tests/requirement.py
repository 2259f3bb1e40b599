"""What one required behaviour is, and the documents that ask for some.

The tables are in `requirements`, or beside their tests.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Requirement:
    """One behaviour that somebody relies on."""

    id: str
    """R-ROOM-NUMBER; never given to another behaviour."""
    source: str
    """The document that asks for it."""
    behaviour: str
    """What can be seen from outside, in one sentence."""


USER = "the user's contract"
PROTOCOL = "PROTOCOL"
DESIGN = "DESIGN"
SECURITY = "RELIABILITY"
