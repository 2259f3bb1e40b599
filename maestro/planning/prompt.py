"""The system prompt, a data file beside this module.

The same bytes for every session, so that providers can keep its prefix; what differs between
sessions is in `context`.
"""

from functools import cache
from importlib.resources import files


@cache
def system_prompt() -> str:
    return files("maestro.planning").joinpath("prompts/system.md").read_text(encoding="utf-8")
