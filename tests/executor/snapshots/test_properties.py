"""Whatever commands do to a generated tree, undo gives every byte, mode and link back."""

import os
import shutil
import tempfile
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from executor.snapshots.undoing import Refused, Restored, redo
from tests.examples import examples
from tests.executor.snapshots.world import World, tree_of, world_in
from tests.requirements import covers

NAMES = st.sampled_from([b"a", b"b", b"c d", b"\xff\xfe", "\u00e9\n".encode(), b"-rf"])
PATHS = st.lists(NAMES, min_size=1, max_size=3).map(b"/".join)
CONTENTS = st.sampled_from([b"", b"x\n", b"x\r\n", b"\0\1\2", b"$Id$\n", b"long\n" * 5000])
MODES = st.sampled_from([0o644, 0o600, 0o755, 0o444, 0o777, 0o4755])
FOLDER_MODES = st.sampled_from([0o755, 0o700, 0o1777, 0o555])

Operation = Callable[[bytes], None]


def _write(path: bytes, content: bytes, mode: int) -> Operation:
    def work(root: bytes) -> None:
        target = os.path.join(root, path)
        with suppress(OSError):
            os.makedirs(os.path.dirname(target), exist_ok=True)
            with open(target, "wb", opener=_through_no_link) as file:
                file.write(content)
            os.chmod(target, mode)

    return work


def _through_no_link(path: str, flags: int) -> int:
    return os.open(path, flags | os.O_NOFOLLOW)


def _link(path: bytes, target: bytes) -> Operation:
    def work(root: bytes) -> None:
        with suppress(OSError):
            os.symlink(target, os.path.join(root, path))

    return work


def _folder(path: bytes, mode: int) -> Operation:
    def work(root: bytes) -> None:
        with suppress(OSError):
            os.makedirs(os.path.join(root, path), exist_ok=True)
            os.chmod(os.path.join(root, path), mode)

    return work


def _remove(path: bytes) -> Operation:
    def work(root: bytes) -> None:
        target = os.path.join(root, path)
        with suppress(OSError):
            if os.path.isdir(target) and not os.path.islink(target):
                shutil.rmtree(target)
            else:
                os.unlink(target)

    return work


def _move(source: bytes, target: bytes) -> Operation:
    def work(root: bytes) -> None:
        with suppress(OSError):
            os.rename(os.path.join(root, source), os.path.join(root, target))

    return work


OPERATIONS = st.one_of(
    st.builds(_write, PATHS, CONTENTS, MODES),
    st.builds(_link, PATHS, st.sampled_from([b"a", b"../x", b"/nowhere", b"."])),
    st.builds(_folder, PATHS, FOLDER_MODES),
    st.builds(_remove, PATHS),
    st.builds(_move, PATHS, PATHS),
)
SCRIPTS = st.lists(OPERATIONS, max_size=8)


def _run(world: World, script: list[Operation]) -> None:
    for operation in script:
        operation(os.fsencode(world.root))


@covers("R-UNDO-1")
@settings(max_examples=examples(60), deadline=None)
@given(before=SCRIPTS, calls=st.lists(SCRIPTS, min_size=1, max_size=3))
def test_undo_gives_every_byte_mode_and_link_back_and_redo_takes_them_again(
    before: list[Operation], calls: list[list[Operation]]
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        world = world_in(Path(folder))
        _run(world, before)
        was = tree_of(world.root)
        changed = False
        for number, script in enumerate(calls):
            changed |= bool(world.command(lambda s=script: _run(world, s), call=f"c{number}"))
        became = tree_of(world.root)
        if not changed:
            assert became == was
            return

        assert isinstance(world.undo(), Restored)
        assert tree_of(world.root) == was

        with world.snapshots() as snapshots:
            assert isinstance(redo(snapshots), Restored)
        assert tree_of(world.root) == became


@covers("R-UNDO-2")
@settings(max_examples=examples(40), deadline=None)
@given(before=SCRIPTS, call=SCRIPTS, after=SCRIPTS)
def test_what_the_user_changed_later_is_there_after_undo_or_undo_is_refused(
    before: list[Operation], call: list[Operation], after: list[Operation]
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        world = world_in(Path(folder))
        _run(world, before)
        was = tree_of(world.root)
        if not world.command(lambda: _run(world, call)):
            return
        left = tree_of(world.root)
        _run(world, after)
        found = tree_of(world.root)
        own = {path for path in {*left, *found} if left.get(path) != found.get(path)}

        outcome = world.undo()

        now = tree_of(world.root)
        if isinstance(outcome, Refused):
            assert now == found
        else:
            # A path that both have changed, to the same end, is no loss for either.
            wanted = {path: (found.get(path), was.get(path)) for path in own}
            assert {path for path in own if now.get(path) not in wanted[path]} == set()
