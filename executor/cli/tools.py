"""`codegen tools`: what the model is offered, built-in and the user's own.

Lists; runs nothing but what describes the user's own tools.
"""

import os
import sys

from executor.bootstrap.own_tools import own_tools
from executor.cli.placing import here
from executor.tools import TOOLS
from executor.view.safe_text import safe_line


def tools() -> int:
    """A line each: name, effect, what it is for, and where one of the user's own comes from."""
    for tool in TOOLS.values():
        contract = tool.contract
        _line(contract.name, contract.effect, contract.description)
    for name, each in own_tools(here(), os.environ).items():
        declaration = each.tool.declaration
        _line(name, declaration.effect, f"{declaration.description}  ({each.source})")
    return 0


def _line(name: str, effect: str, words: str) -> None:
    sys.stdout.write(f"{safe_line(name, 64):<20} {effect:<8} {safe_line(words, 200)}\n")
