"""An executor's socket, from the handshake to the close."""

import asyncio
from dataclasses import replace
from pathlib import Path

import pytest
from websockets.exceptions import ConnectionClosed

from maestro.domain.events import (
    CallCancelled,
    ExecutorAttached,
    ModelReplied,
    RunEnded,
    StoredEvent,
    ToolAnswered,
)
from maestro.ports import HeadMoved, Live
from protocol.from_executor import ToolError
from protocol.from_maestro import AgentMessageDelta
from tests.maestro.edge.stage import LIMITS, MODEL, Stage, call, result, stage


async def test_the_contracts_own_handshake_is_answered_at_once(edge: Stage) -> None:
    async with asyncio.timeout(20), edge.connect() as executor:
        await executor.send(
            "handshake",
            {
                "client_type": "cli",
                "initial_prompt": "crie um endpoint REST",
                "known_tools": ["Shell", "ReadFile", "WriteFile", "Edit"],
                "custom_tools": [],
                "project_spec": {"content": "...", "file_paths": ["src/", "package.json"]},
            },
        )
        started = await executor.receive()
        session_id = started["payload"]["session_id"]

        assert started == {
            "type": "session_started",
            "payload": {
                "session_id": session_id,
                "run_id": "run-000001",
                "epoch": 1,
                "limits": {"max_frame_bytes": 4194304, "max_result_bytes": 1048576},
                "tools_accepted": ["Shell", "ReadFile", "WriteFile", "Edit"],
            },
        }
        assert await edge.stepped.get() == session_id
        assert await executor.receive() == {"type": "status", "payload": {"status": "pending"}}


async def test_calls_go_out_with_their_seq_and_results_are_accepted(edge: Stage) -> None:
    async with asyncio.timeout(20), edge.connect() as executor:
        session_id = (await executor.handshake())["payload"]["session_id"]
        asked = ModelReplied("1-1-1", 3, "looking")
        seq = await edge.decide(session_id, asked, call("t1"))

        assert await executor.until("agent_message") == {
            "type": "agent_message",
            "payload": {"generation_id": "1-1-1", "content": "looking"},
            "seq": seq,
        }
        assert await executor.receive() == {
            "type": "run_tool",
            "payload": {
                "tool_name": "Shell",
                "tool_id": "t1",
                "generation_id": "1-1-1",
                "parameters": {"command": "true"},
            },
            "seq": seq + 1,
        }

        await executor.send("tool_result", result("t1"))
        assert await executor.until("accepted") == {
            "type": "accepted",
            "payload": {"tool_id": "t1"},
        }
        await executor.send("tool_result", result("t1"))
        assert (await executor.until("accepted"))["payload"] == {"tool_id": "t1"}
        assert (await edge.kinds(session_id)).count("tool_answered") == 1


async def test_a_result_of_a_call_that_was_never_issued_is_unknown(edge: Stage) -> None:
    async with asyncio.timeout(20), edge.connect() as executor:
        session_id = (await executor.handshake())["payload"]["session_id"]
        await executor.send("tool_result", result("never"))

        assert (await executor.until("error"))["payload"] == {
            "code": "unknown_call",
            "message": "this session issued no such call",
            "tool_id": "never",
        }
        assert "tool_answered" not in await edge.kinds(session_id)


async def test_a_message_and_an_interrupt_are_facts_once_however_often_sent(edge: Stage) -> None:
    async with asyncio.timeout(20), edge.connect() as executor:
        session_id = (await executor.handshake())["payload"]["session_id"]
        for _ in range(2):
            await executor.send("user_message", {"content": "faster"}, id="m1")
            assert (await executor.until("accepted"))["payload"] == {"id": "m1", "of_seq": 4}
            await executor.send("interrupt", {"reason": "enough"}, id="i1")
            assert (await executor.until("accepted"))["payload"] == {"id": "i1"}

        assert await edge.kinds(session_id) == [
            "session_opened",
            "executor_attached",
            "user_said",
            "user_said",
            "interrupted",
        ]


async def test_a_model_that_the_maestro_does_not_list_is_refused(edge: Stage) -> None:
    async with asyncio.timeout(20), edge.connect() as executor:
        refused = await executor.handshake(run={"model": "other/model"})

        assert refused["payload"] == {
            "code": "not_allowed",
            "message": "no model 'other/model'",
            "field": "payload.run.model",
        }
        assert await executor.closed() == 4000


