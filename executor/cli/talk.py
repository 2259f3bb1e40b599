"""Compose a conversation: its view, its editor, and the session that its first message opens.

The composition root of `codegen` without a prompt; imports the line editor, late.
"""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path

import msgspec

from executor.bootstrap.compose import Composed, Opening, World, composed
from executor.bootstrap.confining import require_for_auto
from executor.cli.conversation import Conversation, Talk
from executor.cli.minutes import Minutes
from executor.cli.open_run import left_open, tell_of_open_run
from executor.cli.slash import COMMANDS, Slash
from executor.journal import journals
from executor.policy.verdict import Mode
from executor.settings import Folders, Settings
from executor.view.look import Look
from executor.view.safe_text import safe_line
from executor.view.terminal import TerminalView
from protocol.from_executor import RunWishes

_SESSIONS_MAX = 20


class Local:
    """What the conversation may change on this machine, before and after the session is open."""

    def __init__(self, settings: Settings, places: Folders, root: Path) -> None:
        self.settings = settings
        self.made: Composed | None = None
        self._places = places
        self._root = root

    def mode(self) -> Mode:
        return self.settings.mode

    def set_mode(self, mode: Mode) -> None:
        if mode == "auto":
            require_for_auto(self.settings, self._places)
        self.settings = msgspec.structs.replace(self.settings, mode=mode)
        if self.made is not None:
            self.made.policy.set_mode(mode)

    def model(self) -> str:
        settings = self.settings
        if settings.model or settings.server is not None or settings.base_url is not None:
            return settings.model or ""
        from executor.cli.models import default_model

        return default_model()

    def sessions(self) -> Sequence[str]:
        known = journals(self._places.state, cwd=str(self._root))[:_SESSIONS_MAX]
        return [f"{head.name}  {safe_line(head.title, 60)}" for head in known]

    def undo(self, argument: str) -> Sequence[str]:
        from executor.cli.undo import undo_lines

        return undo_lines(self._root, argument)

    def redo(self, argument: str) -> Sequence[str]:
        from executor.cli.undo import redo_lines

        return redo_lines(self._root, argument)

    def patch(self) -> str:
        from executor.cli.changes import session_patch

        session = self.made and self.made.journal.session_id
        return session_patch(self._root, session) if session else ""

    def checkpoints(self) -> Sequence[str]:
        from executor.cli.changes import CONVERSATION_MAX, checkpoint_lines
        from executor.cli.undo import opened

        with opened(self._root) as snapshots:
            return checkpoint_lines(snapshots, CONVERSATION_MAX)


async def converse(
    reach: Callable[[Settings], Awaitable[World]],
    opening: Opening,
    *,
    local: Local,
    places: Folders,
    view: TerminalView,
    look: Look,
    root: Path,
) -> None:
    """Until the user leaves. Raises what the session raises when it can't go on.

    `reach` finds the maestro, once there is something to say.
    """
    from executor.cli.line_editor import LineEditor

    minutes = Minutes(view)
    async with contextlib.AsyncExitStack() as stack:

        async def open_session(text: str, run: RunWishes | None) -> Talk:
            if run is not None and run.model is not None:
                local.settings = msgspec.structs.replace(local.settings, model=run.model)
            world = await reach(local.settings)
            begun = opening if opening.resumes else msgspec.structs.replace(opening, prompt=text)
            made = await stack.enter_async_context(composed(begun, world, minutes, attended=True))
            local.made = made
            pump = asyncio.create_task(made.session.run(), name="session")
            stack.push_async_callback(asyncio.gather, pump, return_exceptions=True)
            stack.push_async_callback(made.session.close)
            tell_of_open_run(opening, made.journal, minutes, says=True)
            if opening.resumes and text:
                made.say(text, run=run)
            return made

        slash = Slash(minutes, local, look, view.put)
        editor = LineEditor(
            places.state / "history",
            root,
            tuple(COMMANDS),
            look.paint(f"{look.marks.prompt} ", "bold cyan"),
        )
        conversation = Conversation(view, editor, slash, open_session)
        await conversation.run(goes_on=left_open(opening, places.state))
