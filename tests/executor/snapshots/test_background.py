"""Whose it is what changes while no call goes on: a background command's, where one runs."""

from collections.abc import Callable
from pathlib import Path

import pytest

from executor.sandbox.stubs import Stubs, holds_a_place
from executor.snapshots.plan import Conflict
from executor.snapshots.recorder import Recorder
from executor.snapshots.timeline import BACKGROUND, Described
from executor.snapshots.undoing import Refused, Restored, undo
from tests.executor.snapshots.world import World, world_in
from tests.requirements import covers


@pytest.fixture
def world(tmp_path: Path) -> World:
    made = world_in(tmp_path)
    for name in ("a", "b", "c"):
        (made.root / name).write_text("1")
    return made


def _no() -> bool:
    return False


def _call(recorder: Recorder, call: str, work: Callable[[], object], *paths: str) -> Described:
    about = Described(session="s1", call=call, tool="Shell", title=call)
    recorder.before(about, paths or None, _no)
    work()
    recorder.after(call, _no)
    return about


def _putting(world: World, name: str, text: str) -> Callable[[], object]:
    return lambda: (world.root / name).write_text(text)


def _told(world: World) -> list[tuple[str, str, list[str]]]:
    with world.snapshots() as snapshots:
        return [
            (at.about.tool, at.state, [one.path for one in snapshots.timeline.changes(at.id)])
            for at in snapshots.timeline.all()
        ]


@covers("R-UNDO-6")
def test_the_next_command_finds_it_and_the_edits_between_stay_the_edits(world: World) -> None:
    recorder = Recorder(world.state, world.root, print)
    server = _call(recorder, "serve", lambda: None)
    recorder.left_behind(server)
    _putting(world, "a", "2")()
    _call(recorder, "edit", _putting(world, "b", "2"), "b")
    _call(recorder, "edit both", _putting(world, "c", "2"), "c")
    _putting(world, "c", "3")()
    _call(recorder, "make", _putting(world, "new", "1"))
    recorder.left_behind(None)
    _putting(world, "a", "mine")()
    _call(recorder, "look", lambda: None)
    recorder.look_behind(_no)  # there is none any more
    recorder.close()

    assert _told(world) == [
        ("Shell", "done", ["new"]),
        (BACKGROUND, "doubtful", ["a", "c"]),
        ("Shell", "done", ["c"]),
        ("Shell", "done", ["b"]),
    ]


@covers("R-UNDO-6")
def test_a_look_of_its_own_finds_it_and_undo_asks(world: World) -> None:
    recorder = Recorder(world.state, world.root, print)
    server = _call(recorder, "serve", lambda: None)
    recorder.left_behind(server)
    recorder.left_behind(_call(recorder, "second", lambda: None))
    (world.root / "__pycache__").mkdir()
    recorder.look_behind(_no)
    _putting(world, "a", "2")()
    recorder.look_behind(_no)
    recorder.look_behind(lambda: True)
    recorder.close()

    assert _told(world) == [(BACKGROUND, "doubtful", ["a"])]
    assert world.undo() == Refused((Conflict("a", "not seen to its end"),))
    assert isinstance(world.undo(force=True), Restored)
    assert (world.root / "a").read_text() == "1"


def test_what_can_not_be_looked_at_is_told(world: World) -> None:
    told: list[str] = []
    recorder = Recorder(world.state, world.root, told.append)
    recorder.left_behind(_call(recorder, "serve", lambda: None))
    (world.folder / "lock").unlink()
    (world.folder / "lock").mkdir()
    recorder.look_behind(_no)

    assert told[0].startswith("what commands in the background changed can't be undone: ")


def test_what_holds_a_place_for_the_sandbox_of_a_running_command_is_nobodys_change(
    world: World,
) -> None:
    kept = world.state.with_name("scratch")
    kept.mkdir()
    names: dict[str, bytes | None] = {".envrc": None, ".vscode": None}
    stubs = Stubs(world.root, names, kept)
    recorder = Recorder(world.state, world.root, print)
    _call(recorder, "serve", stubs.put_up)
    _call(recorder, "make", lambda: (world.root / "own").mkdir(0o1700))
    told = _told(world)
    with world.snapshots() as snapshots:
        back = undo(snapshots, snapshots.timeline.all())
    held = [holds_a_place(str(world.root / name)) for name in names]
    stubs.close()
    recorder.close()

    assert told == [("Shell", "done", ["own"])]
    assert isinstance(back, Restored)
    assert [step.path for step in back.steps] == ["own"]
    assert held == [True, True]
