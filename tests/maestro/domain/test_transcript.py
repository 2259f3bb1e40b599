"""The fold: turns in an order that every provider takes, whatever order the facts came in."""

from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from maestro.domain.conversation import AssistantTurn, ToolTurn, Turn, UserTurn
from maestro.domain.events import (
    CallWaiting,
    Compacted,
    ExecutorLost,
    GenerationDropped,
    RunParked,
    RunWoken,
    ToolAnswered,
    UsageCounted,
    UserSaid,
)
from maestro.domain.transcript import Transcript
from maestro.errors import NewerEvent
from protocol.from_executor import RunLimits, RunWishes, ToolError, ToolStatus
from protocol.wire import ImageContent, TextContent, Usage
from tests.examples import examples
from tests.maestro.domain.ledgers import Script, folded


def texts(turns: Sequence[Turn]) -> list[str]:
    return [turn.text for turn in turns]


def test_answers_stand_in_the_models_order() -> None:
    script = Script().say().reply(calls=3)
    script.answer(2, "third").answer(0, "first").answer(0, "second")

    assert texts(script.fold().dialogue.turns()) == ["do it", "text", "first", "second", "third"]


def test_what_was_said_after_the_basis_stands_behind_the_reply() -> None:
    script = Script().say("one")
    basis = script.head
    script.say("two").reply(calls=1, basis=basis).answer()

    turns = script.fold().dialogue.turns()
    assert texts(turns) == ["one", "text", "ok", "two"]


def test_a_call_without_an_answer_at_the_end_reads_as_unknown_and_late_answers_are_not_fed() -> (
    None
):
    script = Script().say().reply(calls=2).answer(0).end().answer_late(1).say("next")

    turns = script.fold().dialogue.turns()
    assert texts(turns)[:3] == ["do it", "text", "ok"]
    assert turns[3].text.startswith("Cancelled, outcome unknown")
    assert texts(turns)[4:] == ["next"]


def test_bootstrap_answers_are_never_tool_turns_and_late_ones_are_not_fed() -> None:
    script = Script().say().bootstrap().cancel(closes=True)
    script.closed.extend(script.open)
    transcript = script.answer_late().reply().fold()

    assert texts(transcript.dialogue.turns()) == ["do it", "text"]
    assert transcript.bootstrap is not None
    assert transcript.bootstrap[0].answer is None
    assert transcript.open == {}


def test_a_run_that_ends_before_a_message_was_read_opens_the_next_one() -> None:
    script = Script().say("one").reply()
    basis = script.head
    transcript = script.say("two").end(basis).fold()

    assert transcript.runs == 2
    assert transcript.run is not None
    assert transcript.run.clock.seconds(1006.0 + 5) == 5


def test_the_clock_stands_still_while_a_human_is_asked_and_while_the_run_is_parked() -> None:
    script = Script().say().reply(calls=2)  # said at 1003, now at 1006
    first, second = (asked.tool_id for asked in script.open)
    script.add(CallWaiting(first, "asking")).add(CallWaiting(second, "asking"))  # 1007, 1008
    script.add(CallWaiting(first, "started")).answer(1)  # 1009, 1010
    script.add(RunParked(10, "executor_away")).add(RunWoken(11))  # 1011, 1012
    run = script.fold().run

    assert run is not None
    assert not run.clock.stands_still
    assert run.clock.seconds(1020.0) == 17 - 3 - 1


def test_a_lost_executor_asks_nobody_any_more() -> None:
    script = Script().say().reply(calls=1)
    script.add(CallWaiting(script.open[0].tool_id, "asking"))
    run = script.fold().run
    assert run is not None
    assert run.clock.stands_still
    still = folded([*script.stored, *Script().add(ExecutorLost(7)).stored[2:]]).run
    assert still is not None
    assert still.clock.stands_still
    run = script.add(ExecutorLost(1)).fold().run

    assert run is not None
    assert not run.clock.stands_still


def test_wishes_hold_until_others_are_said_and_the_mode_is_told() -> None:
    script = Script()
    first = RunWishes(model="a/b", mode="ask", limits=RunLimits(max_steps=5, max_cost=1.0))
    script.add(UserSaid("m1", "one", run=first))
    script.add(UserSaid("m2", "two", run=RunWishes(mode="ask")))
    script.add(UserSaid("m3", "three", run=RunWishes(mode="auto", limits=RunLimits(max_steps=3))))
    transcript = script.fold()

    limits = RunLimits(max_steps=3, max_cost=1.0)
    assert transcript.wishes == RunWishes(model="a/b", mode="auto", limits=limits)
    assert texts(transcript.dialogue.turns()) == [
        "one\n\n[The user's mode is 'ask' from here on.]",
        "two",
        "three\n\n[The user's mode is 'auto' from here on.]",
    ]


