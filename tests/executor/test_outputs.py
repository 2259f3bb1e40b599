"""The folders of long output: private, bounded, and never taken from somebody who uses one."""

import os
import time
from pathlib import Path

import pytest

from executor.bootstrap.outputs import AGE_MAX_S, open_outputs, remove_old

HOUR = 3600.0


def _session(state: Path, name: str, *, age_s: float, size: int = 10) -> Path:
    """The folder of a session that ended so long ago."""
    folder = state / "output" / name
    folder.mkdir(parents=True)
    file = folder / "call.out"
    file.write_bytes(b"")
    os.truncate(file, size)
    then = time.time() - age_s
    os.utime(file, (then, then))
    return folder


def _left(state: Path) -> set[str]:
    return {folder.name for folder in (state / "output").iterdir()}


def test_what_is_too_old_goes(tmp_path: Path) -> None:
    _session(tmp_path, "old", age_s=AGE_MAX_S + HOUR)
    _session(tmp_path, "young", age_s=AGE_MAX_S - HOUR)

    remove_old(tmp_path)

    assert _left(tmp_path) == {"young"}


def test_what_is_too_much_goes_oldest_first(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("executor.bootstrap.outputs.BYTES_MAX", 100)
    for number in range(5):
        _session(tmp_path, f"s{number}", age_s=(5 - number) * HOUR, size=40)

    remove_old(tmp_path)

    assert _left(tmp_path) == {"s3", "s4"}


def test_what_somebody_uses_stays(tmp_path: Path) -> None:
    _session(tmp_path, "mine", age_s=AGE_MAX_S + HOUR)
    mine = open_outputs(tmp_path, "mine")

    remove_old(tmp_path)

    assert _left(tmp_path) == {"mine"}
    mine.close()
    remove_old(tmp_path)
    assert _left(tmp_path) == set()


def test_a_link_in_its_place_is_not_followed(tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "kept").write_text("x")
    (tmp_path / "output").mkdir()
    (tmp_path / "output" / "link").symlink_to(elsewhere)
    _session(tmp_path, "old", age_s=AGE_MAX_S + HOUR).joinpath("link").symlink_to(elsewhere)

    remove_old(tmp_path)

    assert (elsewhere / "kept").exists()
    assert _left(tmp_path) <= {"link", "old"}


def test_one_that_stayed_empty_is_removed_when_it_is_left(tmp_path: Path) -> None:
    outputs = open_outputs(tmp_path, "session")
    assert outputs.path.stat().st_mode & 0o777 == 0o700

    outputs.close()

    assert _left(tmp_path) == set()


def test_where_there_is_no_state_there_is_another_folder(tmp_path: Path) -> None:
    (tmp_path / "output").write_text("in the way")

    outputs = open_outputs(tmp_path, "session")

    assert outputs.path.stat().st_mode & 0o777 == 0o700
    outputs.close()


def test_it_stops_when_it_is_told_to(tmp_path: Path) -> None:
    _session(tmp_path, "old", age_s=AGE_MAX_S + HOUR)

    remove_old(tmp_path, lambda: True)

    assert _left(tmp_path) == {"old"}
