"""The executor's own program at work in a real folder, against the real maestro."""

import asyncio
import os
from pathlib import Path

import pytest

from executor.journal import create_journal
from executor.journal.paths import journal_path
from executor.view.port import CallFinished, CallStarted, Declined
from protocol.from_maestro import AgentMessageDelta, PlanUpdated
from protocol.wire import PlanStep, Usage
from tests.executor.process.polling import until
from tests.executor.session.rig import PlayedView
from tests.interaction.world import World, last_user_words, tool_answers, world
from tests.requirements import covers
from tests.scripted_model import call, calls, cut, hang, held, text
from tests.scripted_model.script import Call, Tokens


def calls_shown(view: PlayedView) -> list[str]:
    """`+Shell` where a call began, `-Shell` where it ended."""
    marks = {CallStarted: "+", CallFinished: "-"}
    return [
        f"{marks[type(shown)]}{shown.tool_name}"
        for shown in view.shown
        if isinstance(shown, CallStarted | CallFinished)
    ]


def is_prefix_of_the_next(here: World, number: int) -> bool:
    """Whether request `number`, counted from 0, begins the next one, its closing brackets apart."""
    one, other = (here.model.requests[place].body for place in (number, number + 1))
    return one.endswith(b"]}") and other.startswith(one.removesuffix(b"]}") + b",")


@covers("R-RUN-1", "R-RUN-2", "R-RUN-3")
async def test_a_prompt_becomes_changed_files_run_commands_and_a_summary(tmp_path: Path) -> None:
    script = [
        calls(call("WriteFile", file_path="greet.py", content="print('hi')\n"), say="I write."),
        calls(call("Edit", file_path="greet.py", old_string="'hi'", new_string="'hello'")),
        calls(call("Shell", command="cat greet.py; exit 3")),
        text("It greets.", tokens=Tokens(prompt=200, cached=50, completion=7)),
    ]
    async with world(tmp_path, script) as here, here.program("greet me") as program:
        over = await program.over()

    assert (here.project / "greet.py").read_text() == "print('hello')\n"
    assert [answer.splitlines()[0] for answer in tool_answers(here.model.requests[3])][2] == (
        "print('hello')"
    )
    assert "3" in tool_answers(here.model.requests[3])[2].splitlines()[-1]
    assert (over.finished.outcome, over.finished.reason) == ("success", "completed")
    assert over.text == "It greets."
    assert [(change.path, change.kind) for change in over.changes] == [("greet.py", "created")]
    assert over.commands == 1
    assert over.usage == over.finished.usage == Usage(500, 50, 37)


@covers("R-RUN-4")
async def test_each_request_begins_with_the_bytes_of_the_one_before(tmp_path: Path) -> None:
    script = [
        calls(call("Shell", command="echo one"), say="First."),
        calls(call("Shell", command="no-such-command")),
        calls(call("ReadFile", file_path="absent")),
        text("Done."),
        text("Again."),
    ]
    async with world(tmp_path, script) as here, here.program() as program:
        await program.over()
        program.session.say("and again")
        await program.over()

    assert [is_prefix_of_the_next(here, number) for number in range(4)] == [True] * 4


@covers("R-CALL-1", "R-CALL-2")
async def test_calls_that_read_run_side_by_side_and_answer_in_the_models_order(
    tmp_path: Path,
) -> None:
    greps = [call("Grep", pattern=word) for word in ("alpha", "beta", "gamma")]
    async with world(tmp_path, [calls(*greps), text("Found.")]) as here:
        (here.project / "words").write_text("gamma\nbeta\nalpha\n")
        async with here.program() as program:
            await program.over()

    assert calls_shown(program.view)[:3] == ["+Grep"] * 3
    answers = tool_answers(here.model.requests[1])
    assert ["alpha" in answers[0], "beta" in answers[1], "gamma" in answers[2]] == [True] * 3


@covers("R-CALL-3")
async def test_calls_with_effects_run_one_at_a_time_in_the_models_order(tmp_path: Path) -> None:
    commands = [call("Shell", command=f"echo {n} >> log; tail -n1 log") for n in (1, 2, 3)]
    script = [calls(*commands), text("Done.")]
    async with world(tmp_path, script) as here, here.program() as program:
        await program.over()

    answers = tool_answers(here.model.requests[1])
    assert [answer.splitlines()[0] for answer in answers] == ["1", "2", "3"]
    assert (here.project / "log").read_text() == "1\n2\n3\n"


@covers("R-RUN-5")
async def test_what_is_said_during_a_run_steers_its_next_generation(tmp_path: Path) -> None:
    script = [
        held(calls(call("Shell", command="echo one")), "go", after=1),
        text("I do it in Rust."),
    ]
    async with world(tmp_path, script) as here, here.program("write it") as program:
        await here.model.requested(1)
        program.session.say("in Rust, please")
        await until_the_ledger_holds(2, here)
        here.model.open("go")
        over = await program.over()

    assert over.text == "I do it in Rust."
    assert here.model.requests[1].roles == ["system", "user", "user", "assistant", "tool", "user"]
    assert last_user_words(here.model.requests[1]) == "in Rust, please"


async def until_the_ledger_holds(messages: int, here: World) -> None:
    """Wait until so many messages of the user are among the session's events."""
    async with asyncio.timeout(20):
        while True:
            (session,) = (await here.rest("GET", ""))["sessions"]
            events = (await here.rest("GET", f"/{session['session_id']}"))["events"]
            if sum(event["type"] == "user_message" for event in events) == messages:
                return


