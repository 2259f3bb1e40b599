"""What undo refuses, what it leaves alone, what it finishes after a kill, and what it tells."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from executor.errors import ProjectTooBig, SnapshotError, UsageError
from executor.snapshots import choose
from executor.snapshots.exact import FILE_MAX
from executor.snapshots.place import Owner
from executor.snapshots.plan import Conflict
from executor.snapshots.scan import Bounds
from executor.snapshots.snapshots import Watch
from executor.snapshots.states import counted
from executor.snapshots.store import FILE
from executor.snapshots.timeline import Described
from executor.snapshots.undoing import Refused, Restored, note_for, redo
from tests.architecture.sources import ROOT
from tests.executor.snapshots.world import World, tree_of, world_in
from tests.requirements import covers


@pytest.fixture
def world(tmp_path: Path) -> World:
    made = world_in(tmp_path)
    _put(made, "a.txt", "a\n")
    _put(made, "b.txt", "b\n")
    return made


def _put(world: World, name: str, text: str) -> None:
    (world.root / name).write_text(text)


def _text(world: World, name: str) -> str:
    return (world.root / name).read_text()


def _putting(world: World, name: str, text: str) -> Callable[[], None]:
    return lambda: _put(world, name, text)


@covers("R-UNDO-2")
def test_a_file_that_the_user_changed_since_is_not_touched_and_neither_is_any_other(
    world: World,
) -> None:
    def change_both() -> None:
        _put(world, "a.txt", "agent\n")
        _put(world, "b.txt", "agent\n")

    world.command(change_both)
    _put(world, "a.txt", "mine\n")

    assert world.undo() == Refused((Conflict("a.txt", "changed since"),))
    assert (_text(world, "a.txt"), _text(world, "b.txt")) == ("mine\n", "agent\n")


def test_force_overwrites_and_redo_brings_the_users_own_bytes_back(world: World) -> None:
    world.command(_putting(world, "a.txt", "agent\n"))
    _put(world, "a.txt", "mine\n")

    assert isinstance(world.undo(force=True), Restored)
    assert _text(world, "a.txt") == "a\n"

    with world.snapshots() as snapshots:
        redo(snapshots)
    assert _text(world, "a.txt") == "mine\n"


def test_what_the_user_changed_between_two_calls_is_not_lost(world: World) -> None:
    world.command(_putting(world, "a.txt", "agent 1\n"), call="c1")
    _put(world, "a.txt", "mine\n")
    world.command(_putting(world, "a.txt", "agent 2\n"), call="c2")

    assert world.undo() == Refused((Conflict("a.txt", "changed between"),))
    assert isinstance(world.undo(lambda all_: choose.last_calls(all_, 1)), Restored)
    assert _text(world, "a.txt") == "mine\n"


def test_what_the_user_changed_between_two_calls_is_nobodys_call(world: World) -> None:
    world.command(_putting(world, "a.txt", "agent\n"), call="c1")
    _put(world, "b.txt", "mine\n")
    world.command(_putting(world, "new.txt", "agent\n"), call="c2")

    assert isinstance(world.undo(), Restored)
    assert (_text(world, "a.txt"), _text(world, "b.txt")) == ("a\n", "mine\n")
    assert not (world.root / "new.txt").exists()


def test_a_folder_that_the_user_uses_by_then_stays(world: World) -> None:
    def make() -> None:
        (world.root / "made").mkdir()
        _put(world, "made/agents", "x")

    world.command(make)
    _put(world, "made/mine", "y")

    assert isinstance(world.undo(), Restored)
    assert os.listdir(world.root / "made") == ["mine"]


def test_the_folders_are_again_as_they_were_also_those_that_hold_nothing(world: World) -> None:
    (world.root / "empty").mkdir()
    (world.root / "only").mkdir(mode=0o750)
    _put(world, "only/one", "1")
    _put(world, ".gitignore", "__pycache__/\n")
    was = tree_of(world.root)

    def move() -> None:
        (world.root / "only" / "one").rename(world.root / "empty" / "one")
        (world.root / "only").rmdir()
        for made in ("made/hollow", "made/package/__pycache__"):
            (world.root / made).mkdir(parents=True)
        _put(world, "made/package/a.py", "")

    world.edit(move, "only/one", "empty/one", "made/package/a.py", "made/hollow/x")
    _put(world, "made/package/__pycache__/a.cpython-311.pyc", "code")  # by an import, ignored

    assert isinstance(world.undo(), Restored)
    assert tree_of(world.root) == was


def test_what_programs_derive_is_taken_back_and_neither_counted_nor_anybodys_work(
    world: World,
) -> None:
    _put(world, "a.py", "one")

    def run() -> None:
        _put(world, "a.py", "two")
        for folder in ("__pycache__", ".pytest_cache/v"):
            (world.root / folder).mkdir(parents=True)
        _put(world, "__pycache__/a.cpython-311.pyc", "2")
        _put(world, ".pytest_cache/v/last", "2")

    changes = world.command(run)
    _put(world, "__pycache__/a.cpython-311.pyc", "3")  # the user ran it
    _put(world, "__pycache__/b.cpython-311.pyc.140", "3")
    mine = world.command(_putting(world, ".pytest_cache/v/last", "4"), run="r2")

    assert [change.path for change in counted(changes)] == ["a.py"]
    assert mine == ()
    assert isinstance(world.undo(), Restored)
    assert sorted(os.listdir(world.root)) == ["a.py", "a.txt", "b.txt"]
    assert _text(world, "a.py") == "one"


def test_what_somebody_put_among_compiled_files_is_their_work(world: World) -> None:
    (world.root / "__pycache__").mkdir()
    changes = world.command(_putting(world, "__pycache__/notes", "1"))
    _put(world, "__pycache__/notes", "2")

    assert [change.path for change in counted(changes)] == ["__pycache__/notes"]
    assert world.undo() == Refused((Conflict("__pycache__/notes", "changed since"),))


def test_nothing_is_written_through_a_folder_that_became_a_link(
    world: World, tmp_path: Path
) -> None:
    (world.root / "src").mkdir()
    _put(world, "src/app", "1")
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "app").write_text("2")
    world.command(_putting(world, "src/app", "2"))
    (world.root / "src" / "app").unlink()
    (world.root / "src").rmdir()
    (world.root / "src").symlink_to(outside)

    assert world.undo() == Refused((Conflict("src/app", "in the way"),))
    assert isinstance(world.undo(force=True), Restored)
    assert (outside / "app").read_text() == "2"


def test_a_call_that_names_its_file_is_undone_with_the_folders_it_made_and_reads_no_other(
    world: World,
) -> None:
    def edit() -> None:
        (world.root / "x" / "y").mkdir(parents=True)
        _put(world, "x/y/z", "made")

    changes = world.edit(edit, "x/y/z")

    assert [change.path for change in changes] == ["x", "x/y", "x/y/z"]
    assert isinstance(world.undo(), Restored)
    assert not (world.root / "x").exists()
    with world.snapshots() as snapshots:
        assert snapshots.store.manifest() == {}


def test_an_ignored_file_is_neither_kept_nor_taken_away(world: World) -> None:
    _put(world, ".gitignore", "*.log\nout/\n")
    _put(world, "old.log", "1")

    def build() -> None:
        _put(world, "old.log", "2")
        _put(world, "new.log", "1")
        (world.root / "out").mkdir()
        _put(world, "out/made", "1")

    assert world.command(build) == ()


def test_an_ignored_file_that_the_agent_names_is_kept(world: World) -> None:
    _put(world, ".gitignore", "*.env\n")
    _put(world, "my.env", "1")
    world.edit(_putting(world, "my.env", "2"), "my.env")

    world.undo()

    assert _text(world, "my.env") == "1"


def test_what_stops_being_ignored_was_created_by_nobody(world: World) -> None:
    _put(world, ".gitignore", "*.env\ncache/\n")
    _put(world, "my.env", "mine")
    (world.root / "cache").mkdir()
    _put(world, "cache/big", "mine")
    world.command(_putting(world, ".gitignore", ""), call="c1")
    world.command(_putting(world, "a.txt", "agent"), call="c2")

    assert isinstance(world.undo(), Restored)
    assert (_text(world, "my.env"), _text(world, "cache/big")) == ("mine", "mine")

    world.command(_putting(world, ".gitignore", ""), call="c3", run="r2")
    world.command((world.root / "my.env").unlink, call="c4", run="r2")
    assert isinstance(world.undo(), Restored)
    assert _text(world, "my.env") == "mine"


def test_a_file_that_is_followed_is_followed_on_when_a_rule_comes_to_ignore_it(
    world: World,
) -> None:
    world.command(_putting(world, ".gitignore", "a.txt\n"), call="c1")
    world.command((world.root / "a.txt").unlink, call="c2")

    world.undo()

    assert _text(world, "a.txt") == "a\n"


def test_a_file_too_large_to_be_kept_is_told_and_hinders_no_other(world: World) -> None:
    with open(world.root / "big", "wb") as file:
        file.truncate(FILE_MAX + 1)

    def change() -> None:
        (world.root / "big").unlink()
        _put(world, "a.txt", "agent")

    world.command(change)
    outcome = world.undo()

    assert isinstance(outcome, Restored)
    assert outcome.left == (Conflict("big", "not kept"),)
    assert _text(world, "a.txt") == "a\n"


def test_a_project_beyond_the_bounds_is_refused_and_keeps_what_edits_change(world: World) -> None:
    world.bounds = Bounds(files=1)

    with pytest.raises(ProjectTooBig, match="more than 1 files"):
        world.command(lambda: None)
    world.edit(_putting(world, "a.txt", "agent"), "a.txt")
    world.undo()

    assert _text(world, "a.txt") == "a\n"


def test_a_call_whose_executor_was_killed_is_undone_only_by_force(world: World) -> None:
    with world.snapshots() as snapshots:
        owner = Owner(world.folder, "gone")
        snapshots.begin_whole(Described(call="c1", run="r1", whole=True), owner, Watch())
        owner.close()  # as the kernel does it for a process that is killed
    _put(world, "a.txt", "agent, or I")

    with world.snapshots() as snapshots:
        snapshots.settle()
        (at,) = snapshots.timeline.all()
    assert at.state == "doubtful"
    assert world.undo() == Refused((Conflict("a.txt", "not seen to its end"),))
    assert isinstance(world.undo(force=True), Restored)
    assert _text(world, "a.txt") == "a\n"


def test_nothing_is_undone_while_a_call_goes_on(world: World) -> None:
    world.command(_putting(world, "a.txt", "agent"))
    with world.snapshots() as snapshots:
        owner = Owner(world.folder, "here")
        about = Described(call="c2", run="r1", tool="Shell", whole=True)
        begun = snapshots.begin_whole(about, owner, Watch())
        assert begun is not None
        with pytest.raises(SnapshotError, match="Shell goes on"):
            world.undo()
        snapshots.finish(begun[0], Watch(), whole=True)
        owner.close()

    assert isinstance(world.undo(), Restored)


KILLED = """
import os, sys
from pathlib import Path
from executor import failpoints
from executor.snapshots import choose, undoing
from executor.snapshots.snapshots import Snapshots
folder, root, point = sys.argv[1:]
if point.isdecimal():  # at the so-many-th system call that changes something
    left = int(point)
    def counted(event, arguments):
        global left
        changing = ("os.rename", "os.remove", "os.rmdir", "os.mkdir", "os.symlink", "os.chmod")
        if event in changing and not str(arguments[0]).startswith(folder):
            left -= 1
            if left < 0:
                os._exit(137)
    sys.addaudithook(counted)
