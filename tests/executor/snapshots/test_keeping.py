"""What is kept, shown and dropped: patches, pruning, several processes, and the session's side."""

import asyncio
import os
import subprocess
import sys
import threading
from contextlib import suppress
from pathlib import Path

import pytest

from executor.bootstrap.checkpoints import SessionCheckpoints, Surroundings
from executor.cli.changes import checkpoint_lines
from executor.journal import create_journal
from executor.policy.call import PlannedCall
from executor.settings import Folders
from executor.snapshots.patch import patch
from executor.snapshots.place import snapshot_folder
from executor.snapshots.pruning import prune, remove_unused
from executor.snapshots.recorder import Recorder
from executor.snapshots.store import FILE
from executor.snapshots.timeline import Described
from executor.view.port import Notice
from executor.workspace import Workspace
from protocol.tools.edit import Edit
from protocol.tools.shell import Shell
from tests.executor.session.rig import PlayedView
from tests.executor.snapshots.world import World, tree_of, world_in


@pytest.fixture
def world(tmp_path: Path) -> World:
    return world_in(tmp_path)


def _rich(world: World) -> None:
    root = world.root
    (root / "text").write_bytes(b"one\ntwo\n")
    (root / "crlf").write_bytes(b"one\r\ntwo\r\n")
    (root / "latin").write_bytes(b"caf\xe9\n")
    (root / "end").write_bytes(b"no newline")
    (root / "data").write_bytes(bytes(range(256)) * 8)
    (root / "gone").write_bytes(b"gone\n")
    (root / "script").write_bytes(b"#!/bin/sh\n")
    (root / "link").symlink_to("text")
    (root / "turns").write_bytes(b"a file\n")


def _changed(world: World) -> None:
    root = world.root
    (root / "text").write_bytes(b"one\n2\n")
    (root / "crlf").write_bytes(b"one\ntwo\r\n")
    (root / "latin").write_bytes(b"caf\xe9s\n")
    (root / "end").write_bytes(b"newline\n")
    (root / "data").write_bytes(bytes(range(255, -1, -1)) * 9)
    (root / "gone").unlink()
    (root / "script").chmod(0o755)
    (root / "link").unlink()
    (root / "link").symlink_to("crlf")
    (root / "turns").unlink()
    (root / "turns").symlink_to("text")
    (root / "new folder").mkdir()
    (root / "new folder" / "odd\n\u00e9\udcff").write_bytes(b"")
    (root / "new.bin").write_bytes(b"\0\1")


def test_the_patch_is_one_that_git_applies_and_takes_back(world: World, tmp_path: Path) -> None:
    _rich(world)
    was = tree_of(world.root)
    world.command(lambda: _changed(world))
    became = tree_of(world.root)
    with world.snapshots() as snapshots:
        (at,) = snapshots.timeline.all()
        pieces = patch(snapshots.timeline.changes(at.id), snapshots.store.content)
        (tmp_path / "patch").write_bytes("".join(pieces).encode("utf-8", "surrogateescape"))

    def applied(*options: str) -> None:
        command = ["git", "apply", "--whitespace=nowarn", *options, str(tmp_path / "patch")]
        subprocess.run(command, cwd=world.root, check=True)

    applied("-R")
    assert tree_of(world.root) == was
    applied()
    assert tree_of(world.root) == became


def test_what_is_old_is_dropped_and_what_is_still_needed_stays(world: World) -> None:
    (world.root / "a").write_text("0")
    for number in range(1, 4):
        text = f"{number}" * 1000
        world.command(lambda t=text: (world.root / "a").write_text(t), call=f"c{number}")

    with world.snapshots() as snapshots:
        sizes = [snapshots.store.rows("SELECT size FROM contents")]
        prune(snapshots.store, most_bytes=2500)
        sizes.append(snapshots.store.rows("SELECT size FROM contents"))
        left = [at.about.call for at in snapshots.timeline.all()]
        prune(snapshots.store, older_than=-1)
        sizes.append(snapshots.store.rows("SELECT size FROM contents"))
        assert snapshots.timeline.all() == []

    assert [len(size) for size in sizes] == [4, 2, 1]
    assert left == ["c3"]
    assert world.command(lambda: (world.root / "a").write_text("4")) != ()


def test_the_snapshots_of_a_project_that_nobody_uses_are_deleted(world: World) -> None:
    world.command(lambda: None)
    remove_unused(world.folder.parent)
    assert (world.folder / FILE).exists()
    os.utime(world.folder / FILE, (0, 0))

    remove_unused(world.folder.parent)

    assert not world.folder.exists()


def test_a_folder_put_in_the_projects_place_is_another_project(world: World) -> None:
    first = world.folder
    world.root.rename(world.root.with_name("moved"))
    world.root.mkdir()

    assert world.folder != first


def test_what_is_found_while_another_sessions_call_goes_on_is_that_calls(world: World) -> None:
    def work() -> None:
        (world.root / "made").write_text("1")
        world.command(lambda: None, call="other", session="s2")

    changes = world.command(work)

    assert [change.path for change in changes] == ["made"]