async def test_a_follow_up_with_a_refused_model_is_no_fact(edge: Stage) -> None:
    async with asyncio.timeout(20), edge.connect() as executor:
        session_id = (await executor.handshake(run={"model": MODEL}))["payload"]["session_id"]
        await executor.send("user_message", {"content": "x", "run": {"model": "o/m"}}, id="m1")

        assert (await executor.until("error"))["payload"]["id"] == "m1"
        assert (await edge.kinds(session_id)).count("user_said") == 1


async def test_live_text_reaches_the_executor_and_its_output_the_watcher(edge: Stage) -> None:
    async with asyncio.timeout(20), edge.connect() as executor:
        session_id = (await executor.handshake())["payload"]["session_id"]
        async with edge.connect(f"/ws/v1/sessions/{session_id}/watch?after=3") as watcher:
            await edge.decide(session_id, ModelReplied("1-1-1", 3, ""), call("t1"))
            assert (await watcher.until("run_tool"))["seq"] == 5
            await executor.until("run_tool")
            await edge.bus.publish(session_id, Live(AgentMessageDelta("1-2-1", "Hel")))
            delta = {
                "type": "agent_message_delta",
                "payload": {"generation_id": "1-2-1", "content": "Hel"},
            }
            assert await executor.until("agent_message_delta") == delta
            assert await watcher.until("agent_message_delta") == delta

            output = {"tool_id": "t1", "index": 0, "stream": "stdout", "content": "x" * 20_000}
            await executor.send("tool_output_delta", output)
            shown = await watcher.until("tool_output_delta")
            assert shown["payload"]["content"] == "x" * 16_384
            await executor.send("tool_progress", {"tool_id": "t1", "state": "asking"})
            assert (await watcher.until("tool_progress"))["seq"] == 6
            waiting = {"status": "waiting", "step": "a human is being asked"}
            assert (await executor.until("status"))["payload"] == waiting


async def test_a_resume_gives_what_was_missed_and_each_open_call_once(edge: Stage) -> None:
    async with asyncio.timeout(20):
        async with edge.connect() as executor:
            session_id = (await executor.handshake())["payload"]["session_id"]
            await edge.decide(
                session_id,
                ModelReplied("1-1-1", 3, "both"),
                call("done"),
                call("cancelled"),
                call("open"),
            )
            await executor.send("tool_result", result("done"))
            await executor.until("accepted")
            await edge.decide(session_id, CallCancelled("cancelled", 8))
            await executor.until("cancel_tool")
        async with edge.connect() as executor:
            resumed = await executor.handshake(
                resume={"session_id": session_id, "last_seq": 4}, initial_prompt=""
            )
            assert resumed["payload"]["resumed"] is True
            assert resumed["payload"]["epoch"] == 2
            cancel = await executor.receive()
            assert (cancel["type"], cancel["payload"]) == ("cancel_tool", {"tool_id": "cancelled"})
            await executor.until("status")
            again = await executor.receive()
            assert (again["type"], again["payload"]["tool_id"], again["seq"]) == (
                "run_tool",
                "open",
                7,
            )
            # The next frame is what follows: no other call came again.
            await edge.decide(session_id, call("next"))
            assert (await executor.until("run_tool"))["payload"]["tool_id"] == "next"


async def test_a_resume_names_the_run_that_goes_on_or_was_last(edge: Stage) -> None:
    async with asyncio.timeout(20):
        async with edge.connect() as executor:
            session_id = (await executor.handshake())["payload"]["session_id"]
            await edge.decide(session_id, RunEnded(3, 1, "success", "completed"))
        resume = {"session_id": session_id, "last_seq": 0}
        async with edge.connect() as executor:
            last = (await executor.handshake(resume=resume))["payload"]["run_id"]
            await executor.send("user_message", {"content": "and then?"}, id="m1")
            await executor.until("accepted")
        async with edge.connect() as executor:
            going_on = (await executor.handshake(resume=resume))["payload"]["run_id"]

    assert (last, going_on) == ("run-000001", "run-000002")


