"""Control groups of executors that are gone."""

import os
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from executor.sandbox.limits import Group, group_name
from executor.sandbox.premises import Bounds

LONG_AGO = 120.0


@pytest.fixture
def group() -> Iterator[Group]:
    group = Group(f"codegen-tests-{os.getpid()}", Bounds(processes=64))
    if not group.join:
        pytest.skip("this user may not make a control group here")
    yield group
    group.close()


def _folder(group: Group) -> Path:
    return Path(group.join[0]).parent


def _gone() -> int:
    with subprocess.Popen(["true"]) as process:
        process.wait()
    return process.pid


def _left(beside: Group, name: str, seconds_ago: float = LONG_AGO) -> Path:
    folder = _folder(beside).parent / name
    folder.mkdir()
    then = time.time() - seconds_ago
    os.utime(folder, (then, then))
    return folder


def test_groups_of_killed_executors_are_removed_by_the_next(group: Group) -> None:
    gone = _gone()
    left = [_left(group, f"codegen-{gone}-{number:x}") for number in (10, 11)]
    kept = [
        _left(group, f"codegen-{gone}-c", seconds_ago=0),
        _left(group, group_name(group)),
        _left(group, f"codegen-{gone}-of-another-kind"),
    ]
    try:
        Group(f"codegen-tests-{gone}", Bounds()).close()
        assert [path for path in (*left, *kept) if path.exists()] == kept
    finally:
        for path in (*left, *kept):
            if path.exists():
                path.rmdir()


def test_a_group_of_a_gone_executor_in_which_something_runs_stays(group: Group) -> None:
    folder = _left(group, f"codegen-{_gone()}-a")
    with subprocess.Popen(["sleep", "60"]) as process:
        try:
            (folder / "cgroup.procs").write_text(str(process.pid))
            Group(f"codegen-tests-{process.pid}", Bounds()).close()
            assert folder.exists()
        finally:
            process.kill()
            process.wait()
            folder.rmdir()
