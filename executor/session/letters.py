"""What the user said and the maestro has not yet accepted: sent again after each attach.

Keeps messages with their ids, in memory; sends nothing itself.
"""

import uuid

from protocol.from_executor import Interrupt, UserMessage

Letter = UserMessage | Interrupt


class Letters:
    """The same id is the same message, however often it is sent."""

    def __init__(self) -> None:
        self._waiting: dict[str, Letter] = {}

    def add(self, letter: Letter) -> str:
        """Keep `letter` until it is settled; returns its id."""
        letter_id = uuid.uuid4().hex
        self._waiting[letter_id] = letter
        return letter_id

    def settle(self, letter_id: str | None) -> Letter | None:
        """It was accepted or refused: forget it. None for an id that is none of these."""
        return None if letter_id is None else self._waiting.pop(letter_id, None)

    def waiting(self) -> tuple[tuple[str, Letter], ...]:
        """What must be sent again, oldest first."""
        return tuple(self._waiting.items())

    @property
    def words_wait(self) -> bool:
        """A user's message is under way: the end of a run that comes first is an earlier one's."""
        return any(isinstance(letter, UserMessage) for letter in self._waiting.values())
