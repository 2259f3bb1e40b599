"""Choose the view: by the format that was asked for, and by where the output goes.

Reads what it is given of the environment; opens nothing.
"""

import os
from collections.abc import Mapping
from typing import Literal, TextIO

from executor.view.closing import Header
from executor.view.json_lines import JsonView, StreamJsonView
from executor.view.layout import Layout
from executor.view.look import look_of
from executor.view.plain import PlainView
from executor.view.screen import Screen
from executor.view.terminal import TerminalView

OutputFormat = Literal["text", "json", "stream-json"]
View = TerminalView | PlainView | JsonView | StreamJsonView


def open_view(
    output_format: OutputFormat,
    *,
    stdin: TextIO,
    stdout: TextIO,
    stderr: TextIO,
    environment: Mapping[str, str],
    header: Header | None = None,
    hint: str = "",
) -> View:
    """The view for these streams; `hint` ends each run.

    Nothing is asked unless `is_interactive(stdin, stdout)`.
    """
    if output_format == "json":
        return JsonView(stdout)
    if output_format == "stream-json":
        return StreamJsonView(stdout)
    if not stdout.isatty() or environment.get("TERM", "dumb") in ("", "dumb"):
        return PlainView(stdout, stderr)
    look = look_of(environment, stdout.encoding)
    keyboard = stdin.fileno() if is_interactive(stdin, stdout) else None
    layout = Layout(look, header, hint=hint)
    return TerminalView(Screen(stdout.fileno()), look, layout, keyboard)


def is_interactive(stdin: TextIO, stdout: TextIO) -> bool:
    """Whether there is somebody to ask: a terminal at both ends, and this program in front."""
    if not (stdin.isatty() and stdout.isatty()):
        return False
    try:
        return os.tcgetpgrp(stdin.fileno()) == os.getpgrp()
    except OSError:
        return False
