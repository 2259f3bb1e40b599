"""Choose the view for this process's streams.

Imports only the one that is shown.
"""

import sys
from collections.abc import Mapping
from pathlib import Path

from executor.settings import Settings
from executor.view.port import View

HOW_TO_GO_ON = "codegen -c goes on from here"
HOW_TO_GO_LIVE = 'with a provider\'s key set: codegen "what to do"'


def open_view(
    settings: Settings,
    root: Path,
    environment: Mapping[str, str],
    *,
    attended: bool,
    talking: bool = False,
) -> View:
    """`attended`: somebody sits at a terminal; `talking`: in a conversation, which goes on."""
    match settings.output_format:
        case "json":
            from executor.view.json_lines import JsonView

            return JsonView(sys.stdout)
        case "stream-json":
            from executor.view.json_lines import StreamJsonView

            return StreamJsonView(sys.stdout)
        case "text" if not attended:
            from executor.view.plain import PlainView

            return PlainView(sys.stdout, sys.stderr)
        case "text":
            return _terminal(settings, root, environment, "" if talking else _hint(settings))


def _terminal(settings: Settings, root: Path, environment: Mapping[str, str], hint: str) -> View:
    from executor.view.closing import Header
    from executor.view.opening import open_view as open_any

    header = Header(
        server=settings.server or "private maestro",
        model=_model(settings.model),
        mode=settings.mode,
        directory=_short(root, environment),
    )
    return open_any(
        "text",
        stdin=sys.stdin,
        stdout=sys.stdout,
        stderr=sys.stderr,
        environment=environment,
        header=header,
        hint=hint,
    )


def _hint(settings: Settings) -> str:
    return HOW_TO_GO_LIVE if settings.replays else HOW_TO_GO_ON


def _model(name: str | None) -> str:
    if name is None:
        return ""
    return f"recorded in {Path(name).name}" if name.startswith("replay:") else name


def _short(root: Path, environment: Mapping[str, str]) -> str:
    """The directory as its user would write it."""
    home = Path(environment.get("HOME") or "/nowhere")
    return f"~/{root.relative_to(home)}".rstrip("/.") if root.is_relative_to(home) else str(root)
