"""`kill -9` of a private maestro: the link starts another one and the run goes on."""

import pytest

from tests.e2e.machine import Machine
from tests.faults.checker import violations
from tests.faults.private_kills import private_maestro_killed
from tests.faults.work import DONE, Work
from tests.scripted_model import ScriptedModel


@pytest.mark.parametrize(
    "failpoint",
    ["task_committed:1", "decision_committed:3", "result_committed:6", "before_finish:1"],
)
async def test_a_run_whose_private_maestro_was_killed_goes_on_at_the_next(
    machine: Machine, failpoint: str
) -> None:
    async with ScriptedModel(Work(steps=2)) as model:
        machine.use_model(model.base_url)
        revived = await private_maestro_killed(machine, "work-1", failpoint)

    assert violations(revived.history) == []
    assert (revived.ran.code, revived.ran.out.splitlines()[-1]) == (0, DONE), revived.ran.err
    assert revived.reached