def test_usage_of_dropped_generations_counts_too() -> None:
    script = Script().say()
    script.add(UsageCounted("g1", Usage(10, 5, 3, cost_usd=0.5)))
    script.add(GenerationDropped("g2", Usage(1, 0, 2)))
    run = script.fold().run

    assert run is not None
    assert run.usage == Usage(11, 5, 5, 0, 0.5)


@pytest.mark.parametrize(
    ("status", "error", "result", "read"),
    [
        ("success", None, "out", "out"),
        ("error", ToolError("not_found", "no such file"), "", "Error (not_found): no such file"),
        ("error", ToolError("x", "same"), "the same", "Error (x)\nthe same"),
        (
            "denied",
            ToolError("denied", "not on a Friday"),
            "",
            "Not run: not on a Friday",
        ),
        ("timeout", None, "half", "Timed out\nhalf"),
        ("cancelled", None, "", "Cancelled"),
        (
            "interrupted",
            None,
            "",
            (
                "Interrupted: it had been started and its outcome is unknown; look at the actual "
                "state before you do it again"
            ),
        ),
    ],
)
def test_how_an_answer_reads(
    status: ToolStatus, error: ToolError | None, result: str, read: str
) -> None:
    script = Script().say().reply(calls=1)
    asked = script.open[0]
    answered = ToolAnswered(asked.tool_id, asked.generation_id, status, result, error)
    turn = script.add(answered).fold().dialogue.turns()[-1]

    assert turn.text == read


def test_pictures_of_an_answer_are_attached_and_its_text_is_the_result() -> None:
    script = Script().say().reply(calls=1)
    asked = script.open[0]
    picture = ImageContent("image/png", "AAAA")
    content = (TextContent("seen"), picture)
    answered = ToolAnswered(asked.tool_id, asked.generation_id, "success", "ok", content=content)
    turn = script.add(answered).fold().dialogue.turns()[-1]

    assert turn == ToolTurn(asked.tool_id, "Shell", "ok", (picture,))


def test_a_huge_answer_keeps_its_head_and_its_tail() -> None:
    script = Script().say().reply(calls=1).answer(0, "a" * 500_000 + "z")
    text = script.fold().dialogue.turns()[-1].text

    assert len(text) < 66_000
    assert text.startswith("aaa")
    assert text.endswith("az")
    assert "[... 434465 characters left out ...]" in text


def test_a_compaction_is_left_to_a_newer_version() -> None:
    with pytest.raises(NewerEvent, match="event 4 is a compaction"):
        Script().say().add(Compacted(3, "all")).fold()


# Every interleaving


def is_valid(turns: Sequence[Turn]) -> bool:
    """Each assistant turn with calls is followed by all its answers, in order, and nothing else."""
    expected: list[str] = []
    for turn in turns:
        match turn:
            case ToolTurn():
                if not expected or expected.pop(0) != turn.call_id:
                    return False
            case AssistantTurn() | UserTurn():
                if expected:
                    return False
                expected = (
                    [call.id for call in turn.calls] if isinstance(turn, AssistantTurn) else []
                )
    return not expected


def played(moves: Sequence[int]) -> Script:
    """A session in which facts and decisions come in the order that `moves` picks."""
    script = Script().say("begin")
    basis, run, has_run = script.head, 1, True
    for move in moves:
        match move % 8:
            case 0 | 1:
                script.say(f"said {script.head}")
                if not has_run:
                    run, has_run = run + 1, True
            case 2 | 3 if script.open:
                script.answer(move % len(script.open), f"result {script.head}")
            case 4 if script.closed:
                script.answer_late(move % len(script.closed))
            case 5 | 6 if not script.open and has_run:
                script.reply(calls=move % 5, basis=min(basis, script.head))
            case 7 if has_run and move % 3 == 0:
                unread = script.fold().dialogue.has_unread(basis)
                script.end(basis, run)
                run, has_run = (run + 1, True) if unread else (run, False)
            case _:
                basis = script.head  # a worker reads
    return script


@settings(max_examples=examples(300))
@given(st.lists(st.integers(0, 1000), min_size=5, max_size=60), st.integers(1, 9))
def test_any_interleaving_gives_valid_turns_and_any_cut_gives_the_same_fold(
    moves: list[int], stride: int
) -> None:
    script = played(moves)
    piecewise = Transcript()
    for start in range(0, script.head, stride):
        piecewise.fold_all(tuple(script.stored[start : start + stride]))
        if not piecewise.open:
            assert is_valid(piecewise.dialogue.turns())
    whole = script.fold()

    assert list(whole.open) == list(piecewise.open) == [call.tool_id for call in script.open]
    assert whole.runs == piecewise.runs
    assert whole.weight == piecewise.weight
    assert whole.traces() == piecewise.traces()
    if not whole.open:
        assert whole.dialogue.turns() == piecewise.dialogue.turns()
