"""How long a call may take: a tool that keeps its own time is not cut short before it can tell."""

from pathlib import Path
from typing import Any

import msgspec
import pytest

from executor.link import endpoint
from executor.session.orders import ordered
from executor.tools import TOOLS
from executor.tools import git as git_tool
from protocol.from_maestro import RunTool
from protocol.version import DEFAULT_TOOL_SECONDS, MAX_TOOL_SECONDS
from tests.executor.session.rig import Rig


@pytest.mark.parametrize(
    ("name", "parameters", "own"),
    [
        ("Git", {"args": ["fetch"]}, git_tool.SECONDS),
        ("Shell", {"command": "make"}, MAX_TOOL_SECONDS),
        ("Shell", {"command": "make", "timeout_s": 7}, 7.0),
        ("ShellOutput", {"shell_id": "sh1", "timeout_s": 600}, 600.0),
    ],
)
async def test_a_call_has_longer_than_its_tool_takes_to_end_by_itself(
    tmp_path: Path, name: str, parameters: dict[str, Any], own: float
) -> None:
    rig = Rig.at(tmp_path, "ws://x")
    parts = rig.parts(endpoint("ws://127.0.0.1:1", "token-test-0000"))

    order = ordered(
        RunTool(name, "t1", "g1", parameters), msgspec.structs.replace(parts, tools=TOOLS)
    )
    parts.workspace.close()
    rig.journal.close()

    assert own < order.seconds < own + DEFAULT_TOOL_SECONDS
