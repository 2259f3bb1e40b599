"""A world for each test of a tool."""

import os
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.executor.tools.world import World


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    world = World(tmp_path, os.environ)
    yield world
    await world.close()
