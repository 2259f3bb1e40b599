"""What a pipe gets: plain text, one JSON object, or JSON lines."""

import io
import json

import msgspec
import pytest

from executor.view.json_lines import JsonView, StreamJsonView
from executor.view.plain import PlainView
from executor.view.port import CallFinished, Declined, Denial, Notice, Question, RunSummary, Shown
from protocol.from_maestro import (
    AgentMessage,
    AgentMessageDelta,
    PlanUpdated,
    RunFinished,
    StatusChanged,
)
from protocol.wire import FileChange, PlanStep, Usage

CHANGE = FileChange("src/a.py", "modified", 3, 1)
SUMMARY = RunSummary(
    session_id="s1",
    finished=RunFinished("success", "completed"),
    seconds=75.0,
    usage=Usage(input_tokens=1200, output_tokens=34, cached_tokens=1000, cost_usd=0.0123),
    changes=(CHANGE,),
    commands=2,
    denials=(Denial("Shell", "Shell  rm x", "nobody to ask", for_want_of_terminal=True),),
    text="Done.",
    model="m/x",
)
EVENTS: tuple[Shown, ...] = (
    AgentMessageDelta("g1", "Do"),
    CallFinished("t1", "Shell", "Shell  pytest -q", "success", 0.84, "exit 1"),
    AgentMessage("g1", "Done.\x1b[2J"),
    PlanUpdated((PlanStep("read", "done"), PlanStep("edit"))),
    Notice("not trusted", "warning"),
    StatusChanged("running", 0, "Shell"),
    StatusChanged("running", 0, "openai: busy (HTTP 529); trying again in 2 s"),
    SUMMARY,
)


def test_plain_text_parts_the_words_from_the_work() -> None:
    out, err = io.StringIO(), io.StringIO()
    view = PlainView(out, err)
    for event in EVENTS:
        view.show(event)
    assert out.getvalue() == "Done.\\x1b[2J\n"
    assert err.getvalue().splitlines() == [
        "\u2713 Shell  pytest -q  exit 1  0.8s",
        "[done] read",
        "[pending] edit",
        "not trusted",
        "openai: busy (HTTP 529); trying again in 2 s",
        "src/a.py (+3 -1)",
        "denied Shell  rm x: nobody to ask",
        (
            "there was nobody to ask: a terminal asks, --mode auto-edit and --mode auto ask less, "
            "and [policy] allow lets calls of one kind pass (codegen policy check CALL)"
        ),
        (
            "done \u00b7 1 file changed \u00b7 2 commands"
            " \u00b7 1,234 tokens (1,000 cached) \u00b7 $0.0123 \u00b7 1m15s"
        ),
    ]


def test_plain_text_has_only_the_last_message_on_standard_output() -> None:
    out, err = io.StringIO(), io.StringIO()
    view = PlainView(out, err)
    for event in (AgentMessage("g0", "I will look."), *EVENTS):
        view.show(event)
    assert out.getvalue() == "Done.\\x1b[2J\n"
    assert err.getvalue().splitlines()[0] == "I will look."


def test_a_run_that_breaks_off_leaves_its_last_words_on_standard_output() -> None:
    out = io.StringIO()
    view = PlainView(out, io.StringIO())
    view.show(AgentMessage("g1", "Half of it"))
    view.close()
    assert out.getvalue() == "Half of it\n"


def test_json_is_one_object_with_the_denials() -> None:
    out = io.StringIO()
    view = JsonView(out)
    for event in (SUMMARY, *EVENTS):
        view.show(event)
    view.close()
    assert json.loads(out.getvalue()) == {
        "type": "result",
        "session_id": "s1",
        "outcome": "success",
        "reason": "completed",
        "summary": "",
        "text": "Done.",
        "model": "m/x",
        "seconds": 75.0,
        "usage": {
            "input_tokens": 1200,
            "output_tokens": 34,
            "cached_tokens": 1000,
            "reasoning_tokens": 0,
            "cost_usd": 0.0123,
        },
        "changes": [{"path": "src/a.py", "kind": "modified", "added": 3, "removed": 1}],
        "commands": 2,
        "denials": [
            {
                "tool_name": "Shell",
                "title": "Shell  rm x",
                "why": "nobody to ask",
                "for_want_of_terminal": True,
            }
        ],
    }


def test_stream_json_is_a_line_for_each_event_and_the_result_at_the_end() -> None:
    out = io.StringIO()
    view = StreamJsonView(out)
    for event in (SUMMARY, *EVENTS):
        view.show(event)
    view.close()
    lines = [json.loads(line) for line in out.getvalue().splitlines()]
    assert [line["type"] for line in lines] == [
        "agent_message_delta",
        "call_finished",
        "agent_message",
        "plan_updated",
        "notice",
        "status",
        "status",
        "result",
    ]
    assert lines[2]["content"] == "Done.\x1b[2J"


@pytest.mark.parametrize("view", [PlainView(io.StringIO(), io.StringIO()), JsonView(io.StringIO())])
async def test_nobody_is_asked_without_a_terminal(view: PlainView | JsonView) -> None:
    question = Question("t1", "Shell", "Shell  make", "it is not known to only look", "make")
    assert await view.ask(question) == Declined(unasked=True)


def test_json_names_every_figure_also_where_there_is_none() -> None:
    out = io.StringIO()
    view = JsonView(out)
    view.show(msgspec.structs.replace(SUMMARY, usage=Usage()))
    view.close()
    assert json.loads(out.getvalue())["usage"] == {
        "input_tokens": 0,
        "cached_tokens": 0,
        "output_tokens": 0,
        "reasoning_tokens": 0,
        "cost_usd": None,
    }


def test_json_lines_round_what_a_clock_says() -> None:
    out = io.StringIO()
    StreamJsonView(out).show(CallFinished("t1", "Shell", "x", "success", 0.12345678901234567))
    assert json.loads(out.getvalue())["seconds"] == 0.123457


async def test_a_denial_for_want_of_a_terminal_is_told_where_the_call_ends() -> None:
    out, err = io.StringIO(), io.StringIO()
    await PlainView(out, err).ask(Question("t1", "Shell", "Shell rm x", "why", "rm x"))
    assert (out.getvalue(), err.getvalue()) == ("", "")
