"""What a maestro is told of the project: instructions of trusted directories, and names.

Reads nothing of a directory that its user does not trust, names of its first level apart.
"""

import os
import platform
from collections.abc import Callable
from pathlib import Path

import msgspec

from executor.errors import ToolFailure
from executor.policy.verdict import Mode
from executor.settings import PROJECT_CONFIG
from executor.workspace import Workspace
from executor.workspace.secret_names import is_secret
from protocol import from_executor

INSTRUCTIONS = "AGENTS.md"
MAX_INSTRUCTION_BYTES = 64 * 1024
MAX_NAMES = 200
_NEEDS_TRUST = {
    INSTRUCTIONS: INSTRUCTIONS,
    str(PROJECT_CONFIG): f"{PROJECT_CONFIG.parent}/",
    ".git": "git configuration",
}
"""By name, as its user is told of it. A plan that a session left in `.codegen/` is never obeyed."""


class Project(msgspec.Struct, frozen=True):
    root: Path
    trusted: bool


def wants_trust(root: Path) -> tuple[str, ...]:
    """What of `root` is only used where the user trusts it; empty: the question is idle."""
    return tuple(shown for name, shown in _NEEDS_TRUST.items() if _is_there(root, name))


def project_spec(
    project: Project, workspace: Workspace, redact: Callable[[str], str]
) -> from_executor.ProjectSpec:
    """Instructions, capped, and the names of the project's first level; folders end in '/'."""
    content = redact(_instructions(workspace)) if project.trusted else ""
    return from_executor.ProjectSpec(content, tuple(map(redact, _names(project.root))))


def workspace_facts(root: Path, environment: dict[str, str]) -> from_executor.Workspace:
    return from_executor.Workspace(
        os=f"{platform.system()} {platform.machine()}",
        shell=Path(environment.get("SHELL") or "/bin/sh").name,
        vcs="git" if _is_there(root, ".git") else "",
    )


def plan_is_kept(mode: Mode) -> bool:
    return mode != "read-only"


def _instructions(workspace: Workspace) -> str:
    try:
        found = workspace.read_if_exists(INSTRUCTIONS)
    except ToolFailure as failure:
        return f"[{INSTRUCTIONS} could not be read: {failure.message}]"
    if found is None:
        return ""
    text = found.content[:MAX_INSTRUCTION_BYTES].decode("utf-8", "replace")
    left_out = len(found.content) - MAX_INSTRUCTION_BYTES
    return f"{text}\n[{left_out} bytes left out]" if left_out > 0 else text


def _names(root: Path) -> tuple[str, ...]:
    with os.scandir(root) as entries:
        names = [
            f"{entry.name}/" if entry.is_dir(follow_symlinks=False) else entry.name
            for entry, _ in zip(entries, range(MAX_NAMES), strict=False)
            if entry.name != ".git" and not is_secret((entry.name,))
        ]
    return tuple(sorted(name.encode("utf-8", "replace").decode() for name in names))


def _is_there(root: Path, name: str) -> bool:
    return os.path.lexists(root / name)
