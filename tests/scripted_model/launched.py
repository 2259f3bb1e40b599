"""A scripted model as a process of its own, for tests that measure or kill what is around it."""

import asyncio
import sys
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path

import msgspec

from tests.scripted_model.script import Script

ROOT = Path(__file__).resolve().parents[2]


@asynccontextmanager
async def launched(script: Script, folder: Path) -> AsyncGenerator[str]:
    """Its base address; the script is kept in `folder`. The process ends with the block."""
    path = folder / "script.json"
    path.write_bytes(msgspec.json.encode(script))
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tests.scripted_model", "--script", str(path)),
        cwd=ROOT,
        stdout=asyncio.subprocess.PIPE,
    )
    assert process.stdout is not None
    try:
        async with asyncio.timeout(20):
            base_url = (await process.stdout.readline()).decode().strip()
        yield base_url
    finally:
        process.terminate()
        await process.wait()
