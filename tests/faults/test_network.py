"""A network that cuts, slices and races: no gap, no repetition, nothing lost, one attachment."""

import asyncio
from pathlib import Path

from executor.view.port import CallFinished
from tests.e2e.processes import until
from tests.faults.chaos import Cut, chaos
from tests.faults.checker import violations
from tests.faults.network import door, race, session_cut, session_over
from tests.faults.work import Work, effects
from tests.interaction.world import Program, World, world

AT_ONCE = 4
RACES = 20


async def test_a_cut_at_any_byte_of_either_direction_costs_nothing(tmp_path: Path) -> None:
    cuts = [Cut("down", after) for after in range(1, 6000, 400)]
    cuts += [Cut("up", after, reset=True) for after in range(1, 6000, 600)]
    turn = asyncio.Semaphore(AT_ONCE)

    async def cut_there(number: int, cut: Cut) -> list[str]:
        async with turn:
            survived = await session_cut(team, f"work-{number}", [cut])
        assert survived.outcome == "success", cut
        return violations(survived.history)

    async with world(tmp_path, Work(steps=2)) as team:
        found = await asyncio.gather(*(cut_there(*each) for each in enumerate(cuts)))

    assert {cut: wrong for cut, wrong in zip(cuts, found, strict=True) if wrong} == {}


async def test_a_session_arrives_whole_in_slices_of_one_byte(tmp_path: Path) -> None:
    async with world(tmp_path, Work(steps=2)) as team, chaos(door(team)) as proxy:
        proxy.up.slice = proxy.down.slice = 1
        survived = await session_over(team, proxy, "work-1")

    assert violations(survived.history) == []
    assert (survived.outcome, survived.connections) == ("success", 1)


async def test_a_session_moves_on_over_a_slow_and_late_line(tmp_path: Path) -> None:
    async with world(tmp_path, Work(steps=1)) as team, chaos(door(team)) as proxy:
        proxy.up.latency = proxy.down.latency = 0.1
        proxy.up.bytes_per_second = proxy.down.bytes_per_second = 64_000
        survived = await session_over(team, proxy, "work-1")

    assert violations(survived.history) == []
    assert (survived.outcome, survived.connections) == ("success", 1)


async def test_a_command_goes_on_while_nobody_is_there_and_its_result_arrives_later(
    tmp_path: Path,
) -> None:
    async with world(tmp_path, Work(steps=1, pause=0.5)) as team, chaos(door(team)) as proxy:

        async def away_while_it_ends(world: World, program: Program) -> None:
            await until(lambda: bool(effects(world.project)), "the command is at work")
            proxy.go_down()
            await program.view.until(CallFinished, lambda one: one.tool_name == "Shell")
            proxy.come_up()

        survived = await session_over(team, proxy, "work-1", away_while_it_ends)

    assert violations(survived.history) == []
    assert (survived.outcome, survived.connections) == ("success", 2)


async def test_of_two_executors_that_resume_one_session_one_is_attached(tmp_path: Path) -> None:
    async with world(tmp_path, Work(steps=1)) as team:
        answers = [sorted(await race(team)) for _ in range(RACES)]

    assert answers == [["already_attached", "attached"]] * RACES
