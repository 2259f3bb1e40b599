"""Choose the view: a terminal, plain text, or JSON.

Imports only the one that is shown.
"""

import sys

from executor.settings import Settings
from executor.view.port import View


def open_view(settings: Settings, *, attended: bool) -> View:
    """`attended`: somebody sits at a terminal and can be asked."""
    del attended
    match settings.output_format:
        case "json":
            from executor.view.json_lines import JsonView

            return JsonView(sys.stdout)
        case "stream-json":
            from executor.view.json_lines import StreamJsonView

            return StreamJsonView(sys.stdout)
        case "text":
            from executor.view.plain import PlainView

            return PlainView(sys.stdout, sys.stderr)
