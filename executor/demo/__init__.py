"""The demonstration: a small real project with a failing test, and the model's recorded words.

Unpacks files; running them is `codegen demo`'s business.
"""

import shutil
import subprocess
from importlib import resources
from pathlib import Path

PROMPT = "The tests fail. Find out why, fix it, and show me that they pass."
_SUFFIX = ".txt"
"""Keeps checkers of this project off the demonstration's own, deliberately broken, code."""


def recording() -> Path:
    """The recorded model session, for `--model replay:FILE`."""
    return Path(str(resources.files(__name__).joinpath("recording.jsonl")))


def unpack(folder: Path) -> None:
    """Write the project into the empty `folder`; as a git repository where there is git."""
    for source in sorted(resources.files(__name__).joinpath("project").iterdir(), key=str):
        target = folder / source.name.removesuffix(_SUFFIX)
        target.write_bytes(source.read_bytes())
    git = shutil.which("git")
    if git is None:
        return
    identity = ("-c", "user.name=CodeGen", "-c", "user.email=demo@example.invalid")
    for arguments in (
        ("init", "--quiet", "--initial-branch=main"),
        ("add", "--all"),
        (*identity, "-c", "commit.gpgsign=false", "commit", "--quiet", "-m", "Start a till"),
    ):
        subprocess.run(
            [git, "-c", "core.hooksPath=/dev/null", *arguments],
            cwd=folder, check=True, timeout=20, stdin=subprocess.DEVNULL,
        )  # fmt: skip