else:
    failpoints.arm({"CODEGEN_FAILPOINT": f"{point}:1"})
snapshots = Snapshots(Path(folder), Path(root))
undoing.undo(snapshots, choose.last_run(snapshots.timeline.all()))
"""


def _change_all(world: World) -> None:
    _put(world, "a.txt", "agent")
    (world.root / "b.txt").unlink()
    (world.root / "b.txt").mkdir()
    _put(world, "b.txt/in", "agent")
    (world.root / "link").unlink()
    _put(world, "link", "a file")
    (world.root / "src" / "app").unlink()
    (world.root / "src").rmdir()
    (world.root / "new").mkdir()


@covers("R-UNDO-3")
@pytest.mark.parametrize("point", ["undo_journalled", "undo_restored", *map(str, range(10))])
def test_an_undo_that_is_killed_is_finished_by_whoever_comes_next(world: World, point: str) -> None:
    (world.root / "link").symlink_to("a.txt")
    (world.root / "src").mkdir()
    _put(world, "src/app", "1")
    was = tree_of(world.root)
    world.command(lambda: _change_all(world))
    killed = subprocess.run(
        [sys.executable, "-c", KILLED, str(world.folder), str(world.root), point],
        cwd=ROOT,
        check=False,
        capture_output=True,
    )
    assert killed.returncode == 137, killed.stderr.decode()

    with world.snapshots() as snapshots:
        snapshots.settle()

    assert tree_of(world.root) == was
    with world.snapshots() as snapshots:
        assert isinstance(redo(snapshots), Restored)
    assert tree_of(world.root) != was


def test_a_store_that_is_no_database_any_more_is_put_aside(world: World) -> None:
    world.command(_putting(world, "a.txt", "agent"))
    (world.folder / FILE).write_bytes(b"\0" * 8192)

    changes = world.command(_putting(world, "b.txt", "agent"))

    assert [change.path for change in changes] == ["b.txt"]
    assert (world.folder / "store.damaged").exists()


def test_undo_goes_back_run_by_run_call_by_call_or_to_a_call(world: World) -> None:
    for number in range(1, 6):
        run = "r1" if number < 3 else "r2"
        world.command(_putting(world, "a.txt", f"{number}"), call=f"c{number}", run=run)

    world.undo(lambda all_: choose.last_calls(all_, 1))
    assert _text(world, "a.txt") == "4"
    world.undo()
    assert _text(world, "a.txt") == "2"
    world.undo(lambda all_: choose.since(all_, "c1"))
    assert _text(world, "a.txt") == "a\n"
    with pytest.raises(SnapshotError, match="stands in this project"):
        world.undo()
    with world.snapshots() as snapshots:
        for expected in ("2", "4", "5"):
            redo(snapshots)
            assert _text(world, "a.txt") == expected
        with pytest.raises(SnapshotError, match="nothing was taken back"):
            redo(snapshots)


def test_what_was_done_again_can_be_taken_back_again(world: World) -> None:
    world.command(_putting(world, "a.txt", "1"), call="c1")
    for _ in range(2):
        world.undo()
        assert _text(world, "a.txt") == "a\n"
        with world.snapshots() as snapshots:
            redo(snapshots)
        assert _text(world, "a.txt") == "1"


def test_a_conversation_goes_back_to_a_call_and_leaves_other_sessions_alone(world: World) -> None:
    world.command(_putting(world, "a.txt", "1"), call="c1")
    world.command(_putting(world, "b.txt", "other"), call="x1", session="s2")
    world.command(_putting(world, "a.txt", "2"), call="c2")

    with pytest.raises(UsageError, match="no call 'x1'"):
        world.undo(lambda all_: choose.since(all_, "x1", "s1"))
    world.undo(lambda all_: choose.since(all_, "c1", "s1"))

    assert (_text(world, "a.txt"), _text(world, "b.txt")) == ("a\n", "other")


def test_the_model_is_told_once_of_what_was_taken_back(world: World) -> None:
    world.command(_putting(world, "a.txt", "agent"))
    with world.snapshots() as snapshots:
        assert note_for(snapshots, "s1") == ""
    world.undo()

    with world.snapshots() as snapshots:
        assert "Changed by that: a.txt." in note_for(snapshots, "s1")
        assert note_for(snapshots, "s1") == ""
        assert note_for(snapshots, "s2") == ""
