"""`codegen demo`: a small real project, a recorded model, and everything in between for real.

Needs no key and no network; leaves the project behind so that it can be looked at.
"""

import os
import shutil
import tempfile
from pathlib import Path

from executor.bootstrap.compose import Opening
from executor.bootstrap.project import Project
from executor.cli.run import Asked, run_asked
from executor.demo import PROMPT, recording, unpack
from executor.errors import UsageError
from executor.settings import OutputFormat, Settings, folders
from executor.view.port import Notice


def demo(folder: Path | None, output_format: OutputFormat) -> int:
    """Run the recorded session in `folder`, or in a new temporary one; the exit code.

    In mode auto: what it runs is known, and the folder is its own.
    """
    if shutil.which("python3") is None:
        raise UsageError("the demo's tests need python3 on PATH")
    place = _folder(folder)
    unpack(place)
    environment = os.environ
    settings = Settings(
        model=f"replay:{recording()}", mode="auto", no_sandbox=True, output_format=output_format
    )
    asked = Asked(
        prompt=PROMPT,
        opening=Opening(PROMPT),
        project=Project(place, trusted=True),
        settings=settings,
        folders=folders(environment),
        environment=environment,
        notices=(
            Notice(f"a small project with a failing test is in {place}"),
            Notice("only the model's words are recorded: tools, tests and edits are real"),
        ),
    )
    return run_asked(asked)


def _folder(given: Path | None) -> Path:
    if given is None:
        return Path(tempfile.mkdtemp(prefix="codegen-demo-")).resolve()
    given.mkdir(parents=True, exist_ok=True)
    if any(given.iterdir()):
        raise UsageError(f"{given} is not empty: the demo unpacks into a folder of its own")
    return given.resolve()
