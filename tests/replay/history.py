"""Changes that people made: from a git repository's commits, or between versions of packages.

Reads what is there; applies nothing.
"""

import subprocess
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

FILE_MAX = 400_000
"""Bytes of the largest file that is looked at: what is larger was generated."""
SUFFIXES = (
    ".py",
    ".pyi",
    ".txt",
    ".md",
    ".rst",
    ".toml",
    ".json",
    ".html",
    ".js",
    ".css",
    ".typed",
)


@dataclass(frozen=True)
class FileChange:
    """One file before and after; None where there was, or is, none."""

    path: str
    before: bytes | None
    after: bytes | None


@dataclass(frozen=True)
class Step:
    """What one commit, or one release, changed."""

    name: str
    files: tuple[FileChange, ...]


def commits(repository: Path, count: int) -> Iterator[Step]:
    """The last `count` commits that changed files, the newest first; merges are left out."""
    log = _git(repository, "log", "--no-merges", f"-{count}", "--format=%H").decode().split()
    for commit in log:
        named = _git(
            repository,
            *("diff-tree", "-r", "-z", "--root", "--no-commit-id", "--no-renames"),
            *("--name-status", commit),
        )
        fields = named.decode("utf-8", "surrogateescape").split("\0")[:-1]
        pairs = zip(fields[::2], fields[1::2], strict=True)
        files = tuple(_changed(repository, commit, status, path) for status, path in pairs)
        yield Step(commit[:12], files)


def _changed(repository: Path, commit: str, status: str, path: str) -> FileChange:
    def blob(of: str) -> bytes:
        return _git(repository, "cat-file", "blob", f"{of}:{path}")

    return FileChange(
        path,
        None if status == "A" else blob(f"{commit}^"),
        None if status == "D" else blob(commit),
    )


def _git(repository: Path, *arguments: str) -> bytes:
    command = ["git", "-C", str(repository), "-c", "safe.directory=*", *arguments]
    return subprocess.run(command, check=True, capture_output=True).stdout


def releases(wheels: list[Path]) -> Iterator[Step]:
    """What changed from each of one package's wheels, given in order, to the next."""
    held = ((wheel.name, _sources(wheel)) for wheel in wheels)
    for (_, old), (name, new) in pairwise(held):
        paths = sorted(path for path in {*old, *new} if old.get(path) != new.get(path))
        yield Step(name, tuple(FileChange(path, old.get(path), new.get(path)) for path in paths))


def _sources(wheel: Path) -> dict[str, bytes]:
    """The text files of a wheel; what is about the release itself is left out."""
    with zipfile.ZipFile(wheel) as archive:
        return {
            entry.filename: archive.read(entry)
            for entry in archive.infolist()
            if entry.filename.endswith(SUFFIXES)
            and ".dist-info/" not in entry.filename
            and entry.file_size <= FILE_MAX
        }
