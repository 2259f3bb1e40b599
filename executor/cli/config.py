"""`codegen config show`: every setting with its value and where that came from.

Shows that a token is set, never the token.
"""

import os
import sys
from pathlib import Path
from typing import cast

from executor.cli.placing import here
from executor.settings import NAMES, PROJECT_CONFIG, RULES, resolve
from executor.trust import Trust
from executor.view.safe_text import safe_line


def show() -> int:
    """A table on standard output, the files on standard error."""
    places = here()
    root = Path.cwd()
    trusted = Trust(places.state).holds(root)
    project_file = root / PROJECT_CONFIG
    settings = resolve(
        {},
        os.environ,
        config_file=places.config_file,
        project_file=project_file if trusted else None,
    )
    for name in (*NAMES, *RULES):
        value = getattr(settings, name)
        shown = "(set)" if name == "token" and value else _shown(value)
        origin = settings.origins.get(name, "default")
        sys.stdout.write(f"{name:<18} {safe_line(shown, 60):<28} {safe_line(origin)}\n")
    sys.stderr.write(f"user file: {places.config_file}\n")
    if project_file.exists():
        state = "used: it can only tighten" if trusted else "not read: the directory is not trusted"
        sys.stderr.write(f"project file: {project_file} ({state})\n")
    return 0


def _shown(value: object) -> str:
    match value:
        case None:
            return "-"
        case bool():
            return "true" if value else "false"
        case tuple():
            rules = cast("tuple[str, ...]", value)
            return ", ".join(rules) or "-"
        case _:
            return str(value)
