"""Answers, resends, attaches and ends in any order: the row always tells what the events say.

The model beside the ledger is the plainest one that could be right.
"""

import asyncio
import itertools
from collections.abc import Iterator

import msgspec
import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test

from maestro.domain.events import ExecutorAttached, ExecutorLost, Interrupted
from maestro.ledger.ledger import SqlLedger
from maestro.ports import Appended, Attached, AttachRefused, Refused, SessionRow
from tests.contract.ledger.desk import OWNER, Desk, ended
from tests.contract.ledger.places import Place
from tests.examples import examples

CALLS = st.sampled_from(["t0", "t1", "t2", "t3"])
RESULTS = st.sampled_from(["first", "second"])
JOURNALS = st.sampled_from(["journal-1", "journal-2", None])


class _Session(RuleBasedStateMachine):
    """One session, driven from all sides."""

    def __init__(self, runner: asyncio.Runner, ledger: SqlLedger, number: int) -> None:
        super().__init__()
        self.runner = runner
        self.desk = runner.run(Desk.open(ledger, f"interleaving-{number}"))
        self.head, self.decision, self.epoch = 3, 0, 1
        self.journal: str | None = "journal-1"
        self.attached = True
        self.calls: dict[str, str] = {}
        self.answers: dict[str, tuple[int, str]] = {}
        self.facts = 0

    @rule(call=CALLS)
    def ask(self, call: str) -> None:
        if call not in self.calls:
            assert self.runner.run(self.desk.ask(call)) == Appended(self.head + 1, self.head + 2)
            self.calls[call] = "open"
            self.head += 2
            self.decision += 1

    @rule(call=CALLS, result=RESULTS, late=st.booleans())
    def answer(self, call: str, result: str, *, late: bool) -> None:
        epoch = self.epoch - late
        outcome = self.runner.run(self.desk.answer(call, result, epoch=epoch))
        if call in self.answers:
            seq, first = self.answers[call]
            again = Appended(seq, self.head, again=True)
            assert outcome == (again if first == result else Refused("conflict"))
        elif late or not self.attached:
            assert outcome == Refused("stale_epoch")
        elif call not in self.calls:
            assert outcome == Refused("unknown_call")
        else:
            self.head += 1
            assert outcome == Appended(self.head, self.head)
            self.answers[call] = (self.head, result)
            self.calls[call] = "closed"

    @rule(call=CALLS, closes=st.booleans())
    def cancel(self, call: str, *, closes: bool) -> None:
        assert isinstance(self.runner.run(self.desk.cancel(call, closes=closes)), Appended)
        self.head += 1
        self.decision += 1
        if self.calls.get(call, "closed") != "closed":
            self.calls[call] = "closed" if closes else "cancelled"

    @rule()
    def end(self) -> None:
        assert isinstance(self.runner.run(self.desk.decide(ended(self.head))), Appended)
        self.head += 1
        self.decision += 1
        self.calls = dict.fromkeys(self.calls, "closed")

    @rule()
    def interrupt(self) -> None:
        self._fact(Interrupted())
        self.decision += 1

    @rule()
    def lose(self) -> None:
        if self.attached:
            self._fact(ExecutorLost(self.epoch))
            self.attached = False

    @rule(journal=JOURNALS, take_over=st.booleans())
    def attach(self, journal: str | None, *, take_over: bool) -> None:
        outcome = self.runner.run(
            self.desk.ledger.attach(
                OWNER, self.desk.session_id, ExecutorAttached(0, journal), take_over=take_over
            )
        )
        same = journal is not None and journal == self.journal
        if not same and self.attached and not take_over:
            assert outcome == AttachRefused("already_attached")
            return
        for call, state in self.calls.items():
            if state != "closed" and not same:
                self.head += 1
                self.answers[call] = (self.head, "interrupted")
                self.calls[call] = "closed"
        self.head += 1
        self.epoch += 1
        self.journal, self.attached = journal, True
        assert outcome == Attached(self.desk.session_id, self.epoch, self.head)

    @invariant()
    def the_row_tells_what_the_events_say(self) -> None:
        loaded = self.runner.run(self.desk.load())
        row = loaded.row
        assert [event.seq for event in loaded.events] == list(range(1, self.head + 1))
        assert (row.head, row.decision, row.epoch) == (self.head, self.decision, self.epoch)
        assert (row.journal_id, row.attached) == (self.journal, self.attached)
        states = list(self.calls.values())
        assert row.open_calls == len(states) - states.count("closed")
        open_calls = self.runner.run(self.desk.ledger.open_calls(self.desk.session_id))
        assert len(open_calls) == states.count("open")

    @invariant()
    def an_append_says_what_it_left(self) -> None:
        loaded = self.runner.run(self.desk.load())
        if self.desk.written and self.desk.written[-1].row.head == self.head:
            left = self.desk.written[-1]
            assert left.events == loaded.events[-len(left.events) :]
            assert _without_clock(left.row) == _without_clock(loaded.row)

    def _fact(self, event: Interrupted | ExecutorLost) -> None:
        self.facts += 1
        self.head += 1
        outcome = self.runner.run(
            self.desk.append_fact(OWNER, self.desk.session_id, f"fact:{self.facts}", event)
        )
        assert outcome == Appended(self.head, self.head)


def _without_clock(row: SessionRow) -> SessionRow:
    return msgspec.structs.replace(row, now=0.0, seen_ago=0.0)


@pytest.fixture
def runner() -> Iterator[asyncio.Runner]:
    with asyncio.Runner() as runner:
        yield runner


def test_any_order_of_answers_resends_and_attaches_leaves_the_truth(
    place: Place, runner: asyncio.Runner
) -> None:
    ledger = runner.run(place.open())
    numbers = itertools.count()

    class Session(_Session):
        def __init__(self) -> None:
            super().__init__(runner, ledger, next(numbers))

    try:
        run_state_machine_as_test(
            Session,
            settings=settings(max_examples=examples(30), stateful_step_count=20, deadline=None),
        )
    finally:
        runner.run(ledger.close())
