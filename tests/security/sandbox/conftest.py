"""A cell for each sandbox that this machine can do."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import cast

import pytest

from tests.security.sandbox.cell import FINDINGS, Cell, Kind


@pytest.fixture(params=["bubblewrap", "landlock"])
def kind(request: pytest.FixtureRequest) -> Kind:
    kind = cast("Kind", request.param)
    there = FINDINGS.bubblewrap if kind == "bubblewrap" else FINDINGS.landlock
    if not there:
        pytest.skip(f"no {kind} on this machine: {FINDINGS.why.get(kind)}")
    return kind


@pytest.fixture
async def cell(tmp_path: Path, kind: Kind) -> AsyncIterator[Cell]:
    cell = Cell(tmp_path, kind)
    yield cell
    await cell.close()
