"""A yes that holds for ever: kept in the user's configuration, or told that it could not be."""

from pathlib import Path

import pytest

from executor.errors import UsageError
from executor.policy.verdict import Allow, Ask
from executor.view.port import Approved, Notice
from protocol.from_executor import ToolProgress, ToolResult
from tests.executor.session.maestro import scripted_maestro
from tests.executor.session.rig import Rig, running


@pytest.mark.parametrize("full", [False, True])
async def test_a_yes_for_ever_is_kept_and_where_it_can_not_be_the_user_is_told(
    tmp_path: Path, *, full: bool
) -> None:
    kept: list[str] = []

    def keep(rule: str) -> None:
        if full:
            raise UsageError("the disk is full: add it by hand")
        kept.append(rule)

    ask = Ask("it runs", "mode ask", "exactly it", "Shell(make)", lasting=True)
    async with scripted_maestro() as maestro:
        rig = Rig.at(tmp_path, maestro.address)
        rig.decide = lambda call: Allow() if call.effect == "read" else ask
        rig.keep_rule = keep
        async with running(rig, maestro.address):
            socket = await maestro.attachment()
            await socket.start()
            await socket.run("Shell", "t1", command="make")
            question = await rig.view.questions.get()
            rig.view.answers.put_nowait(Approved("always"))
            await socket.next(ToolProgress)
            await socket.next(ToolProgress)
            rig.shell.let_end("made")
            result = await socket.next(ToolResult)

            assert (question.lasting, result.status) == (True, "success")
            assert rig.remembered == [ask]
            assert kept == ([] if full else ["Shell(make)"])
            told = [Notice("the disk is full: add it by hand", "warning")]
            assert rig.view.all(Notice) == (told if full else [])
