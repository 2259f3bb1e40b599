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

    assert len({tool for tool, _ in counted}) == 7
    # Which orders met the project and which a link is left to chance, but there were both.
    statuses = {status for _, status in counted}
    assert "success" in statuses, counted
    assert {"denied", "error"} & statuses, counted
