"""One ordered call, as the policy and the audit see it.

A value; the parameters are already checked against the tool's contract.
"""

from dataclasses import dataclass
from typing import Any

from protocol.from_executor import Effect


@dataclass(frozen=True, slots=True)
class PlannedCall:
    tool_name: str
    effect: Effect
    parameters: Any
    """An instance of the contract's parameters, or a JSON object for a custom tool."""
    bootstrap: bool = False
    """Of the context calls before the first generation: never prompts."""
    custom: bool = False
