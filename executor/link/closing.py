"""What it means that the maestro closed the connection.

A table from close codes to what the user is told, or to another attempt.
"""

from executor.errors import ServerRefused
from protocol.errors import CloseCode

RESTART = CloseCode.SERVICE_RESTART

_FINAL = {
    CloseCode.BAD_HANDSHAKE: "the maestro refuses the handshake",
    CloseCode.VERSION: "the maestro speaks another version of the protocol: update the older side",
    CloseCode.ATTACHED_ELSEWHERE: "the session was attached from elsewhere and goes on there",
    CloseCode.TOO_MANY: "the maestro allows no more connections now: try again in a minute",
}

_CONTRACT_BROKEN = {1002, CloseCode.BINARY, 1007, 1008, CloseCode.TOO_LARGE, CloseCode.BAD_STATE}
MAX_BROKEN = 5
"""So often the same error may end a connection before trying again is pointless."""


class AttachedElsewhere(ServerRefused):
    """Another executor has the session now."""


def refusal(code: int, why: str) -> ServerRefused | None:
    """The error for a code that no other attempt would change."""
    words = next((words for final, words in _FINAL.items() if final == code), None)
    if words is None:
        return None
    kind = AttachedElsewhere if code == CloseCode.ATTACHED_ELSEWHERE else ServerRefused
    return kind(f"{words}: {why}" if why else words)


def is_broken_contract(code: int) -> bool:
    """One of the two sides has an error in its program, and may well make it again."""
    return code in _CONTRACT_BROKEN
