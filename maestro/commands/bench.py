"""`maestro bench`: the service levels of a deployment, as an executor anywhere sees them.

Offers no tools, so nothing runs on this machine. The deployment's real model is what answers, at
its real price: it is asked about first.
"""

import asyncio
import os
import sys

from maestro.bench.report import Levels, as_json, as_text
from maestro.bench.visit import Plan, visit
from maestro.errors import SettingsError

PROMPT = "Answer with the one word: ready."


def bench(url: str, *, sessions: int, prompts: int, yes: bool, json: bool) -> int:
    """Exit code 0, or 1 when a session could not be held or a prompt had no answer."""
    token = os.environ.get("CODEGEN_TOKEN")
    plan = Plan(url, token, sessions, prompts, PROMPT)
    if not yes:
        _ask(plan)
    levels: Levels = asyncio.run(visit(plan))
    sys.stdout.write(as_json(levels) if json else as_text(levels))
    return int(bool(levels.failed))


def _ask(plan: Plan) -> None:
    """Every session has a first prompt; raises SettingsError unless somebody agrees."""
    runs = plan.sessions * plan.prompts
    sys.stderr.write(
        f"This opens {plan.sessions} sessions at {plan.url} and asks its model {runs} times for "
        "one word.\nThat costs what the model costs (a few hundred tokens each), unless the "
        "deployment replays.\n"
    )
    if not sys.stdin.isatty():
        raise SettingsError("bench: nobody is here to agree to that: add --yes")
    sys.stderr.write("Go on? [y/N] ")
    sys.stderr.flush()
    if sys.stdin.readline(10).strip().lower() not in ("y", "yes"):
        raise SettingsError("bench: nothing was asked")
