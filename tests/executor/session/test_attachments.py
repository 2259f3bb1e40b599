"""What survives the loss of a connection, a maestro or a process."""

import asyncio
import contextlib
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from executor.errors import ServerRefused
from executor.journal import Accepted, journal_without_file, open_journal
from executor.session import ResumedSession, SessionStart
from executor.session.frames import STRAYS_TOLD
from executor.view.port import Connection, Notice
from protocol.errors import CloseCode, ErrorCode
from protocol.from_executor import Handshake, Interrupt, ToolProgress, ToolResult, UserMessage
from protocol.from_maestro import Accepted as AcceptedFrame
from protocol.from_maestro import ErrorReported, RunFinished, SessionStarted, StatusChanged
from tests.executor.session.maestro import ScriptedMaestro, scripted_maestro
from tests.executor.session.rig import Rig, ask_for_effects, running


async def test_an_unaccepted_result_is_sent_after_each_attach_until_it_is_accepted(
    tmp_path: Path,
) -> None:
    async with scripted_maestro() as maestro:
        rig = Rig.at(tmp_path, maestro.address)
        async with running(rig, maestro.address):
            socket = await maestro.attachment()
            await socket.start()
            await socket.run("Shell", "t1", 4, command="make")
            await rig.shell.started.get()
            await socket.close(1012)
            rig.shell.let_end("made while nobody was there")
            second = await maestro.attachment()
            handshake = await second.start(resumed=True)
            first_result = await second.next(ToolResult)
            await second.close(1012)
            third = await maestro.attachment()
            await third.start(resumed=True)
            second_result = await third.next(ToolResult)
            await third.send(AcceptedFrame(tool_id="t1"))
            await third.close(1012)
            fourth = await maestro.attachment()
            await fourth.start(resumed=True)
            await fourth.run("Fly", "t2")
            last = await fourth.next(ToolResult)

            assert handshake.resume is not None
            assert (handshake.resume.session_id, handshake.resume.last_seq) == ("s1", 4)
            assert (first_result.result, first_result) == (
                "made while nobody was there",
                second_result,
            )
            assert (last.tool_id, rig.shell.runs) == ("t2", 1)
            assert rig.journal.call("t1") == Accepted()


async def test_an_unknown_call_is_sent_no_more(tmp_path: Path) -> None:
    async with scripted_maestro() as maestro:
        rig = Rig.at(tmp_path, maestro.address)
        async with running(rig, maestro.address):
            socket = await maestro.attachment()
            await socket.start()
            await socket.run("Fly", "t1")
            await socket.next(ToolResult)
            await socket.send(ErrorReported(ErrorCode.UNKNOWN_CALL, "no such call", tool_id="t1"))
            await rig.view.until(ErrorReported)

            assert rig.journal.unaccepted() == ()


async def test_a_handshake_without_an_answer_is_sent_again_under_the_same_id(
    tmp_path: Path,
) -> None:
    async with scripted_maestro() as maestro:
        rig = Rig.at(tmp_path, maestro.address)
        async with running(rig, maestro.address):
            socket = await maestro.attachment()
            first = await socket.frame()
            await socket.close(1012)
            second = await (await maestro.attachment()).frame()

            assert first == second
            assert first.id == f"open-{rig.journal.journal_id}"


async def test_what_the_user_says_meanwhile_arrives_once_under_one_id(tmp_path: Path) -> None:
    async with scripted_maestro() as maestro:
        rig = Rig.at(tmp_path, maestro.address)
        async with running(rig, maestro.address) as session:
            socket = await maestro.attachment()
            await socket.start()
            await socket.send(StatusChanged("running"))
            await rig.view.until(StatusChanged)
            session.say("also the docs")
            first = await socket.frame()
            await socket.close(1012)
            second = await maestro.attachment()
            await second.start(resumed=True)
            again = await second.frame()
            await second.send(AcceptedFrame(id=again.id))
            session.interrupt("enough")
            stop = await second.frame()

            assert first == again
            assert (first.message, stop.message) == (
                UserMessage("also the docs"),
                Interrupt("enough"),
            )
            assert first.id is not None
            assert first.id != stop.id


async def test_a_question_outlives_the_connection_and_is_announced_again(tmp_path: Path) -> None:
    async with scripted_maestro() as maestro:
        rig = Rig.at(tmp_path, maestro.address)
        rig.decide = ask_for_effects
        async with running(rig, maestro.address):
            socket = await maestro.attachment()
            await socket.start()
            await socket.run("Shell", "t1", 1, command="make")
            await socket.next(ToolProgress)
            await rig.view.questions.get()
            await socket.close(1012)
            second = await maestro.attachment()
            await second.start(resumed=True)

            assert await second.next(ToolProgress) == ToolProgress("t1", "asking")
            assert (rig.view.questions.empty(), rig.view.withdrawn) == (True, [])