@covers("R-RUN-6")
async def test_an_interrupt_ends_the_run_and_its_command_and_keeps_the_session(
    tmp_path: Path,
) -> None:
    script = [
        calls(call("Shell", command="echo $$ > pid; sleep 60")),
        text("Then something else."),
    ]
    async with world(tmp_path, script) as here, here.program() as program:
        await program.view.until(CallStarted)
        program.session.interrupt("enough")
        interrupted = await program.over()
        program.session.say("something else")
        over = await program.over()

    assert interrupted.finished.reason == "interrupted"
    assert over.text == "Then something else."
    (answer,) = tool_answers(here.model.requests[1])
    assert answer.startswith("Cancelled")


@covers("R-RUN-6")
async def test_an_interrupt_stops_a_generation_that_is_being_made(tmp_path: Path) -> None:
    script = [hang(text("Once ", "upon"), after=2), text("Short.")]
    async with world(tmp_path, script) as here, here.program() as program:
        await program.view.until(AgentMessageDelta)
        program.session.interrupt()
        interrupted = await program.over()
        request = await here.model.answered(1)
        program.session.say("be short")
        over = await program.over()

    assert interrupted.finished.reason == "interrupted"
    assert request.cut
    assert over.text == "Short."


@covers("R-RUN-7")
async def test_a_session_is_continued_by_another_process_with_its_whole_transcript(
    tmp_path: Path,
) -> None:
    script = [calls(call("Shell", command="echo one")), text("One."), text("Two.")]
    async with world(tmp_path, script) as here:
        async with here.program("first") as program:
            await program.over()
            session_id = program.session_id
        async with here.program("second", resume=session_id) as program:
            over = await program.over()

    assert over.text == "Two."
    assert is_prefix_of_the_next(here, 1)
    assert last_user_words(here.model.requests[2]) == "second"


@covers("R-CALL-4")
async def test_a_denied_call_reaches_the_model_as_denied_with_the_users_words(
    tmp_path: Path,
) -> None:
    script = [calls(call("Shell", command="make deploy")), text("Then I don't.")]
    view = PlayedView()
    view.answers.put_nowait(Declined("never deploy from here"))
    async with world(tmp_path, script) as here, here.program(mode="ask", view=view) as program:
        over = await program.over()

    assert tool_answers(here.model.requests[1]) == [
        "Not run\nDenied by the user: never deploy from here"
    ]
    assert over.finished.reason == "completed"
    assert [denial.for_want_of_terminal for denial in over.denials] == [False]


@covers("R-CALL-5")
@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        (call("Telepathy"), "Error (unknown_tool)"),
        (call("Shell"), "Error (invalid_parameters)"),
        (call("Shell", command="ls", colour="red"), "Error (invalid_parameters)"),
        (Call("Shell", '{"command": "touch half'), "Error (invalid_parameters)"),
    ],
)
async def test_a_call_that_cannot_be_made_is_told_to_the_model_which_mends_it(
    wrong: Call, told: str, tmp_path: Path
) -> None:
    script = [calls(wrong), calls(call("Shell", command="ls")), text("Mended.")]
    async with world(tmp_path, script) as here, here.program() as program:
        over = await program.over()

    assert over.text == "Mended."
    assert tool_answers(here.model.requests[1])[0].startswith(told)
    assert calls_shown(program.view) == ["+Shell", "-Shell"]


@covers("R-RUN-8")
async def test_a_plan_is_shown_and_kept_in_the_project(tmp_path: Path) -> None:
    steps = [{"title": "Look", "status": "done"}, {"title": "Mend", "status": "active"}]
    script = [calls(call("UpdatePlan", steps=steps)), text("Planned.")]
    async with world(tmp_path, script) as here, here.program() as program:
        shown = await program.view.until(PlanUpdated)
        await program.over()
        session_id = program.session_id

    head, *lines = (here.project / ".codegen" / "plan.md").read_text().splitlines()
    assert shown.steps == (PlanStep("Look", "done"), PlanStep("Mend", "active"))
    assert session_id in head
    assert lines == ["# Plan", "", "- [x] Look", "- [>] Mend"]


@covers("R-TRUST-1")
@pytest.mark.parametrize("trusted", [True, False])
async def test_agents_md_is_told_to_the_model_only_where_the_directory_is_trusted(
    trusted: bool, tmp_path: Path
) -> None:
    async with world(tmp_path, [text("Done.")]) as here:
        (here.project / "AGENTS.md").write_text("Speak like a pirate.")
        async with here.program(trusted=trusted) as program:
            await program.over()

    assert (b"Speak like a pirate." in here.model.requests[0].body) is trusted


@covers("R-MODEL-1")
async def test_a_stream_that_breaks_off_runs_nothing_of_its_half_and_is_made_again(
    tmp_path: Path,
) -> None:
    whole = calls(call("Shell", command="touch made"), say="I make it.")
    half = calls(call("Shell", command="touch half-made; touch more"), say="I make")
    script = [cut(half, after_bytes=900), whole, text("Made.")]
    async with world(tmp_path, script) as here, here.program() as program:
        over = await program.over()

    assert over.text == "Made."
    assert [entry.name for entry in here.project.iterdir()] == ["made"]
    assert here.model.requests[0].body == here.model.requests[1].body
    deltas = program.view.all(AgentMessageDelta)
    broken, again = sorted({delta.generation_id for delta in deltas})[:2]
    assert [delta.content for delta in deltas if delta.generation_id == broken] == ["I make"]
    assert broken < again


async def test_a_journal_that_nobody_used_for_months_goes_while_another_session_runs(
    tmp_path: Path,
) -> None:
    state = tmp_path / "state"
    journal = create_journal(state, cwd="/elsewhere", server="ws://x", session_id="s1")
    journal.close()
    old = journal_path(state, journal.journal_id)
    os.utime(old, (1000, 1000))

    async with world(tmp_path, [text("Done.")]) as here, here.program() as program:
        await program.over()
        await until(lambda: not old.exists())
