"""Replay a generated history, short: the long form over real ones is `python -m tests.replay`."""

import random
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.replay.edits import Inexpressible, edits_of
from tests.replay.history import FileChange, commits
from tests.replay.replaying import WAYS, replay
from tests.requirements import covers

COMMITS = 60


def _revisions(seed: int) -> Iterator[dict[str, bytes]]:
    """A project as it grows: lines that repeat, odd endings and encodings, no last line ending."""
    chance = random.Random(seed)
    forms = {
        "a.txt": ("utf-8", "\n"),
        "b/crlf.txt": ("utf-8", "\r\n"),
        "bom.txt": ("utf-8-sig", "\n"),
        "wide.txt": ("utf-16", "\r\n"),
        "latin.txt": ("latin-1", "\n"),
        "mac.txt": ("utf-8", "\r"),
    }
    words = ["}", "", "    return é", "if x:", "\tgo()", "a  b", "end", "* * *"]
    held = {path: [*chance.choices(words, k=40), "über"] for path in forms}
    for _ in range(COMMITS):
        for path in chance.sample(sorted(forms), 2):
            lines = held[path]
            for _ in range(chance.randint(1, 4)):
                at = chance.randrange(len(lines))
                lines[at : at + chance.randint(0, 3)] = chance.choices(
                    [*words, f"line {chance.randrange(99)}"], k=chance.randint(0, 3)
                )
            lines.append("über")
        last = {path: chance.choice(["", ending]) for path, (_, ending) in forms.items()}
        yield {
            path: (ending.join(held[path]) + last[path]).encode(codec)
            for path, (codec, ending) in forms.items()
        }


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("history")
    subprocess.run(["git", "init", "-q", str(folder)], check=True)
    stream: list[bytes] = []
    for number, revision in enumerate(_revisions(7)):
        stream.append(
            b"commit refs/heads/main\ncommitter T <t@example.invalid> %d +0000\n" % number
        )
        stream.append(b"data 0\n")
        for path, content in revision.items():
            stream.append(
                b"M 644 inline %s\ndata %d\n%s\n" % (path.encode(), len(content), content)
            )
    subprocess.run(
        ["git", "-C", str(folder), "fast-import", "--quiet"], input=b"".join(stream), check=True
    )
    subprocess.run(
        ["git", "-C", str(folder), "symbolic-ref", "HEAD", "refs/heads/main"], check=True
    )
    return folder


@covers("R-FILE-11")
@pytest.mark.parametrize("way", WAYS)
async def test_the_commits_of_a_history_come_out_byte_for_byte(repository: Path, way: str) -> None:
    tally = await replay(commits(repository, COMMITS), way, COMMITS)

    assert tally.wrong == []
    assert tally.steps >= COMMITS - 1
    assert tally.files > 2 * COMMITS


@pytest.mark.parametrize(
    ("before", "after", "why"),
    [
        (None, b"a", "created or deleted"),
        (b"a\0", b"b\0", "binary"),
        (b"", b"a", "empty before"),
        (b"a\n", b"a\r\n", "another encoding or other line endings"),
        (b"a\n" * 900, b"a\n" * 450 + b"b\n" + b"a\n" * 450, "repeats itself too much"),
    ],
)
def test_what_is_no_matter_of_edits_is_left_out_with_the_reason(
    before: bytes | None, after: bytes, why: str
) -> None:
    assert edits_of(FileChange("f", before, after)) == Inexpressible(why)


def test_a_passage_takes_as_many_lines_around_it_as_make_it_unique() -> None:
    change = FileChange("f", b"a\nx\nb\nx\n", b"a\nx\nb\ny\n")

    assert edits_of(change) == [("b\nx\n", "b\ny\n")]
