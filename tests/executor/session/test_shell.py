"""The shell in a session: where it runs is decided on and shown, and what outlives what."""

import os
from pathlib import Path

from executor.policy.decide import PolicyState
from executor.policy.ground import ProjectGround
from executor.policy.policy import Policy
from executor.tools.shell import ShellTool
from executor.tools.shell_output import ShellOutputTool
from executor.view.port import CallFinished, Declined
from executor.workspace import Workspace
from protocol.from_executor import (
    FromExecutor,
    Interrupt,
    ToolOutputDelta,
    ToolProgress,
    ToolResult,
)
from tests.executor.session.maestro import Attachment, scripted_maestro
from tests.executor.session.rig import Rig, running
from tests.requirements import covers


async def _told(socket: Attachment) -> FromExecutor:
    """The next that is no live output."""
    while isinstance(message := (await socket.frame()).message, ToolOutputDelta):
        pass
    return message


@covers("R-SHELL-1")
async def test_policy_decides_where_the_command_will_run(tmp_path: Path) -> None:
    async with scripted_maestro() as maestro:
        rig = Rig.at(tmp_path, maestro.address)
        project = tmp_path / "project"
        (project / "sub").mkdir()
        (project / "a.txt").write_text("a\n")
        (tmp_path / "b.txt").write_text("b\n")
        workspace = Workspace(project)
        ground = ProjectGround(workspace, os.environ["PATH"])
        policy = Policy(PolicyState(mode="ask", trusted=True), ground)
        async with running(
            rig, maestro.address, tools={"Shell": ShellTool()}, decide=policy.decide
        ):
            socket = await maestro.attachment()
            await socket.start()
            # All at once: each is decided on when the one before it has ended.
            await socket.run("Shell", "t1", command="cd sub")
            await socket.run("Shell", "t2", command="cat ../a.txt")
            await socket.run("Shell", "t3", command="cat ../../b.txt")
            told = [await _told(socket) for _ in range(3)]
            question = await rig.view.questions.get()
            rig.view.answers.put_nowait(Declined())
            last = await _told(socket)
        workspace.close()

    assert [one.result if isinstance(one, ToolResult) else one for one in told] == [
        "[exit code 0, the working directory is sub from here on]",
        "a\n[exit code 0]",
        ToolProgress("t3", "asking"),
    ]
    assert question.why == "../../b.txt is outside the project, or secret"
    assert question.body == "cat ../../b.txt\n(in sub, in the background if it takes long)"
    assert isinstance(last, ToolResult)
    assert last.status == "denied"


@covers("R-SHELL-4")
async def test_what_waits_for_a_person_is_refused_before_anybody_is_asked(tmp_path: Path) -> None:
    async with scripted_maestro() as maestro:
        rig = Rig.at(tmp_path, maestro.address)
        async with running(rig, maestro.address):
            socket = await maestro.attachment()
            await socket.start()
            await socket.run("Shell", "t1", command="git rebase -i HEAD~2")
            result = await socket.next(ToolResult)

    assert result.error is not None
    assert (result.status, result.error.code) == ("error", "interactive")
    assert (rig.shell.runs, rig.view.questions.qsize()) == (0, 0)
    assert [call.title for call in rig.view.all(CallFinished)] == ["Shell git rebase -i HEAD~2"]


@covers("R-SHELL-2")
async def test_a_command_in_the_background_outlives_a_lost_connection_and_no_interrupt(
    tmp_path: Path,
) -> None:
    async with scripted_maestro() as maestro:
        rig = Rig.at(tmp_path, maestro.address)
        tools = {"Shell": ShellTool(), "ShellOutput": ShellOutputTool()}
        async with running(rig, maestro.address, tools=tools) as session:
            socket = await maestro.attachment()
            await socket.start()
            await socket.run("Shell", "t1", command="echo up; sleep 60", background_after_s=1)
            moved = await _result(socket)
            await socket.close()
            socket = await maestro.attachment()
            await socket.start(resumed=True)
            await _result(socket)  # sent again: nobody has accepted it
            await socket.run("ShellOutput", "t2", shell_id="sh1", cursor=0)
            outlived = await _result(socket)
            session.interrupt()
            assert isinstance((await socket.frame()).message, Interrupt)
            await socket.run("ShellOutput", "t3", shell_id="sh1", timeout_s=5)
            interrupted = await _result(socket)

    assert moved.startswith("up\n[still running after 1 s in the background as sh1, ")
    assert outlived.startswith("up\n[sh1 runs since ")
    assert interrupted.startswith("[sh1: ended by the user, who interrupted the run after ")


async def _result(socket: Attachment) -> str:
    """The text of the next result."""
    while not isinstance(told := await _told(socket), ToolResult):
        pass
    return told.result
