"""One ordered call, as the policy and the audit see it.

A value; the parameters are already checked against the tool's contract.
"""

from typing import Any

import msgspec

from protocol.from_executor import Effect


class PlannedCall(msgspec.Struct, frozen=True):
    tool_name: str
    effect: Effect
    parameters: Any
    """An instance of the contract's parameters, or a JSON object for a custom tool."""
    bootstrap: bool = False
    """Of the context calls before the first generation: never prompts."""
    custom: bool = False
