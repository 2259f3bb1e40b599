"""What is refused before anybody is asked, seen from the maestro's end of a real socket."""

import os
import subprocess
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from executor.bootstrap.reads import SeenFiles
from executor.policy.call import PlannedCall
from executor.policy.verdict import Allow, Deny, Verdict
from executor.process.git_foretelling import GitCommand
from executor.process.processes import Processes
from executor.process.shells import Shells
from executor.session.parts import Emit
from executor.tool_context import Tool, ToolContext
from executor.tools.apply_patch import ApplyPatchTool
from executor.tools.edit import EditTool
from executor.tools.git import GitTool
from executor.tools.read_file import ReadFileTool
from executor.tools.write_file import WriteFileTool
from executor.view.port import Approved
from executor.workspace import Workspace
from protocol.from_executor import ToolProgress, ToolResult
from tests.executor.session.maestro import Attachment, scripted_maestro
from tests.executor.session.rig import Rig, ask_for_effects, no_git, running
from tests.requirements import covers

_PATCH = "*** Begin Patch\n*** Update File: f\n@@\n-{}\n+x\n*** End Patch"


@asynccontextmanager
async def _at_work(folder: Path, **rigged: Any) -> AsyncGenerator[tuple[Rig, Attachment]]:
    """A session with the real file tools, in a project whose file `f` holds `one` and was read."""
    async with scripted_maestro() as maestro:
        rig = Rig.at(folder, maestro.address)
        rig.decide = rigged.get("decide", ask_for_effects)
        rig.git_within = rigged.get("git_within", no_git)
        project = folder / "project"
        (project / "f").write_text("one\n")
        workspace, reads = Workspace(project), SeenFiles()
        processes = Processes(rig.journal.journal_id, {"PATH": os.environ["PATH"]})
        shells = Shells(workspace)

        def context(tool_id: str, emit: Emit) -> ToolContext:
            return ToolContext(tool_id, workspace, processes, reads, emit, folder, shells)

        tools: tuple[Tool, ...] = (
            *(ReadFileTool(), EditTool(), WriteFileTool(), ApplyPatchTool(), GitTool()),
        )
        named = {tool.contract.name: tool for tool in tools}
        async with running(rig, maestro.address, tools=named, context=context):
            socket = await maestro.attachment()
            await socket.start()
            await socket.run("ReadFile", "t0", file_path="f")
            await socket.next(ToolResult)
            yield rig, socket
        await processes.close()
        workspace.close()


@covers("R-FILE-6")
@pytest.mark.parametrize(
    ("tool", "parameters", "code"),
    [
        ("Edit", {"old_string": "two", "new_string": "2"}, "no_match"),
        ("Edit", {"old_string": "one", "new_string": "one"}, "no_change"),
        ("Edit", {"file_path": "g", "old_string": "one", "new_string": "1"}, "not_found"),
        (
            "Edit",
            {"file_path": "../g", "old_string": "one", "new_string": "1"},
            "outside_workspace",
        ),
        ("Edit", {"file_path": "unread", "old_string": "one", "new_string": "1"}, "not_read"),
        ("ApplyPatch", {"patch": _PATCH.format("two")}, "no_match"),
        ("ApplyPatch", {"patch": "no patch"}, "bad_patch"),
        ("WriteFile", {"file_path": "unread", "content": "x"}, "not_read"),
        ("WriteFile", {"file_path": "folder", "content": "x"}, "is_folder"),
    ],
)
async def test_what_would_be_refused_is_refused_and_nobody_is_asked(
    tmp_path: Path, tool: str, parameters: dict[str, Any], code: str
) -> None:
    async with _at_work(tmp_path) as (rig, socket):
        (tmp_path / "project" / "unread").write_text("one\n")
        (tmp_path / "project" / "folder").mkdir()
        named = {} if "patch" in parameters else {"file_path": "f"}
        await socket.run(tool, "t1", **{**named, **parameters})

        result = await socket.next(ToolResult)

        assert result.error is not None
        assert (result.status, result.error.code) == ("error", code)
        assert rig.view.questions.empty()


