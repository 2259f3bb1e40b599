"""Draw docs/demo.svg from a real run: `./run python -m tests.terminal.picture`.

Lays out what the terminal showed, and nothing else.
"""

import os
import sys
import tempfile
from pathlib import Path

from rich.console import Console
from rich.terminal_theme import MONOKAI
from rich.text import Text

from tests.terminal.tmux import terminal

TARGET = Path(__file__).resolve().parents[2] / "docs" / "demo.svg"
COLUMNS = 96
END = "with a provider's key"
_STYLE = """\
<svg viewBox="0 0 {width} {height}" xmlns="http://www.w3.org/2000/svg">
<style>
.{unique_id}-matrix {{
  font-family: ui-monospace, SFMono-Regular, Menlo, Consolas, "DejaVu Sans Mono", monospace;
  font-size: {char_height}px;
  line-height: {line_height}px;
  white-space: pre;
}}
{styles}
</style>
<defs>
<clipPath id="{unique_id}-clip-terminal">
<rect x="0" y="0" width="{terminal_width}" height="{terminal_height}" />
</clipPath>
{lines}
</defs>
{chrome}
<g transform="translate({terminal_x}, {terminal_y})"
   clip-path="url(#{unique_id}-clip-terminal)">
{backgrounds}
<g class="{unique_id}-matrix" xml:space="preserve">
{matrix}
</g>
</g>
</svg>
"""
"""rich's layout without the font that it would have viewers fetch."""


def main() -> None:
    with tempfile.TemporaryDirectory() as home, open(os.devnull, "w", encoding="utf-8") as nowhere:
        shown = _capture(Path(home))
        console = Console(record=True, width=COLUMNS, file=nowhere)
        for line in shown.rstrip().splitlines():
            console.print(Text.from_ansi(line), no_wrap=True, crop=True)
    picture = console.export_svg(
        title="codegen demo", theme=MONOKAI, code_format=_STYLE, unique_id="codegen"
    )
    TARGET.write_text(f"{picture.rstrip()}\n", encoding="utf-8")
    sys.stdout.write(f"{TARGET}\n")


def _capture(home: Path) -> str:
    environment = {"HOME": str(home), "XDG_RUNTIME_DIR": str(home), "COLORTERM": "truecolor"}
    command = (sys.executable, "-m", "executor.cli.main", "demo")
    with terminal(command, width=COLUMNS, height=70, environment=environment) as shown:
        shown.wait_for(END)
        return shown.scrollback(painted=True)


if __name__ == "__main__":
    main()
