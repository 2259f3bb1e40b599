"""What becomes of a call, seen from the maestro's end of a real socket."""

from pathlib import Path

import pytest

from executor.errors import ToolFailure
from executor.journal import Finished, open_journal
from executor.journal.paths import journal_path
from executor.journal.records import CallFinished, CallStarted, read_lines
from executor.policy.call import PlannedCall
from executor.policy.verdict import Allow, Ask, Deny, Verdict
from executor.session import ResumedSession, SessionStart
from executor.tool_context import ToolOutcome
from executor.view.port import Approved, Declined, Question
from executor.view.port import CallFinished as FinishedShown
from executor.view.port import CallStarted as StartedShown
from protocol.from_executor import (
    ResultMetadata,
    ToolError,
    ToolProgress,
    ToolResult,
    ToolStatus,
)
from protocol.from_maestro import Accepted, CancelTool, RunFinished, RunTool
from tests.executor.session.maestro import scripted_maestro
from tests.executor.session.rig import Rig, ask_for_effects, running
from tests.requirements import covers


def refused(tool_id: str, status: ToolStatus, code: str, text: str) -> ToolResult:
    return ToolResult(tool_id, status, text, "g1", ToolError(code, text))


async def test_a_read_is_run_and_its_result_sent_and_journalled(tmp_path: Path) -> None:
    async with scripted_maestro() as maestro:
        rig = Rig.at(tmp_path, maestro.address)
        async with running(rig, maestro.address):
            socket = await maestro.attachment()
            handshake = await socket.start()
            rig.read.outcomes.put_nowait(
                ToolOutcome("1\thello", metadata=ResultMetadata(duration_ms=3))
            )
            await socket.run("ReadFile", "t1", 1, file_path="a.txt")

            result = await socket.next(ToolResult)

            assert result == ToolResult(
                "t1", "success", "1\thello", "g1", metadata=ResultMetadata(duration_ms=3)
            )
            assert rig.journal.call("t1") == Finished(result)
            assert (handshake.known_tools, handshake.journal_id, handshake.initial_prompt) == (
                ("ReadFile", "Shell"),
                rig.journal.journal_id,
                "do it",
            )
            assert socket.authorization == "Bearer token-test-0000"
            assert rig.view.all(StartedShown) == [StartedShown("t1", "ReadFile", "ReadFile a.txt")]
            finished = await rig.view.until(FinishedShown)
            assert (finished.status, finished.title) == ("success", "ReadFile a.txt")


async def test_what_is_no_call_is_told_to_the_model(tmp_path: Path) -> None:
    async with scripted_maestro() as maestro:
        rig = Rig.at(tmp_path, maestro.address)
        async with running(rig, maestro.address):
            socket = await maestro.attachment()
            await socket.start()
            await socket.run("Fly", "t1")
            await socket.run("ReadFile", "t2", file_path="a", colour="red")
            await socket.run("ReadFile", "t3", file_path="a", limit="many")
            rig.read.outcomes.put_nowait(ToolFailure("not_found", "a does not exist."))
            await socket.run("ReadFile", "t4", file_path="a")
            results = {r.tool_id: r for r in [await socket.next(ToolResult) for _ in range(3)]}
            last = await socket.next(ToolResult)
            rig.read.outcomes.put_nowait(ZeroDivisionError("oh"))
            await socket.run("ReadFile", "t5", file_path="a")
            broken = await socket.next(ToolResult)

            assert results == {
                "t1": refused(
                    "t1",
                    "error",
                    "unknown_tool",
                    "There is no tool 'Fly' here. There are: ReadFile, Shell.",
                ),
                "t2": refused(
                    "t2",
                    "error",
                    "invalid_parameters",
                    "ReadFile: Object contains unknown field `colour`",
                ),
                "t3": refused(
                    "t3",
                    "error",
                    "invalid_parameters",
                    "ReadFile: Expected `int`, got `str` - at `$.limit`",
                ),
            }
            assert (last.status, last.result) == ("error", "a does not exist.")
            assert (broken.error, rig.read.runs) == (
                ToolError("internal", "ReadFile broke: ZeroDivisionError: oh"),
                2,
            )


