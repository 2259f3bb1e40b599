"""A Model whose tries are lists of parts and errors, for what stands above the wire."""

from collections.abc import AsyncGenerator, Sequence

from maestro.domain.conversation import ModelRequest, ReplyPart
from maestro.errors import ModelError


class ScriptedParts:
    """Each generation takes the next try; an error in it is raised."""

    def __init__(self, *tries: Sequence[ReplyPart | ModelError]) -> None:
        self.asked: list[str] = []
        """The models of the requests."""
        self.closed = False
        self._tries = iter(tries)

    async def generate(self, request: ModelRequest) -> AsyncGenerator[ReplyPart]:
        self.asked.append(request.model)
        for part in next(self._tries):
            if isinstance(part, ModelError):
                raise part
            yield part

    def refusal(self, name: str) -> str | None:
        return None if name == "p/a" else f"no {name}"

    async def close(self) -> None:
        self.closed = True
