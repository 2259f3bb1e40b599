"""How long a model may take; a settings value on its own so that nothing heavy comes with it.

Values only. Who keeps them is in `transport` and `retry`.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Timeouts:
    """In seconds."""

    connect: float = 10.0
    first_byte: float = 60.0
    """From the request to the head of the answer."""
    idle: float = 90.0
    """Without a byte in the middle of an answer."""
    total: float = 900.0
    """For one answer; and no further try of a generation begins after it."""