async def test_the_frame_limit_of_a_handshake_is_in_the_ledger(edge: Stage) -> None:
    async with asyncio.timeout(20), edge.connect() as executor:
        started = await executor.handshake(limits={"max_frame_bytes": 20_000})
        loaded = await edge.ledger.load(started["payload"]["session_id"])

    assert loaded is not None
    assert loaded.events[1].event == ExecutorAttached(
        1, "journal-1", ("Shell", "ReadFile"), max_frame_bytes=20_000
    )


async def test_the_same_handshake_again_is_the_same_session(edge: Stage) -> None:
    async with asyncio.timeout(20):
        async with edge.connect() as first:
            session_id = (await first.handshake(id="h1"))["payload"]["session_id"]
            async with edge.connect() as second:
                again = (await second.handshake(id="h1"))["payload"]

                assert (again["session_id"], again["epoch"]) == (session_id, 2)
                assert again["resumed"] is True
                assert await first.closed() == 4009


async def test_another_executor_is_refused_unless_it_takes_over(edge: Stage) -> None:
    async with asyncio.timeout(20), edge.connect() as first:
        session_id = (await first.handshake())["payload"]["session_id"]
        await edge.decide(session_id, call("t1"))
        await first.until("run_tool")
        resume = {"session_id": session_id, "last_seq": 0}
        async with edge.connect() as second:
            refused = await second.handshake(journal_id="journal-2", resume=resume)
            assert refused["payload"]["code"] == "already_attached"
            assert await second.closed() == 4009
        async with edge.connect() as second:
            taken = await second.handshake(
                journal_id="journal-2", resume={**resume, "take_over": True}
            )
            assert taken["payload"]["epoch"] == 2
            assert await first.closed() == 4009
        loaded = await edge.ledger.load(session_id)
        assert loaded is not None
        answers = [each.event for each in loaded.events if isinstance(each.event, ToolAnswered)]
        assert [(answer.tool_id, answer.status) for answer in answers] == [("t1", "interrupted")]


async def replace_silently(edge: Stage, session_id: str) -> None:
    """Attach another executor without telling anybody."""
    loaded = await edge.ledger.load(session_id)
    assert loaded is not None
    attached = ExecutorAttached(0, "journal-2")
    await edge.ledger.attach(loaded.row.owner, session_id, attached, take_over=True)


async def test_an_executor_that_was_replaced_gets_no_later_call(tmp_path: Path) -> None:
    limits = replace(LIMITS, heads_seconds=60.0)
    async with (
        asyncio.timeout(20),
        stage(tmp_path, limits=limits) as edge,
        edge.connect() as executor,
    ):
        session_id = (await executor.handshake())["payload"]["session_id"]
        await executor.until("status")
        await edge.decide(session_id, call("t1"), tell=False)
        await replace_silently(edge, session_id)
        await edge.bus.publish(session_id, HeadMoved(6))

        with pytest.raises(ConnectionClosed):
            await executor.receive()
        assert await executor.closed() == 4009


async def test_a_row_that_tells_of_a_higher_epoch_ends_the_socket(tmp_path: Path) -> None:
    limits = replace(LIMITS, heads_seconds=60.0)
    async with (
        asyncio.timeout(20),
        stage(tmp_path, limits=limits) as edge,
        edge.connect() as executor,
    ):
        session_id = (await executor.handshake())["payload"]["session_id"]
        await executor.until("status")
        row = StoredEvent(4, "attach:2", ExecutorAttached(2, "journal-2"), 0.0)
        await edge.bus.publish(session_id, HeadMoved(4, (row,)))

        assert await executor.closed() == 4009


async def test_what_an_executor_that_was_replaced_says_is_no_fact(tmp_path: Path) -> None:
    limits = replace(LIMITS, heads_seconds=60.0)
    async with (
        asyncio.timeout(20),
        stage(tmp_path, limits=limits) as edge,
        edge.connect() as executor,
    ):
        session_id = (await executor.handshake())["payload"]["session_id"]
        await executor.until("status")
        await replace_silently(edge, session_id)
        await executor.send("interrupt", {}, id="i1")

        assert await executor.closed() == 4009
        assert (await edge.kinds(session_id))[3:] == ["executor_attached"]