async def test_what_may_be_done_is_asked_about_and_checked_again_when_it_is_done(
    tmp_path: Path,
) -> None:
    async with _at_work(tmp_path) as (rig, socket):
        await socket.run("Edit", "t1", file_path="f", old_string="one", new_string="1")
        await socket.next(ToolProgress)
        await rig.view.questions.get()
        (tmp_path / "project" / "f").write_text("theirs\n")
        rig.view.answers.put_nowait(Approved())
        await socket.next(ToolProgress)

        result = await socket.next(ToolResult)

        assert result.error is not None
        assert result.error.code == "stale"
        assert (tmp_path / "project" / "f").read_text() == "theirs\n"


@pytest.mark.parametrize(("verdict", "code"), [(Deny("not here"), "denied"), (Allow(), "no_match")])
async def test_a_call_that_nobody_is_asked_about_is_not_looked_into_beforehand(
    tmp_path: Path, verdict: Verdict, code: str
) -> None:
    def decide(call: PlannedCall) -> Verdict:
        return Allow() if call.effect == "read" else verdict

    async with _at_work(tmp_path, decide=decide) as (rig, socket):
        await socket.run("Edit", "t1", file_path="f", old_string="two", new_string="2")

        result = await socket.next(ToolResult)

        assert result.error is not None
        assert (result.error.code, rig.view.questions.empty()) == (code, True)


async def test_every_edit_of_a_call_stands_in_the_question(tmp_path: Path) -> None:
    def git_within(call: PlannedCall) -> tuple[GitCommand, ...]:
        return (GitCommand(call.parameters.args),) if call.tool_name == "Git" else ()

    async with _at_work(tmp_path, git_within=git_within) as (rig, socket):
        await socket.run(
            "Edit",
            "t1",
            file_path="f",
            old_string="one",
            new_string="two",
            edits=[{"old_string": "t", "new_string": "T", "replace_all": True}],
        )
        await socket.next(ToolProgress)

        question = await rig.view.questions.get()

        assert question.body == "f\n-one\n+two\nf, every occurrence\n-t\n+T"


async def test_a_patch_is_shown_whole_before_it_is_allowed_and_lands_when_it_is(
    tmp_path: Path,
) -> None:
    async with _at_work(tmp_path) as (rig, socket):
        await socket.run("ApplyPatch", "t1", patch=_PATCH.format("one"))
        await socket.next(ToolProgress)

        question = await rig.view.questions.get()
        rig.view.answers.put_nowait(Approved())
        await socket.next(ToolProgress)
        result = await socket.next(ToolResult)

        assert (question.title, question.body) == ("ApplyPatch f", _PATCH.format("one"))
        assert result.status == "success"
        assert (tmp_path / "project" / "f").read_text() == "x\n"


@covers("R-GIT-1")
async def test_what_a_git_command_would_lose_stands_in_the_question(tmp_path: Path) -> None:
    def git_within(call: PlannedCall) -> tuple[GitCommand, ...]:
        return (GitCommand(call.parameters.args),) if call.tool_name == "Git" else ()

    async with _at_work(tmp_path, git_within=git_within) as (rig, socket):
        for args in (("init", "-q"), ("add", "f")):
            subprocess.run(["git", *args], cwd=tmp_path / "project", check=True)
        bodies: list[str] = []
        for tool_id, args in (("t1", ["checkout", "--", "f"]), ("t2", ["add", "f"])):
            await socket.run("Git", tool_id, args=args)
            await socket.next(ToolProgress)
            bodies.append((await rig.view.questions.get()).body)
            rig.view.answers.put_nowait(Approved())
            await socket.next(ToolProgress)
            await socket.next(ToolResult)

        lost = "changes that are not committed are lost:\n  added  f"
        assert bodies == [f"checkout -- f\n\n{lost}", "add f"]
