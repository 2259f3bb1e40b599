"""Runs, from the first frame to the summary and the exit code."""

import asyncio
import subprocess
from pathlib import Path

import pytest

from executor.errors import (
    JournalError,
    ServerRefused,
    ServerUnreachable,
    UsageError,
)
from executor.session import (
    NewSession,
    Parked,
    ResumedSession,
    RunOver,
    SessionStart,
    exit_code,
)
from executor.tool_context import ToolOutcome
from executor.view.port import Declined, Denial, Notice, RunSummary
from protocol.errors import ErrorCode
from protocol.from_executor import (
    Interrupt,
    ResultMetadata,
    RunWishes,
    ToolProgress,
    ToolResult,
    UserMessage,
)
from protocol.from_maestro import (
    Accepted,
    AgentMessage,
    EndReason,
    ErrorReported,
    PlanUpdated,
    RunFinished,
    StatusChanged,
)
from protocol.wire import FileChange, PlanStep, Usage
from tests.executor.session.maestro import scripted_maestro
from tests.executor.session.rig import Rig, ask_for_effects, running
from tests.requirements import covers

DONE = RunFinished("success", "completed", usage=Usage(input_tokens=10, output_tokens=2))


async def test_a_run_is_summed_up(tmp_path: Path) -> None:
    async with scripted_maestro() as maestro:
        rig = Rig.at(tmp_path, maestro.address)
        start = SessionStart(NewSession("do it"), model="openai/test")
        async with running(rig, maestro.address, start) as session:
            socket = await maestro.attachment()
            await socket.start()
            for number, change in enumerate(
                (
                    FileChange("a.py", "created", added=3),
                    FileChange("b.py", "modified", added=1, removed=1),
                    FileChange("a.py", "modified", added=1, removed=2),
                    FileChange("draft", "created", added=1),
                    FileChange("draft", "deleted", removed=1),
                )
            ):
                metadata = ResultMetadata(duration_ms=1, changes=(change,))
                rig.shell.outcomes.put_nowait(ToolOutcome("ok", metadata=metadata))
                await socket.run("Shell", f"t{number}", number + 1, command="x")
                await socket.next(ToolResult)
            rig.decide = ask_for_effects
            rig.view.answers.put_nowait(Declined(unasked=True))
            await socket.run("Shell", "t9", 9, command="rm x")
            await socket.next(ToolProgress)
            await socket.next(ToolResult)
            await socket.send(AgentMessage("g1", "All done."), seq=10)
            await socket.send(DONE, seq=11)
            over = await session.run_over()

            assert isinstance(over, RunSummary)
            assert over == RunSummary(
                session_id="s1",
                finished=DONE,
                seconds=over.seconds,
                usage=DONE.usage,
                changes=(
                    FileChange("a.py", "created", added=4, removed=2),
                    FileChange("b.py", "modified", added=1, removed=1),
                ),
                commands=5,
                denials=(
                    Denial(
                        tool_name="Shell",
                        title="Shell rm x",
                        why="Denied: it has effects, and there is no terminal to ask on",
                        for_want_of_terminal=True,
                    ),
                ),
                text="All done.",
                model="openai/test",
            )
            assert rig.view.all(RunSummary) == [over]
            assert exit_code(over) == 3


async def test_a_follow_up_is_another_run_with_its_own_summary(tmp_path: Path) -> None:
    async with scripted_maestro() as maestro:
        rig = Rig.at(tmp_path, maestro.address)
        async with running(rig, maestro.address) as session:
            socket = await maestro.attachment()
            await socket.start()
            await socket.send(AgentMessage("g1", "one"), seq=1)
            await socket.send(DONE, seq=2)
            first = await session.run_over()
            session.say("and now the tests", run=RunWishes(effort="high"))
            said = await socket.frame()
            second = asyncio.create_task(session.run_over())
            await socket.accept(said)
            await socket.send(AgentMessage("g2", "two"), seq=4)
            await socket.send(DONE, seq=5)
            later = await second

            assert said.message == UserMessage("and now the tests", run=RunWishes(effort="high"))
            assert isinstance(first, RunSummary)
            assert isinstance(later, RunSummary)
            assert (first.text, later.text) == ("one", "two")


