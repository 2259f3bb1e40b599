"""Which directories stay trusted: by real path, device and inode, and nothing else."""

import os
import stat
import threading
from pathlib import Path

import pytest

from executor.errors import UsageError
from executor.trust import Trust


@pytest.fixture
def project(tmp_path: Path) -> Path:
    folder = tmp_path / "project"
    folder.mkdir()
    return folder


@pytest.fixture
def trust(tmp_path: Path) -> Trust:
    return Trust(tmp_path / "state")


def test_a_directory_is_trusted_once_its_user_says_so(trust: Trust, project: Path) -> None:
    assert not trust.holds(project)
    trust.remember(project)
    assert trust.holds(project)
    assert trust.holds(project.parent / "project" / "." / "")
    assert not trust.holds(project.parent)


def test_what_lies_in_a_trusted_directory_is_not_trusted_by_that(
    trust: Trust, project: Path
) -> None:
    trust.remember(project)
    inner = project / "vendored"
    inner.mkdir()
    assert not trust.holds(inner)


def test_another_directory_in_its_place_is_not_trusted(trust: Trust, project: Path) -> None:
    trust.remember(project)
    project.rename(project.with_name("old"))
    project.mkdir()
    assert not trust.holds(project)
    assert not trust.holds(project.with_name("old"))
    trust.remember(project)
    assert trust.holds(project)


def test_a_link_is_as_trusted_as_what_it_leads_to(trust: Trust, project: Path) -> None:
    link = project.with_name("link")
    link.symlink_to(project)
    trust.remember(link)
    assert trust.holds(project)
    link.unlink()
    other = project.with_name("other")
    other.mkdir()
    link.symlink_to(other)
    assert not trust.holds(link)


@pytest.mark.parametrize(
    "content", [b"{", b"\xff", b"{}", b"3", b'["a"]', b'[{"path": 1}]', b"[" * 100_000]
)
def test_a_store_that_can_not_be_read_is_named_and_trusts_nobody(
    content: bytes, tmp_path: Path, project: Path
) -> None:
    trust = Trust(tmp_path)
    (tmp_path / "trusted.json").write_bytes(content)
    for act in (trust.holds, trust.remember):
        with pytest.raises(UsageError) as caught:
            act(project)
        assert str(tmp_path / "trusted.json") in str(caught.value)
        assert "\n" not in str(caught.value)


def test_a_folder_that_takes_no_store_is_named(tmp_path: Path, project: Path) -> None:
    (tmp_path / "state").write_text("a file")
    with pytest.raises(UsageError, match="can't be"):
        Trust(tmp_path / "state").remember(project)


def test_the_store_is_its_users_alone(tmp_path: Path, project: Path) -> None:
    Trust(tmp_path / "state").remember(project)
    assert stat.S_IMODE((tmp_path / "state" / "trusted.json").stat().st_mode) == 0o600
    assert stat.S_IMODE((tmp_path / "state").stat().st_mode) == 0o700
    kept = {path.name for path in (tmp_path / "state").iterdir()}
    assert kept == {"trusted.json", "trusted.json.lock"}


def test_a_name_that_is_no_utf_8_is_remembered(trust: Trust, tmp_path: Path) -> None:
    folder = Path(os.fsdecode(os.fsencode(tmp_path) + b"/odd-\xff"))
    folder.mkdir()
    trust.remember(folder)
    assert trust.holds(folder)


def test_two_at_once_lose_neither_of_their_directories(tmp_path: Path) -> None:
    folders = [tmp_path / f"project-{number}" for number in range(16)]
    for folder in folders:
        folder.mkdir()
    threads = [
        threading.Thread(target=Trust(tmp_path / "state").remember, args=(folder,))
        for folder in folders
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [Trust(tmp_path / "state").holds(folder) for folder in folders] == [True] * 16


def test_a_no_is_remembered_and_a_later_yes_outranks_it(tmp_path: Path) -> None:
    trust = Trust(tmp_path / "state")
    folder = tmp_path / "folder"
    folder.mkdir()
    trust.decline(folder)
    assert (trust.is_declined(folder), trust.holds(folder)) == (True, False)

    trust.remember(folder)
    assert Trust(tmp_path / "state").holds(folder)
    assert not trust.is_declined(tmp_path)
