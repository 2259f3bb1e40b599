"""Links change places with the project's own files while a maestro orders on them."""

from tests.e2e.conftest import machine
from tests.e2e.machine import Machine
from tests.requirements import covers
from tests.security.evil_maestro.racing import race

__all__ = ["machine"]

ROUNDS = 8


@covers("R-EVIL-3")
async def test_a_name_that_turns_into_a_link_while_orders_come_leads_no_tool_outside(
    machine: Machine,
) -> None:
    counted = await race(machine, ROUNDS)

    tools = {tool for tool, _ in counted}
    assert len(tools) == 7
    ran = {tool for tool, status in counted if status == "success"}
    assert ran >= {"ReadFile", "ReadFolder", "Glob", "WriteFile"}, counted
    assert {"denied", "error"} & {status for _, status in counted}