def test_two_sessions_in_one_project_lose_no_change(world: World) -> None:
    def work(name: str) -> None:
        for number in range(8):
            world.command(
                lambda n=number: (world.root / f"{name}{n}").write_text(name),
                call=f"{name}{number}",
                session=name,
            )

    threads = [threading.Thread(target=work, args=(name,)) for name in ("x", "y")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    with world.snapshots() as snapshots:
        calls = snapshots.timeline.all()
        changed = {change.path for at in calls for change in snapshots.timeline.changes(at.id)}
    assert {at.state for at in calls} == {"done"}
    assert changed == {f"{name}{number}" for name in ("x", "y") for number in range(8)}


KILLED_WHILE_KEEPING = """
import os, sys
from pathlib import Path
from executor.snapshots.place import Owner
from executor.snapshots.snapshots import Snapshots, Watch
from executor.snapshots.timeline import Described
folder, root, left = sys.argv[1:]
left = int(left)
snapshots = Snapshots(Path(folder), Path(root))
def counted(event, arguments):
    global left
    if event in ("open", "sqlite3.connect", "os.scandir"):
        left -= 1
        if left < 0:
            os._exit(137)
sys.addaudithook(counted)
begun = snapshots.begin_whole(Described(call="c", whole=True), Owner(Path(folder), "o"), Watch())
Path(root, "made").write_text("x")
snapshots.finish(begun[0], Watch(), whole=True)
os._exit(0)
"""


@pytest.mark.parametrize("point", range(0, 15, 3))
def test_a_kill_while_keeping_leaves_the_project_alone_and_the_store_usable(
    world: World, point: int
) -> None:
    for name in ("a", "b", "c"):
        (world.root / name).write_text(name)
    command = [sys.executable, "-c", KILLED_WHILE_KEEPING, str(world.folder), str(world.root)]
    killed = subprocess.run([*command, str(point)], check=False, capture_output=True)
    assert killed.returncode in (0, 137), killed.stderr.decode()
    (world.root / "made").unlink(missing_ok=True)

    changes = world.command((world.root / "a").unlink, call="next", run="next")
    world.undo()

    assert [change.path for change in changes] == ["a"]
    assert {path: content for path, (_, content) in tree_of(world.root).items()} == {
        b"a": b"a",
        b"b": b"b",
        b"c": b"c",
    }


def test_the_list_of_checkpoints_cannot_drive_a_terminal(world: World) -> None:
    with world.snapshots() as snapshots:
        snapshots.timeline.begin(Described(title="Shell \x1b[2J"), "")
        snapshots.timeline.finish(1, [])
    world.command(lambda: (world.root / "a").write_text("x"))
    with world.snapshots() as snapshots:
        assert all("\x1b" not in line for line in checkpoint_lines(snapshots, 5))


def test_a_store_that_cannot_be_written_is_told_once_and_stops_no_call(
    world: World,
) -> None:
    told: list[str] = []
    recorder = Recorder(world.state, world.root, told.append)
    (world.folder / FILE).write_bytes(b"no database" * 1000)
    for call in ("c1", "c2"):
        recorder.before(Described(call=call, tool="Shell"), None, lambda: False)
        recorder.after(call, lambda: False)

    assert len(told) == 1
    assert told[0].startswith("what this changes can't be undone: ")
    assert recorder.run_ended() == 0


def test_a_first_look_that_takes_long_is_told_with_how_far_it_is(
    world: World,
) -> None:
    (world.root / "a").mkdir()
    told: list[str] = []
    recorder = Recorder(world.state, world.root, told.append, patience=0.0)

    recorder.before(Described(call="c1", tool="Shell"), None, lambda: False)

    assert told[0].startswith("keeping the project's files, so that what commands change can be")


async def test_the_session_keeps_what_may_change_something_and_nothing_else(
    world: World, tmp_path: Path
) -> None:
    view = PlayedView()
    journal = create_journal(tmp_path / "state", cwd=str(world.root), server="s", session_id="s1")
    workspace = Workspace(world.root)
    folders = Folders(tmp_path / "config", world.state, tmp_path / "run")
    looks = PlannedCall("Shell", "execute", Shell("ls"))
    checkpoints = SessionCheckpoints(
        Surroundings(folders, workspace, journal, view, lambda call: call == looks)
    )
    async with checkpoints.kept("c0", looks, "Shell ls"):
        (world.root / "b").write_text("mine")
    assert not snapshot_folder(world.state, world.root).exists()

    edit = PlannedCall("Edit", "write", Edit("src/a", "x", "y"))
    async with checkpoints.kept("c1", edit, "Edit src/a"):
        (world.root / "src").mkdir()
        (world.root / "src" / "a").write_text("y")
    remove = PlannedCall("Shell", "execute", Shell("rm b"))
    with suppress(asyncio.CancelledError):
        async with checkpoints.kept("c2", remove, "Shell rm b"):
            (world.root / "b").unlink()
            raise asyncio.CancelledError

    assert checkpoints.run_ended() == 2
    await checkpoints.aclose()
    workspace.close()
    journal.close()
    world.undo()
    assert tree_of(world.root).keys() == {b"b"}
    assert view.all(Notice) == []
