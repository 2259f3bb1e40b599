"""The checker itself: it is silent about a sound history and names what is wrong in any other."""

from collections.abc import Sequence
from typing import Any

import pytest

from maestro.domain.events import (
    AnyEvent,
    ExecutorAttached,
    ModelReplied,
    RunEnded,
    SessionOpened,
    StoredEvent,
    ToolAnswered,
    ToolAsked,
    UserSaid,
)
from tests.faults.checker import violations
from tests.faults.history import Attached, History

SHELL = ToolAsked("t1", "g1", "Shell", {"command": "echo work-1.0 | tee -a effects"})
ANSWER = ToolAnswered("t1", "g1", "success", "work-1.0")
END = RunEnded(6, 1, "success", "completed")
SOUND: tuple[AnyEvent, ...] = (
    SessionOpened("cli"),
    ExecutorAttached(1, "journal"),
    UserSaid("m1", "work-1"),
    ModelReplied("g1", 3, ""),
    SHELL,
    ANSWER,
    ModelReplied("g2", 6, "Done."),
    END,
)
LENGTH = len(SOUND)


def history(events: Sequence[AnyEvent] = SOUND, **changes: Any) -> History:
    rows = tuple(StoredEvent(seq, str(seq), event, 0.0) for seq, event in enumerate(events, 1))
    given: dict[str, Any] = {"effects": {"work-1.0": 1}, **changes}
    return History(rows, **given)


def connection(last: int, *heard: int) -> Attached:
    resume = {"session_id": "s", "last_seq": last} if last else None
    said = {"type": "handshake", "payload": {"resume": resume}}
    return Attached((said,), tuple({"type": "agent_message", "seq": seq} for seq in heard))


def test_a_sound_history_has_no_violation() -> None:
    watched = (tuple(range(1, LENGTH + 1)),)
    attached = (connection(0, 4, 7), connection(7, 8))

    assert violations(history(watched=watched, attached=attached)) == []


@pytest.mark.parametrize(
    ("events", "named"),
    [
        (SOUND[:-1], "I1: run 1 has no outcome"),
        ((*SOUND, END), "I1: run 1 ended 2 times"),
        ((*SOUND[:6], ANSWER, *SOUND[6:]), "I3: t1 has 2 results"),
        ((*SOUND[:5], *SOUND[6:]), "I3: t1 has no result"),
        ((*SOUND[:4], *SOUND[6:]), "I4: work-1.0 happened, and no call of the ledger asks for it"),
        ((*SOUND, ExecutorAttached(1, "other")), "I5: the epochs are [1, 1]"),
        ((*SOUND[:7], ModelReplied("g2", 6, ""), END), "I5: the generations are"),
    ],
)
def test_what_the_ledger_must_not_hold_is_named(events: Sequence[AnyEvent], named: str) -> None:
    assert any(line.startswith(named) for line in violations(history(events)))


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"watched": ((1, 2, 4),)}, "I2: watcher 0"),
        ({"watched": ((1, 2, 2),)}, "I2: watcher 0"),
        ({"watched": ((),)}, "I2: watcher 0"),
        ({"attached": (connection(0, 7, 4, 8),)}, "I2: connection 0 heard 4 behind 7"),
        ({"attached": (connection(0, 4, 7), connection(7, 7, 8))}, "I2: connection 1 heard 7"),
        ({"attached": (connection(0, 4, 8),)}, "I2: no executor heard [7]"),
        ({"effects": {"work-1.0": 2}}, "I4: work-1.0 happened 2 times"),
        ({"effects": {}}, "I4: work-1.0 is said to have happened and did not"),
        ({"strays": ("17",)}, "I6: process 17"),
        ({"changed_outside": ("canary.txt",)}, "I7: canary.txt"),
    ],
)
def test_what_nobody_must_see_is_named(changes: dict[str, Any], named: str) -> None:
    assert any(line.startswith(named) for line in violations(history(**changes)))
