"""What a session needs next, as a table, and the safeguards behind it."""

from dataclasses import dataclass

import pytest

from maestro.domain.decision import (
    AskBootstrap,
    CancelCalls,
    Decided,
    End,
    Generate,
    Nothing,
    Park,
    Policy,
    Wait,
    Wake,
    decide,
)
from maestro.domain.dialogue import Trace
from maestro.domain.events import (
    CallWaiting,
    ModelReplied,
    RunParked,
    UsageCounted,
    UserSaid,
)
from maestro.domain.run import Run, generation_id, run_id
from maestro.domain.safeguards import Limits, enough
from protocol.from_executor import RunLimits, RunWishes
from protocol.wire import Usage
from tests.maestro.domain.ledgers import Script

POLICY = Policy()


@dataclass(frozen=True)
class Row:
    head: int
    now: float
    attached: bool = True
    seen_ago: float = 0.0
    lost: int = 0


def decided(
    script: Script,
    *,
    after: float = 1.0,
    attached: bool = True,
    seen_ago: float = 0.0,
    lost: int = 0,
    policy: Policy = POLICY,
) -> Decided:
    """What is decided `after` seconds behind the last event."""
    row = Row(script.head, script.stored[-1].at + after, attached, seen_ago, lost)
    return decide(script.fold(), row, policy)


def ready() -> Script:
    """A run whose bootstrap is over: events up to 5."""
    return Script().say().bootstrap().answer()


def test_nothing_is_done_without_a_run() -> None:
    assert decided(Script()) == Nothing()
    assert decided(ready().reply().end()) == Nothing()
    assert decided(Script().interrupt()) == Nothing()


def test_the_bootstrap_comes_first_where_the_executor_knows_its_tools() -> None:
    assert decided(Script().say()) == AskBootstrap(
        (("Shell", {"command": "git log --oneline -10"}),)
    )


def test_bootstrap_calls_are_waited_for_ten_seconds_and_then_closed() -> None:
    script = Script().say().bootstrap()  # asked at 1004, in a run since 1003

    assert decided(script) == Wait(1014.0)
    assert decided(script, after=9.0) == CancelCalls(("bootstrap-1",))
    assert decided(script.cancel(closes=True)) == Generate()


def test_a_generation_is_made_when_nothing_else_is_left() -> None:
    assert decided(ready()) == Generate()
    assert decided(ready().reply(calls=1).answer()) == Generate()
    assert decided(ready().reply().say("more")) == Generate()


def test_open_calls_are_waited_for_until_the_runs_time_is_up() -> None:
    assert decided(ready().reply(calls=1)) == Wait(1003.0 + 3600)


def test_while_a_human_is_asked_no_time_runs_out() -> None:
    script = ready().reply(calls=1)
    script.add(CallWaiting(script.open[0].tool_id, "asking"))

    assert decided(script, after=100_000.0) == Wait(None)


def test_open_calls_of_an_absent_executor_are_waited_for_until_the_run_parks() -> None:
    script = ready().reply(calls=1)  # the last event at 1008

    assert decided(script, attached=False, seen_ago=100.0) == Wait(1009.0 + 500)
    assert decided(script, attached=False, seen_ago=600.0) == Park("executor_away")


def test_an_executor_that_was_not_seen_but_is_attached_does_not_park() -> None:
    assert decided(ready(), seen_ago=1000.0) == Generate()


def test_the_last_reply_without_calls_completes_the_run() -> None:
    script = ready().reply(text="All done.")

    assert decided(script) == End("success", "completed", "All done.", script.head)
    assert decided(script, after=10_000.0) == End("success", "completed", "All done.", script.head)


def test_an_interrupt_cancels_waits_a_moment_and_ends() -> None:
    script = ready().reply(calls=1).interrupt()
    at = script.head
    end = End("interrupted", "interrupted", "", at + 1)

    assert decided(script) == CancelCalls(("generation-1.1",))
    script.cancel()
    assert decided(script) == Wait(script.stored[-1].at + 5)
    assert decided(script, after=5.0) == end
    assert decided(script, attached=False) == end
    script.say("what now")
    assert decided(script, attached=False) == End("interrupted", "interrupted", "", at)


def test_a_run_whose_time_is_up_cancels_its_calls_and_ends() -> None:
    script = ready().reply(calls=1)
    assert decided(script, after=3700.0) == CancelCalls(("generation-1.1",))
    script.cancel().answer()

    end = decided(script, after=3700.0)
    assert end == End("error", "max_seconds", "The run took its 3600 seconds.", script.head)


