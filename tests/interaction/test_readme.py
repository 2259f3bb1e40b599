"""The executor that README.md shows works as it stands there, but for address and token."""

import asyncio
import os
import re
import sys
from pathlib import Path

from tests.interaction.world import world
from tests.scripted_model import call, calls, text

README = Path(__file__).resolve().parents[2] / "README.md"


def _program(address: str) -> str:
    (shown,) = re.findall(r"```python\n(.*?)```", README.read_text(), re.DOTALL)
    return str(shown).replace("ws://127.0.0.1:8400", address)


async def test_the_readmes_executor_runs_what_its_user_allows(tmp_path: Path) -> None:
    script = [calls(call("Shell", command="echo one file")), text("One file.")]
    async with world(tmp_path, script) as here, asyncio.timeout(20):
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-c",
            _program(here.address.replace("http", "ws", 1)),
            cwd=here.project,
            env={"PATH": os.environ["PATH"]},
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
        )
        said, _ = await process.communicate(b"n\ny\n")
        answers = [m["content"] for m in here.model.requests[1].messages if m["role"] == "tool"]

    assert process.returncode == 0
    assert said.decode().endswith("One file.\nsuccess\n")
    assert answers == ["one file\n"]
