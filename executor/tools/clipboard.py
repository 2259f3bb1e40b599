"""`Clipboard`: read or replace the clipboard of the user.

Whether the user allows it is decided before; how it is reached is `executor.clipboard`'s business.
"""

from executor.errors import ToolFailure
from executor.tool_context import ToolContext, ToolOutcome
from protocol.tools import clipboard
from protocol.tools.contract import ToolContract


class ClipboardTool:
    """Text only, both ways."""

    contract: ToolContract = clipboard.CONTRACT

    async def check(self, parameters: clipboard.Clipboard, context: ToolContext) -> None:
        del context
        _check(parameters)

    async def run(self, parameters: clipboard.Clipboard, context: ToolContext) -> ToolOutcome:
        _check(parameters)
        if parameters.text is None:
            text = await context.clipboard.read()
            return ToolOutcome(text or "[the clipboard is empty]")
        how = await context.clipboard.write(parameters.text)
        return ToolOutcome(f"[{len(parameters.text):,} characters to the clipboard, {how}]")


def _check(parameters: clipboard.Clipboard) -> None:
    if parameters.action == "write" and not parameters.text:
        raise ToolFailure("invalid_parameters", "'write' needs a 'text' that is not empty.")
    if parameters.action == "read" and parameters.text is not None:
        raise ToolFailure("invalid_parameters", "'read' takes no 'text'.")
    if "\0" in (parameters.text or ""):
        raise ToolFailure("invalid_parameters", "The text holds a NUL character.")