async def test_a_session_that_is_taken_over_ends_here_with_its_calls(tmp_path: Path) -> None:
    async with scripted_maestro() as maestro:
        rig = Rig.at(tmp_path, maestro.address)
        rig.decide = ask_for_effects
        async with running(rig, maestro.address) as session:
            socket = await maestro.attachment()
            await socket.start()
            await socket.run("Shell", "t1", 1, command="make")
            await socket.next(ToolProgress)
            await rig.view.questions.get()
            await socket.close(CloseCode.ATTACHED_ELSEWHERE, "another executor")
            with pytest.raises(ServerRefused, match=r"attached from elsewhere.*another executor"):
                await session.run_over()
            moved = await rig.view.until(Connection, lambda c: c.state == "moved")

            assert "goes on there" in moved.why
            assert rig.view.withdrawn == ["t1"]


@pytest.mark.parametrize(
    ("code", "words"),
    [
        (CloseCode.BAD_HANDSHAKE, "refuses the handshake: no"),
        (CloseCode.VERSION, "another version of the protocol"),
        (CloseCode.TOO_MANY, "no more connections"),
    ],
)
async def test_a_final_close_code_is_told_in_words(
    tmp_path: Path, code: CloseCode, words: str
) -> None:
    async with scripted_maestro() as maestro:
        rig = Rig.at(tmp_path, maestro.address)
        async with running(rig, maestro.address) as session:
            socket = await maestro.attachment()
            await socket.next(Handshake)
            await socket.close(code, "no")
            with pytest.raises(ServerRefused, match=words):
                await session.run_over()


async def test_a_refused_handshake_is_told_in_the_maestros_words(tmp_path: Path) -> None:
    async with scripted_maestro() as maestro:
        rig = Rig.at(tmp_path, maestro.address)
        async with running(rig, maestro.address) as session:
            socket = await maestro.attachment()
            await socket.next(Handshake)
            await socket.send(ErrorReported(ErrorCode.NOT_ALLOWED, "model x is not listed"))
            with pytest.raises(ServerRefused, match="model x is not listed"):
                await session.run_over()


async def test_a_last_seq_that_the_maestro_does_not_know_starts_from_the_beginning(
    tmp_path: Path,
) -> None:
    async with scripted_maestro() as maestro:
        rig = Rig.at(tmp_path, maestro.address, session_id="s1")
        rig.journal.see(99)
        async with running(rig, maestro.address, SessionStart(ResumedSession())):
            socket = await maestro.attachment()
            first = await socket.next(Handshake)
            await socket.send(ErrorReported(ErrorCode.UNKNOWN_SEQ, "we are at 5"))
            second = await (await maestro.attachment()).next(Handshake)

            assert first.resume is not None
            assert second.resume is not None
            assert (first.resume.last_seq, second.resume.last_seq) == (99, 0)


async def test_taking_over_is_asked_for_once(tmp_path: Path) -> None:
    async with scripted_maestro() as maestro:
        rig = Rig.at(tmp_path, maestro.address, session_id="s1")
        start = SessionStart(ResumedSession(take_over=True))
        async with running(rig, maestro.address, start):
            socket = await maestro.attachment()
            first = await socket.start(resumed=True)
            await socket.close(1012)
            second = await (await maestro.attachment()).next(Handshake)

            assert first.resume is not None
            assert second.resume is not None
            assert (first.resume.take_over, second.resume.take_over) == (True, False)


async def test_leaving_ends_children_and_journals_how_they_ended(tmp_path: Path) -> None:
    async with scripted_maestro() as maestro:
        rig = Rig.at(tmp_path, maestro.address)
        async with running(rig, maestro.address):
            socket = await maestro.attachment()
            await socket.start()
            await socket.run("Shell", "t1", 1, command="sleep 300")
            await rig.shell.started.get()

        result = await socket.next(ToolResult)
        again = open_journal(tmp_path / "state", rig.journal.journal_id)
        text = "Cancelled: the user left. It had started: what it did until then stays."
        assert (result.status, result.result) == ("cancelled", text)
        assert again.unaccepted() == (result,)
        assert rig.shell.cancelled == 1


async def test_a_disk_that_takes_no_journal_still_reads(tmp_path: Path) -> None:
    async with scripted_maestro() as maestro:
        rig = replace(
            Rig.at(tmp_path, maestro.address),
            journal=journal_without_file("the disk is full", cwd="/", server=""),
        )
        async with running(rig, maestro.address):
            socket = await maestro.attachment()
            await socket.start()
            rig.read.let_end("text")
            await socket.run("ReadFile", "t1", 1, file_path="a")
            read = await socket.next(ToolResult)
            await socket.run("Shell", "t2", 2, command="make")
            refused = await socket.next(ToolResult)

            assert (read.status, rig.shell.runs) == ("success", 0)
            assert refused.result == (
                "Not run: the disk is full. Only calls that read are possible."
            )
            assert rig.view.all(Notice) == [Notice("the disk is full", "warning")]


