"""Output of a call while it runs: on the screen at once, to the maestro while it is of use."""

from pathlib import Path

from executor.view.port import CallOutput
from protocol.from_executor import ToolOutputDelta, ToolResult
from tests.executor.session.maestro import scripted_maestro
from tests.executor.session.rig import Rig, running


async def test_live_output_goes_to_the_screen_and_to_the_maestro(tmp_path: Path) -> None:
    async with scripted_maestro() as maestro:
        rig = Rig.at(tmp_path, maestro.address)
        async with running(rig, maestro.address):
            socket = await maestro.attachment()
            await socket.start()
            await socket.run("Shell", "t1", command="make")
            _, context = await rig.shell.started.get()
            context.emit("stdout", "one\n")
            context.emit("stderr", "x" * 16_385)
            rig.shell.let_end("made")
            deltas = [await socket.next(ToolOutputDelta) for _ in range(3)]
            await socket.next(ToolResult)
            context.emit("stdout", "too late")

            assert deltas == [
                ToolOutputDelta("t1", 0, "stdout", "one\n"),
                ToolOutputDelta("t1", 1, "stderr", "x" * 16_384),
                ToolOutputDelta("t1", 2, "stderr", "x"),
            ]
            assert [shown.text[:3] for shown in rig.view.all(CallOutput)] == ["one\n"[:3], "xxx"]


async def test_output_is_sent_while_a_call_runs_and_not_of_one_that_ends_at_once(
    tmp_path: Path,
) -> None:
    async with scripted_maestro() as maestro:
        rig = Rig.at(tmp_path, maestro.address)
        async with running(rig, maestro.address):
            socket = await maestro.attachment()
            await socket.start()
            await socket.run("Shell", "t1", command="make")
            _, context = await rig.shell.started.get()
            context.emit("stdout", "one\n")
            context.emit("stdout", "two\n")
            slow = [(await socket.frame()).message, (await socket.frame()).message]
            context.emit("stdout", "three\n")
            slow.append((await socket.frame()).message)
            rig.shell.let_end("made")
            await socket.next(ToolResult)
            await socket.run("Shell", "t2", command="true")
            _, context = await rig.shell.started.get()
            context.emit("stdout", "quick\n")
            rig.shell.let_end("quick")
            told = (await socket.frame()).message

            assert slow == [
                ToolOutputDelta("t1", index, "stdout", text)
                for index, text in enumerate(("one\n", "two\n", "three\n"))
            ]
            assert isinstance(told, ToolResult)
            assert rig.view.all(CallOutput)[-1].text == "quick\n"