async def test_calls_that_read_overlap_and_calls_with_effects_queue(tmp_path: Path) -> None:
    async with scripted_maestro() as maestro:
        rig = Rig.at(tmp_path, maestro.address)
        async with running(rig, maestro.address):
            socket = await maestro.attachment()
            await socket.start()
            for number in range(3):
                await socket.run("Shell", f"s{number}", command=f"echo {number}")
                await socket.run("ReadFile", f"r{number}", file_path=str(number))
            for _ in range(3):
                await rig.read.started.get()
            order: list[str] = []
            for _ in range(3):
                parameters, _ = await rig.shell.started.get()
                order.append(parameters.command)
                assert rig.shell.running == 1
                rig.shell.let_end("ok")
                await socket.next(ToolResult)
            rig.read.let_end("a", "b", "c")
            for _ in range(3):
                await socket.next(ToolResult)

            assert order == ["echo 0", "echo 1", "echo 2"]
            assert (rig.read.most_running, rig.shell.most_running) == (3, 1)


async def test_more_calls_than_can_be_held_are_refused(tmp_path: Path) -> None:
    async with scripted_maestro() as maestro:
        rig = Rig.at(tmp_path, maestro.address)
        async with running(rig, maestro.address):
            socket = await maestro.attachment()
            await socket.start()
            for number in range(66):
                await socket.run("ReadFile", f"t{number}", file_path="a")

            first, second = await socket.next(ToolResult), await socket.next(ToolResult)

            assert (first.tool_id, second.tool_id) == ("t64", "t65")
            assert first.error is not None
            assert first.error.code == "too_many_calls"
            assert rig.read.most_running == 16


@covers("R-ONCE-1")
async def test_a_call_that_is_sent_twice_runs_once(tmp_path: Path) -> None:
    async with scripted_maestro() as maestro:
        rig = Rig.at(tmp_path, maestro.address)
        async with running(rig, maestro.address):
            socket = await maestro.attachment()
            await socket.start()
            await socket.run("Shell", "t1", 1, command="make")
            await rig.shell.started.get()
            await socket.run("Shell", "t1", 1, command="make")
            await socket.run("Fly", "t2", 2)
            await socket.next(ToolResult)  # so the frame before it was taken in
            rig.shell.let_end("made")
            first = await socket.next(ToolResult)
            await socket.run("Shell", "t1", 1, command="make")
            second = await socket.next(ToolResult)
            await socket.send(Accepted(tool_id="t1"))
            await socket.run("Shell", "t1", 1, command="make")
            third = await socket.next(ToolResult)

            assert first == second
            assert (third.status, rig.shell.runs) == ("interrupted", 1)


@covers("R-ONCE-2")
async def test_a_command_is_in_the_journal_before_it_starts_and_its_end_before_it_is_sent(
    tmp_path: Path,
) -> None:
    async with scripted_maestro() as maestro:
        rig = Rig.at(tmp_path, maestro.address)
        file = journal_path(tmp_path / "state", rig.journal.journal_id)
        async with running(rig, maestro.address):
            socket = await maestro.attachment()
            await socket.start()
            await socket.run("Shell", "t1", 1, command="make")
            await rig.shell.started.get()
            at_start = read_lines(file.read_bytes()).records
            rig.shell.let_end("made")
            result = await socket.next(ToolResult)

            assert CallStarted("t1") in at_start
            assert read_lines(file.read_bytes()).records[-1] == CallFinished(result)


async def test_policy_denies_and_the_model_is_told_why(tmp_path: Path) -> None:
    def deny(call: PlannedCall) -> Verdict:
        return Deny("no shell here") if call.effect == "execute" else Allow()

    async with scripted_maestro() as maestro:
        rig = Rig.at(tmp_path, maestro.address)
        rig.decide = deny
        async with running(rig, maestro.address):
            socket = await maestro.attachment()
            await socket.start()
            await socket.run("Shell", "t1", command="rm -rf .")

            text = "Denied by this machine's policy: no shell here"
            assert await socket.next(ToolResult) == refused("t1", "denied", "denied", text)
            assert (rig.shell.runs, rig.view.all(StartedShown)) == (0, [])