@pytest.mark.parametrize("accepted_after", [0, 1, 2])
async def test_the_end_of_an_earlier_run_that_a_resume_brings_is_not_the_answer(
    accepted_after: int, tmp_path: Path
) -> None:
    ends = [(AgentMessage("g1", "one"), 2, DONE, 3), (AgentMessage("g2", "two"), 8, DONE, 9)]
    async with scripted_maestro() as maestro:
        rig = Rig.at(tmp_path, maestro.address, session_id="s1")
        start = SessionStart(ResumedSession())
        async with running(rig, maestro.address, start) as session:
            session.say("and now the tests")
            socket = await maestro.attachment()
            await socket.start(resumed=True)
            said = await socket.frame()
            for place, (text, text_seq, end, end_seq) in enumerate(ends):
                if place == accepted_after:
                    await socket.send(Accepted(id=said.id, of_seq=6))
                await socket.send(text, seq=text_seq)
                await socket.send(end, seq=end_seq)
            if accepted_after == len(ends):
                await socket.send(Accepted(id=said.id, of_seq=6))
            over = await session.run_over()

            assert isinstance(over, RunSummary)
            assert over.text == "two"
            assert rig.view.all(RunSummary) == [over]
            assert rig.view.all(Notice) == [Notice("the run before had ended meanwhile: completed")]


async def test_an_interrupt_ends_the_calls_at_once_and_keeps_the_session(tmp_path: Path) -> None:
    async with scripted_maestro() as maestro:
        rig = Rig.at(tmp_path, maestro.address)
        async with running(rig, maestro.address) as session:
            socket = await maestro.attachment()
            await socket.start()
            await socket.run("Shell", "t1", 1, command="sleep 99")
            await rig.shell.started.get()
            session.interrupt("Ctrl-C")
            stop = await socket.next(Interrupt)
            result = await socket.next(ToolResult)
            await socket.send(RunFinished("interrupted", "interrupted"), seq=3)
            over = await session.run_over()

            assert (stop.reason, result.status, rig.shell.cancelled) == ("Ctrl-C", "cancelled", 1)
            assert exit_code(over) == 130


async def test_what_the_maestro_refuses_ends_the_wait_for_its_run(tmp_path: Path) -> None:
    async with scripted_maestro() as maestro:
        rig = Rig.at(tmp_path, maestro.address)
        async with running(rig, maestro.address) as session:
            socket = await maestro.attachment()
            await socket.start()
            await socket.send(DONE, seq=1)
            await session.run_over()
            session.say("again", run=RunWishes(model="none/such"))
            said = await socket.frame()
            await socket.send(ErrorReported(ErrorCode.NOT_ALLOWED, "no such model", id=said.id))
            with pytest.raises(ServerRefused, match="no such model"):
                await session.run_over()


async def test_a_parked_run_is_over_where_nobody_waits_and_only_there(tmp_path: Path) -> None:
    async with scripted_maestro() as maestro:
        rig = Rig.at(tmp_path, maestro.address)
        async with running(rig, maestro.address, stop_when_parked=True) as session:
            socket = await maestro.attachment()
            await socket.start()
            await socket.send(StatusChanged("waiting", step="a human is being asked"))
            await socket.send(StatusChanged("waiting", step="rate_limited"))
            over = await session.run_over()
        assert (over, exit_code(over)) == (Parked("s1", "rate_limited"), 5)

        rig = Rig.at(tmp_path, maestro.address)
        async with running(rig, maestro.address) as session:
            socket = await maestro.attachment()
            await socket.start()
            await socket.send(StatusChanged("waiting", step="rate_limited"))
            await socket.send(StatusChanged("running"))
            await socket.send(DONE, seq=1)
            assert isinstance(await session.run_over(), RunSummary)


