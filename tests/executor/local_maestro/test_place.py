"""Where a private maestro lies: a folder of one's own, and a name for each configuration."""

import os
import stat
from pathlib import Path

import pytest

from executor.errors import UsageError
from executor.local_maestro.place import Place, place
from executor.settings import Folders, Settings


def _place(runtime: Path, settings: Settings | None = None, **environment: str) -> Place:
    folders = Folders(Path("/config"), Path("/state"), runtime)
    return place(folders, settings or Settings(), environment)


def test_the_folder_is_made_for_its_user_alone(tmp_path: Path) -> None:
    made = _place(tmp_path / "a" / "b").folder
    assert stat.S_IMODE(made.stat().st_mode) == 0o700


def test_a_folder_that_others_may_enter_is_closed(tmp_path: Path) -> None:
    (tmp_path / "run").mkdir(mode=0o777)
    assert stat.S_IMODE(_place(tmp_path / "run").folder.stat().st_mode) == 0o700


def test_a_link_a_file_and_a_path_that_is_too_long_are_refused(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "real")
    (tmp_path / "file").write_text("")
    with pytest.raises(UsageError, match="is not a folder of this user"):
        _place(tmp_path / "link")
    with pytest.raises(UsageError, match="can't be made"):
        _place(tmp_path / "file")
    with pytest.raises(UsageError, match="too long a path"):
        _place(tmp_path / ("x" * 100))


@pytest.mark.skipif(os.getuid() != 0, reason="only root can make another user's folder")
def test_another_users_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "run").mkdir()
    os.chown(tmp_path / "run", 12345, 12345)
    with pytest.raises(UsageError, match="is not a folder of this user"):
        _place(tmp_path / "run")


def test_the_same_configuration_has_the_same_place(tmp_path: Path) -> None:
    one = _place(tmp_path, OPENAI_API_KEY="a", TERM="x", PWD="/here")
    assert one == _place(tmp_path, OPENAI_API_KEY="a", TERM="y", PWD="/there")


def test_what_changes_the_maestro_changes_its_place(tmp_path: Path) -> None:
    places = [
        _place(tmp_path),
        _place(tmp_path, OPENAI_API_KEY="a"),
        _place(tmp_path, OPENAI_API_KEY="b"),
        _place(tmp_path, OPENAI_BASE_URL="http://x"),
        _place(tmp_path, HTTPS_PROXY="http://x"),
        _place(tmp_path, MAESTRO_MAX_STEPS="3"),
        _place(tmp_path, Settings(model="openai/x")),
        _place(tmp_path, Settings(base_url="http://x")),
    ]
    assert len({one.name for one in places}) == len(places)


@pytest.mark.parametrize("settings", [Settings(record=Path("f")), Settings(model="replay:f")])
def test_a_recording_or_replaying_one_is_shared_with_nobody(
    settings: Settings, tmp_path: Path
) -> None:
    assert _place(tmp_path, settings).name != _place(tmp_path, settings).name
