"""A project with everything in it that a policy minds, and a policy to ask about it.

Real files and links; nothing is run.
"""

import os
import subprocess
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from executor.policy.call import PlannedCall
from executor.policy.decide import PolicyState
from executor.policy.ground import ProjectGround
from executor.policy.policy import Policy, rules_of
from executor.policy.verdict import Mode
from executor.workspace import Workspace
from protocol.tools import BY_NAME

PATH = "/usr/bin:/bin"


def build(outer: Path) -> Path:
    """The project's root; `outer` holds what must not be reached."""
    root = outer / "project"
    for name in ("src", "keys", ".git", ".codegen", "bin"):
        (root / name).mkdir(parents=True)
    for name in ("README.md", "src/app.py", ".env", "keys/server.pem", "AGENTS.md"):
        (root / name).write_text("synthetic\n")
    (root / ".codegen" / "plan.md").write_text("a plan\n")
    (outer / "outside.txt").write_text("outside\n")
    os.symlink(outer, root / "leads_out")
    os.symlink("../../outside.txt", root / "src" / "link")
    os.symlink("../.env", root / "src" / "harmless.txt")
    os.symlink("../.git", root / "src" / "notes")
    os.symlink("src", root / "source")
    return root


def make_repository(root: Path, *tracked: str) -> None:
    """A real repository with one commit that holds `tracked`."""
    identity = ("-c", "user.name=Ada", "-c", "user.email=ada@example.test")
    for arguments in (("init", "-q"), ("add", "--", *tracked), (*identity, "commit", "-qm", "x")):
        subprocess.run(["git", *arguments], cwd=root, check=True, env={"PATH": PATH})


@contextmanager
def policy(
    root: Path,
    *,
    mode: Mode = "ask",
    allow: tuple[str, ...] = (),
    ask: tuple[str, ...] = (),
    deny: tuple[str, ...] = (),
    trusted: bool = True,
    contained: bool = True,
    offline: bool = False,
    path: str = PATH,
) -> Generator[Policy]:
    workspace = Workspace(root)
    try:
        rules = rules_of(allow, ask, deny)
        state = PolicyState(mode, rules, trusted=trusted, contained=contained, offline=offline)
        yield Policy(state, ProjectGround(workspace, path))
    finally:
        workspace.close()


def built_in(tool: str, *, bootstrap: bool = False, **parameters: Any) -> PlannedCall:
    contract = BY_NAME[tool]
    return PlannedCall(tool, contract.effect, contract.parameters(**parameters), bootstrap)