async def test_the_plan_is_kept_in_the_project(tmp_path: Path) -> None:
    async with scripted_maestro() as maestro:
        rig = Rig.at(tmp_path, maestro.address)
        async with running(rig, maestro.address):
            socket = await maestro.attachment()
            await socket.start()
            steps = (PlanStep("read\nit", "done"), PlanStep("mend it", "active"), PlanStep("test"))
            await socket.send(PlanUpdated(steps), seq=1)
            await rig.view.until(PlanUpdated)

        head, *rest = (tmp_path / "project/.codegen/plan.md").read_text().splitlines()
        assert head.startswith("<!-- session s1, 20")
        assert rest == ["# Plan", "", "- [x] read it", "- [>] mend it", "- [ ] test"]
        ignored = subprocess.run(
            ("git", "status", "--porcelain", "--untracked-files=all"),
            cwd=_repository(tmp_path / "project"),
            capture_output=True,
            check=True,
        )
        assert b".codegen" not in ignored.stdout


def _repository(folder: Path) -> Path:
    subprocess.run(("git", "init", "-q"), cwd=folder, check=True)
    return folder


async def test_rules_of_the_users_beside_the_plan_are_left_alone(tmp_path: Path) -> None:
    async with scripted_maestro() as maestro:
        rig = Rig.at(tmp_path, maestro.address)
        (tmp_path / "project/.codegen").mkdir()
        rules = tmp_path / "project/.codegen/.gitignore"
        rules.write_text("# the plan is for everybody\n")
        async with running(rig, maestro.address):
            socket = await maestro.attachment()
            await socket.start()
            await socket.send(PlanUpdated((PlanStep("one"),)), seq=1)
            await rig.view.until(PlanUpdated)

        assert (tmp_path / "project/.codegen/plan.md").exists()
        assert rules.read_text() == "# the plan is for everybody\n"


async def test_a_plan_that_can_not_be_written_is_only_noted(tmp_path: Path) -> None:
    async with scripted_maestro() as maestro:
        rig = Rig.at(tmp_path, maestro.address)
        (tmp_path / "project/.codegen").write_text("a file in the way")
        async with running(rig, maestro.address):
            socket = await maestro.attachment()
            await socket.start()
            await socket.send(PlanUpdated((PlanStep("one"),)), seq=1)
            notice = await rig.view.until(Notice)

            assert notice.text.startswith("the plan was not written: ")


async def test_read_only_mode_writes_no_plan(tmp_path: Path) -> None:
    async with scripted_maestro() as maestro:
        rig = Rig.at(tmp_path, maestro.address)
        async with running(rig, maestro.address, keep_plan=False):
            socket = await maestro.attachment()
            await socket.start()
            await socket.send(PlanUpdated((PlanStep("one"),)), seq=1)
            await rig.view.until(PlanUpdated)

        assert list((tmp_path / "project").iterdir()) == []


async def test_a_prompt_that_is_too_large_is_bad_usage(tmp_path: Path) -> None:
    async with scripted_maestro() as maestro:
        rig = Rig.at(tmp_path, maestro.address)
        start = SessionStart(NewSession("x" * 5_000_000))
        async with running(rig, maestro.address, start) as session:
            with pytest.raises(UsageError, match="too large"):
                await session.run_over()


def summary(reason: EndReason, *, unasked: bool = False) -> RunSummary:
    denial = Denial("Shell", "Shell x", "why", for_want_of_terminal=unasked)
    return RunSummary("s", RunFinished("success", reason), 1.0, Usage(), denials=(denial,))


@covers("R-CLI-9")
@pytest.mark.parametrize(
    ("end", "code"),
    [
        (summary("completed"), 0),
        (summary("completed", unasked=True), 3),
        (summary("failed", unasked=True), 1),
        (summary("internal"), 1),
        (summary("max_steps"), 4),
        (summary("max_seconds"), 4),
        (summary("max_tokens"), 4),
        (summary("max_cost"), 4),
        (summary("loop"), 4),
        (summary("model_error"), 5),
        (summary("tool_protocol"), 5),
        (summary("unverified"), 7),
        (summary("interrupted"), 130),
        (Parked("s", "rate_limited"), 5),
        (Parked("s", "poison"), 1),
        (UsageError("x"), 2),
        (ServerRefused("x"), 6),
        (ServerUnreachable("x"), 6),
        (JournalError("x"), 1),
        (KeyboardInterrupt(), 130),
    ],
)
def test_the_exit_code_tells_the_truth(
    end: RunOver | UsageError | KeyboardInterrupt, code: int
) -> None:
    assert exit_code(end) == code
