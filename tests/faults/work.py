"""A session's work with effects that can be counted, and the model that orders it.

The model answers from the request alone, so that any number of sessions, and any generation that
is made again, get the same.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from tests.scripted_model import Recorded, Reply, call, calls, delayed, text

EFFECTS = "effects"
DONE = "All of it is done."
_NAME = re.compile(r"\bwork-[a-z0-9_-]+\b")
_EFFECT = re.compile(r"echo (\S+) \| tee -a " + EFFECTS)


@dataclass(frozen=True)
class Work:
    """So many replies of one file and one command each, then the last word."""

    steps: int = 3
    seconds: float = 0.0
    """That each reply takes to begin."""
    pause: float = 0.0
    """Seconds that each command sleeps after its effect."""

    def __call__(self, request: Recorded) -> Reply:
        found = _NAME.search(request.body.decode())
        assert found is not None, "the prompt names no work-..."
        done = request.roles.count("tool") // 2
        if done >= self.steps:
            return delayed(text("All of it ", "is done."), self.seconds)
        effect = f"{found.group()}.{done}"
        command = f"echo {effect} | tee -a {EFFECTS}"
        if self.pause:
            command += f"; sleep {self.pause}"
        reply = calls(
            call("WriteFile", file_path=f"{effect}.txt", content=f"{effect}\n" * 50),
            call("Shell", command=command),
            say=f"Step {done}.",
        )
        return delayed(reply, self.seconds)


def effect_of(tool_name: str, parameters: Mapping[str, object]) -> str | None:
    """The line that this call would write; None for a call without a countable effect."""
    found = _EFFECT.search(str(parameters.get("command"))) if tool_name == "Shell" else None
    return None if found is None else found.group(1)


def effects(project: Path) -> list[str]:
    """Every effect that happened there, as often as it did."""
    path = project / EFFECTS
    return path.read_text().splitlines() if path.exists() else []
