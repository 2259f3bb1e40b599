"""`codegen [FLAGS] [PROMPT]`: one run from its first frame to its exit code.

Reads arguments, standard input and signals; the session does the work.
"""

import asyncio
import contextlib
import os
import sys
from collections.abc import Generator, Mapping
from pathlib import Path
from typing import Any

import msgspec

from executor.bootstrap.compose import Composed, Opening, World, composed
from executor.bootstrap.project import Project
from executor.bootstrap.server import private_endpoint, team_endpoint
from executor.bootstrap.views import open_view
from executor.cli.flags import PromptRun
from executor.cli.open_run import tell_of_open_run
from executor.cli.placing import token_for, with_kept_keys
from executor.cli.signals import on_signals
from executor.cli.standard_input import piped_text
from executor.cli.trusting import settle_trust
from executor.errors import UsageError
from executor.journal import find_journal, journals
from executor.process.nursery import Nursery
from executor.session import RunOver, exit_code
from executor.settings import PROJECT_CONFIG, Folders, Settings, folders, resolve
from executor.view.port import Notice, View


class Asked(msgspec.Struct, frozen=True):
    """A prompt run as asked for, everything settled but the maestro."""

    prompt: str
    opening: Opening
    project: Project
    settings: Settings
    folders: Folders
    environment: Mapping[str, str]
    notices: tuple[Notice, ...] = ()
    nursery: Nursery | None = None

    @property
    def attended(self) -> bool:
        """Somebody sits at a terminal: may be asked, and may wait."""
        return is_attended() and self.settings.output_format == "text"


def run_prompt(parsed: PromptRun, nursery: Nursery) -> int:
    """Run to the end; the exit code. Without a prompt on a terminal: a conversation."""
    asked = msgspec.structs.replace(settle(parsed, os.environ), nursery=nursery)
    if asked.prompt:
        return run_asked(asked)
    if asked.attended:
        return asyncio.run(_converse(asked))
    if asked.opening.resumes:
        return run_asked(asked)
    raise UsageError('there is no prompt: codegen "what to do", or pipe it in')


def run_asked(asked: Asked) -> int:
    """One run to its end; the exit code."""
    return asyncio.run(_run(asked))


def settle(parsed: PromptRun, environment: Mapping[str, str]) -> Asked:
    """Settings, project, trust and session; raises UsageError, which names what is wrong."""
    given = parsed.given
    root = _root(given.get("cwd"))
    places = folders(environment)
    first = resolve(given, environment, config_file=places.config_file)
    can_ask = is_attended() and first.output_format == "text"
    project, notices = settle_trust(root, places, trust=first.trust, can_ask=can_ask)
    project_file = root / PROJECT_CONFIG if project.trusted else None
    settings = resolve(
        given, environment, config_file=places.config_file, project_file=project_file
    )
    prompt = "\n\n".join(filter(None, (parsed.prompt.strip(), piped_text())))
    opening = _opening(given, prompt, root, places)
    kept = with_kept_keys(environment, places)
    return Asked(prompt, opening, project, settings, places, kept, notices)


async def reach(asked: Asked) -> World:
    """Find the maestro: the team's by its address, or a private one, started if need be."""
    team = team_endpoint(asked.settings, token_for(asked.settings, asked.folders))
    if team is not None:
        endpoint, revive = team, None
    else:
        endpoint, revive = await asyncio.to_thread(
            private_endpoint, asked.folders, asked.settings, asked.environment
        )
    return World(
        asked.project,
        asked.settings,
        asked.folders,
        asked.environment,
        endpoint,
        revive,
        asked.nursery,
    )


async def _run(asked: Asked) -> int:
    view = open_view(asked.settings, asked.project.root, asked.environment, attended=asked.attended)
    try:
        for notice in asked.notices:
            view.show(notice)
        world = await reach(asked)
        async with composed(asked.opening, world, view, attended=asked.attended) as made:
            tell_of_open_run(asked.opening, made.journal, view, says=bool(asked.prompt))
            return exit_code(await _until_over(made, asked, view))
    finally:
        view.close()


async def _converse(asked: Asked) -> int:
    from executor.cli.talk import Local, converse
    from executor.view.look import look_of
    from executor.view.terminal import TerminalView

    root = asked.project.root
    view = open_view(asked.settings, root, asked.environment, attended=True, talking=True)
    try:
        if not isinstance(view, TerminalView):
            raise UsageError("a conversation needs a terminal that can do more than TERM=dumb")
        for notice in asked.notices:
            view.show(notice)
        await converse(
            lambda settings: reach(msgspec.structs.replace(asked, settings=settings)),
            asked.opening,
            local=Local(asked.settings, asked.folders, root),
            places=asked.folders,
            view=view,
            look=look_of(asked.environment, sys.stdout.encoding),
            root=root,
        )
    finally:
        view.close()
    return 0


async def _until_over(made: Composed, asked: Asked, view: View) -> RunOver | KeyboardInterrupt:
    session = made.session
    if asked.prompt and asked.opening.resumes:
        made.say(asked.prompt)
    pump = asyncio.create_task(session.run(), name="session")
    over = asyncio.ensure_future(session.run_over())
    left = asyncio.Event()
    leaving = asyncio.create_task(left.wait())
    try:
        with interrupts(made, view, left):
            await asyncio.wait({over, leaving, pump}, return_when=asyncio.FIRST_COMPLETED)
        if pump.done() and not over.done():
            pump.result()  # whatever broke it, a full disk for one
        return over.result() if over.done() else KeyboardInterrupt()
    finally:
        over.cancel()
        leaving.cancel()
        try:
            await session.close()
        finally:
            await asyncio.gather(pump, over, leaving, return_exceptions=True)


@contextlib.contextmanager
def interrupts(made: Composed, view: View, left: asyncio.Event) -> Generator[None]:
    """Ctrl-C interrupts the run, a second one leaves; SIGTERM and SIGHUP leave at once."""
    pressed = 0

    def interrupt() -> None:
        nonlocal pressed
        pressed += 1
        if pressed > 1:
            left.set()
            return
        view.show(Notice("interrupting; Ctrl-C again leaves"))
        made.session.interrupt("interrupted by the user")

    with on_signals(interrupt=interrupt, leave=left.set):
        yield


def _opening(given: Mapping[str, Any], prompt: str, root: Path, places: Folders) -> Opening:
    take_over = bool(given.get("take_over"))
    if given.get("resume"):
        session_id = str(given["resume"])
        known = find_journal(places.state, session_id)
        if known is None:
            return Opening(prompt, session_id=session_id, take_over=take_over)
        return Opening(prompt, known.journal_id, known.session_id, take_over)
    if given.get("continue"):
        last = journals(places.state, cwd=str(root))[:1]
        if not last:
            raise UsageError(f"--continue: there is no earlier session of {root}")
        return Opening(prompt, last[0].journal_id, last[0].session_id, take_over)
    if take_over:
        raise UsageError("--take-over goes with --resume ID or --continue")
    return Opening(prompt)


def _root(given: str | None) -> Path:
    root = Path(given or ".")
    try:
        resolved = root.resolve(strict=True)
    except OSError as error:
        raise UsageError(f"--cwd: {root}: {error.strerror}") from error
    if not resolved.is_dir():
        raise UsageError(f"--cwd: {root} is not a directory")
    return resolved


def is_attended() -> bool:
    """Somebody sits at a terminal, on both ends."""
    return sys.stdin.isatty() and sys.stdout.isatty()
