"""Single files by their folder's handle: what is read, what is kept, and what replaces what."""

import os
import stat
import sys
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Any

import pytest

from executor.errors import ToolFailure
from executor.workspace.files import (
    RECENT_FILE_MAX,
    RECENT_MAX,
    Recent,
    digest_of,
    kind_of,
    open_regular,
    read_regular,
)
from executor.workspace.kinds import binary_kind, signature
from executor.workspace.likeness import take_after
from tests.executor.workspace.unprivileged import NOBODY, unprivileged


@contextmanager
def opened(path: Path, flags: int = os.O_RDONLY) -> Generator[int]:
    handle = os.open(path, flags)
    try:
        yield handle
    finally:
        os.close(handle)


@contextmanager
def just_before_it_is_opened(work: Any) -> Generator[None]:
    """Call `work` once between the look at a name and its opening."""

    def look(frame: FrameType, event: str, called: object) -> None:
        if event == "c_call" and called is os.open and frame.f_code is open_regular.__code__:
            sys.setprofile(None)
            work()

    sys.setprofile(look)
    try:
        yield
    finally:
        sys.setprofile(None)


def test_a_file_that_turns_into_a_fifo_under_way_is_not_read(tmp_path: Path) -> None:
    path = tmp_path / "f"
    path.write_text("inside")

    def swap() -> None:
        path.unlink()
        os.mkfifo(path)

    before = len(os.listdir("/proc/self/fd"))
    with (
        opened(tmp_path) as folder,
        just_before_it_is_opened(swap),
        pytest.raises(ToolFailure, match="f is a FIFO, not a file"),
    ):
        read_regular(folder, "f", "f")

    assert stat.S_ISFIFO(path.stat().st_mode)
    assert len(os.listdir("/proc/self/fd")) == before


def test_a_file_that_is_longer_than_it_says_is_too_large() -> None:
    with opened(Path("/proc/self")) as folder:
        assert os.stat("status", dir_fd=folder).st_size == 0
        with pytest.raises(ToolFailure) as refused:
            read_regular(folder, "status", "status", limit=10)

    assert refused.value.code == "too_large"


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        (stat.S_IFDIR, "a folder"),
        (stat.S_IFIFO, "a FIFO"),
        (stat.S_IFSOCK, "a socket"),
        (stat.S_IFCHR, "a character device"),
        (stat.S_IFBLK, "a block device"),
        (stat.S_IFLNK, "a link"),
        (stat.S_IFREG, "a file"),
    ],
)
def test_what_a_mode_says_is_told_in_words(kind: int, words: str) -> None:
    assert kind_of(kind | 0o644) == words


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        (b"\0\0\0\x18ftypmp42", "MP4 or QuickTime media"),
        (b"RIFF\0\0\0\0WEBPVP8 ", "WebP image"),
        (b"RIFF\0\0\0\0AVI LIST", "RIFF media"),
        (b"\0" * 257 + b"ustar\0", "tar archive"),
        (b"\x89PNG\r\n\x1a\n\0", "PNG image"),
        (b"\0\x01\x02", "binary data"),
    ],
)
def test_what_bytes_are_is_told_by_their_beginning(content: bytes, kind: str) -> None:
    assert signature(content) == kind
    assert binary_kind(content) == kind


def test_the_contents_read_last_are_kept_within_a_bound() -> None:
    recent = Recent()
    contents = [bytes([number]) * RECENT_FILE_MAX for number in range(18)]
    for content in contents:
        recent.keep(digest_of(content), content)
    recent.keep(digest_of(contents[-1]), contents[-1])
    large = b"x" * (RECENT_FILE_MAX + 1)
    recent.keep(digest_of(large), large)

    kept = [recent.get(digest_of(content)) is not None for content in contents]
    assert kept == [False, False] + [True] * (RECENT_MAX // RECENT_FILE_MAX)
    assert recent.get(digest_of(large)) is None


@pytest.mark.skipif(sys.platform != "linux", reason="there are no such attributes elsewhere")
def test_a_file_takes_mode_and_attributes_of_its_model(tmp_path: Path) -> None:
    (tmp_path / "old").touch()
    (tmp_path / "old").chmod(0o751)
    status = (tmp_path / "old").stat()
    has_attributes = True
    try:
        os.setxattr(tmp_path / "old", "user.colour", b"blue")
    except OSError:
        has_attributes = False

    with opened(tmp_path) as folder, opened(tmp_path / "fresh", os.O_CREAT | os.O_RDWR) as handle:
        take_after(handle, status, folder, "old")

    assert stat.S_IMODE((tmp_path / "fresh").stat().st_mode) == 0o751
    if has_attributes:
        assert os.getxattr(tmp_path / "fresh", "user.colour") == b"blue"


def test_what_is_somebody_elses_is_followed_without_the_bits_that_run_as_them(
    tmp_path: Path,
) -> None:
    """Nobody may give a file away: neither owner nor group can be had, and nothing is refused."""
    fresh = tmp_path / "fresh"
    fresh.touch()
    if os.geteuid() == 0:
        os.chown(fresh, NOBODY, NOBODY)
    with (
        opened(tmp_path) as folder,
        opened(fresh, os.O_RDWR) as handle,
        unprivileged(),
    ):
        like = list(os.fstat(handle))[:10]
        like[stat.ST_MODE], like[stat.ST_UID], like[stat.ST_GID] = 0o106755, 54321, 54321
        take_after(handle, os.stat_result(like), folder, "is not there")

    assert stat.S_IMODE(fresh.stat().st_mode) == 0o755
