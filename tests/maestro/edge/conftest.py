"""One served edge for each test that asks for it."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.maestro.edge.stage import Stage, stage


@pytest.fixture
async def edge(tmp_path: Path) -> AsyncIterator[Stage]:
    async with stage(tmp_path) as built:
        yield built
