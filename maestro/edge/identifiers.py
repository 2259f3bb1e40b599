"""What an identifier from outside may look like before it reaches a ledger or a bus.

Judges form only; whose it is, the ledger says.
"""

import re

from protocol.version import MAX_ID_CHARS

_SESSION_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")


def is_session_id(text: str) -> bool:
    return _SESSION_ID.fullmatch(text) is not None


def is_short(text: str | None) -> bool:
    return text is None or len(text) <= MAX_ID_CHARS
