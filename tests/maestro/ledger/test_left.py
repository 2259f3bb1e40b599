"""What is kept of a session's last append: for how long, how much of it, and by which clock."""

from maestro.domain.events import ToolAnswered, UserSaid
from maestro.ledger.database import Committed, Look
from maestro.ledger.draft import Draft
from maestro.ledger.left import FRESH_SECONDS, KEPT, Left
from maestro.ledger.rows import Before, empty_session
from tests.contract.ledger.desk import ATTACHED, asked

BEGAN = 1_800_000_000.0
"""By the database's clock."""


class Stage:
    def __init__(self) -> None:
        self.seconds = 0.0
        self.left = Left(lambda: self.seconds)

    def open(self, session_id: str) -> None:
        """Attached, with one call that is open; read from the database just now."""
        draft = Draft(empty_session(session_id, "ada", BEGAN + self.seconds))
        draft.add("attach:1", ATTACHED)
        draft.add("asked", asked("t1"))
        read = self.left.looked(draft.before)
        self.left.keep(read, Committed(draft.change()))

    def known(self, session_id: str = "s1", *calls: str, owner: str = "ada") -> Before | None:
        read = self.left.known(Look(session_id, owner, "key", "[]"), calls)
        return None if read is None else read.before

    def append(self, event: UserSaid | ToolAnswered) -> None:
        read = self.left.known(Look("s1", "ada", "key", "[]"), ())
        assert read is not None
        draft = Draft(read.before)
        draft.add("key", event)
        self.left.keep(read, Committed(draft.change()))


def test_the_databases_clock_goes_on_with_this_processs_own_and_never_falls_behind() -> None:
    stage = Stage()
    stage.open("s1")
    for number in range(50):
        stage.seconds += 1.0
        known = stage.known()
        assert known is not None
        assert known.row.now == BEGAN + stage.seconds
        stage.append(UserSaid(f"m{number}", "and?"))


def test_after_a_while_the_database_is_asked_again() -> None:
    stage = Stage()
    stage.open("s1")
    stage.seconds = FRESH_SECONDS - 1
    stage.append(UserSaid("m1", "and?"))

    stage.seconds = FRESH_SECONDS + 1

    assert stage.known() is None


def test_only_calls_that_are_open_are_known() -> None:
    stage = Stage()
    stage.open("s1")
    assert stage.known("s1", "t1") is not None
    assert stage.known("s1", "t2") is None

    stage.append(ToolAnswered("t1", "g1", "success", "ok"))

    assert stage.known("s1") is not None
    assert stage.known("s1", "t1") is None


def test_another_owners_session_is_not_known() -> None:
    stage = Stage()
    stage.open("s1")

    assert stage.known("s1", owner="grace") is None


def test_the_session_that_was_written_longest_ago_is_forgotten_first() -> None:
    stage = Stage()
    for number in range(KEPT + 1):
        stage.open(f"s{number}")

    assert stage.known("s0") is None
    assert stage.known("s1") is not None
