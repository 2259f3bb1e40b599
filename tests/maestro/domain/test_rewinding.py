"""A conversation that was taken back: what the model still knows, and what goes on as it was."""

from maestro.domain.events import PlanChanged, Rewound
from protocol.wire import PlanStep
from tests.maestro.domain.ledgers import Script, folded


def _said(script: Script) -> list[str]:
    return [turn.text for turn in script.fold().dialogue.turns()]


def _turn(script: Script, words: str, run: int) -> int:
    script.say(words).reply(calls=1, text=f"answer to {words}").answer().end(run=run)
    return script.head


def test_the_model_forgets_what_came_after_the_turn_that_stands() -> None:
    script = Script()
    first = _turn(script, "one", 1)
    _turn(script, "two", 2)

    script.add(Rewound(first)).say("three")

    assert _said(script) == ["one", "answer to one", "ok", "three"]


def test_going_back_to_the_start_leaves_nothing_said() -> None:
    script = Script()
    _turn(script, "one", 1)

    assert _said(script.add(Rewound(0)).say("again")) == ["again"]


def test_the_turns_that_stand_are_the_same_objects_so_that_their_bytes_are_kept() -> None:
    script = Script()
    first = _turn(script, "one", 1)
    _turn(script, "two", 2)
    transcript = script.fold()
    before = transcript.dialogue.turns()

    script.add(Rewound(first))
    transcript.fold(script.stored[-1])

    after = transcript.dialogue.turns()
    assert len(after) == 3
    assert all(one is other for one, other in zip(after, before, strict=False))


def test_going_back_twice_never_brings_back_what_was_taken_away() -> None:
    script = Script()
    first = _turn(script, "one", 1)
    second = _turn(script, "two", 2)
    script.add(Rewound(first))
    _turn(script, "three", 3)

    assert _said(script.add(Rewound(second))) == ["one", "answer to one", "ok"]


def test_runs_are_numbered_on_so_that_later_generations_compare_as_later() -> None:
    script = Script()
    _turn(script, "one", 1)
    script.add(Rewound(0)).say("again")

    transcript = script.fold()

    assert transcript.run is not None
    assert transcript.run.number == 2


def test_the_plan_of_what_was_taken_back_is_gone() -> None:
    script = Script()
    _turn(script, "one", 1)
    script.add(PlanChanged((PlanStep("write", "active"),)))

    assert script.add(Rewound(0)).fold().plan == ()


def test_folding_piece_by_piece_gives_the_same_as_folding_at_once() -> None:
    script = Script()
    first = _turn(script, "one", 1)
    _turn(script, "two", 2)
    script.add(Rewound(first)).say("three").reply(text="last")
    stepwise = folded(script.stored[:5])
    stepwise.fold_all(tuple(script.stored[5:]))

    assert stepwise.dialogue.turns() == script.fold().dialogue.turns()