async def test_a_row_whose_nudge_was_lost_is_found_by_the_poll(edge: Stage) -> None:
    async with asyncio.timeout(20), edge.connect() as executor:
        session_id = (await executor.handshake())["payload"]["session_id"]
        await edge.decide(session_id, call("t1"), tell=False)

        assert (await executor.until("run_tool"))["payload"]["tool_id"] == "t1"


async def test_the_end_of_a_socket_is_told_to_the_ledger(edge: Stage) -> None:
    async with asyncio.timeout(20):
        async with edge.connect() as executor:
            session_id = (await executor.handshake())["payload"]["session_id"]
            assert await edge.stepped.get() == session_id
        assert await edge.stepped.get() == session_id
        assert (await edge.kinds(session_id))[-1] == "executor_lost"


async def test_what_was_sent_before_a_close_is_still_a_fact(edge: Stage) -> None:
    async with asyncio.timeout(20):
        async with edge.connect() as executor:
            session_id = (await executor.handshake())["payload"]["session_id"]
            for number in range(20):
                await executor.send("user_message", {"content": str(number)}, id=f"m{number}")
        for _ in range(22):
            assert await edge.stepped.get() == session_id
        assert (await edge.kinds(session_id))[3:] == ["user_said"] * 20 + ["executor_lost"]


async def test_a_drain_closes_every_socket_with_service_restart(edge: Stage) -> None:
    async with asyncio.timeout(20), edge.connect() as executor:
        session_id = (await executor.handshake())["payload"]["session_id"]
        async with edge.connect(f"/ws/v1/sessions/{session_id}/watch") as watcher:
            await watcher.until("status")
            await edge.edge.drain()

            assert await executor.closed() == 1012
            assert await watcher.closed() == 1012


async def test_binary_frames_and_unfit_first_frames_end_the_socket(edge: Stage) -> None:
    async with asyncio.timeout(20):
        async with edge.connect() as executor:
            await executor.socket.send(b"\x00")
            assert await executor.closed() == 1003
        async with edge.connect() as executor:
            await executor.send("interrupt", {})
            assert (await executor.receive())["payload"]["code"] == "bad_state"
            assert await executor.closed() == 4001
        async with edge.connect() as executor:
            await executor.send("handshake", {"client_type": "cli"})
            assert (await executor.receive())["payload"]["code"] == "bad_handshake"
            assert await executor.closed() == 4000


async def test_a_bad_frame_names_its_field_and_the_socket_lives_on(edge: Stage) -> None:
    async with asyncio.timeout(20), edge.connect() as executor:
        await executor.handshake()
        await executor.send("tool_progress", {"tool_id": "t1", "state": "bored"})

        assert (await executor.until("error"))["payload"]["field"] == "payload.state"
        await executor.send("interrupt", {}, id="i1")
        assert (await executor.until("accepted"))["payload"] == {"id": "i1"}


async def test_the_runs_end_is_shown_with_its_status(edge: Stage) -> None:
    async with asyncio.timeout(20), edge.connect() as executor:
        session_id = (await executor.handshake())["payload"]["session_id"]
        await executor.until("status")
        await edge.decide(session_id, RunEnded(3, 1, "success", "completed", "done"))

        assert await executor.receive() == {
            "type": "run_finished",
            "payload": {
                "outcome": "success",
                "reason": "completed",
                "summary": "done",
                "usage": {},
            },
            "seq": 4,
        }
        assert (await executor.receive())["payload"] == {"status": "completed", "progress": 100}


async def test_a_call_above_the_peers_limit_is_answered_and_never_sent(edge: Stage) -> None:
    async with asyncio.timeout(20), edge.connect() as executor:
        started = await executor.handshake(limits={"max_frame_bytes": 65_536})
        session_id = started["payload"]["session_id"]
        big = call("big")
        big.parameters["command"] = "x" * 100_000
        await edge.decide(session_id, big)
        for _ in ("the attachment", "the answer"):
            assert await edge.stepped.get() == session_id
        loaded = await edge.ledger.load(session_id, after=4)

        assert loaded is not None
        [answered] = [each.event for each in loaded.events]
        assert isinstance(answered, ToolAnswered)
        assert (answered.status, answered.error) == ("error", ToolError("too_large"))
