"""The tools that the model is offered, and whether a call of it can be made.

Built-ins that the executor knows, the executor's own, and those that the maestro carries out.
Runs nothing.
"""

from functools import cache

import msgspec

from maestro.domain.conversation import ToolSpec
from maestro.planning.arguments import Refused, check_built_in, check_custom, read_arguments
from protocol import tools
from protocol.errors import ErrorCode
from protocol.from_executor import CustomTool
from protocol.tools.contract import ToolContract
from protocol.version import MAX_FRAME_TO_EXECUTOR
from protocol.wire import JsonObject

_NAMED_IN_REFUSAL = 64
"""How many tools a refusal lists."""


class Toolbelt:
    """Made of what one executor said it has; the order of its tools never changes."""

    def __init__(
        self,
        known: tuple[str, ...],
        custom: tuple[CustomTool, ...],
        frame_bytes: int | None = None,
    ) -> None:
        """`frame_bytes`: the largest frame that the executor reads; None: it did not say."""
        self.known = known
        self.custom = custom
        self.frame_bytes = frame_bytes
        offered = {*known, *tools.CARRIED_OUT_BY_MAESTRO}
        self._contracts = {c.name: c for c in tools.CONTRACTS if c.name in offered}
        self._custom = {tool.name: tool for tool in custom if tool.name not in tools.BY_NAME}
        self.specs: tuple[ToolSpec, ...] = (
            *map(_spec, self._contracts.values()),
            *(_custom_spec(tool) for tool in self._custom.values()),
        )

    def parameters(self, name: str, arguments: str) -> JsonObject:
        """The parameters of a call that can be made. Raises Refused, with words for the model."""
        contract = self._contracts.get(name)
        tool = self._custom.get(name)
        if contract is None and tool is None:
            raise Refused(ErrorCode.UNKNOWN_TOOL, self._unknown(name))
        parameters = read_arguments(arguments, self.frame_bytes or MAX_FRAME_TO_EXECUTOR)
        if contract is not None:
            check_built_in(contract, parameters)
        elif tool is not None:
            check_custom(tool, parameters)
        return parameters

    def _unknown(self, name: str) -> str:
        names = [spec.name for spec in self.specs]
        more = len(names) - _NAMED_IN_REFUSAL
        listed = ", ".join(names[:_NAMED_IN_REFUSAL]) + (f" and {more} more" if more > 0 else "")
        return f"There is no tool {name[:80]!r}. The tools are: {listed}."


@cache
def _spec(contract: ToolContract) -> ToolSpec:
    return ToolSpec(contract.name, contract.description, contract.schema())


def _custom_spec(tool: CustomTool) -> ToolSpec:
    schema = tool.parameters or {"type": "object", "properties": {}}
    return ToolSpec(tool.name, tool.description, msgspec.to_builtins(schema))
