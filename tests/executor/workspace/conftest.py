"""A workspace over an empty folder, for the tests that need no more."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from executor.workspace import Workspace


@pytest.fixture
def workspace(tmp_path: Path) -> Iterator[Workspace]:
    workspace = Workspace(tmp_path)
    yield workspace
    workspace.close()
