"""`codegen maestro`: the private maestros that stay warm between runs, and how to end them.

Starts none. A team's maestro is its operators' business.
"""

import os
import sys
from typing import Any

from executor.cli.placing import here, settings_of, with_kept_keys
from executor.cli.rest import ask
from executor.errors import ExecutorError
from executor.link import endpoint
from executor.local_maestro.place import place, place_without_model
from executor.local_maestro.standing import Standing, standing, stop
from executor.view.safe_text import safe_line


def status() -> int:
    """A block for each one that runs; exit code 1 when none does."""
    places = here()
    own = _own_name()
    found = list(standing(places.runtime))
    for one in found:
        sys.stdout.write("\n".join(_lines(one, own)) + "\n\n")
    if not found:
        sys.stdout.write("no private maestro runs; the next prompt starts one\n")
    return int(not found)


def end(*, everywhere: bool) -> int:
    """End the one of this configuration, or all. What it is making has 30 s to finish."""
    own = (_own_name(), _without_model())
    ended = 0
    for one in standing(here().runtime):
        if everywhere or one.place.name in own:
            stop(one)
            for path in (one.place.socket, one.place.secret):
                path.unlink(missing_ok=True)
            sys.stdout.write(f"stopped {one.place.name} (pid {one.pid})\n")
            ended += 1
    if not ended:
        sys.stdout.write("none of this configuration runs\n" if not everywhere else "none runs\n")
    return 0


def _without_model() -> str | None:
    """The one that sessions, rewind and fork make do with where no prompt could be answered."""
    try:
        return place_without_model(here()).name
    except ExecutorError:
        return None


def _own_name() -> str | None:
    """The one that a prompt typed here would join; None where settings are in the way."""
    places = here()
    try:
        return place(places, settings_of({}), with_kept_keys(os.environ, places)).name
    except ExecutorError:
        return None


def _lines(one: Standing, own: str | None) -> list[str]:
    told = _told(one)
    name = one.place.name
    if name == own:
        name += " (a prompt typed here joins it)"
    elif name == _without_model():
        name += " (for sessions, rewind and fork: asks no model)"
    memory = "not known" if one.memory is None else f"{one.memory / 1e6:.0f} MB"
    if "error" in told:
        doing = f"does not answer: {told['error']}"
    elif told["attached"]:
        doing = f"{told['attached']} attached"
    else:
        doing = f"idle for {told['idle_seconds']:.0f} s, ends after {told['idle_limit']:.0f}"
    rows = (
        ("configuration", name),
        ("version", str(told.get("version", "not known"))),
        ("pid", str(one.pid)),
        ("state", doing),
        ("memory", memory),
        ("socket", str(one.place.socket)),
    )
    return [f"{label:<14} {safe_line(words)}" for label, words in rows]


def _told(one: Standing) -> dict[str, Any]:
    """What it says of itself."""
    try:
        answer = ask(endpoint(f"unix:{one.place.socket}", one.secret), "GET", "/api/v1/status")
        return {
            "version": str(answer["version"]),
            "attached": int(answer["attached"]),
            "idle_seconds": float(answer["idle_seconds"]),
            "idle_limit": float(answer["idle_limit"] or 0.0),
        }
    except (ExecutorError, KeyError, TypeError, ValueError) as error:
        return {"error": str(error)}
