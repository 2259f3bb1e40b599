"""The checkpoints of a session, opened at the first call that may change something.

Says which files a call may change; keeping them is the snapshots' business, and their database is
not loaded before it is needed.
"""

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import msgspec

from executor.errors import OutsideWorkspace, SnapshotError, ToolFailure
from executor.journal import Journal
from executor.patch.parse import parsed
from executor.patch.sections import paths_of
from executor.policy.call import PlannedCall
from executor.settings import Folders
from executor.view.port import Notice, View
from executor.workspace import Workspace
from executor.workspace.waiting import in_stoppable_thread, in_thread

if TYPE_CHECKING:
    from executor.snapshots.recorder import Recorder

_PATH_TOOLS = frozenset({"WriteFile", "Edit"})
_FILELESS_TOOLS = frozenset({"Clipboard", "ShellOutput", "WebFetch"})


class Surroundings(msgspec.Struct, frozen=True):
    """What checkpoints need of the session around them."""

    folders: Folders
    workspace: Workspace
    journal: Journal
    view: View
    only_looks: Callable[[PlannedCall], bool]
    """The call is proven to change nothing."""
    background: Callable[[], bool] = lambda: False
    """A command runs in the background."""


class SessionCheckpoints:
    """`executor.session.parts.Checkpoints` over the snapshots of this machine."""

    def __init__(self, around: Surroundings) -> None:
        self._around = around
        self._loop = asyncio.get_running_loop()
        self._recorder: Recorder | None = None
        self._is_off = False
        """They could not be opened, and that was told."""

    @asynccontextmanager
    async def kept(self, tool_id: str, call: PlannedCall, title: str) -> AsyncGenerator[None]:
        around = self._around
        fileless = call.tool_name in _FILELESS_TOOLS and not call.custom
        recorder = None
        if not (call.effect == "read" or fileless or around.only_looks(call)):
            recorder = await in_thread(self._open)
        if recorder is None:
            yield
            if call.tool_name == "ShellKill":
                await self._look_behind()
            return
        from executor.snapshots.timeline import Described

        about = Described(
            session=around.journal.session_id or "",
            call=tool_id,
            tool=call.tool_name,
            title=title,
        )
        paths = self._paths(call)
        await in_stoppable_thread(lambda cancelled: recorder.before(about, paths, cancelled))
        try:
            yield
        finally:
            await in_stoppable_thread(lambda cancelled: recorder.after(tool_id, cancelled))
            if paths is None:
                recorder.left_behind(about if around.background() else None)

    def run_ended(self) -> int:
        return 0 if self._recorder is None else self._recorder.run_ended()

    def news(self) -> str:
        """What the model is to be told of undos since the session was told last; once."""
        session = self._around.journal.session_id
        if session is None or not self._is_there():
            return ""
        recorder = self._open()
        try:
            return "" if recorder is None else recorder.news(session)
        except SnapshotError as error:
            self._show(str(error))
            return ""

    async def aclose(self) -> None:
        await self._look_behind()
        if self._recorder is not None:
            await in_thread(self._recorder.close)

    async def _look_behind(self) -> None:
        """What commands in the background have changed is theirs, before they are forgotten."""
        recorder = self._recorder
        if recorder is not None:
            await in_stoppable_thread(recorder.look_behind)
            if not self._around.background():
                recorder.left_behind(None)

    def _is_there(self) -> bool:
        from executor.snapshots.place import snapshot_folder

        return snapshot_folder(self._around.folders.state, self._around.workspace.root).exists()

    def _open(self) -> "Recorder | None":
        """None where they can't be kept, which is told once."""
        if self._recorder is None and not self._is_off:
            from executor.snapshots.recorder import Recorder

            around = self._around
            try:
                self._recorder = Recorder(around.folders.state, around.workspace.root, self._show)
            except (SnapshotError, OSError) as error:
                self._is_off = True
                self._show(f"what is changed can't be undone: {error}")
        return self._recorder

    def _paths(self, call: PlannedCall) -> tuple[str, ...] | None:
        """The files that it may change, by their real paths; None: any."""
        if call.custom:
            return None
        if call.tool_name in _PATH_TOOLS:
            named = [call.parameters.file_path]
        elif call.tool_name == "ApplyPatch":
            named = _patched(call.parameters.patch)
        else:
            return None
        return tuple(path for name in named if (path := self._real(name)))

    def _real(self, name: str) -> str:
        try:
            return "/".join(self._around.workspace.resolve(name).real)
        except OutsideWorkspace:
            return ""  # the tool will refuse it

    def _show(self, text: str) -> None:
        """From any thread."""
        self._loop.call_soon_threadsafe(self._around.view.show, Notice(text, "warning"))


def _patched(patch: str) -> tuple[str, ...]:
    try:
        return tuple(paths_of(parsed(patch)))
    except ToolFailure:
        return ()  # the tool will refuse it
