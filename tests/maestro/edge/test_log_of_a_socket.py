"""What one executor can make a log say: little, whatever it sends."""

import asyncio
from pathlib import Path
from typing import cast

import structlog
from structlog.testing import LogCapture

from maestro.edge.dialogue import TOLD_IGNORED
from tests.maestro.edge.stage import result, stage


async def test_frames_that_nobody_knows_are_told_of_a_few_times(tmp_path: Path) -> None:
    told = LogCapture()
    before = structlog.get_config()
    structlog.configure(processors=[told], cache_logger_on_first_use=False)
    try:
        async with asyncio.timeout(20), stage(tmp_path) as edge, edge.connect() as executor:
            await executor.handshake()
            for _ in range(3 * TOLD_IGNORED):
                await executor.send("unheard_of", {})
            large = "x" * 100_000
            await executor.send("error", {"code": "internal", "message": "", "field": large})
            await executor.send("tool_result", result("nobody-asked"))
            await executor.until("error")
    finally:
        structlog.configure(**before)

    events = [cast("str", entry["event"]) for entry in told.entries]
    assert events.count("frame_ignored") == TOLD_IGNORED
    assert events.count("executor_reported_error") == 1
    assert max(len(str(entry)) for entry in told.entries) < 1000
