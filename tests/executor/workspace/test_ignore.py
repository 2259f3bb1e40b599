"""The ignore rules say what git says."""

import subprocess
from pathlib import Path

import pytest

from executor.workspace import Workspace
from executor.workspace.walk import Pruning

RULES = [
    "*.log\n!keep.log\n",
    "build/\n",
    "/top\n",
    "a/b\n",
    "**/deep\n",
    "a/**\n",
    "a/**/c\n",
    "!a\n",
    "# comment\n\\#hash\n\\!bang\n",
    "trailing \nkept\\ \n",
    "[ab].x\n[!ab].y\n[[:digit:]].z\n",
    "*\n!*/\n!*.py\n",
    "*\n!.gitignore\n!a/\n!a/b/\n!a/b/*.py\n",
    "?.x\n",
    "a*/c*\n",
    "dir/*\n!dir/keep\n",
    "/*\n!/a\n/a/*\n!/a/b\n",
    "deep/\n!a/deep/\n",
    "\\*.log\n",
    "[\n]\n[a\n",
    "a/b/\n*.py\n",
    "foo\r\n*.x\r\n",
    "**\n!a\n",
    "a//b\n",
    "[]-a].x\n",
    "x{a,b}\n",
    "***/c\n",
    "a/***\n",
]
FILES = (
    *("top", "a/top", "x.log", "keep.log", "a/keep.log", "build/x", "a/build/x", "a/b/c", "a/c"),
    *("a/b/m.py", "m.py", "a/deep/x", "deep/x", "deep", "#hash", "!bang", "trailing", "kept "),
    *("a.x", "c.x", "a.y", "c.y", "1.z", "n.z", "dir/keep", "dir/drop", "*.log", "[", "[a", "foo"),
    *("ab/cd", "a/b/deep/q", "xa", "x{a,b}", "-.x", "].x"),
)


@pytest.mark.parametrize("nested", ["", "*.py\n!m.py\n", "!*\n", "/c\n"])
@pytest.mark.parametrize("rules", RULES)
def test_our_listing_is_gits(tmp_path: Path, rules: str, nested: str) -> None:
    subprocess.run(["git", "init", "-q", "."], cwd=tmp_path, check=True)
    (tmp_path / ".git/info/exclude").write_text("c.y\n")
    for name in FILES:
        path = tmp_path / name
        if not path.is_dir() and not path.parent.is_file():
            path.parent.mkdir(parents=True, exist_ok=True)
            path.touch()
    (tmp_path / ".gitignore").write_bytes(rules.encode())
    (tmp_path / "a/.gitignore").write_text(nested)
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--others", "--exclude-standard"],
        cwd=tmp_path,
        check=True,
        capture_output=True,
        env={"HOME": "/nonexistent", "PATH": "/usr/bin:/bin"},
    ).stdout

    workspace = Workspace(tmp_path)
    ours = workspace.walk(".", Pruning()).entries
    workspace.close()

    assert sorted("/".join(entry.path) for entry in ours if entry.kind == "file") == sorted(
        listed.decode().split("\0")[:-1]
    )
