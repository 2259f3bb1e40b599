"""A model that says what it was told to say: the double of the Model port.

Keeps the requests that it got. Never fails but where the script says so.
"""

import asyncio
from collections.abc import AsyncGenerator, Iterable, Sequence
from dataclasses import dataclass, field

from maestro.domain.conversation import ModelRequest, Reply, ReplyPart
from maestro.errors import ModelError


@dataclass(frozen=True)
class Pause:
    """The stream stands still here until `go_on` is set."""

    reached: asyncio.Event = field(default_factory=asyncio.Event)
    go_on: asyncio.Event = field(default_factory=asyncio.Event)


ScriptedPart = ReplyPart | Pause | Exception
Script = ScriptedPart | Sequence[ScriptedPart]


class ScriptedModel:
    """Answers the n-th request with the n-th script, and any after the last with a bare "Done."."""

    def __init__(self, scripts: Iterable[Script] = ()) -> None:
        self.requests: list[ModelRequest] = []
        self.scripts: list[Script] = list(scripts)
        """What is left to say; more may be added at any time."""
        self.refused: dict[str, str] = {}
        """Why a model is refused, by `provider/name`."""

    async def generate(self, request: ModelRequest) -> AsyncGenerator[ReplyPart]:
        self.requests.append(request)
        script = self.scripts.pop(0) if self.scripts else Reply("Done.")
        for part in script if isinstance(script, Sequence) else (script,):
            match part:
                case Pause():
                    part.reached.set()
                    await part.go_on.wait()
                case Exception():
                    raise part
                case _:
                    yield part

    def refusal(self, name: str) -> str | None:
        return self.refused.get(name)

    async def close(self) -> None:
        """Nothing is open."""


RATE_LIMITED = ModelError("rate_limited", "Try again tomorrow.", wake_at=4_000_000_000.0)
"""A limit whose end is named, and far away."""
