"""Whatever an executor sends, in whatever order: exactly one accepted result per call.

`CODEGEN_EXAMPLES=10000 python -m pytest tests/security/evil_executor/test_interleavings.py` is
the long form.
"""

import asyncio
import tempfile
from pathlib import Path
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from maestro.domain.events import (
    CallCancelled,
    ExecutorAttached,
    ExecutorLost,
    Interrupted,
    ModelReplied,
    SessionOpened,
    ToolAnswered,
    ToolAsked,
    UserSaid,
)
from maestro.ledger.sqlite import open_sqlite
from maestro.ports import Appended, Attached, Claim, Opened, Refused
from protocol.from_executor import ProjectSpec
from tests.examples import examples
from tests.requirements import covers

OWNERS = ("ada", "evil")
CALLS = st.integers(0, 5)
EPOCHS = st.integers(0, 4)


class Interleaving(RuleBasedStateMachine):
    """Ada's session and an evil one beside it, and a model of who may answer which call."""

    def __init__(self) -> None:
        super().__init__()
        self.loop = asyncio.new_event_loop()
        self.folder = tempfile.TemporaryDirectory(dir="/tmp")
        self.ledger = self.run(open_sqlite(Path(self.folder.name) / "ledger.db"))
        self.sessions: dict[str, str] = {}
        for owner in OWNERS:
            opened = self.run(
                self.ledger.open_session(
                    owner,
                    "h",
                    SessionOpened("cli", ProjectSpec()),
                    ExecutorAttached(0, f"j-{owner}", ("Shell",)),
                    UserSaid("h", "do it"),
                )
            )
            assert isinstance(opened, Opened)
            self.sessions[owner] = opened.session_id
        self.epoch = 1
        self.attached = True
        self.issued: dict[str, str] = {}
        self.accepted: dict[str, str] = {}

    def run(self, work: Any) -> Any:
        return self.loop.run_until_complete(work)

    def teardown(self) -> None:
        self.run(self.ledger.close())
        self.run(self.loop.shutdown_default_executor())
        self.loop.close()
        self.folder.cleanup()

    def fact(self, owner: str, session: str, key: str, event: Any, epoch: int | None) -> Any:
        return self.run(
            self.ledger.append_fact(owner, self.sessions[session], key, event, epoch=epoch)
        )

    @rule()
    def the_model_asks(self) -> None:
        tool_id = f"t{len(self.issued)}"
        row = self.run(self.ledger.load(self.sessions["ada"])).row
        claim = Claim(row.session_id, "", row.decision, row.attempt, row.lost)
        generation = f"g{row.decision}"
        events = [
            ModelReplied(generation, row.head, ""),
            ToolAsked(tool_id, generation, "Shell", {}),
        ]
        self.run(self.ledger.append_decision(row.session_id, events, claim, row.head))
        self.issued[tool_id] = generation

    @rule(number=CALLS)
    def the_maestro_cancels(self, number: int) -> None:
        tool_id = f"t{number}"
        if tool_id in self.issued:
            row = self.run(self.ledger.load(self.sessions["ada"])).row
            claim = Claim(row.session_id, "", row.decision, row.attempt, row.lost)
            cancelled = CallCancelled(tool_id, row.head)
            self.run(self.ledger.append_decision(row.session_id, [cancelled], claim, row.head))

    @rule()
    def the_user_interrupts(self) -> None:
        row = self.run(self.ledger.load(self.sessions["ada"])).row
        self.fact("ada", "ada", f"interrupt:{row.head}", Interrupted(), None)

    @rule(same=st.booleans())
    def ada_comes_back(self, *, same: bool) -> None:
        journal = "j-ada" if same else None
        outcome = self.run(
            self.ledger.attach(
                "ada", self.sessions["ada"], ExecutorAttached(0, journal, ()), take_over=True
            )
        )
        assert isinstance(outcome, Attached)
        assert outcome.epoch == self.epoch + 1
        self.epoch, self.attached = outcome.epoch, True
        self._learn()

    @rule(epoch=EPOCHS)
    def a_socket_ends(self, epoch: int) -> None:
        outcome = self.fact("ada", "ada", f"lost:{epoch}", ExecutorLost(epoch), epoch)
        if isinstance(outcome, Appended) and not outcome.again:
            assert epoch == self.epoch
            self.attached = False

    @rule(
        number=CALLS,
        epoch=EPOCHS,
        words=st.sampled_from(["first", "second", "\0"]),
        generation=st.sampled_from(["right", "wrong", ""]),
        parties=st.tuples(st.sampled_from(OWNERS), st.sampled_from(OWNERS)),
    )
    def somebody_answers(
        self, number: int, epoch: int, words: str, generation: str, parties: tuple[str, str]
    ) -> None:
        owner, session = parties
        tool_id = f"t{number}"
        right = self.issued.get(tool_id, "g0")
        stated = right if generation == "right" else generation
        answer = ToolAnswered(tool_id, stated, "success", words)
        outcome = self.fact(owner, session, f"tool:{tool_id}", answer, epoch)
        if isinstance(outcome, Refused) or outcome.again:
            return
        assert (owner, session, stated) == ("ada", "ada", self.issued[tool_id])
        assert (epoch, self.attached) == (self.epoch, True)
        assert tool_id not in self.accepted
        self.accepted[tool_id] = words

    @invariant()
    def each_call_has_one_result_at_most_and_the_first_stays(self) -> None:
        found = self._answers("ada")
        assert len(found) == len({answer.tool_id for answer in found})
        assert {answer.tool_id: answer.result for answer in found} == self.accepted
        assert self._answers("evil") == []

    def _answers(self, owner: str) -> list[ToolAnswered]:
        events = self.run(self.ledger.load(self.sessions[owner])).events
        return [row.event for row in events if isinstance(row.event, ToolAnswered)]

    def _learn(self) -> None:
        """Another executor's attach answers what was open: those are the accepted ones."""
        for answer in self._answers("ada"):
            self.accepted.setdefault(answer.tool_id, answer.result)


@covers("R-EVIL-2")
class TestInterleavings(Interleaving.TestCase):
    settings = settings(
        max_examples=examples(25),
        stateful_step_count=25,
        deadline=None,
    )
