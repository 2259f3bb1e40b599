"""Name the behaviours that the project must show, and tie tests to them.

Holds no test; tests/architecture/test_requirements.py checks it both ways.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

Test = TypeVar("Test", bound=Callable[..., object])


@dataclass(frozen=True)
class Requirement:
    """One behaviour that somebody relies on."""

    id: str
    """R-ROOM-NUMBER; never given to another behaviour."""
    source: str
    """The document that asks for it."""
    behaviour: str
    """What can be seen from outside, in one sentence."""


REQUIREMENTS: tuple[Requirement, ...] = ()


def covers(*ids: str) -> Callable[[Test], Test]:
    """Tie a test to the requirements `ids`, by literal strings: they are read from the source."""
    assert ids

    def unchanged(test: Test) -> Test:
        return test

    return unchanged