async def test_a_question_is_asked_answered_and_the_call_runs(tmp_path: Path) -> None:
    async with scripted_maestro() as maestro:
        rig = Rig.at(tmp_path, maestro.address)
        rig.decide = ask_for_effects
        async with running(rig, maestro.address):
            socket = await maestro.attachment()
            await socket.start()
            await socket.run("Shell", "t1", command="make", timeout_s=60)
            asking = await socket.next(ToolProgress)
            question = await rig.view.questions.get()
            rig.view.answers.put_nowait(Approved("session"))
            started = await socket.next(ToolProgress)
            rig.shell.let_end("made")
            result = await socket.next(ToolResult)

            assert question == Question(
                tool_id="t1",
                tool_name="Shell",
                title="Shell make",
                why="it has effects",
                body="make\n(at most 60 s)",
                remember="all of it",
            )
            assert (asking, started) == (
                ToolProgress("t1", "asking"),
                ToolProgress("t1", "started"),
            )
            assert (result.status, rig.remembered) == (
                "success",
                [Ask("it has effects", remember="all of it")],
            )


async def test_a_call_that_is_sent_again_while_its_question_is_asked_is_asked_once(
    tmp_path: Path,
) -> None:
    async with scripted_maestro() as maestro:
        rig = Rig.at(tmp_path, maestro.address)
        rig.decide = ask_for_effects
        async with running(rig, maestro.address):
            socket = await maestro.attachment()
            await socket.start()
            await socket.run("Shell", "t1", 1, command="make")
            await socket.next(ToolProgress)
            await socket.run("Shell", "t1", 1, command="make")
            await socket.run("Fly", "t2", 2)
            await socket.next(ToolResult)  # so the frame before it was taken in
            rig.view.answers.put_nowait(Approved())
            await socket.next(ToolProgress)
            rig.shell.let_end("made")
            await socket.next(ToolResult)
            await socket.run("Fly", "t3", 3)

            assert (await socket.next(ToolResult)).tool_id == "t3"
            assert (rig.view.questions.qsize(), rig.shell.runs) == (1, 1)


@covers("R-CALL-4")
@pytest.mark.parametrize(
    ("answer", "text"),
    [
        (Declined(), "Denied by the user"),
        (Declined("use tabs"), "Denied by the user: use tabs"),
        (Declined(unasked=True), "Denied: it has effects, and there is no terminal to ask on"),
    ],
)
async def test_a_no_reaches_the_model_with_the_users_words(
    tmp_path: Path, answer: Declined, text: str
) -> None:
    async with scripted_maestro() as maestro:
        rig = Rig.at(tmp_path, maestro.address)
        rig.decide = ask_for_effects
        async with running(rig, maestro.address):
            socket = await maestro.attachment()
            await socket.start()
            rig.view.answers.put_nowait(answer)
            await socket.run("Shell", "t1", command="make")
            await socket.next(ToolProgress)

            assert await socket.next(ToolResult) == refused("t1", "denied", "denied", text)
            assert rig.shell.runs == 0


async def test_questions_come_one_at_a_time_and_an_answer_may_settle_the_next(
    tmp_path: Path,
) -> None:
    allowed: set[str] = set()

    def decide(call: PlannedCall) -> Verdict:
        return Allow() if call.tool_name in allowed else Ask("secret", remember="reads")

    def remember(ask: Ask) -> None:
        assert ask.remember == "reads"
        allowed.add("ReadFile")

    async with scripted_maestro() as maestro:
        rig = Rig.at(tmp_path, maestro.address)
        rig.decide = decide
        async with running(rig, maestro.address, remember=remember):
            socket = await maestro.attachment()
            await socket.start()
            for number in range(3):
                await socket.run("ReadFile", f"t{number}", file_path="a")
            asking = {(await socket.next(ToolProgress)).tool_id for _ in range(3)}
            first = await rig.view.questions.get()
            assert rig.view.questions.empty()
            rig.read.let_end("a", "b", "c")
            rig.view.answers.put_nowait(Approved("session"))
            rest = [(await socket.frame()).message for _ in range(6)]

            assert (asking, first.tool_id) == ({"t0", "t1", "t2"}, "t0")
            assert rig.view.questions.empty()
            assert {m.tool_id for m in rest if isinstance(m, ToolResult)} == asking