async def _whole_run(maestro: ScriptedMaestro, leave_after: int) -> list[ToolResult]:
    """A run of three commands whose maestro goes away after so many of its own frames."""
    wanted = {"t1", "t2", "t3"}
    results: dict[str, ToolResult] = {}
    left = leave_after
    while wanted - results.keys():
        socket = await maestro.attachment()
        handshake = await socket.next(Handshake)
        resumed = handshake.resume is not None
        frames: list[SessionStarted | str] = [SessionStarted("s1", "r1", resumed=resumed)]
        frames += sorted(wanted - results.keys())
        for one in frames:
            if left == 0:
                break
            left -= 1
            if isinstance(one, SessionStarted):
                await socket.send(one)
            else:
                await socket.run("Shell", one, int(one[1]), command=one)
        if left == 0:
            left = -1
            await socket.close(1012)
            continue
        while wanted - results.keys():
            result = await socket.next(ToolResult)
            results.setdefault(result.tool_id, result)
            assert results[result.tool_id] == result
            await socket.send(AcceptedFrame(tool_id=result.tool_id))
    return [results[tool_id] for tool_id in sorted(results)]


@pytest.mark.parametrize("leave_after", range(5))
async def test_a_maestro_that_goes_at_any_point_gets_every_result_of_calls_run_once(
    tmp_path: Path, leave_after: int
) -> None:
    async with scripted_maestro() as maestro:
        rig = Rig.at(tmp_path, maestro.address)
        rig.shell.let_end("1", "2", "3")
        async with running(rig, maestro.address):
            async with asyncio.timeout(20):
                results = await _whole_run(maestro, leave_after)

            assert [result.result for result in results] == ["1", "2", "3"]
            assert rig.shell.runs == 3


@asynccontextmanager
async def slicing_proxy(port: int) -> AsyncGenerator[int]:
    """A TCP proxy that passes on one byte at a time; gives its port."""

    async def slice_bytes(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError):
            while piece := await reader.read(1):
                writer.write(piece)
                await writer.drain()
        writer.close()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        onward_reader, onward_writer = await asyncio.open_connection("127.0.0.1", port)
        await asyncio.gather(slice_bytes(reader, onward_writer), slice_bytes(onward_reader, writer))

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        yield server.sockets[0].getsockname()[1]


async def test_a_network_of_single_bytes_changes_nothing(tmp_path: Path) -> None:
    async with scripted_maestro() as maestro, slicing_proxy(maestro.port) as port:
        rig = Rig.at(tmp_path, maestro.address)
        async with running(rig, f"ws://127.0.0.1:{port}"):
            socket = await maestro.attachment()
            await socket.start()
            rig.read.let_end("é\U0001f680" * 100)
            await socket.run("ReadFile", "t1", 1, file_path="ü.txt")
            parameters, _ = await rig.read.started.get()
            result = await socket.next(ToolResult)

            assert (parameters.file_path, result.result) == ("ü.txt", "é\U0001f680" * 100)


async def test_a_malformed_frame_is_counted_answered_and_runs_nothing(tmp_path: Path) -> None:
    async with scripted_maestro() as maestro:
        rig = Rig.at(tmp_path, maestro.address)
        async with running(rig, maestro.address) as session:
            socket = await maestro.attachment()
            await socket.start()
            await socket.socket.send('{"type":"run_tool","payload":{"tool_id":"t1"}}')
            answer = (await socket.frame()).message
            for _ in range(3):
                await socket.socket.send('{"type":"hologram","payload":{}}')
            for number in range(2 * STRAYS_TOLD):
                await socket.socket.send(f'{{"type":"new_{number}","payload":{{}}}}')
            await socket.run("Fly", "t2")
            await socket.next(ToolResult)
            told = [one.text for one in rig.view.shown if isinstance(one, Notice)]

            assert type(answer).__name__ == "ExecutorError"
            assert session.strays == 4 + 2 * STRAYS_TOLD
            assert told.count("a frame of the maestro was left alone: unknown type hologram") == 1
            assert len(told) == STRAYS_TOLD
            assert rig.shell.runs == 0


async def test_the_end_of_an_earlier_run_is_not_taken_for_the_end_of_the_next(
    tmp_path: Path,
) -> None:
    async with scripted_maestro() as maestro:
        rig = Rig.at(tmp_path, maestro.address, session_id="s1")
        async with running(rig, maestro.address, SessionStart(ResumedSession())) as session:
            session.say("go on")
            socket = await maestro.attachment()
            await socket.start(resumed=True)
            await socket.send(RunFinished("interrupted", "interrupted"), seq=1)
            said = await socket.frame()
            await socket.send(AcceptedFrame(id=said.id))
            await socket.send(RunFinished("success", "completed"), seq=2)
            over = await session.run_over()

            assert getattr(over, "finished", None) == RunFinished("success", "completed")
