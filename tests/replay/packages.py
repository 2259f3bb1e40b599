"""The wheels of a package's versions, downloaded with pip; what can't be had is named and skipped.

Nothing of a package is built, installed or run.
"""

import subprocess
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

SECONDS = 120
"""For one version."""
_WHY_MAX = 200


@dataclass(frozen=True)
class Missing:
    """A version that can't be had, and pip's word for it."""

    asked: str
    why: str


def wheels(asked: str, folder: Path, pip: str) -> Iterator[Path | Missing]:
    """One wheel for each version of `NAME==VERSION,VERSION`; those in `folder` are not asked for.

    Wheels only: to look at a source distribution, pip runs what is in it. A version for another
    Python is as good as any.
    """
    name, _, versions = asked.partition("==")
    for version in versions.split(","):
        place = folder / f"{name}-{version}"
        why = "" if any(place.glob("*.whl")) else _download(f"{name}=={version}", place, pip)
        yield from sorted(place.glob("*.whl"))[:1] or [Missing(f"{name}=={version}", why)]


def had(found: Iterable[Path | Missing]) -> tuple[list[Path], list[Missing]]:
    wheels: list[Path] = []
    missing: list[Missing] = []
    for one in found:
        if isinstance(one, Missing):
            missing.append(one)
        else:
            wheels.append(one)
    return wheels, missing


def _download(wanted: str, place: Path, pip: str) -> str:
    """Why it could not be had; empty where pip is content."""
    command = [
        *(pip, "download", "--quiet", "--no-deps", "--no-input", "--disable-pip-version-check"),
        *("--only-binary=:all:", "--ignore-requires-python", "--dest", str(place), wanted),
    ]
    try:
        ended = subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            timeout=SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return f"no wheel within {SECONDS} s"
    if ended.returncode == 0:
        return "pip downloaded no wheel"
    said = ended.stderr.decode("utf-8", "replace").splitlines()
    errors = [line for line in said if line.startswith("ERROR: ")] or said
    return (errors[-1] if errors else f"pip ended with {ended.returncode}")[:_WHY_MAX]