async def test_a_cancelled_call_withdraws_its_question(tmp_path: Path) -> None:
    async with scripted_maestro() as maestro:
        rig = Rig.at(tmp_path, maestro.address)
        rig.decide = ask_for_effects
        async with running(rig, maestro.address):
            socket = await maestro.attachment()
            await socket.start()
            await socket.run("Shell", "t1", 1, command="make")
            await socket.next(ToolProgress)
            await rig.view.questions.get()
            await socket.send(CancelTool("t1"), seq=2)

            text = "Cancelled: the maestro asked for it. It had not started."
            assert await socket.next(ToolResult) == refused("t1", "cancelled", "cancelled", text)
            assert (rig.view.withdrawn, rig.shell.runs) == (["t1"], 0)


async def test_the_end_of_the_run_ends_what_runs_and_what_asks(tmp_path: Path) -> None:
    async with scripted_maestro() as maestro:
        rig = Rig.at(tmp_path, maestro.address)
        rig.decide = lambda call: Ask("x") if call.effect == "read" else Allow()
        async with running(rig, maestro.address):
            socket = await maestro.attachment()
            await socket.start()
            await socket.run("Shell", "t1", 1, command="make")
            await rig.shell.started.get()
            await socket.run("ReadFile", "t2", 2, file_path="a")
            await socket.next(ToolProgress)
            await rig.view.questions.get()
            await socket.send(RunFinished("error", "max_seconds"), seq=3)
            results = {r.tool_id: r.result for r in [await socket.next(ToolResult) for _ in "12"]}

            assert results == {
                "t1": "Cancelled: the run has ended. It had started: what it did until then stays.",
                "t2": "Cancelled: the run has ended. It had not started.",
            }
            assert (rig.shell.cancelled, rig.view.withdrawn) == (1, ["t2"])


@covers("R-CALL-6")
async def test_bootstrap_calls_never_prompt_and_are_not_shown(tmp_path: Path) -> None:
    async with scripted_maestro() as maestro:
        rig = Rig.at(tmp_path, maestro.address)
        rig.decide = ask_for_effects
        async with running(rig, maestro.address):
            socket = await maestro.attachment()
            await socket.start()
            await socket.send(RunTool("Shell", "b1", "bootstrap", {"command": "git log"}), seq=1)
            result = await socket.next(ToolResult)

            assert (result.status, result.result, result.generation_id) == (
                "denied",
                "Not asked before the first answer: it has effects",
                "bootstrap",
            )
            assert rig.view.questions.empty()
            assert rig.view.all(FinishedShown) == []


async def test_a_result_is_cut_and_lone_surrogates_are_replaced(tmp_path: Path) -> None:
    async with scripted_maestro() as maestro:
        rig = Rig.at(tmp_path, maestro.address)
        async with running(rig, maestro.address):
            socket = await maestro.attachment()
            await socket.start()
            rig.read.let_end("é" * 600_000, "a\udc80b")
            await socket.run("ReadFile", "t1", file_path="a")
            cut = await socket.next(ToolResult)
            await socket.run("ReadFile", "t2", file_path="a")
            odd = await socket.next(ToolResult)

            assert (len(cut.result.encode()), cut.metadata.truncated, cut.metadata.total_bytes) == (
                1024 * 1024,
                True,
                1_200_000,
            )
            assert odd.result == "a\ufffdb"


@covers("R-ONCE-3")
async def test_a_call_of_a_gone_process_is_ended_and_answered_as_interrupted(
    tmp_path: Path,
) -> None:
    async with scripted_maestro() as maestro:
        rig = Rig.at(tmp_path, maestro.address, session_id="s1")
        rig.journal.begin("t1", effects=True)
        rig.journal.close()
        rig = rig_again(rig)
        async with running(rig, maestro.address, SessionStart(ResumedSession())):
            socket = await maestro.attachment()
            handshake = await socket.start(resumed=True)
            await socket.run("Shell", "t1", 1, command="make")
            result = await socket.next(ToolResult)

            assert handshake.resume is not None
            assert (handshake.resume.session_id, handshake.initial_prompt) == ("s1", "")
            assert (result.status, rig.shell.runs, rig.survivors) == ("interrupted", 0, ["t1"])


def rig_again(rig: Rig) -> Rig:
    """The next process, with the same journal."""
    return Rig(rig.folder, open_journal(rig.folder / "state", rig.journal.journal_id))