def test_steps_are_counted_where_the_next_one_would_be_made() -> None:
    policy = Policy(Limits(max_steps=1))
    script = ready().reply(calls=1)
    assert isinstance(decided(script, policy=policy), Wait)
    script.answer().say("steer")
    basis = next(s.event.basis for s in script.stored if isinstance(s.event, ModelReplied))

    assert decided(script, policy=policy) == End(
        "error", "max_steps", "The run took its 1 steps.", basis
    )


PARKS: list[tuple[RunParked, bool, Decided]] = [
    (RunParked(3, "executor_away"), False, Wait(None)),
    (RunParked(3, "executor_away"), True, Wake()),
    (RunParked(3, "rate_limited", 5000.0), True, Wait(5000.0)),
    (RunParked(3, "rate_limited", 1001.0), True, Wake()),
    (RunParked(3, "poison"), True, Wait(None)),
]


@pytest.mark.parametrize(("parked", "attached", "expected"), PARKS)
def test_a_parked_run_wakes_when_its_cause_is_gone(
    parked: RunParked, attached: bool, expected: Decided
) -> None:
    script = Script().say()
    script.add(parked)
    assert decided(script, attached=attached) == expected
    assert decided(script.say("go on"), attached=False) == Wake()
    script = Script().say()
    script.add(parked).interrupt()
    assert decided(script, attached=False) == Wake()


def test_lost_claims_park_the_session() -> None:
    assert decided(ready(), lost=2) == Generate()
    assert decided(ready(), lost=3) == Park("poison")


def test_wishes_tighten_and_never_widen() -> None:
    limits = Limits(max_steps=10, max_seconds=100.0)

    assert limits.tightened(None) == limits
    assert limits.tightened(RunLimits(max_steps=50, max_seconds=50, max_cost=1.5)) == Limits(
        10, 50, None, 1.5
    )


def test_a_cost_limit_cannot_trip_on_what_is_not_known() -> None:
    script = Script()
    script.add(UserSaid("m", "go", run=RunWishes(limits=RunLimits(max_cost=0.5))))
    script.bootstrap().answer().reply(calls=1).answer()
    script.add(UsageCounted("generation-1", Usage(1000, 0, 1000)))
    assert decided(script) == Generate()
    script.add(UsageCounted("generation-1", Usage(cost_usd=0.6)))

    assert decided(script) == End(
        "error", "max_cost", "The run cost $0.6000; its limit is $0.5.", script.head
    )


def trace(*calls: str, text: str = "", refused: bool = False, poor: bool = False) -> Trace:
    return Trace(text.encode(), tuple(call.encode() for call in calls), refused, poor)


LOOPS: list[tuple[list[Trace], str | None]] = [
    ([trace("a")] * 3, None),
    ([trace("a")] * 4, "loop"),
    ([trace("a", "a", "a", "a")], "loop"),
    ([trace("a"), trace("b"), trace("a"), trace("a"), trace("a")], None),
    ([trace("a"), trace("b")] * 5, None),
    ([trace("a"), trace("b")] * 6, "loop"),
    ([trace("a", "b")] * 6, "loop"),
    ([trace("a"), trace("b"), trace("c")] * 4, None),
    ([trace(str(n), text="same") for n in range(7)], None),
    ([trace(str(n), text="same") for n in range(8)], "loop"),
    ([trace(str(n)) for n in range(12)], None),
    ([trace("a", refused=True), trace("b", refused=True)], None),
    ([trace(str(n), refused=True) for n in range(3)], "tool_protocol"),
    ([trace("a", refused=True), trace("b"), trace("c", refused=True)], None),
    ([trace(poor=True)], None),
    ([trace(poor=True), trace("a"), trace(poor=True)], None),
    ([trace(poor=True), trace(poor=True)], "model_error"),
]


@pytest.mark.parametrize(("traces", "reason"), LOOPS)
def test_running_in_circles_is_seen(traces: list[Trace], reason: str | None) -> None:
    tripped = enough(Run(1, 0.0), traces, Limits())

    assert (tripped.reason if tripped else None) == reason


def test_the_same_call_with_another_result_is_no_loop() -> None:
    script = ready()
    for n in range(4):
        script.reply(calls=1, text=f"look {n}").answer(0, f"{n}")
    assert decided(script) == Generate()
    for n in range(4):
        script.reply(calls=1, text=f"look {n}").answer(0, "same")
    assert isinstance(decided(script), End)


def test_names_of_generations_sort_in_the_order_in_which_they_are_made() -> None:
    names = [
        generation_id(*counters) for counters in ((1, 2, 9), (1, 10, 1), (1, 10, 11), (2, 0, 1))
    ]

    assert names == sorted(names)
    assert run_id(1) == "run-000001"
