"""`codegen shells`: the commands that were kept in the background when their session ended.

Lists, shows and ends; starts nothing.
"""

import sys
import time

from executor.cli.placing import here
from executor.errors import UsageError
from executor.process.outliving import Kept, all_kept, ask_to_end, is_alive, listed
from executor.process.report import ending
from executor.view.safe_text import safe_line

KILL_SECONDS = 10.0
_POLL_SECONDS = 0.05
_COMMAND_CHARACTERS = 100


def list_shells() -> int:
    """One line each, those at work first."""
    state = here().state
    kept = listed(state)
    alive = {one.key for one in kept if is_alive(all_kept(state) / one.key)}
    for one in sorted(kept, key=lambda one: one.key not in alive):
        sys.stdout.write(f"{_line(one, at_work=one.key in alive)}\n")
    if not kept:
        sys.stdout.write(
            "no command was kept: --keep-background leaves what is begun in the background at "
            "work when its session ends\n"
        )
    return 0


def kill(key: str) -> int:
    """End it with all that it has started. Raises UsageError where there is none of that name."""
    state = here().state
    found = [one for one in listed(state) if key and one.key.startswith(key)]
    if len(found) != 1:
        raise UsageError(f"{len(found)} kept commands begin with {key!r}: see codegen shells list")
    folder = all_kept(state) / found[0].key
    if not ask_to_end(folder):
        sys.stdout.write(f"{found[0].key} had ended before\n")
        return 0
    deadline = time.monotonic() + KILL_SECONDS
    while is_alive(folder):
        if time.monotonic() > deadline:
            raise UsageError(f"{found[0].key} does not end: its keeper is process {found[0].pid}")
        time.sleep(_POLL_SECONDS)
    sys.stdout.write(f"ended {found[0].key}\n")
    return 0


def _line(kept: Kept, *, at_work: bool) -> str:
    when = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(kept.began))
    if at_work:
        state = "runs"
    else:
        state = "its keeper was killed" if kept.ended is None else ending(kept.ended.outcome)
    command = safe_line(kept.command, _COMMAND_CHARACTERS)
    where = f"in {safe_line(kept.project, 200)}, writes {safe_line(kept.output, 200)}"
    return f"{kept.key}  {when}  {state}  {command}\n        {where}"
