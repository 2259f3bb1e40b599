"""Play one scene through the view that a terminal gets, and print what was answered.

`python -m tests.terminal.stage NAME`; SIGINT ends the scene as it ends a run.
"""

import asyncio
import contextlib
import os
import signal
import sys
from collections.abc import Iterable

from executor.view.closing import Header
from executor.view.opening import open_view
from executor.view.port import Answer, Question, View
from tests.terminal.scenes import SCENES, Act, Wait, Withdraw

HEADER = Header("private maestro", "scripted/one", "ask", "~/src")


async def play(name: str) -> list[object]:
    """The answers, and `interrupted` where that was the end."""
    view = open_view(
        "text",
        stdin=sys.stdin,
        stdout=sys.stdout,
        stderr=sys.stderr,
        environment=os.environ,
        header=HEADER,
        hint="codegen -c goes on from here",
    )
    acting = asyncio.create_task(_act(SCENES[name], view))
    asyncio.get_running_loop().add_signal_handler(signal.SIGINT, acting.cancel)
    try:
        return await acting
    except asyncio.CancelledError:
        return ["interrupted"]
    finally:
        view.close()


async def _act(acts: Iterable[Act], view: View) -> list[object]:
    asked: asyncio.Task[Answer] | None = None
    for act in acts:
        match act:
            case Question():
                asked = asyncio.create_task(view.ask(act))
            case Withdraw():
                if asked is not None:
                    asked.cancel()
                    with contextlib.suppress(asyncio.CancelledError):
                        await asked
            case Wait(seconds=seconds):
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(asyncio.Event().wait(), seconds)
            case _:
                view.show(act)
                await asyncio.sleep(0)
    return [await asked] if asked is not None else []


if __name__ == "__main__":
    for answer in asyncio.run(play(sys.argv[1])):
        sys.stdout.write(f"ANSWER {answer}\n")
